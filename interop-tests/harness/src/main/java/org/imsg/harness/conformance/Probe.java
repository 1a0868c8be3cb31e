package org.imsg.harness.conformance;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.stream.IntStream;
import org.imsg.WireFormat;
import org.imsg.harness.describe.Words;
import org.imsg.harness.record.Event;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.PeerCredentials;
import org.jspecify.annotations.Nullable;

/**
 * Finds out by a few connections what answers at a socket. It sends headers of an unknown type only; a C daemon checks the length
 * as soon as the header is there, and closes the connection if it is too long.
 */
public final class Probe {
    /** The type that is sent: one that no known daemon knows. */
    public static final int UNKNOWN_TYPE = 0x7FFF_FFF0;

    private static final int HEADER = 16;
    private static final int CLASSIC_MARKED = 0x10000 + HEADER;
    private static final int[] USUAL_LIMITS = {16384, 131072, 131088, 65535};
    private static final int MOST = 0x7FFF_FFFF;

    private final Path socket;
    private final Duration patience;
    private int daemon;
    private String said = "";

    /** The daemon that was probed is not there any more, or is another process. */
    public static final class DaemonGoneException extends IOException {
        private static final long serialVersionUID = 1;

        DaemonGoneException(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    /**
     * A probe of a socket.
     *
     * @param socket the daemon's socket
     * @param patience how long a daemon may take to close a connection it does not like
     */
    public Probe(Path socket, Duration patience) {
        this.socket = socket;
        this.patience = patience;
    }

    /**
     * What was found.
     *
     * @param process who listens, as the kernel vouches for it
     * @param greeting what came without a request
     * @param format CLASSIC, also of a daemon that reads both, or MODERN; or a remark why it cannot be told
     * @param limit the longest message in bytes with its header, -1 if there seems to be none
     * @param unknownType what an unknown type is answered with
     * @param halfClose what the end of the sending direction is answered with
     */
    public record ProbeResult(String process, String greeting, String format, int limit, String unknownType,
            String halfClose) {}

    /** What happened on a connection within the time. */
    private enum Reaction {
        SILENCE("nothing, the connection stays open"), ANSWER("an answer"), CLOSED("the connection is closed"),
        /** Closed as well: an error may be said before. */
        REFUSED("an answer, then the connection is closed");

        private final String text;

        Reaction(String text) {
            this.text = text;
        }

        boolean isEnd() {
            return this == CLOSED || this == REFUSED;
        }
    }

    /**
     * Probes.
     *
     * @return what was found
     * @throws DaemonGoneException if the daemon does not survive
     * @throws IOException if it cannot connect
     */
    public ProbeResult run() throws IOException {
        String process;
        Reaction greeting;
        try (RawSocket first = RawSocket.connect(socket)) {
            daemon = first.peerCredentials().pid();
            process = process(first.peerCredentials());
            greeting = reaction(first);
        }
        said = "a client that said nothing";
        String halfClose = reaction(halfClosed -> {
            // nothing is sent before the end
        }, true).text;
        Reaction unknown = reaction(header(HEADER));
        String format = switch (reaction(header(CLASSIC_MARKED))) {
            case ANSWER -> "CLASSIC";
            case CLOSED, REFUSED -> "MODERN";
            case SILENCE -> formatOfPatient();
        };
        int limit = limit(format.equals("CLASSIC") ? 0xFFFF : MOST);
        connect().close();
        if (unknown.isEnd())
            format = "unknown: an unknown type closes the connection";
        return new ProbeResult(process, greeting.text, format, limit, unknown.text, halfClose);
    }

    /** To a classic daemon the marked header is whole, and the one behind it wrong; a modern one waits for 64 KiB. */
    private String formatOfPatient() throws IOException {
        byte[] both = new byte[2 * HEADER];
        System.arraycopy(header(CLASSIC_MARKED), 0, both, 0, HEADER);
        System.arraycopy(header(3), 0, both, HEADER, HEADER);
        return reaction(both).isEnd() ? "CLASSIC" : "MODERN";
    }

    /**
     * The limit that a daemon means. C counts in one place from 0 and in another from 1, and a daemon that is off by one is
     * not right by that.
     *
     * @param limit the longest message it takes
     * @return a usual limit that is at most one byte away, or what was given
     */
    public static int usual(int limit) {
        return IntStream.of(USUAL_LIMITS).filter(usual -> Math.abs(usual - limit) <= 1).findFirst().orElse(limit);
    }

    /** The longest length that does not close the connection. */
    private int limit(int most) throws IOException {
        for (int usual : USUAL_LIMITS)
            if (usual < most && stays(usual) && !stays(usual + 1))
                return usual;
        if (stays(most))
            return most == MOST ? -1 : most;
        int good = HEADER;
        int bad = most;
        while (bad - good > 1) {
            int middle = good + (bad - good) / 2;
            if (stays(middle))
                good = middle;
            else
                bad = middle;
        }
        return good;
    }

    private boolean stays(int length) throws IOException {
        return !reaction(header(length)).isEnd();
    }

    private static byte[] header(int length) {
        return Event.header(WireFormat.MODERN, UNKNOWN_TYPE, length, false, 0, (int) ProcessHandle.current().pid());
    }

    private Reaction reaction(byte[] sent) throws IOException {
        Reaction reaction = reaction(connection -> connection.send(sent), false);
        said = "a client said " + HexFormat.of().formatHex(sent);
        return reaction;
    }

    @FunctionalInterface
    private interface Said {
        void on(RawSocket connection) throws IOException;
    }

    private Reaction reaction(Said said, boolean thenEnd) throws IOException {
        try (RawSocket connection = connect()) {
            said.on(connection);
            if (thenEnd)
                connection.shutdownOutput();
            return reaction(connection);
        }
    }

    private RawSocket connect() throws IOException {
        RawSocket connection;
        try {
            connection = RawSocket.connect(socket);
        } catch (ErrnoException e) {
            throw new DaemonGoneException("the daemon is gone since " + said + ": " + e.getMessage(), e);
        }
        int pid = connection.peerCredentials().pid();
        if (pid == daemon)
            return connection;
        connection.close();
        throw new DaemonGoneException(
                "the daemon is gone since " + said + ": it was process " + daemon + ", now " + pid + " listens", null);
    }

    /** The fate of the connection within the time, whatever is said on it before. */
    private Reaction reaction(RawSocket connection) {
        long deadline = System.nanoTime() + patience.toNanos();
        boolean answered = false;
        try {
            for (;;) {
                try (Chunk chunk = connection.receive(
                        Duration.ofNanos(Math.max(1, deadline - System.nanoTime())))) {
                    if (chunk == null)
                        return answered ? Reaction.REFUSED : Reaction.CLOSED;
                    answered = true;
                    if (System.nanoTime() > deadline)
                        return Reaction.ANSWER;
                }
            }
        } catch (SocketTimeoutException _) {
            return answered ? Reaction.ANSWER : Reaction.SILENCE;
        } catch (ErrnoException _) {
            return answered ? Reaction.REFUSED : Reaction.CLOSED; // reset: it went without reading everything
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static String process(PeerCredentials peer) {
        String text = peer.toString();
        try {
            Path comm = Path.of("/proc", String.valueOf(peer.pid()), "comm");
            return text + " (" + Words.visible(Files.readString(comm).strip()) + ")";
        } catch (IOException _) {
            return text;
        }
    }
}
