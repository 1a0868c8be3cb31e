package org.imsg.bench.worker;

import java.io.IOException;

/** One way to send messages. For one thread. */
interface WorkerTransport {
    /** Sends so many messages, gathered as the job says, and returns when the last is written. */
    void send(long count) throws IOException;

    /** Receives so many messages, counts and looks at each, and returns when the last was seen. */
    void receive(long count) throws IOException;

    /** The tally that {@link #receive(long)} counts into. */
    Tally tally();
}
