package org.imsg.privsep;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * The log of what one peer does and says, bounded in records, characters and rate. Past the rate records are dropped for about a
 * second, then counted in one line. Thread-safe.
 */
final class RatedLog {
    private static final long SECOND = 1_000_000_000;

    private final System.Logger log;
    private final String name;
    private final PeerBounds bounds;
    /** Whether records of level DEBUG are written whatever the log's level is. */
    private final BooleanSupplier verbose;
    /** When the records so far are paid for, at the rate. */
    private long paid = System.nanoTime();
    private volatile boolean muted;
    private long dropped;

    RatedLog(System.Logger log, String name, PeerBounds bounds) {
        this(log, name, bounds, () -> false);
    }

    RatedLog(System.Logger log, String name, PeerBounds bounds, BooleanSupplier verbose) {
        this.verbose = verbose;
        this.log = log;
        this.name = name;
        this.bounds = bounds;
        this.paid -= burst();
    }

    private long burst() {
        return bounds.recordsAtOnce() * SECOND / bounds.records();
    }

    /** Logs a record, if there is room for it. */
    void log(System.Logger.Level level, String text) {
        boolean raised = !log.isLoggable(level) && level == System.Logger.Level.DEBUG && verbose.getAsBoolean();
        if (!raised && !log.isLoggable(level) || !hasRoom(System.nanoTime()))
            return;
        String printable = Printable.of(text, bounds.recordLength());
        sayDropped(take(1 + printable.length() / PeerBounds.RECORD_LENGTH));
        log.log(raised ? System.Logger.Level.INFO : level, printable);
    }

    /** Logs a record with a stack trace, if there is room for it. */
    void log(System.Logger.Level level, String text, Throwable thrown) {
        log(level, text + "\n" + Printable.trace(thrown));
    }

    /** Logs a record whatever the rate, for what happens once in a child's life. */
    void always(System.Logger.Level level, String text) {
        flush();
        log.log(level, Printable.of(text, bounds.recordLength()));
    }

    /** Slows the thread that serves a peer whose records are being dropped: to a thousand messages a second. */
    void slowDown() {
        if (muted && !hasRoomAgain(System.nanoTime()))
            LockSupport.parkNanos(SECOND / 1000);
    }

    private synchronized boolean hasRoomAgain(long now) {
        return now - paid >= Math.min(SECOND, burst());
    }

    /** Says how many records were dropped, if any were. */
    void flush() {
        sayDropped(takeDropped());
    }

    private void sayDropped(long gone) {
        if (gone > 0)
            log.log(System.Logger.Level.WARNING, gone + " log records of " + name + " were dropped: more than "
                    + bounds.records() + " a second");
    }

    /** Whether another record may be logged; if not, it is counted. */
    private synchronized boolean hasRoom(long now) {
        paid = Math.max(paid, now - burst());
        // Once dropping has begun it goes on until there is room for a second's worth, or for all there can be.
        muted = now < paid || muted && !hasRoomAgain(now);
        dropped += muted ? 1 : 0;
        return !muted;
    }

    /** How many were dropped before this record. */
    private synchronized long take(int records) {
        paid += records * SECOND / bounds.records();
        return takeDropped();
    }

    private synchronized long takeDropped() {
        long gone = dropped;
        dropped = 0;
        muted = false;
        return gone;
    }
}
