package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntSupplier;
import java.util.regex.Pattern;
import org.imsg.privsep.rights.SeccompFilter.Instruction;
import org.imsg.sys.NativeString;
import org.imsg.sys.Constants;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Posix;
import org.imsg.unix.Child;
import org.imsg.unix.Errno;

/**
 * A confinement as the steps of the thread that starts the child, in the one order in which each still has the rights it needs.
 * Holds a Landlock ruleset's descriptor until closed.
 */
final class SpawnSteps implements AutoCloseable {
    private static final Path SETPRIV = Path.of("/usr/bin/setpriv");
    private static final Path PRLIMIT = Path.of("/usr/bin/prlimit");
    private static final Path SH = Path.of("/bin/sh");
    private static final Path ENV = Path.of("/usr/bin/env");
    /** The variables that ld.so(8) of glibc removes from the environment of a program in secure-execution mode. */
    private static final Pattern TAKEN = Pattern
            .compile("LD_.*|MALLOC_.*|GCONV_PATH|GETCONF_DIR|GLIBC_TUNABLES|HOSTALIASES"
                    + "|LOCALDOMAIN|LOCPATH|NIS_PATH|NLSPATH|RESOLV_HOST_CONF|RES_OPTIONS|TMPDIR|TZDIR");
    private static final int KEYCTL_JOIN_SESSION_KEYRING = 1;
    private static final int MS_NOSUID = 2;
    private static final int MS_NODEV = 4;
    private static final int MS_NOEXEC = 8;
    private static final int MS_REC = 16384;
    private static final int MS_SLAVE = 1 << 19;
    private static final int AT_FDCWD = -100;
    private static final int AT_EACCESS = 0x200;
    private static final int X_OK = 1;

    private final Arena arena = Arena.ofShared();
    private final List<Step> steps = new ArrayList<>();
    private final List<String> starter;
    private final boolean changesUser;
    private final boolean late;
    private int ruleset = -1;

    /**
     * The order in which everything is allowed still. An exec before Linux 6.16 under no_new_privs gives a thread whose effective
     * user is not its real one the real one: there the child sets no_new_privs itself, and what needs it, or CAP_SYS_ADMIN
     * instead, comes while the thread has that capability.
     */
    SpawnSteps(Restrictions wanted, Platform platform, Optional<Map<String, String>> environment, int gate)
            throws PrivilegeException {
        this(wanted, platform, environment, List.of(), gate);
    }

    /** Some steps are the last ones but for the filter, which may forbid them. */
    SpawnSteps(Restrictions wanted, Platform platform, Optional<Map<String, String>> environment, List<Step> last,
            int gate) throws PrivilegeException {
        if (!wanted.ambient.isEmpty() && wanted.ids == null)
            throw new PrivilegeException("ambient capabilities", "they take the ids of a user: root has them all");
        changesUser = wanted.ids != null && !wanted.ids.uidIsOurs();
        late = changesUser && !wanted.execKeepsUser(platform);
        starter = environment.isEmpty() ? List.of() : starter(wanted, environment.get(), gate);
        Restrictions all = starter.isEmpty() ? wanted : wanted.with(this::showStarter);
        try {
            niceness(wanted.niceness);
            namespaces(all, platform);
            // A kernel without keys, or a container without the call, has no keyring to inherit.
            steps.add(new Step.Unless(Step.Call.of("keyctl", "new session keyring", KEYCTL_JOIN_SESSION_KEYRING),
                    Errno.number("ENOSYS"), Constants.EPERM));
            if (wanted.bounding != null)
                bound(wanted.bounding);
            if (!late)
                call("prctl", "no_new_privs", Confining.PR_SET_NO_NEW_PRIVS, 1);
            if (wanted.veil() || wanted.ports())
                landlock(all, platform.landlock());
            if (wanted.namespaces.contains(Namespace.IPC))
                filter("keys", SeccompFilter.withoutKeys(LinuxSyscalls.host()));
            if (wanted.promises != null && late)
                promise(with(wanted.promises, Promise.ID));
            if (wanted.ids != null)
                become(wanted.ids, wanted.intermediate, wanted.ambient);
            steps.addAll(last);
            if (wanted.promises != null && !late)
                promise(wanted.promises);
        } catch (PrivilegeException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private static Set<Promise> with(Set<Promise> promises, Promise one) {
        Set<Promise> more = EnumSet.of(one);
        more.addAll(promises);
        return more;
    }

    /**
     * The programs that execute one that does not know how it was started, and would take its real user, the intermediate one,
     * for its own: setpriv(1) makes the effective one the real one. The C library takes some variables from a program that
     * has two users; they come back behind it.
     */
    private List<String> starter(Restrictions wanted, Map<String, String> environment, int gate)
            throws PrivilegeException {
        List<String> starter = new ArrayList<>();
        if (changesUser) {
            starter.addAll(List.of(SETPRIV.toString(), "--reuid", Long.toString(wanted.ids.uid())));
            if (late)
                starter.add("--no-new-privs");
            List<String> taken = environment.entrySet().stream().filter(each -> TAKEN.matcher(each.getKey()).matches())
                    .map(each -> each.getKey() + "=" + each.getValue()).toList();
            if (!taken.isEmpty()) {
                starter.add(ENV.toString());
                starter.addAll(taken);
                starter.addAll(List.of(SETPRIV.toString(), "--no-new-privs"));
            }
        }
        if (gate >= 0)
            starter.addAll(List.of(SH.toString(), "-c",
                    "read imsg_gate <&" + gate + " || exit 126; exec \"$@\" " + gate + "<&-", "control-group"));
        if (!wanted.limits.isEmpty()) {
            starter.add(PRLIMIT.toString());
            wanted.limits.forEach((resource, limit) -> {
                long bounded = resource.bounded(limit);
                starter.add("--" + resource.name().toLowerCase(Locale.ROOT) + "="
                        + (bounded < 0 ? "unlimited" : bounded + ":" + bounded));
            });
        }
        for (Path program : List.of(SETPRIV, SH, PRLIMIT))
            if (starter.contains(program.toString()) && !Files.isExecutable(program))
                throw new PrivilegeException("start",
                        program + (program == SH ? "" : ", of util-linux,") + " is not there to start a program with");
        return starter;
    }

    /** The shell knows numbers of one digit. */
    static int freeDescriptor(Child.Builder child) {
        for (int number = 9; number > 2; number--)
            if (!child.hasDescriptor(number))
                return number;
        throw new IllegalArgumentException("no number from 3 to 9 is free to wait for the control group by");
    }

    private void showStarter(Restrictions more) {
        for (Path program : List.of(SETPRIV, ENV, SH, PRLIMIT)) {
            if (!starter.contains(program.toString()))
                continue;
            if (more.privateRoot != null)
                more.privateRoot = more.privateRoot.readOnly(program);
            if (more.veil()) {
                Map<Path, Set<Access>> unveiled = new LinkedHashMap<>(more.unveiled);
                unveiled.putIfAbsent(program, Set.of(Access.READ, Access.EXEC));
                more.unveiled = unveiled;
            }
        }
    }

    /** The words before the program and its arguments. */
    List<String> starter() {
        return starter;
    }

    /** Starts a program unless the starter could not, which would not be told from the program's own exit. */
    IntSupplier ifThere(Path program, IntSupplier spawn) {
        if (starter.isEmpty() || !program.isAbsolute())
            return spawn;
        Step executable = new Step.Unless(
                Step.Call.of("faccessat2", program, AT_FDCWD, NativeString.of(program, arena).address(), X_OK,
                        AT_EACCESS),
                Errno.number("ENOSYS"));
        MemorySegment errno = Posix.errnoSegment(arena);
        return () -> {
            int result = executable.run(errno);
            return result < 0 ? -result : spawn.getAsInt();
        };
    }

    List<Step> list() {
        return steps;
    }

    /** Niceness belongs to a thread, and the thread that executes a program or starts one hands it on. */
    private void niceness(int increment) {
        if (increment == 0)
            return;
        int next = Math.clamp(Slices.niceness() + increment, -20, 19);
        call("setpriority", next, 0, 0, next);
        if (increment > 0)
            steps.add(new Step.Unless(
                    Step.Call.of("sched_setattr", "a slice", 0, Slices.ofGivingWay(arena, next).address(), 0),
                    Errno.number("ENOSYS"), Constants.EINVAL, Constants.EPERM));
    }

    private void namespaces(Restrictions wanted, Platform platform) throws PrivilegeException {
        int flags = 0;
        for (Namespace namespace : wanted.namespaces)
            flags |= namespace.flag();
        boolean hides = wanted.unveiledJava && wanted.privateRoot == null
                && platform.capabilities().contains(Capability.SYS_ADMIN);
        if (hides)
            flags |= Namespace.MOUNT.flag();
        if (flags != 0)
            call("unshare", wanted.namespaces, flags);
        if (hides)
            hideProcesses(wanted.ifPossible);
        if (wanted.privateRoot != null)
            steps.addAll(wanted.privateRoot.steps(arena));
        if (wanted.chroot != null) {
            // The root is shared by all threads until one says that it is not.
            call("unshare", "root and working directory", 0x200);
            call("chroot", wanted.chroot, NativeString.of(wanted.chroot, arena).address());
            call("chdir", "/", string("/"));
        }
    }

    /** A rule for /proc is one for all processes: those of others are hidden by a mount of its own, which follows the mounts outside. */
    private void hideProcesses(boolean ifPossible) {
        long none = string("none");
        call("mount", "/", none, string("/"), none, MS_REC | MS_SLAVE, 0);
        Step hidden = Step.Call.of("mount", "/proc", string("proc"), string("/proc"), string("proc"),
                MS_NOSUID | MS_NODEV | MS_NOEXEC, string("hidepid=2"));
        // A container may have covered parts of /proc, and mount no other then.
        steps.add(ifPossible ? new Step.Unless(hidden, Constants.EPERM) : hidden);
    }

    private void bound(Set<Capability> bounding) {
        for (int number : Capability.numbersBut(bounding, Capability::isKnownToKernel))
            call("prctl", "bounding set without " + Capability.text(1L << number), Confining.PR_CAPBSET_DROP, number);
    }

    private void landlock(Restrictions wanted, int version) throws PrivilegeException {
        ruleset = Landlock.create(arena, version, wanted.veil(), wanted.bindPorts != null,
                wanted.connectPorts != null);
        if (ruleset < 0)
            throw new PrivilegeException("landlock_create_ruleset", "version " + version, -ruleset);
        if (wanted.unveiledJava)
            JavaPaths.unveiled().forEach((path, access) -> steps
                    .add(new Step.Unless(unveil(path, access, version), Constants.ENOENT)));
        wanted.unveiled.forEach((path, access) -> steps.add(unveil(path, access, version)));
        if (wanted.bindPorts != null)
            wanted.bindPorts.forEach(port -> allow(port, true));
        if (wanted.connectPorts != null)
            wanted.connectPorts.forEach(port -> allow(port, false));
        call("landlock_restrict_self", "version " + version, ruleset, 0);
        boolean truncation = wanted.veil() && version < Landlock.TRUNCATES;
        if (truncation || wanted.ports())
            filter("what Landlock leaves open", SeccompFilter.closing(LinuxSyscalls.host(), truncation, wanted.ports(),
                    wanted.bindPorts == null || !wanted.bindPorts.isEmpty()));
    }

    private void allow(int port, boolean bind) {
        call("landlock_add_rule", "TCP port " + port, ruleset, Landlock.RULE_NET_PORT,
                Landlock.portRule(arena, port, bind).address(), 0);
    }

    private Step unveil(Path path, Set<Access> access, int version) {
        return Step.Unveil.of(arena, path, ruleset, Landlock.rights(access, true, version),
                Landlock.rights(access, false, version));
    }

    private void become(Ids ids, long intermediate, Set<Capability> ambient) {
        long mask = Capability.mask(ambient);
        if (!ids.areOurs())
            change(ids, intermediate);
        call("capset", ambient, Confining.capabilityHeader(arena).address(),
                Confining.capabilityData(arena, mask).address());
        for (Capability capability : ambient)
            call("prctl", "ambient " + capability, Confining.PR_CAP_AMBIENT, Confining.PR_CAP_AMBIENT_RAISE,
                    capability.number());
    }

    private void change(Ids ids, long intermediate) {
        call("prctl", "keepcaps", Confining.PR_SET_KEEPCAPS, 1);
        MemorySegment groups = arena.allocate(JAVA_INT, Math.max(1, ids.groups().size()));
        for (int i = 0; i < ids.groups().size(); i++)
            groups.setAtIndex(JAVA_INT, i, ids.groups().get(i).intValue());
        if (!ids.groupsAreOurs())
            call("setgroups", ids.groups(), ids.groups().size(), groups.address());
        call("setresgid", ids.gid(), ids.gid(), ids.gid(), ids.gid());
        if (changesUser)
            call("setresuid", ids.uid(), intermediate, ids.uid(), intermediate);
    }

    private void promise(Set<Promise> promises) {
        filter(promises, SeccompFilter.of(LinuxSyscalls.host(), promises, true, 0));
    }

    private void filter(Object on, List<Instruction> program) {
        call("seccomp", on, Confining.SECCOMP_SET_MODE_FILTER, 0, Confining.filterProgram(arena, program).address());
    }

    private void call(String name, Object on, long... arguments) {
        steps.add(Step.Call.of(name, on, arguments));
    }

    private long string(String text) {
        return arena.allocateFrom(text).address();
    }

    /** Called once, after the thread that takes the steps is gone. */
    @Override
    public void close() {
        arena.close();
        if (ruleset >= 0)
            Posix.close(ruleset);
        ruleset = -1;
    }
}
