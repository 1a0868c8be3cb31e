package org.imsg.harness.record;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.ErrnoException;

/** Tells whether the daemon at a socket is the same that was there before. Immutable. */
public final class DaemonLife {
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
     * Looks for it again: a client connects and stays connected for a time.
     *
     * @param time how long a daemon may take to die
     * @return what is wrong, in a sentence; empty if nothing is
     */
    public String fault(Duration time) {
        long deadline = System.nanoTime() + time.toNanos();
        boolean closed = false;
        try (RawSocket again = RawSocket.connect(socket)) {
            int now = again.peerCredentials().pid();
            if (now != pid)
                return "the daemon died: process " + pid + " listened before, now process " + now + " does";
            while (!closed && System.nanoTime() < deadline) {
                try (Chunk chunk = again.receive(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())))) {
                    closed = chunk == null;
                }
            }
        } catch (SocketTimeoutException _) {
            return "";
        } catch (ErrnoException e) {
            if (!e.name().equals("ECONNRESET"))
                return "the daemon died: no client can connect any more: " + e.getMessage();
        } catch (IOException e) {
            return "the daemon died: no client can connect any more: " + e.getMessage();
        }
        try {
            int now = of(socket).pid;
            return now == pid
                    ? ""
                    : "the daemon died: process " + pid + " listened before, now process " + now + " does";
        } catch (IOException e) {
            return "the daemon died: no client can connect any more: " + e.getMessage();
        }
    }
}
