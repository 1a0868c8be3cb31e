package org.imsg.harness.conformance;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.harness.record.Conversation;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/** A client's connection in a case. Its pid is no other's, for some daemons send their answers by that. */
final class CaseClient implements AutoCloseable {
    private static final AtomicInteger NEXT_PID = new AtomicInteger(
            0x2000_0000 + (int) (ProcessHandle.current().pid() & 0xFFFF) * 0x1000);

    private static final Duration SETTLED = Duration.ofMillis(250);

    final int pid = NEXT_PID.incrementAndGet();
    private final Target target;
    private final @Nullable KnownAnswer answer;
    private final Conversation conversation;

    /** What the request is answered with: how many messages, and how many of them have the last one's type. */
    record KnownAnswer(List<Integer> types) {
        int lastType() {
            return types.getLast();
        }

        int ofLastType() {
            return (int) types.stream().filter(type -> type == lastType()).count();
        }
    }

    /** What a case found wrong. */
    static final class Failed extends Exception {
        private static final long serialVersionUID = 1;

        Failed(String message) {
            super(message);
        }
    }

    /** The answer is null for the client that finds it out. */
    CaseClient(Target target, @Nullable KnownAnswer answer) throws IOException {
        this.target = target;
        this.answer = answer;
        int limit = Math.max(target.limit(), 0xFFFF);
        conversation = new Conversation(RawSocket.connect(target.socket()), Direction.TO_SERVER, target.format(), limit,
                _ -> {
                    // nothing is recorded
                });
    }

    void request() throws IOException {
        send(target.request(pid));
    }

    byte[] requestBytes() {
        return target.request(pid);
    }

    /** Bytes that the daemon may refuse by closing: the outcome is seen when reading. */
    void send(byte[] bytes, Fd... descriptors) throws IOException {
        try {
            conversation.sendBytes(bytes, descriptors);
        } catch (ErrnoException e) {
            if (!e.name().equals("EPIPE") && !e.name().equals("ECONNRESET"))
                throw e;
        }
    }

    /** Lets the daemon read what was sent, so that what comes next is a read of its own for it. */
    void settle() throws IOException {
        conversation.socket().awaitRead(SETTLED);
    }

    /** Sends as long as there is room; false if the daemon stopped reading. */
    boolean sendWhileRoom(byte[] bytes) throws IOException {
        try {
            conversation.socket().send(bytes, List.of(), SETTLED);
            return true;
        } catch (SocketTimeoutException _) {
            return false;
        } catch (ErrnoException _) {
            return false; // it closed the connection
        }
    }

    void end() throws IOException {
        try {
            conversation.end();
        } catch (ErrnoException _) {
            // the daemon was faster
        }
    }

    /** All that comes until the daemon is silent for a moment. */
    List<Integer> typesUntilSilence(Duration moment) throws IOException {
        List<Integer> types = new ArrayList<>();
        try {
            for (Duration time = target.patience();; time = moment) {
                try (Conversation.Received received = conversation.receive(time)) {
                    if (!received.event().isMessage())
                        return types;
                    types.add(received.event().type());
                }
            }
        } catch (SocketTimeoutException _) {
            return types;
        }
    }

    /** Waits for so many whole answers; other messages between them do not matter. */
    void awaitAnswers(int count) throws IOException, Failed {
        int missing = count * answer.ofLastType();
        try {
            while (missing > 0) {
                try (Conversation.Received received = conversation.receive(target.patience())) {
                    Event event = received.event();
                    if (event.kind() == Event.Kind.BYTES)
                        throw new Failed("the answer is no message: " + event.note());
                    if (event.kind() == Event.Kind.END)
                        throw new Failed("the connection was closed with " + missing + " messages of type "
                                + Integer.toUnsignedString(answer.lastType()) + " missing");
                    if (event.type() == answer.lastType())
                        missing--;
                }
            }
        } catch (SocketTimeoutException _) {
            throw new Failed("nothing came for " + target.patience().toMillis() + " ms, and " + missing
                    + " messages of type " + Integer.toUnsignedString(answer.lastType()) + " are missing");
        }
    }

    /** Waits for the daemon to close the connection. Returns how many messages came before. */
    int awaitEnd() throws IOException, Failed {
        try {
            for (int count = 0;; count++) {
                try (Conversation.Received received = conversation.receive(target.patience())) {
                    if (received.event().kind() == Event.Kind.END)
                        return count;
                }
            }
        } catch (SocketTimeoutException _) {
            throw new Failed("the connection is still open after " + target.patience().toMillis() + " ms");
        }
    }

    /** Whether the answer comes; if not, the daemon must have closed the connection. */
    boolean answeredOrClosed() throws IOException, Failed {
        try {
            awaitAnswers(1);
            return true;
        } catch (Failed e) {
            if (!e.getMessage().startsWith("the connection was closed"))
                throw e;
            return false;
        }
    }

    @Override
    public void close() {
        conversation.close();
    }
}
