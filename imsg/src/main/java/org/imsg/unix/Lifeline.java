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
     * to read do not matter, nor does a peer that has only ended its sending direction. An interrupt does not end the wait; the
     * interrupt status is set afterwards.
     *
     * @param socket the socket, which stays the caller's
     * @throws IOException if it is closed, before or while this waits
     */
    public static void awaitHangUp(Fd socket) throws IOException {
        boolean interrupted = false;
        try {
            while (!isHungUp(socket)) {
                interrupted |= Thread.interrupted(); // or a parked thread would not wait
                socket.await(Readiness.HUNG_UP, Readiness.FOREVER);
            }
        } finally {
            if (interrupted)
                Thread.currentThread().interrupt();
        }
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
