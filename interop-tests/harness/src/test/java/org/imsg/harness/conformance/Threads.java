package org.imsg.harness.conformance;

import org.imsg.unix.Child;

/** Waiting for the ends of things when a fixture is closed; an interrupt stays set. */
final class Threads {
    private Threads() {}

    static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    static void await(Child child) {
        try {
            child.waitFor();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
