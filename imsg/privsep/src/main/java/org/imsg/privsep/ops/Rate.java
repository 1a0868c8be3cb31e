package org.imsg.privsep.ops;

/** A bound on events: a number of them at once, and then so many a second. For one thread at a time. */
final class Rate {
    private final long interval;
    private final long burst;
    private final TimeSource time;
    /** The time at which the event after the next {@code burst} ones is not early. */
    private long next;

    Rate(int perSecond, int burst, TimeSource time) {
        this.interval = 1_000_000_000L / perSecond;
        this.burst = burst * interval;
        this.time = time;
        this.next = time.nanoTime() - this.burst;
    }

    /** Counts an event, and returns whether it was counted: one that comes too early is not. */
    boolean admits() {
        long before = next;
        if (early() == 0)
            return true;
        next = before;
        return false;
    }

    /** Counts an event; returns how many nanoseconds too early it is, 0 if it is not. */
    long early() {
        long now = time.nanoTime();
        if (next - now < -burst)
            next = now - burst;
        next += interval;
        return Math.max(0, next - now);
    }
}
