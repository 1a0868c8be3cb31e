package org.imsg.privsep.rights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.imsg.sys.Credentials;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Os;
import org.imsg.sys.Pidfd;
import org.imsg.sys.Posix;
import org.imsg.sys.RawSyscall;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * The processes that children leave behind. While this is open, they become children of this process instead of init's, as those
 * made with CLONE_PARENT are in any case; so they can be ended, and a thread waits for those that have ended. It takes none that a
 * {@link Child} or a {@link ProcessBuilder} started, and works in the first process of a container too.
 *
 * <p>Linux only; does nothing elsewhere. Thread-safe. C counterpart: PR_SET_CHILD_SUBREAPER of prctl(2).
 */
public final class Orphans implements AutoCloseable {
    private static final Path PROC = Path.of("/proc");
    private static final Path NULL = Path.of("/dev/null");
    /** The JDK's list of a directory takes two, and a process's status one. */
    private static final int NEEDED = 3;
    private static final Pattern JDK_WAITER = Pattern.compile("process reaper \\(pid (\\d+)\\)");
    private static final Duration PERIOD = Duration.ofMillis(100);
    private static final Duration PATIENCE = Duration.ofSeconds(2), MOMENT = Duration.ofMillis(100);
    private static final long PAUSE_NANOS = 1_000_000;
    /** Users that run nothing, not even children that are being started; the second is for containers with few ids. */
    private static final long[] UNUSED = {0xFFFF_FFFDL, 65_532};
    private static final int SIGKILL = 9;
    private static final int P_ALL = 0;
    private static final int WNOHANG = 1;
    private static final int WEXITED = 4;
    private static final int WNOWAIT = 0x0100_0000;
    private static final int ANY_EXIT_SIGNAL = 0x4000_0000;

    private final long self = ProcessHandle.current().pid();
    private final Thread reaper;
    /** Let go for the moment in which processes are looked for: a child may have filled the table of descriptors before it died. */
    private final List<Fd> held = new ArrayList<>();
    private volatile boolean closed;

    private Orphans(Duration period) {
        reaper = Thread.ofPlatform().daemon().name("imsg-reaper").unstarted(() -> reap(period));
    }

    /** Kills all of a user's processes in one call, if it can without hitting another of those there are. */
    private interface AtOnce {
        boolean kill(long uid, Collection<Entry> all);
    }

    /**
     * What there is of a user.
     *
     * @param all the processes of all users
     * @param orphans what the user's have left behind, the ended ones included
     * @param running how many of its processes run, whoever's children they are
     * @param certain false if the start of a child takes long, which must not be taken for an orphan: then none is found
     */
    private record Look(Map<Integer, Entry> all, List<Entry> orphans, long running, boolean certain) {
        boolean findsNothingNewSince(Look earlier) {
            return certain && orphans.stream().allMatch(each -> earlier.all.containsKey(each.pid));
        }
    }

    /** A process as /proc shows it. */
    record Entry(int pid, int parent, Set<Long> uids, boolean ended) {}

    /**
     * Adopts whatever the children of this process leave behind from now on.
     *
     * @return what ends and reaps them until closed
     * @throws PrivilegeException if the kernel refuses
     */
    public static Orphans adopt() throws PrivilegeException {
        return adopt(PERIOD);
    }

    static Orphans adopt(Duration period) throws PrivilegeException {
        Orphans orphans = new Orphans(period);
        if (Os.current() != Os.LINUX)
            return orphans;
        int result = Confining.prctl(Confining.PR_SET_CHILD_SUBREAPER, 1);
        if (result < 0)
            throw new PrivilegeException("prctl", "PR_SET_CHILD_SUBREAPER", -result);
        orphans.reaper.start();
        orphans.hold();
        return orphans;
    }

    /**
     * Kills what processes of a user have left behind, with all they have started: every process that descends from this one by
     * way of a child that this one did not start. If no other process has the user, all go at once, so that none can get away by
     * forking; see {@link Broadcast}.
     *
     * @param uid the user, 1 to 4294967294
     * @param patience how long to try; it tries once in any case
     * @return whether none is left
     * @throws IOException if /proc cannot be read; descriptors are held for it, so a full table does not keep it from that
     */
    public boolean end(long uid, Duration patience) throws IOException {
        return end(uid, Orphans::killAtOnce, patience);
    }

    /**
     * Kills what processes of a user have left behind, as {@link #end(long, Duration)}, but one after the other: for a user who may start
     * processes elsewhere at any moment, which are none of this program's. Those that fork faster get away.
     *
     * @param uid the user, 1 to 4294967294
     * @param patience how long to try; it tries once in any case
     * @return as {@link #end(long, Duration)}
     * @throws IOException if /proc cannot be read
     */
    public boolean endOneByOne(long uid, Duration patience) throws IOException {
        return end(uid, (_, _) -> false, patience);
    }

    /** Keeps no other thread from looking meanwhile. */
    private boolean end(long uid, AtOnce atOnce, Duration patience) throws IOException {
        if (Os.current() != Os.LINUX)
            return true;
        long begun = System.nanoTime();
        while (!endThose(uid, atOnce)) {
            if (System.nanoTime() - begun > patience.toNanos())
                return false;
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        return true;
    }

    private void hold() {
        try {
            while (!closed && held.size() < NEEDED)
                held.add(Fd.open(NULL));
        } catch (IOException | RuntimeException | Error _) {
            // Another thread has them; the next time does with what was left.
        }
    }

    /** Kills those there are now; whether there were none. */
    private synchronized boolean endThose(long uid, AtOnce atOnce) throws IOException {
        held.forEach(Fd::close);
        held.clear();
        try {
            Look look = look(uid);
            List<Entry> running = look.orphans.stream().filter(each -> !each.ended).toList();
            if (!running.isEmpty() && (running.size() < look.running || !atOnce.kill(uid, look.all.values())))
                running.forEach(each -> kill(each, uid));
            // One that had ended when its turn came to be looked at may have started another after the list was made.
            return running.isEmpty() && look.certain && look(uid).findsNothingNewSince(look);
        } finally {
            hold();
        }
    }

    private Look look(long uid) throws IOException {
        // Before and after: one that ends or starts meanwhile must not be taken for one that no thread waits for.
        Set<Integer> awaited = awaited();
        Map<Integer, Entry> all = processes();
        if (!Child.awaitStarts(MOMENT))
            return new Look(all, List.of(), 0, false);
        awaited.addAll(awaited());
        List<Entry> theirs = all.values().stream().filter(each -> each.uids.contains(uid)).toList();
        return new Look(all, theirs.stream().filter(each -> isOrphan(each, all, awaited)).toList(),
                theirs.stream().filter(each -> !each.ended).count(), true);
    }

    boolean isOrphan(Entry process, Map<Integer, Entry> all, Set<Integer> awaited) {
        Entry each = process;
        // They were looked at one after the other: where a number was used again meanwhile, two may be each other's parent.
        for (int steps = 0; each != null && steps <= all.size(); steps++) {
            if (each.parent == self)
                return !awaited.contains(each.pid);
            each = all.get(each.parent);
        }
        return false;
    }

    private static boolean killAtOnce(long uid, Collection<Entry> all) {
        for (long unused : UNUSED) {
            if (all.stream().anyMatch(each -> each.uids.contains(unused)))
                continue;
            try {
                Broadcast.kill(uid, unused);
                return true;
            } catch (PrivilegeException | OutOfMemoryError _) {
                // No thread, not mapped here, or no right to change ids: one after the other then.
            }
        }
        return false;
    }

    /** By a descriptor, for the number may be another's by now, of the same user perhaps: then it has another parent. */
    static void kill(Entry seen, long uid) {
        int process = Pidfd.pidfd_open(seen.pid);
        if (process < 0)
            return;
        try {
            Entry now = entry(PROC.resolve(Integer.toString(seen.pid)));
            if (now != null && now.parent == seen.parent && now.uids.contains(uid))
                Pidfd.pidfd_send_signal(process, SIGKILL);
        } finally {
            Posix.close(process);
        }
    }

    /** The children that a thread waits for. */
    private static Set<Integer> awaited() {
        Set<Integer> awaited = new HashSet<>(Child.awaited());
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            Matcher waiter = JDK_WAITER.matcher(thread.getName());
            if (waiter.matches())
                awaited.add(Integer.valueOf(waiter.group(1)));
        }
        return awaited;
    }

    /**
     * A child that ended a while ago, and that no thread waits for, is reaped. A ProcessBuilder's thread may be late to say that it
     * waits: children of this process's own user, as its are, are left for longer.
     */
    private void reap(Duration period) {
        Map<Integer, Long> since = new HashMap<>();
        boolean told = false;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = arena.allocate(128, 8);
            while (!closed) {
                LockSupport.parkNanos(period.toNanos());
                try {
                    reapStrays(info, since, period);
                    told = false;
                } catch (IOException | RuntimeException | Error e) {
                    // Descriptors or memory are short: there may be some again in a moment.
                    if (!told)
                        warn("processes left behind are not waited for at the moment: ", e);
                    told = true;
                }
            }
        }
    }

    private synchronized void reapStrays(MemorySegment info, Map<Integer, Long> since, Duration period)
            throws IOException {
        long ours = Integer.toUnsignedLong(Credentials.getuid());
        long now = System.nanoTime();
        List<Entry> ended = hasEndedChild(info) ? endedChildren() : List.of();
        since.keySet().retainAll(ended.stream().map(Entry::pid).toList());
        ended.forEach(each -> since.putIfAbsent(each.pid, now));
        reap(ended.stream().filter(each -> now - since.get(each.pid) >= (each.uids.contains(ours)
                ? PATIENCE.toNanos()
                : period.toNanos() / 2)).toList());
    }

    private static void warn(String text, Throwable fault) {
        try {
            System.getLogger(Orphans.class.getName()).log(System.Logger.Level.WARNING, text + fault.getMessage());
        } catch (Throwable _) {
            // nor is there a log at the moment
        }
    }

    private List<Entry> endedChildren() throws IOException {
        return processes().values().stream().filter(each -> each.parent == self && each.ended).toList();
    }

    /** Reaps those of a list that no thread waits for; none while a start takes long whose child may be one of them. */
    private static void reap(List<Entry> strays) {
        if (strays.isEmpty() || !Child.awaitStarts(MOMENT))
            return;
        Set<Integer> awaited = awaited();
        strays.stream().filter(each -> !awaited.contains(each.pid)).forEach(each -> RawSyscall.call(
                LinuxSyscalls.host().number("wait4"), each.pid, 0, WNOHANG | ANY_EXIT_SIGNAL, 0));
    }

    private static boolean hasEndedChild(MemorySegment info) {
        info.fill((byte) 0);
        int result = RawSyscall.call(LinuxSyscalls.host().number("waitid"), P_ALL, 0, info.address(),
                WEXITED | WNOHANG | WNOWAIT | ANY_EXIT_SIGNAL, 0);
        return result == 0 && info.get(ValueLayout.JAVA_INT, 16) != 0;
    }

    private static Map<Integer, Entry> processes() throws IOException {
        Map<Integer, Entry> all = new HashMap<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(PROC,
                path -> path.getFileName().toString().chars().allMatch(Character::isDigit))) {
            for (Path each : entries) {
                Entry entry = entry(each);
                if (entry != null)
                    all.put(entry.pid, entry);
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return all;
    }

    /** Null for a process that is gone. One whose first thread has ended is shown as ended while others of its threads run. */
    private static @Nullable Entry entry(Path process) {
        Map<String, String> status = new HashMap<>();
        try {
            for (String line : Files.readAllLines(process.resolve("status"), StandardCharsets.ISO_8859_1)) {
                int colon = line.indexOf(':');
                if (colon > 0)
                    status.put(line.substring(0, colon), line.substring(colon + 1).strip());
            }
            Set<Long> uids = new HashSet<>();
            for (String uid : status.get("Uid").split("\\s+"))
                uids.add(Long.valueOf(uid));
            return new Entry(Integer.parseInt(process.getFileName().toString()), Integer.parseInt(status.get("PPid")),
                    uids,
                    status.get("State").matches("[ZX].*") && Integer.parseInt(status.get("Threads")) <= 1);
        } catch (IOException | RuntimeException _) {
            return null;
        }
    }

    /**
     * Adopts and reaps no more; a process adopted already stays a child of this process. The ended processes of other users are
     * reaped now.
     */
    @Override
    public synchronized void close() {
        closed = true;
        LockSupport.unpark(reaper);
        if (Os.current() != Os.LINUX)
            return;
        held.forEach(Fd::close);
        held.clear();
        Confining.prctl(Confining.PR_SET_CHILD_SUBREAPER, 0);
        long ours = Integer.toUnsignedLong(Credentials.getuid());
        try {
            reap(endedChildren().stream().filter(each -> !each.uids.contains(ours)).toList());
        } catch (IOException e) {
            warn("ended processes are left behind: ", e);
        }
    }
}
