package org.imsg.privsep.ops;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.imsg.sys.Os;

/**
 * Hands out uids, each to one run at a time, and none before the last process and file of an earlier run are gone. A uid is swept
 * before its first run, too: an earlier life of this program may have used it. One of which something is left is swept again when no other
 * is free, but not at once.
 */
final class UserPool {
    private static final Logger LOG = System.getLogger(UserPool.class.getName());

    private static final long PAUSE_NANOS = Duration.ofMinutes(1).toNanos();

    /** Ends what a user has left. */
    interface Sweep {
        /** Returns whether nothing is left. */
        boolean of(int uid) throws IOException;
    }

    private final Sweep sweep;
    private final TimeSource time;
    private final Set<Integer> taken = new HashSet<>();
    /** Those that had no process and no file after their last run, and before the next. */
    private final Set<Integer> clean = new HashSet<>();
    /** Those of which something is left, and when they may be swept again. */
    private final Map<Integer, Long> unswept = new HashMap<>();
    /** The uid at which each range goes on, so that a uid rests as long as possible. */
    private final Map<IdRange, Long> next = new HashMap<>();

    UserPool() {
        this(UserPool::sweep, TimeSource.SYSTEM);
    }

    UserPool(Sweep sweep, TimeSource time) {
        this.sweep = sweep;
        this.time = time;
    }

    /** Takes a uid of the range that no run has and no process; empty if there is none. */
    OptionalInt take(IdRange range) throws IOException {
        if (Os.current() != Os.LINUX)
            throw new UnsupportedOperationException("a uid for each run needs /proc and pidfd_open, which are Linux's");
        OptionalInt free = free(range);
        if (free.isPresent())
            return isClean(free.getAsInt()) || isSwept(free.getAsInt()) ? free : OptionalInt.empty();
        OptionalInt left = due(range);
        return left.isPresent() && isSwept(left.getAsInt()) ? left : OptionalInt.empty();
    }

    private synchronized OptionalInt free(IdRange range) throws IOException {
        long count = range.last() - range.first() + 1;
        long from = next.getOrDefault(range, range.first());
        for (long i = 0; i < count; i++) {
            long candidate = range.first() + (from - range.first() + i) % count;
            int uid = (int) candidate;
            if (!taken.contains(uid) && !UserProcesses.exist(uid)) {
                taken.add(uid);
                next.put(range, candidate + 1);
                return OptionalInt.of(uid);
            }
        }
        return OptionalInt.empty();
    }

    private synchronized boolean isClean(int uid) {
        return clean.contains(uid);
    }

    /** One attempt a request: it may take seconds. Others do not find the uid meanwhile. */
    private synchronized OptionalInt due(IdRange range) {
        OptionalInt due = unswept.entrySet().stream()
                .filter(each -> range.contains(each.getKey()) && time.nanoTime() - each.getValue() >= 0)
                .mapToInt(Map.Entry::getKey).findFirst();
        due.ifPresent(unswept::remove);
        return due;
    }

    /**
     * Ends the processes that the user has left, removes its files where every user may make some, and lets the uid be taken
     * again; it is swept later if that fails. For a thread that is not interrupted: an interrupted one cannot read /proc.
     */
    void give(int uid) {
        if (isSwept(uid))
            synchronized (this) {
                taken.remove(uid);
            }
    }

    private boolean isSwept(int uid) {
        try {
            if (sweep.of(uid)) {
                synchronized (this) {
                    clean.add(uid);
                }
                return true;
            }
            LOG.log(Level.ERROR, "the uid {0} is not used for now: its processes do not end", uid(uid));
        } catch (IOException | RuntimeException | Error e) {
            LOG.log(Level.ERROR, "the uid " + uid(uid) + " is not used for now: something of it is left: "
                    + LogText.oneLine(e.toString()));
        }
        synchronized (this) {
            clean.remove(uid);
            unswept.put(uid, time.nanoTime() + PAUSE_NANOS);
        }
        return false;
    }

    private static boolean sweep(int uid) throws IOException {
        if (!UserProcesses.end(uid))
            return false;
        UserFiles.remove(uid);
        return true;
    }

    private static String uid(int uid) {
        return Integer.toUnsignedString(uid);
    }
}
