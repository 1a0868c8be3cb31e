package org.imsg.privsep;

import java.time.Duration;

/**
 * When a child may be started again: the pause between two starts doubles with each, up to a longest, and is the shortest again
 * once a child has run for the longest. Knows no clock: times are nanoseconds since something.
 */
final class Backoff {
    /** Never two starts within it. */
    static final Duration SHORTEST = Duration.ofSeconds(1);

    private final long first;
    private final long most;
    private long lastStart;
    private long pause;

    Backoff(Duration first, Duration most) {
        this.first = first.toNanos();
        this.most = most.toNanos();
    }

    /** The longest pause, in nanoseconds. */
    long longest() {
        return most;
    }

    void started(long now) {
        lastStart = now;
    }

    /** The child has ended by itself. */
    long restartAt(long now) {
        boolean held = now - lastStart >= most;
        pause = held || pause == 0 ? first : Math.min(most, 2 * pause);
        return Math.max(now, lastStart + pause);
    }

    /** The child was told to end, to be started again: its end is no failure. */
    long reexecuteAt(long now) {
        return Math.max(now, lastStart + SHORTEST.toNanos());
    }
}
