package org.imsg.unix;

import java.io.IOException;
import java.lang.System.Logger;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A log of what peers cause: ten records a second, and how many were left out. Thread-safe. */
final class BoundedLog {
    private static final int MOST = 10;
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final Logger logger;
    private long began = System.nanoTime();
    private int written;
    private long omitted;

    BoundedLog(Logger logger) {
        this.logger = logger;
    }

    /** Logs a sentence, and a cause if it is not null: with its stack unless the system or the peer is the cause. */
    void warn(String sentence, @Nullable Throwable cause) {
        long before = omittedBefore();
        if (before < 0)
            return;
        boolean ordinary = cause instanceof IOException;
        logger.log(Logger.Level.WARNING, sentence + (ordinary ? ": " + cause : "")
                + (before == 0 ? "" : " (" + before + " records were left out before)"), ordinary ? null : cause);
    }

    /** How many records were left out before this one, or -1 if this one is. */
    private synchronized long omittedBefore() {
        long now = System.nanoTime();
        if (now - began >= SECOND) {
            began = now;
            written = 0;
        }
        if (written == MOST) {
            omitted++;
            return -1;
        }
        written++;
        long before = omitted;
        omitted = 0;
        return before;
    }
}
