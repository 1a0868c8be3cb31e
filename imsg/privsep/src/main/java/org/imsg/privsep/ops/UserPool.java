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
    /** Where each range goes on: a uid rests as long as possible. */
    private final Map<IdRange, Long> next = new HashMap<>();

    /** A uid of the range that nobody has and that has no process; empty if there is none. */
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
     * Ends what the user has left running, and lets the uid be taken again; it stays taken if that cannot be done. In a thread
     * that nobody interrupts: an interrupted one cannot read /proc.
     */
    void give(int uid) {
        Thread thread = Thread.ofPlatform().daemon().name("imsg-monitor-user-" + uid(uid)).start(() -> end(uid));
        boolean interrupted = false;
        for (;;) {
            try {
                thread.join();
                break;
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted)
            Thread.currentThread().interrupt();
    }

    private void end(int uid) {
        try {
            if (UserProcesses.end(uid)) {
                synchronized (this) {
                    taken.remove(uid);
                }
                return;
            }
            LOG.log(Level.ERROR, "the uid {0} is not used again: its processes do not end", uid(uid));
        } catch (IOException | RuntimeException e) {
            LOG.log(Level.ERROR, "the uid " + uid(uid) + " is not used again: its processes cannot be ended", e);
        }
    }

    private static String uid(int uid) {
        return Integer.toUnsignedString(uid);
    }
}
