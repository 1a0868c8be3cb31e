package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.imsg.sys.NativeString;
import org.imsg.sys.Constants;
import org.imsg.sys.Credentials;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Os;
import org.jspecify.annotations.Nullable;

/**
 * How a running program becomes an ordinary user for good, in a root of its own if it likes: the way of daemontools and
 * publicfile, and the first thing a privilege-separated child does. A description: immutable, each method gives a new one.
 *
 * <pre>{@code
 * PrivilegeDrop.to(Ids.fromEnvironment()).chroot(Path.of("/srv/www")).performOrExit();
 * }</pre>
 *
 * <p>{@link #perform()} goes through these steps, in this order, each known by this name in a {@link PrivilegeException}:
 * {@code preload}, {@code setrlimit}, {@code chroot}, {@code chdir}, {@code setgroups}, {@code setresgid},
 * {@code setresuid}, {@code dumpable}, {@code proof}, {@code regain}. The C library carries the ids to every thread of the
 * process; the proof reads them back from the kernel, of every thread. The last step tries to become root again and take other
 * groups, which must fail.
 *
 * <p>A process that has the wanted ids already, because systemd or setuidgid(8) started it so, keeps them: the steps of ids are
 * left out, all others done. Linux, OpenBSD and FreeBSD have the calls; where there is no {@code /proc} as Linux has it, the proof
 * is of the process as a whole.
 */
public final class PrivilegeDrop {
    private static final Logger LOG = System.getLogger(PrivilegeDrop.class.getName());
    /** EX_NOPERM of sysexits(3). */
    private static final int EXIT_CODE = 77;

    private final Ids ids;
    private @Nullable Path root;
    private Map<Resource, long[]> limits = Map.of();
    private List<Preloading> preloads = List.of(Preload::standard);
    private Set<Capability> kept = Set.of();
    private boolean dumpable;

    private PrivilegeDrop(Ids ids) {
        this.ids = ids;
    }

    /** A copy with something changed; none is changed once it has been given to a caller. */
    private PrivilegeDrop with(Consumer<PrivilegeDrop> change) {
        PrivilegeDrop copy = new PrivilegeDrop(ids);
        copy.root = root;
        copy.limits = limits;
        copy.preloads = preloads;
        copy.kept = kept;
        copy.dumpable = dumpable;
        change.accept(copy);
        return copy;
    }

    /** Something to be done while the process still has its rights. */
    @FunctionalInterface
    public interface Preloading {
        /**
         * Does it.
         *
         * @throws Exception if it cannot be done, which ends the drop at the step {@code preload}
         */
        void run() throws Exception;
    }

    /**
     * Begins with the ids to become.
     *
     * @param ids the ids to become; not root's
     * @return a drop with the standard preload
     * @throws IllegalArgumentException if they are root's, whether by uid, gid or a group
     */
    public static PrivilegeDrop to(Ids ids) {
        if (ids.uid() == 0 || ids.gid() == 0 || ids.groups().contains(0L))
            throw new IllegalArgumentException("becoming " + ids + " gives up nothing: 0 is root");
        return new PrivilegeDrop(ids);
    }

    /**
     * Makes a directory the root of all paths.
     *
     * @param directory it, absolute
     * @return a drop that does so too
     * @throws IllegalArgumentException if it is not absolute
     */
    public PrivilegeDrop chroot(Path directory) {
        if (!directory.isAbsolute())
            throw new IllegalArgumentException("a new root is named by an absolute path, not " + directory);
        return with(copy -> copy.root = directory);
    }

    /**
     * Sets a limit.
     *
     * @param resource on what
     * @param soft the limit that counts, 0 or more, or -1 for none
     * @param hard how far the soft one may be raised again, or -1 for no bound
     * @return a drop that does so too
     * @throws IllegalArgumentException if a limit is under -1, or the soft one is above the hard one
     */
    public PrivilegeDrop rlimit(Resource resource, long soft, long hard) {
        if (soft < -1 || hard < -1 || Long.compareUnsigned(soft, hard) > 0)
            throw new IllegalArgumentException(
                    "a limit is -1 (none) or more, the soft one within the hard one; not " + soft + " and " + hard);
        Map<Resource, long[]> more = new LinkedHashMap<>(limits);
        more.put(resource, new long[]{soft, hard});
        return with(copy -> copy.limits = more);
    }

    /**
     * Does more while the process still has its rights, after what was asked for before.
     *
     * @param preload what to do; {@link Preload} has more of it
     * @return a drop that does so too
     */
    public PrivilegeDrop preload(Preloading preload) {
        List<Preloading> more = new ArrayList<>(preloads);
        more.add(preload);
        return with(copy -> copy.preloads = List.copyOf(more));
    }

    /**
     * Leaves out every preload asked for so far, {@link Preload#standard()} too: for a program that did it in its own way.
     *
     * @return a drop without them
     */
    public PrivilegeDrop withoutPreload() {
        return with(copy -> copy.preloads = List.of());
    }

    /**
     * Lets other processes of the same user attach to this one, read its memory, and have it dump core. Otherwise they may not,
     * as OpenBSD has it for every process that changed its ids: {@code PR_SET_DUMPABLE} 0, which also gives /proc/self to
     * root. HotSpot's own attach mechanism (jcmd, jstack) needs neither: it works by a signal and a socket in {@code /tmp}, and
     * is closed by {@code -XX:+DisableAttachMechanism}, by another {@code /tmp}, or by not promising {@link Promise#UNIX}.
     *
     * @return a drop that does so
     */
    public PrivilegeDrop dumpable() {
        return with(copy -> copy.dumpable = true);
    }

    /**
     * Lets the process have capabilities that it was given although it was started as an ordinary user, as systemd does with
     * {@code AmbientCapabilities=CAP_NET_BIND_SERVICE}; any other is an error at the step {@code proof}. A process that
     * comes from root keeps none.
     *
     * @param capabilities which
     * @return a drop that accepts them
     */
    public @Nullable PrivilegeDrop accept(Capability... capabilities) {
        return with(copy -> copy.kept = Set.of(capabilities));
    }

    /**
     * The ids that the process becomes.
     *
     * @return the ids
     */
    public @Nullable Ids ids() {
        return ids;
    }

    /**
     * Gives up the rights of this process, in all its threads.
     *
     * @throws PrivilegeException if a step fails; the steps before it are done, so the process must not go on to work
     * @throws UnsupportedOperationException on Linux on a machine other than x86_64 and aarch64, before anything is
     *     done
     */
    public void perform() throws PrivilegeException {
        if (Os.current() == Os.LINUX)
            LinuxSyscalls.host();
        if (Os.current() == Os.MACOS)
            throw new PrivilegeException("setresuid", "macOS has no such call");
        preload();
        ConfinedSpawn.ONE_AT_A_TIME.lock();
        try (Threads threads = Os.current() == Os.LINUX ? Threads.open() : null; Arena arena = Arena.ofConfined()) {
            setLimits(arena);
            enterRoot(arena);
            if (!ids.areOurs())
                setIds(arena);
            setDumpable();
            if (threads != null)
                threads.prove(status -> Status.differenceFrom(ids, kept, status));
            else if (!ids.areOurs())
                throw new PrivilegeException("proof", "this process is not " + ids);
            proveByTrial(arena);
        } finally {
            ConfinedSpawn.ONE_AT_A_TIME.unlock();
        }
    }

    /**
     * As {@link #perform()}, but a failure is logged and ends the process at once, with exit code 77 and without shutdown hooks:
     * they, too, are code that was not meant to run with these rights.
     */
    public void performOrExit() {
        try {
            perform();
        } catch (PrivilegeException | RuntimeException | Error e) {
            try {
                LOG.log(Logger.Level.ERROR, "rights could not be given up, so this process ends: " + e.getMessage(), e);
            } finally {
                Runtime.getRuntime().halt(EXIT_CODE);
            }
        }
    }

    private void preload() throws PrivilegeException {
        for (Preloading preload : preloads) {
            try {
                preload.run();
            } catch (Exception | LinkageError e) {
                throw new PrivilegeException("preload", e);
            }
        }
    }

    private void setLimits(Arena arena) throws PrivilegeException {
        for (Map.Entry<Resource, long[]> limit : limits.entrySet()) {
            MemorySegment value = arena.allocateFrom(JAVA_LONG, limit.getValue());
            check("setrlimit", limit.getKey() + " " + limit.getValue()[0] + " " + limit.getValue()[1],
                    Credentials.setrlimit(limit.getKey().number(), value.address()));
        }
    }

    private void enterRoot(Arena arena) throws PrivilegeException {
        if (root == null)
            return;
        check("chroot", root, Credentials.chroot(NativeString.of(root, arena).address()));
        check("chdir", "/", Credentials.chdir(arena.allocateFrom("/").address()));
    }

    private void setIds(Arena arena) throws PrivilegeException {
        // An ordinary user whose program is set-id may go back to its own ids, and not so much as set the groups it has.
        if (!ids.groupsAreOurs()) {
            MemorySegment groups = arena.allocate(JAVA_INT, Math.max(1, ids.groups().size()));
            for (int i = 0; i < ids.groups().size(); i++)
                groups.setAtIndex(JAVA_INT, i, ids.groups().get(i).intValue());
            check("setgroups", ids.groups(), Credentials.setgroups(ids.groups().size(), groups.address()));
        }
        check("setresgid", ids.gid(), Credentials.setresgid(ids.gid(), ids.gid(), ids.gid()));
        check("setresuid", ids.uid(), Credentials.setresuid(ids.uid(), ids.uid(), ids.uid()));
    }

    private void setDumpable() throws PrivilegeException {
        if (Os.current() == Os.LINUX)
            check("dumpable", dumpable, Confining.prctl(Confining.PR_SET_DUMPABLE, dumpable ? 1 : 0));
    }

    private void proveByTrial(Arena arena) throws PrivilegeException {
        refused("setresuid(0)", Credentials.setresuid(0, 0, 0));
        refused("setresuid(-1, 0, -1)", Credentials.setresuid(-1, 0, -1));
        refused("setresgid(0)", Credentials.setresgid(0, 0, 0));
        refused("setgroups([0])", Credentials.setgroups(1, arena.allocate(JAVA_INT).address()));
    }

    private static void refused(String attempt, int result) throws PrivilegeException {
        if (result != -Constants.EPERM)
            throw new PrivilegeException("regain", attempt + " was to fail with EPERM, but gave " + result);
    }

    private static void check(String step, Object on, int result) throws PrivilegeException {
        if (result < 0)
            throw new PrivilegeException(step, on, -result);
    }

    @Override
    public String toString() {
        return "drop to " + ids + (root == null ? "" : " in " + root);
    }
}
