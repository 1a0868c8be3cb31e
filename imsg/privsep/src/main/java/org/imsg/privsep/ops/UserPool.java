package org.imsg.privsep.ops;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.imsg.sys.Os;

/** Hands out uids, each to one run at a time, and none again before its last process is gone. */
final class UserPool {
    private static final Logger LOG = System.getLogger(UserPool.class.getName());

    private final Set<Integer> taken = new HashSet<>();
    /** The uid at which each range goes on, so that a uid rests as long as possible. */
    private final Map<IdRange, Long> next = new HashMap<>();

    /** Takes a uid of the range that no run has and no process; empty if there is none. */
    synchronized OptionalInt take(IdRange range) throws IOException {
        if (Os.current() != Os.LINUX)
            throw new UnsupportedOperationException("a uid for each run needs /proc and pidfd_open, which are Linux's");
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

    /**
     * Ends the processes that the user has left, removes its files where every user may make some, and lets the uid be taken
     * again; it stays taken if that fails. For a thread that is not interrupted: an interrupted one cannot read /proc.
     */
    void give(int uid) {
        try {
            if (UserProcesses.end(uid)) {
                UserFiles.remove(uid);
                synchronized (this) {
                    taken.remove(uid);
                }
                return;
            }
            LOG.log(Level.ERROR, "the uid {0} is not used again: its processes do not end", uid(uid));
        } catch (IOException | RuntimeException | Error e) {
            LOG.log(Level.ERROR, "the uid " + uid(uid) + " is not used again: something of it is left", e);
        }
    }

    private static String uid(int uid) {
        return Integer.toUnsignedString(uid);
    }
}
