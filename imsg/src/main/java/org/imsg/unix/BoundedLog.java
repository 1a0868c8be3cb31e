package org.imsg.unix;

import java.io.IOException;
import java.lang.System.Logger;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A log of what peers cause: ten records a second, and how many were left out. What a peer has sent may be in the text of an
 * exception, so no text begins another line or steers a terminal. Thread-safe.
 */
final class BoundedLog {
    private static final int MOST = 10;
    /** Controls, what turns the direction of writing, and separators of lines and paragraphs. */
    private static final Pattern STEERING = Pattern.compile("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]");
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final Logger logger;
    private long began = System.nanoTime();
    private int written;
    private long omitted;

    BoundedLog(Logger logger) {
        this.logger = logger;
    }

    /**
     * Logs a sentence, and a cause if it is not null: with its stack unless the system or the peer is the cause. A record that
     * cannot be made or written counts as left out: the caller goes on.
     */
    void warn(String sentence, @Nullable Throwable cause) {
        long before = omittedBefore();
        if (before < 0)
            return;
        try {
            boolean ordinary = cause instanceof IOException;
            logger.log(Logger.Level.WARNING, oneLine(sentence + (ordinary ? ": " + cause : ""))
                    + (before == 0 ? "" : " (" + before + " records were left out before)"),
                    ordinary || cause == null
                            ? null
                            : inLines(cause, Collections.newSetFromMap(new IdentityHashMap<>())));
        } catch (Throwable _) {
            leftOut(before + 1);
        }
    }

    private synchronized void leftOut(long records) {
        omitted += records;
    }

    private static String oneLine(String text) {
        return STEERING.matcher(text).replaceAll("?");
    }

    /** The same failure, or one with its stack if it, a cause or what it suppressed says more than lines, or comes twice. */
    private static Throwable inLines(Throwable thrown, Set<Throwable> seen) {
        String text = thrown.toString();
        if (!seen.add(thrown))
            return new Throwable(oneLine(text));
        Throwable cause = thrown.getCause();
        Throwable told = cause == null ? null : inLines(cause, seen);
        Throwable copy = new Throwable(oneLine(text), told);
        copy.setStackTrace(thrown.getStackTrace());
        boolean same = told == cause && !STEERING.matcher(text).find();
        for (Throwable suppressed : thrown.getSuppressed()) {
            Throwable line = inLines(suppressed, seen);
            copy.addSuppressed(line);
            same &= line == suppressed;
        }
        return same ? thrown : copy;
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
