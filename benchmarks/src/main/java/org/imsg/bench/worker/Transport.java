package org.imsg.bench.worker;

import java.io.IOException;

/** One way to send messages. For one thread. */
interface Transport {
    /** Sends so many messages, gathered as the job says, and returns when the last is written. */
    void send(long count) throws IOException;

    /** Receives so many messages, counts and looks at each, and returns when the last was seen. */
    void receive(long count) throws IOException;

    /** What {@link #receive} counts into. */
    Tally tally();

    static Transport open(Job job) throws IOException {
        return switch (job.kind()) {
            case "imsg" -> new ImsgTransport(job);
            case "jdk" -> new JdkTransport(job);
            default -> throw new IllegalArgumentException("no transport " + job.kind());
        };
    }
}
