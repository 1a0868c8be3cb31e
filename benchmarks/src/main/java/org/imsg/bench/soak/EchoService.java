package org.imsg.bench.soak;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** The service of every server of the soak: it sends payloads back, and descriptors with them, after it has written the message's id into each. */
final class EchoService {
    static final int ASK = 1, ANSWER = 2;

    private EchoService() {}

    /** Serves a connection to its end. */
    static void serve(ImsgChannel channel, PlantedLeak leak) throws IOException {
        channel.allowFdPassing();
        for (Imsg ask; (ask = channel.receive()) != null;) {
            byte[] payload = ask.payload();
            leak.of(payload);
            // A client that has gone leaves the answer and its descriptor to be closed.
            try (Imsg answer = Imsg.of(ANSWER, ask.id(), 0, payload)) {
                Fd fd = ask.takeFd();
                channel.send(fd == null ? answer : answer.withFd(mark(fd, ask.id())));
            }
        }
    }

    /** Writes an id into the pipe that the descriptor is of. */
    static Fd mark(Fd fd, int id) throws IOException {
        // The channel would close the descriptor.
        try (FdChannel pipe = new FdChannel(fd.dup())) {
            pipe.write(ByteBuffer.allocate(Integer.BYTES).putInt(0, id));
            return fd;
        } catch (IOException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }
}
