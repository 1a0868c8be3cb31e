package org.imsg.bench.soak;

import java.util.concurrent.atomic.AtomicLong;

/** What the clients have done: counted by many threads. */
final class Tally {
    final AtomicLong connections = new AtomicLong();
    final AtomicLong answers = new AtomicLong();
    final AtomicLong descriptors = new AtomicLong();
    final AtomicLong deaths = new AtomicLong();
    final AtomicLong routes = new AtomicLong();

    @Override
    public String toString() {
        return connections + " connections, " + answers + " answers, " + descriptors + " with descriptors, " + deaths
                + " clients that died, " + routes + " routes";
    }
}
