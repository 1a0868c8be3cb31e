package org.imsg.examples;

import java.io.IOException;
import java.util.function.Consumer;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;

/** The connections of a server that goes on: the failure of one, or a shortage of the system, is no end of the others. */
public final class Connections {
    private static final long PAUSE_MILLIS = 100;

    private Connections() {}

    /** Serves a connection, or hands it on. */
    public interface Handler {
        /** Takes a connection, which is closed when this returns or throws, unless it was moved. */
        void take(Fd connection) throws Exception;
    }

    /**
     * Accepts connections until the thread is interrupted. While the process or the system has no room for one, it waits in the kernel, and a line
     * says so.
     */
    public static void accept(Fd listener, Consumer<String> log, Handler handler) {
        try {
            for (;;)
                take(next(listener, log), log, handler);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private static void take(Fd accepted, Consumer<String> log, Handler handler) throws InterruptedException {
        try (Fd connection = accepted) {
            handler.take(connection);
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception | Error e) {
            log.accept("a connection is closed: " + e);
        }
    }

    private static Fd next(Fd listener, Consumer<String> log) throws InterruptedException {
        for (boolean isTold = false;; isTold = true) {
            try {
                return Sockets.accept(listener);
            } catch (IOException | Error e) {
                if (!isTold)
                    log.accept("no connection is accepted: " + e);
                Thread.sleep(PAUSE_MILLIS);
            }
        }
    }
}
