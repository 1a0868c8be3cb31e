package org.imsg.unix;

import java.io.IOException;
import org.imsg.sys.Readiness;

/**
 * Waits for the death of the process at the other end of a Unix socket: how a child notices that its parent is gone, whatever
 * it has not read yet. Thread-safe, for there is no state.
 */
public final class Lifeline {
    private Lifeline() {}

    /**
     * Waits until the peer of a connected Unix socket has closed its end, or its process has died. Bytes that are still there
     * to read do not matter, nor does a peer that has only ended its sending direction.
     *
     * @param socket the socket, which stays the caller's
     * @throws IOException if it is closed, before or while this waits
     */
    public static void awaitHangUp(Fd socket) throws IOException {
        while (!isHungUp(socket))
            socket.await(Readiness.HUNG_UP, Readiness.FOREVER);
    }

    private static boolean isHungUp(Fd socket) throws IOException {
        int fd = socket.enter();
        try {
            return Readiness.HUNG_UP.isNow(fd);
        } finally {
            socket.exit();
        }
    }
}
