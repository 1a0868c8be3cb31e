package org.imsg.privsep.ops;

/** How fast a child may ask: a number of requests at once, and then so many a second. For one thread at a time. */
final class Rate {
    private final long interval;
    private final long burst;
    private final TimeSource time;
    /** When the request after the next {@code burst} ones would be in time. */
    private long next;

    Rate(int perSecond, int burst, TimeSource time) {
        this.interval = 1_000_000_000L / perSecond;
        this.burst = burst * interval;
        this.time = time;
        this.next = time.nanoTime() - this.burst;
    }

    /** Counts one request; returns how many nanoseconds too early it is, 0 if it is not. */
    long early() {
        long now = time.nanoTime();
        if (next - now < -burst)
            next = now - burst;
        next += interval;
        return Math.max(0, next - now);
    }
}
