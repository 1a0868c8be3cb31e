package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import org.imsg.sys.Clocks;
import org.imsg.sys.Os;
import org.imsg.sys.Timex;
import org.imsg.unix.ErrnoException;

/** The clock that a monitor sets. Implementations are safe for use by several threads. */
public interface SystemClock {
    /**
     * Reads the clock.
     *
     * @return the time
     */
    Instant now();

    /**
     * Sets the clock.
     *
     * @param time the time that it shows then
     * @throws IOException if the system does not let it be set
     */
    void set(Instant time) throws IOException;

    /**
     * Lets the clock go a little faster or slower until it has changed by some time: adjtime(3).
     *
     * @param change the difference; it takes the place of what is left of an earlier one
     * @return what was left of an earlier one
     * @throws IOException if the system does not let it be changed
     */
    Duration slew(Duration change) throws IOException;

    /**
     * Makes the clock faster or slower for good: adjfreq(2).
     *
     * @param partsPerBillion the difference from the machine's own oscillator
     * @return the difference from before
     * @throws IOException if the system does not let it be changed
     */
    long frequency(long partsPerBillion) throws IOException;

    /**
     * Returns the machine's clock: clock_settime(2) of CLOCK_REALTIME, adjtimex(2). Only Linux's can be slewed.
     *
     * @return the clock
     */
    static SystemClock host() {
        return new SystemClock() {
            private static final Duration MICROSECOND = Duration.ofNanos(1000);
            /** Linux counts parts per million, with 16 bits behind the point. */
            private static final double SCALE = 65.536;

            @Override
            public Instant now() {
                return Instant.now();
            }

            @Override
            public void set(Instant time) throws IOException {
                ErrnoException.check("clock_settime", time, Clocks.clock_settime(time.getEpochSecond(),
                        time.getNano()));
            }

            @Override
            public Duration slew(Duration change) throws IOException {
                long[] microseconds = {change.dividedBy(MICROSECOND)};
                check("timex.offset", Timex::slew, microseconds);
                return MICROSECOND.multipliedBy(microseconds[0]);
            }

            @Override
            public long frequency(long partsPerBillion) throws IOException {
                long[] before = {0};
                check("timex.freq", Timex::readFrequency, before);
                check("timex.freq", Timex::frequency, new long[]{Math.round(partsPerBillion * SCALE)});
                return Math.round(before[0] / SCALE);
            }

            private static void check(String member, ToIntFunction<long[]> call, long[] value) throws IOException {
                if (Os.current() != Os.LINUX)
                    throw new IOException("only Linux's clock can be slewed here");
                ErrnoException.check("adjtimex", member, call.applyAsInt(value));
            }
        };
    }

    /**
     * Returns a clock that is never changed, for tests and trials. It shows the machine's time.
     *
     * @param set takes the time that the clock would have been set to, or would show after it was slewed
     * @return the clock
     */
    static SystemClock recording(Consumer<Instant> set) {
        return new SystemClock() {
            @Override
            public Instant now() {
                return Instant.now();
            }

            @Override
            public void set(Instant time) {
                set.accept(time);
            }

            @Override
            public Duration slew(Duration change) {
                set.accept(now().plus(change));
                return Duration.ZERO;
            }

            @Override
            public long frequency(long partsPerBillion) {
                return 0;
            }
        };
    }
}
