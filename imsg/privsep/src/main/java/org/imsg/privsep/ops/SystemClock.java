package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Instant;
import java.util.function.Consumer;
import org.imsg.sys.Clocks;
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
     * Returns the machine's clock: clock_settime(2) of CLOCK_REALTIME.
     *
     * @return the clock
     */
    static SystemClock host() {
        return new SystemClock() {
            @Override
            public Instant now() {
                return Instant.now();
            }

            @Override
            public void set(Instant time) throws IOException {
                ErrnoException.check("clock_settime", time, Clocks.clock_settime(time.getEpochSecond(),
                        time.getNano()));
            }
        };
    }

    /**
     * Returns a clock that is never set, for tests and trials. It shows the machine's time.
     *
     * @param set takes the time that the clock would have been set to
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
        };
    }
}
