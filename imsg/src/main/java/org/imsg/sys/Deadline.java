package org.imsg.sys;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Deadlines as numbers, in terms of {@link System#nanoTime()}. */
public final class Deadline {
    /** The deadline of a wait that has none. */
    public static final long FOREVER = Long.MAX_VALUE;

    private Deadline() {}

    /**
     * A deadline from now on.
     *
     * @param timeout how long, 0 or more; one of 146 years or more never passes
     * @return the deadline
     * @throws IllegalArgumentException if it is negative
     */
    public static long in(Duration timeout) {
        if (timeout.isNegative())
            throw new IllegalArgumentException("a timeout is 0 or more, not " + timeout);
        // Saturates; half of the numbers are left for the clock, whose zero is anywhere.
        long nanos = TimeUnit.NANOSECONDS.convert(timeout);
        return nanos > Long.MAX_VALUE / 2 ? FOREVER : System.nanoTime() + nanos;
    }

    /**
     * The time that is left.
     *
     * @param deadline the deadline, or {@link #FOREVER}
     * @return nanoseconds, 0 or less once it has passed
     */
    public static long left(long deadline) {
        return deadline == FOREVER ? FOREVER : deadline - System.nanoTime();
    }

    /** The timeout of poll(2) in milliseconds. Its longest is 24 days: its end need not be the deadline. */
    static int pollTimeout(long deadline) {
        if (deadline == FOREVER)
            return -1;
        long nanos = left(deadline);
        // Rounded up: a wait must not end before its deadline and then spin.
        return nanos <= 0 ? 0 : (int) Math.min(Integer.MAX_VALUE, TimeUnit.NANOSECONDS.toMillis(nanos + 999_999));
    }
}
