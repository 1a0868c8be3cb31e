package org.imsg.harness.fuzz;

import java.io.IOException;

/** Starts a daemon anew that has died or does not answer any more. */
@FunctionalInterface
public interface Restart {
    /**
     * Ends what is left of the daemon and starts it. Need not wait until it listens.
     *
     * @throws IOException if it cannot be started
     * @throws InterruptedException if the thread is interrupted
     */
    void run() throws IOException, InterruptedException;
}
