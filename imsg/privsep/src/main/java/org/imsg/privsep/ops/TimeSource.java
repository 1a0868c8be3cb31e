package org.imsg.privsep.ops;

import java.util.concurrent.TimeUnit;

/** The time that rates are measured with; tests bring their own. Implementations are safe for use by several threads. */
public interface TimeSource {
    /** The machine's time: System.nanoTime and Thread.sleep. */
    TimeSource SYSTEM = new TimeSource() {
        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public void sleep(long nanos) throws InterruptedException {
            TimeUnit.NANOSECONDS.sleep(nanos);
        }
    };

    /**
     * Returns the time.
     *
     * @return nanoseconds since some moment
     */
    long nanoTime();

    /**
     * Waits.
     *
     * @param nanos nanoseconds, 1 or more
     * @throws InterruptedException if the thread is interrupted
     */
    void sleep(long nanos) throws InterruptedException;
}
