package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.unix.ErrnoException;

/** A child that writes its messages itself, and may write anything. Closes the descriptors that come. */
final class Raw implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final ImsgChannel channel;
    private final List<Imsg> replies = new ArrayList<>();

    Raw(ImsgChannel channel) {
        this.channel = channel;
    }

    void send(int peerid, Operation.Request request) throws IOException {
        send(peerid, Duration.ZERO, request);
    }

    void send(int peerid, Duration deadline, Operation.Request request) throws IOException {
        try (Ibuf payload = request.payload(deadline, 16000)) {
            send(Imsg.of(request.type(), peerid, 0, payload));
        }
    }

    void send(Imsg message) throws IOException {
        channel.send(message);
    }

    /** Null is the end, also that of a monitor that closes with requests unread: the kernel reports that as a reset. */
    Imsg receive() throws IOException {
        try {
            Imsg reply = channel.receive(PATIENCE);
            if (reply != null)
                replies.add(reply);
            return reply;
        } catch (ErrnoException e) {
            if (e.name().equals("ECONNRESET"))
                return null;
            throw e;
        }
    }

    Imsg ask(Operation.Request request) throws IOException {
        send(1, request);
        Imsg reply = receive();
        assertThat(reply.id()).isEqualTo(1);
        return reply;
    }

    @Override
    public void close() {
        replies.forEach(Imsg::close);
    }
}
