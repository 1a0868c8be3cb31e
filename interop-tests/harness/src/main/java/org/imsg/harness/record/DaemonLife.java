package org.imsg.harness.record;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.imsg.WireFormat;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.ErrnoException;
import org.jspecify.annotations.Nullable;

/** Tells whether the daemon at a socket is the same that was there before, and serves clients. Immutable. */
public final class DaemonLife {
    private static final Duration MOMENT = Duration.ofMillis(50);

    private final Path socket;
    private final int pid;

    private DaemonLife(Path socket, int pid) {
        this.socket = socket;
        this.pid = pid;
    }

    /**
     * Looks for the daemon now.
     *
     * @param socket its socket
     * @return the daemon that is there
     * @throws IOException if it cannot be connected to
     */
    public static DaemonLife of(Path socket) throws IOException {
        try (RawSocket now = RawSocket.connect(socket)) {
            return new DaemonLife(socket, now.peerCredentials().pid());
        }
    }

    /**
     * Looks for it again: a client connects, sends a request, and listens for a time. A daemon that hangs is still connected to
     * by the kernel, so only an answer tells that it serves.
     *
     * @param request a message that the daemon answers when it is well; null to ask nothing
     * @param time how long an answer may take, and a daemon to die
     * @return what is wrong, in a sentence; empty if nothing is
     */
    public String fault(@Nullable Event request, Duration time) {
        WireFormat format = request == null ? WireFormat.AUTO : request.format();
        int limit = format == WireFormat.MODERN ? 1 << 24 : StreamDecoder.USUAL_LIMIT;
        try (Conversation again = new Conversation(RawSocket.connect(socket), Direction.TO_SERVER, format, limit,
                _ -> {
                    // nothing is recorded
                })) {
            int now = again.socket().peerCredentials().pid();
            Set<Event.Kind> came = now == pid ? heard(again, request, time) : Set.of();
            if (came.contains(Event.Kind.END))
                now = of(socket).pid;
            if (now != pid)
                return "the daemon died: process " + pid + " listened before, now process " + now + " does";
            return request == null || came.contains(Event.Kind.MESSAGE) ? "" : unserved(request, came, time);
        } catch (SocketTimeoutException e) {
            return "the daemon hangs: " + e.getMessage();
        } catch (IOException e) {
            return "the daemon died: no client can connect any more: " + e.getMessage();
        }
    }

    private static Set<Event.Kind> heard(Conversation daemon, @Nullable Event request, Duration time)
            throws IOException {
        passOverGreeting(daemon);
        long deadline = System.nanoTime() + time.toNanos();
        Set<Event.Kind> came = EnumSet.noneOf(Event.Kind.class);
        try {
            if (request != null)
                daemon.send(request, List.of(), time);
        } catch (ErrnoException | SocketTimeoutException _) {
            // it reads no more: what it says, and whether it closes, is seen all the same
        }
        try {
            for (long left = time.toNanos(); left > 0 && !came.contains(Event.Kind.END); left = deadline
                    - System.nanoTime())
                try (Conversation.Received received = daemon.receive(Duration.ofNanos(left))) {
                    came.add(received.event().kind());
                }
        } catch (SocketTimeoutException _) {
            // it has said what it had to say
        }
        return came;
    }

    /** A daemon that hangs may greet all the same. */
    private static void passOverGreeting(Conversation daemon) throws IOException {
        long start = System.nanoTime();
        try {
            while (System.nanoTime() - start < MOMENT.toNanos())
                try (Conversation.Received received = daemon.receive(MOMENT)) {
                    if (!received.event().isMessage())
                        return; // and is told again, if it was the end
                }
        } catch (SocketTimeoutException _) {
            // it waits for the request
        }
    }

    private static String unserved(Event request, Set<Event.Kind> came, Duration time) {
        String asked = "a new client's request of type " + Integer.toUnsignedString(request.type()) + " is ";
        if (came.contains(Event.Kind.BYTES))
            return "the daemon is not well: " + asked + "answered with what is no message";
        return came.contains(Event.Kind.END)
                ? "the daemon serves no one: " + asked + "not answered, and the connection closed"
                : "the daemon hangs: " + asked + "not answered within " + time.toMillis() + " ms";
    }
}
