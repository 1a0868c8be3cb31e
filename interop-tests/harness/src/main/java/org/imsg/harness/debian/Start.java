package org.imsg.harness.debian;

import java.io.IOException;

/** The way from a started program to a daemon that is ready: a program that does not get there is ended. */
final class Start {
    private Start() {}

    /** Waits for what makes a daemon ready. */
    @FunctionalInterface
    interface Ready<D> {
        D await(PeerProcess process) throws IOException, InterruptedException;
    }

    static <D> D of(PeerProcess process, Ready<D> readiness) throws IOException, InterruptedException {
        boolean ready = false;
        try {
            D daemon = readiness.await(process);
            ready = true;
            return daemon;
        } finally {
            if (!ready) {
                process.kill();
            }
        }
    }
}
