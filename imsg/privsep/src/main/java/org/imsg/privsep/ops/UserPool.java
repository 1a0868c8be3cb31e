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
import java.util.concurrent.ConcurrentHashMap;
import org.imsg.sys.Os;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;

/**
 * Hands out uids, each to one run at a time, and none before the last process and file of an earlier run are gone. A uid is swept
 * before its first run, too: an earlier life of this program may have used it. One of which something is left is swept again when no other
 * is free, but not at once.
 */
final class UserPool {
    private static final Logger LOG = System.getLogger(UserPool.class.getName());

    /** Those that a run has now, from the sweep before it to the one after it, of all pools: roles may have lines with the same uids. */
    private static final Set<Integer> RUNNING = ConcurrentHashMap.newKeySet();
    /** Those whose last sweep failed, whichever pool's it was. */
    private static final Set<Integer> UNCLEAN = ConcurrentHashMap.newKeySet();
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
    /** Those of them that have more files than there was time for. */
    private final Set<Integer> large = new HashSet<>();
    /** The uid at which each range goes on, so that a uid rests as long as possible. */
    private final Map<IdRange, Long> next = new HashMap<>();

    UserPool() {
        this(UserFiles::remove);
    }

    UserPool(UserFiles.Remover files) {
        this.sweep = uid -> sweep(uid, files);
        this.time = TimeSource.SYSTEM;
    }

    UserPool(Sweep sweep, TimeSource time) {
        this.sweep = sweep;
        this.time = time;
    }

    /** Takes a uid of the range that no run has and no process; empty if there is none. */
    OptionalInt take(IdRange range) throws IOException {
        if (Os.current() != Os.LINUX)
            throw new UnsupportedOperationException("a uid for each run needs /proc and pidfd_open, which are Linux's");
        OptionalInt found = free(range);
        boolean clean = found.isPresent() && isClean(found.getAsInt());
        if (found.isEmpty())
            found = due(range);
        if (found.isEmpty() || clean || isSwept(found.getAsInt()))
            return found;
        RUNNING.remove(found.getAsInt());
        return OptionalInt.empty();
    }

    private synchronized OptionalInt free(IdRange range) throws IOException {
        long count = range.last() - range.first() + 1;
        long from = next.getOrDefault(range, range.first());
        for (long i = 0; i < count; i++) {
            long candidate = range.first() + (from - range.first() + i) % count;
            int uid = (int) candidate;
            if (!taken.contains(uid) && claim(uid)) {
                taken.add(uid);
                next.put(range, candidate + 1);
                return OptionalInt.of(uid);
            }
        }
        return OptionalInt.empty();
    }

    /** Makes a uid a run's, unless one of another pool has it, or any process. */
    private static boolean claim(int uid) throws IOException {
        if (!RUNNING.add(uid))
            return false;
        boolean used = true;
        try {
            used = UserProcesses.exist(uid);
        } finally {
            if (used)
                RUNNING.remove(uid);
        }
        return !used;
    }

    private synchronized boolean isClean(int uid) {
        return clean.contains(uid) && !UNCLEAN.contains(uid);
    }

    /** One attempt a request: it may take seconds. Others do not find the uid meanwhile. */
    private synchronized OptionalInt due(IdRange range) {
        OptionalInt due = unswept.entrySet().stream()
                .filter(each -> range.contains(each.getKey()) && time.nanoTime() - each.getValue() >= 0)
                .mapToInt(Map.Entry::getKey).filter(RUNNING::add).findFirst();
        due.ifPresent(unswept::remove);
        return due;
    }

    /**
     * Ends the processes that the user has left, removes its files where every user may make some, and lets the uid be taken
     * again; it is swept later if that fails. For a thread that is not interrupted: an interrupted one cannot read /proc.
     */
    void give(int uid) {
        boolean swept = isSwept(uid);
        RUNNING.remove(uid);
        if (swept)
            synchronized (this) {
                taken.remove(uid);
            }
    }

    private boolean isSwept(int uid) {
        boolean late = false;
        try {
            if (sweep.of(uid)) {
                UNCLEAN.remove(uid);
                synchronized (this) {
                    clean.add(uid);
                }
                return true;
            }
            LOG.log(Level.ERROR, "the uid {0} is not used for now: its processes do not end", uid(uid));
        } catch (IOException | RuntimeException | Error e) {
            late = e instanceof UserFiles.TooManyException
                    || e instanceof ErrnoException failed && failed.number() == Errno.number("ETIMEDOUT");
            LOG.log(Level.ERROR, "the uid " + uid(uid) + " is not used for now: something of it is left: "
                    + LogText.oneLine(e.toString()));
        }
        UNCLEAN.add(uid);
        synchronized (this) {
            clean.remove(uid);
            unswept.put(uid, time.nanoTime() + PAUSE_NANOS);
            if (late)
                large.add(uid);
            else
                large.remove(uid);
        }
        return false;
    }

    /**
     * Files of others for which there was no time before are removed with the user's, which may be among them: each turn goes on where
     * the last one ended. A run that has so many files that the time is over among them is ended: all others would wait for its end.
     */
    private boolean sweep(int uid, UserFiles.Remover files) throws IOException {
        if (!UserProcesses.end(uid))
            return false;
        Map<Integer, Long> left = takeLarge();
        Set<Integer> uids = new HashSet<>(left.keySet());
        uids.add(uid);
        try {
            files.remove(uids);
            return true;
        } catch (UserFiles.TooManyException e) {
            if (!uids.contains(e.uid) && RUNNING.contains(e.uid)) {
                LOG.log(Level.WARNING, "the run with uid " + uid(e.uid) + " is ended: it has too many files");
                UserProcesses.end(e.uid);
            }
            throw e;
        } finally {
            RUNNING.removeAll(left.keySet());
            synchronized (this) {
                unswept.putAll(left);
            }
        }
    }

    /** They are not handed out until they are put back. */
    private synchronized Map<Integer, Long> takeLarge() {
        Map<Integer, Long> left = new HashMap<>(unswept);
        left.keySet().retainAll(large);
        left.keySet().removeIf(each -> !RUNNING.add(each));
        unswept.keySet().removeAll(left.keySet());
        return left;
    }

    private static String uid(int uid) {
        return Integer.toUnsignedString(uid);
    }
}
