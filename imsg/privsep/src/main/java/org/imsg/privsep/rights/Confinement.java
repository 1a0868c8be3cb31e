package org.imsg.privsep.rights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.imsg.sys.Os;
import org.imsg.sys.Posix;
import org.imsg.unix.Child;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/**
 * The rights that a program is left. A description: immutable, each method gives a new one that confines more.
 *
 * <pre>{@code
 * Confinement parser = Confinement.none().promise(Promise.STDIO).unveilJava().to(Ids.ofUser("_parser"));
 * Child child = parser.spawnJava(Child.of(java, "-cp", classPath, "org.example.Parser").descriptor(3, channel));
 *
 * parser.complete();                          // and in the child's main, before it looks at what it was sent
 * }</pre>
 *
 * <p>There are three ways to apply it, because Linux keeps most rights for each thread, and a JVM has many before main begins.
 *
 * <table>
 * <caption>What each way can do on Linux</caption>
 * <tr><th></th><th>{@link #spawn(Child.Builder)}: before a child runs</th><th>{@link #complete()}: in that child</th><th>{@link #enter()}: in any
 * process</th></tr>
 * <tr><td>promises</td><td>what they say, and what a program needs to start: execute, read files, start processes</td>
 * <td>exactly</td><td>exactly</td></tr>
 * <tr><td>unveiled paths, TCP ports</td><td>yes</td><td>tried</td><td>refused: would bind one thread</td></tr>
 * <tr><td>namespaces, private root, chroot</td><td>yes</td><td>nothing to do</td><td>refused; for a chroot see
 * {@link PrivilegeDrop}</td></tr>
 * <tr><td>ids</td><td>yes</td><td>proved</td><td>refused; see {@link PrivilegeDrop}</td></tr>
 * <tr><td>limits</td><td>for programs</td><td>yes</td><td>yes</td></tr>
 * <tr><td>niceness</td><td>yes</td><td>nothing to do</td><td>refused: would bind one thread</td></tr>
 * <tr><td>bounding set, ambient capabilities</td><td>yes</td><td>proved</td><td>refused: would bind one thread</td></tr>
 * <tr><td>no_new_privs</td><td>always</td><td>proved</td><td>with promises</td></tr>
 * <tr><td>session keyring</td><td>a new one</td><td>nothing to do</td><td>untouched</td></tr>
 * <tr><td>out of memory</td><td>ended before others</td><td>nothing to do</td><td>untouched</td></tr>
 * <tr><td>dumpable</td><td>untouched in the parent once the child has started; 0 in a JVM with another user, else 1</td>
 * <td>0</td><td>0, with promises</td></tr>
 * </table>
 *
 * <p>On OpenBSD {@link #enter()} and {@link #complete()} call unveil(2) and pledge(2), which bind the whole process; little is inherited
 * across exec there, so {@link #spawn(Child.Builder)} can do nothing. On other systems nothing can be enforced. A measure that cannot be enforced
 * is an error unless {@link #ifPossible()} says otherwise; {@link #query()} tells beforehand.
 */
public final class Confinement {
    private static final int SIGKILL = 9;
    private static final String FIRST = "1000";
    private static final Confinement NONE = new Confinement(new Restrictions());

    private final Restrictions restrictions;

    private Confinement(Restrictions restrictions) {
        this.restrictions = restrictions;
    }

    private Confinement with(Consumer<Restrictions> change) {
        return new Confinement(restrictions.with(change));
    }

    /**
     * Begins with no confinement at all.
     *
     * @return it
     */
    public static Confinement none() {
        return NONE;
    }

    /**
     * Tells what this machine enforces, and what this process may ask of it.
     *
     * @return the state of things now
     */
    public static Platform query() {
        return Platform.here();
    }

    /**
     * Promises to do nothing but this. Promises add up; {@link Promise#STDIO} is always among them.
     *
     * @param promises what the program goes on doing; none for {@link Promise#STDIO} alone
     * @return a confinement with them
     */
    public Confinement promise(Promise... promises) {
        Set<Promise> more = EnumSet.of(Promise.STDIO, promises);
        if (restrictions.promises != null)
            more.addAll(restrictions.promises);
        return with(copy -> copy.promises = Set.copyOf(more));
    }

    /**
     * Shows a path, and what is below it; once one is unveiled, all others are out of reach. On Linux a veiled path fails with
     * EACCES, on OpenBSD with ENOENT; files opened already stay open; and on Linux looking at a file's size or owner is not
     * restricted.
     *
     * <p>On Linux, signals to processes outside and their abstract Unix sockets are out of reach too, from version 6 of Landlock
     * on (Linux 6.12); connecting to a Unix socket that has a path is not restricted. Before version 3 (Linux 6.2) Landlock
     * cannot refuse truncation: there, files cannot be truncated by their path at all. {@link Platform#landlockLacks()} tells.
     *
     * @param path a file or directory, absolute. It must exist when the confinement is applied
     * @param access what may be done there
     * @return a confinement with it
     * @throws IllegalArgumentException if the path is not absolute, or there is no access
     */
    public Confinement unveil(Path path, Access... access) {
        if (!path.isAbsolute() || access.length == 0)
            throw new IllegalArgumentException("to unveil takes an absolute path and one access or more; not " + path
                    + " and " + access.length);
        Map<Path, Set<Access>> more = new LinkedHashMap<>(restrictions.unveiled);
        Set<Access> both = EnumSet.of(access[0], access);
        both.addAll(more.getOrDefault(path, Set.of()));
        more.put(path, both);
        return with(copy -> copy.unveiled = more);
    }

    /**
     * Shows what a JVM like this one needs to start: its JDK and what symbolic links in it lead to, the class path and module path,
     * the system's libraries, to be read and executed; the few devices and the resolver's files to be read. Those of them that
     * are not there when it is applied are left out. Of {@code /proc}, to be read, it shows the processes of the child's user
     * only, if this process has CAP_SYS_ADMIN: the child is given a mount namespace for it.
     *
     * @return a confinement with these paths
     */
    public Confinement unveilJava() {
        return with(copy -> copy.unveiledJava = true);
    }

    /**
     * Gives the child namespaces of its own. Needs root.
     *
     * @param namespaces which
     * @return a confinement with them
     */
    public Confinement namespaces(Namespace... namespaces) {
        Set<Namespace> more = EnumSet.noneOf(Namespace.class);
        more.addAll(restrictions.namespaces);
        more.addAll(List.of(namespaces));
        return with(copy -> copy.namespaces = Set.copyOf(more));
    }

    /**
     * Gives the child a root of its own, and a mount namespace to hold it. Needs root.
     *
     * @param root what is in it
     * @return a confinement with it
     */
    public Confinement privateRoot(PrivateRoot root) {
        return with(copy -> copy.privateRoot = root).namespaces(Namespace.MOUNT);
    }

    /**
     * Makes a directory the child's root; the program and all it needs must be in it. Within a {@link #privateRoot(PrivateRoot)}, if there
     * is one. Needs root.
     *
     * @param directory it, absolute
     * @return a confinement with it
     * @throws IllegalArgumentException if it is not absolute
     */
    public Confinement chroot(Path directory) {
        if (!directory.isAbsolute())
            throw new IllegalArgumentException("a new root is named by an absolute path, not " + directory);
        return with(copy -> copy.chroot = directory);
    }

    /**
     * Gives the child another user. Needs root, unless this process has the very ids already.
     *
     * @param ids the user
     * @return a confinement with it
     */
    public Confinement to(Ids ids) {
        return with(copy -> copy.ids = ids);
    }

    /**
     * Sets the user that the starting thread has for its real and saved one while the child's is its effective one. Processes with
     * that uid may signal and limit this process while a child starts, so it must run nothing; several programs may share it.
     * 65533 unless set, which neither Debian nor systemd gives to anybody.
     *
     * @param uid 1 to 4294967294, other than the child's, and mapped in this user namespace
     * @return a confinement that goes by way of it
     * @throws IllegalArgumentException if it is out of range
     */
    public Confinement intermediate(long uid) {
        if (uid < 1 || uid > 0xFFFF_FFFEL)
            throw new IllegalArgumentException("an intermediate user is 1 to 4294967294, not " + uid);
        return with(copy -> copy.intermediate = uid);
    }

    /**
     * Limits what the process may use: setrlimit(2), the soft limit and the hard one alike. A hard limit that is lower already
     * stays. A program has it from its first instruction on, by {@code /usr/bin/prlimit} of util-linux; a JVM from
     * {@link #complete()} or {@link #enter()} on.
     *
     * @param resource of what
     * @param limit 0 or more in the resource's unit, or -1 for none
     * @return a confinement with it instead of an earlier limit of that resource
     * @throws IllegalArgumentException if the limit is under -1
     */
    public Confinement limit(Resource resource, long limit) {
        if (limit < -1)
            throw new IllegalArgumentException("a limit is 0 or more, or -1 for none; not " + limit);
        Map<Resource, Long> more = new EnumMap<>(Resource.class);
        more.putAll(restrictions.limits);
        more.put(resource, limit);
        return with(copy -> copy.limits = more);
    }

    /**
     * Makes the child give way to other processes: nice(2). Its priority from its first instruction on, it takes it back only with
     * CAP_SYS_NICE. On Linux 6.12 and newer a child that is made nicer also gets slices of 10 ms (sched_setattr(2)): a thread that wakes takes
     * the processor from it at once then, where it would else wait for the end of a slice. Those it may change.
     *
     * <p>Where Linux shares the processors between sessions first (autogroup, sched(7)), niceness counts only within a child's session,
     * that is, not against this process. It does so with {@code kernel.sched_autogroup_enabled} 1, and only among processes without a
     * control group for the processor: a service manager's services usually have one.
     *
     * @param increment the change to the niceness of this process, -39 to 39; less than 0 takes CAP_SYS_NICE
     * @return a confinement with it instead of an earlier one
     * @throws IllegalArgumentException if it is out of range
     */
    public Confinement nice(int increment) {
        if (increment < -39 || increment > 39)
            throw new IllegalArgumentException("niceness is changed by -39 to 39, not by " + increment);
        return with(copy -> copy.niceness = increment);
    }

    /**
     * Lets the child bind no TCP port but these; called without any, none, and it cannot listen either. Closes what would lead
     * past it: internet sockets other than TCP's (UDP, MPTCP), MSG_FASTOPEN, and io_uring. A child that may bind a port may also
     * listen on one that the kernel chooses. Takes version 4 of Landlock, which is Linux 6.7.
     *
     * @param ports 1 to 65535
     * @return a confinement with these instead of earlier ones
     * @throws IllegalArgumentException if one is out of range
     */
    public Confinement bindTcp(int... ports) {
        Set<Integer> set = ports(ports);
        return with(copy -> copy.bindPorts = set);
    }

    /**
     * Lets the child connect to no TCP port but these, as {@link #bindTcp(int...)}.
     *
     * @param ports 1 to 65535
     * @return a confinement with these instead of earlier ones
     * @throws IllegalArgumentException if one is out of range
     */
    public Confinement connectTcp(int... ports) {
        Set<Integer> set = ports(ports);
        return with(copy -> copy.connectPorts = set);
    }

    private static Set<Integer> ports(int[] ports) {
        Set<Integer> set = new TreeSet<>();
        for (int port : ports) {
            if (port < 1 || port > 65535)
                throw new IllegalArgumentException("a port is 1 to 65535, not " + port);
            set.add(port);
        }
        return set;
    }

    /**
     * Bounds what the child, and whatever it executes, can ever get of root's rights. Needs CAP_SETPCAP.
     *
     * @param capabilities the bound; none for nothing at all
     * @return a confinement with this bound instead of an earlier one
     */
    public Confinement boundingSet(Capability... capabilities) {
        return with(copy -> copy.bounding = Set.of(capabilities));
    }

    /**
     * Leaves the child some of root's rights although it is not root: say {@link Capability#NET_BIND_SERVICE} only. Takes
     * {@link #to(Ids)}.
     *
     * @param capabilities which
     * @return a confinement with these instead of earlier ones
     */
    public Confinement ambient(Capability... capabilities) {
        return with(copy -> copy.ambient = Set.of(capabilities));
    }

    /**
     * Puts the child into a control group before it runs code of its own: a program is executed by {@code /bin/sh}, which waits
     * until it is there, a JVM is moved as soon as it is started. Its descriptors must leave a number from 3 to 9 free.
     *
     * @param group the group
     * @return a confinement with it
     */
    public Confinement controlGroup(ControlGroup group) {
        return with(copy -> copy.group = group);
    }

    /**
     * Holds another process against this confinement, from outside: the ids, capabilities, filter and no_new_privs of each of its threads, its
     * root and namespaces, limits, the niceness of each of its threads against this one's, and its control group, as /proc shows them. Having
     * less than described is no difference. Not seen there are what is unveiled and ports. Where nothing but limits and a group is described,
     * the process may have entered them itself, and nothing else is looked at. Linux only; for a process of another user as root.
     *
     * @param pid the process, which must not be waited for meanwhile
     * @return what is otherwise, in words; empty if nothing is, or if the process has ended
     * @throws IOException if /proc cannot be read
     */
    public List<String> differences(long pid) throws IOException {
        return new Outside(pid).differences(restrictions);
    }

    /**
     * Has the program run without what this machine, or this process's own rights, cannot enforce. Measures left out are told by
     * {@link #missing()} and in what {@link #enter()} and {@link #complete()} return.
     *
     * @return a confinement that does as much as is possible
     */
    public Confinement ifPossible() {
        return with(copy -> copy.ifPossible = true);
    }

    /**
     * Names the parts of this description that {@link #spawn(Child.Builder)} could not enforce here and now.
     *
     * @return each thing and why, in words; empty if nothing is missing
     */
    public List<String> missing() {
        return List.copyOf(Unenforceable.forSpawn(restrictions, query()).values());
    }

    /**
     * Starts a program that is confined before its first instruction. A fresh platform thread gives up the rights, starts the
     * program and ends; this process keeps its own. May be called from any thread; one such start at a time.
     *
     * <p>At no moment does a thread of this process have the child's user as its real one, so that other processes of that user
     * cannot signal, limit or trace this process. A program that is given another user is therefore executed by
     * {@code /usr/bin/setpriv} of util-linux, which must be within reach and within the new root, if there is one.
     *
     * <p>The kernel ends the child and what it starts before other processes when memory is short: its {@code oom_score_adj} is
     * 1000 as soon as it has started. The child cannot lower it if this process has CAP_SYS_RESOURCE.
     *
     * @param child the program
     * @return the running child
     * @throws PrivilegeException if something cannot be enforced, or a step fails; nothing was started then
     * @throws IOException if the program cannot be started
     * @throws IllegalArgumentException if the child has a {@linkplain Child.Builder#directory(Fd) working directory} and the
     *     description another root, as an open directory is a way out of it; or if its user is the intermediate one
     * @throws UnsupportedOperationException on Linux on a machine other than x86_64 and aarch64, before anything is
     *     done
     */
    public Child spawn(Child.Builder child) throws IOException {
        return spawn(child, query(), true);
    }

    /**
     * Starts a JVM, as {@link #spawn(Child.Builder)}, whose main calls {@link #becomeUser()} or {@link #complete()} on the same description before it
     * does anything else. No setpriv stands between, and no process of its user can trace, limit or read it: until that
     * call its real user is the intermediate one, and the kernel guards it like a set-id program.
     *
     * @param child the JVM
     * @return the running child
     * @throws PrivilegeException if something cannot be enforced, or a step fails; nothing was started then
     * @throws IOException if the program cannot be started
     * @throws IllegalArgumentException as {@link #spawn(Child.Builder)}
     * @throws UnsupportedOperationException as {@link #spawn(Child.Builder)}
     */
    public Child spawnJava(Child.Builder child) throws IOException {
        return spawn(child, query(), false);
    }

    Child spawn(Child.Builder child, Platform platform, boolean anyProgram) throws IOException {
        if (child.hasDirectory() && (restrictions.chroot != null || restrictions.privateRoot != null))
            throw new IllegalArgumentException(
                    "a working directory that was opened before lies outside of the new root");
        if (restrictions.ids != null && restrictions.ids.uid() == restrictions.intermediate)
            throw new IllegalArgumentException("uid " + restrictions.intermediate
                    + " cannot be the child's and the intermediate one: name another with intermediate(uid)");
        Restrictions possible = possible(platform);
        if (Os.current() != Os.LINUX)
            return child.start();
        if (possible.group == null)
            return start(child, possible, platform, anyProgram, -1);
        if (!anyProgram)
            return settled(start(child, possible, platform, false, -1), possible.group::add);
        int free = SpawnSteps.freeDescriptor(child);
        // Nothing that moves processes is passed on: another process of the child's user could take it, and move this one.
        try (Fd.Pair gate = Fd.pipe()) {
            Child started = settled(start(child.descriptor(free, gate.first()), possible, platform, true, free),
                    possible.group::add);
            gate.first().close();
            open(gate.second());
            return started;
        }
    }

    /** Does something with a child that has been started, which is killed if that fails. */
    private static Child settled(Child started, Child.PidTask task) throws IOException {
        try {
            started.whileThere(task);
            return started;
        } catch (IOException | RuntimeException | Error e) {
            started.kill(SIGKILL);
            throw e;
        }
    }

    /** Lets the shell behind a gate go on, unless it has ended. */
    private static void open(Fd gate) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int result = Posix.write(gate.intValue(), arena.allocateFrom("\n").address(), 1);
            if (result != -Errno.number("EPIPE"))
                ErrnoException.check("write", "a line for the shell", result);
        }
    }

    private static Child start(Child.Builder child, Restrictions possible, Platform platform, boolean anyProgram,
            int gate) throws IOException {
        try (SpawnSteps steps = new SpawnSteps(possible, platform,
                anyProgram ? Optional.of(child.environment()) : Optional.empty(), gate)) {
            return settled(child.through(steps.starter())
                    .start(spawn -> ConfinedSpawn.run(steps.list(), steps.ifThere(child.program(), spawn))),
                    Confinement::endsFirst);
        }
    }

    /** Files in memory are no process's own: without this, the kernel might end this process for what a child has written there. */
    private static void endsFirst(int pid) {
        try {
            Files.writeString(Path.of("/proc/" + pid + "/oom_score_adj"), FIRST);
        } catch (IOException _) {
            // There is no /proc, or only root may say so of another user's process.
        }
    }

    /**
     * In a child that {@link #spawnJava(Child.Builder)} started, first of all: makes the user it was given its real one, in every thread.
     * {@link #complete()} does so too, and may come later. Does nothing where there is nothing to do.
     *
     * @throws PrivilegeException if it fails, and then the process must not go on
     */
    public void becomeUser() throws PrivilegeException {
        if (restrictions.ids != null)
            InProcess.becomeUser(restrictions.ids);
    }

    /**
     * Confines this process, all its threads and those to come, as far as that can be done from within.
     *
     * @return what was left out and why; always empty without {@link #ifPossible()}
     * @throws PrivilegeException if something cannot be enforced for all threads, before anything is done; or if a step
     *     fails, and then the process must not go on
     */
    public List<String> enter() throws PrivilegeException {
        Map<String, String> missing = Unenforceable.forEnter(restrictions, Platform.within());
        refuseUnlessAllowed(missing);
        InProcess.confine(Unenforceable.without(restrictions, missing.keySet()));
        return List.copyOf(missing.values());
    }

    /**
     * In a child that {@link #spawnJava(Child.Builder)} or {@link #spawn(Child.Builder)} started with the same description: {@linkplain #becomeUser() becomes its
     * user}, proves that this process has what the parent gave it and
     * nothing more, in every thread, and confines it to exactly what was promised.
     *
     * @return what was left out and why, here or by the parent; always empty without {@link #ifPossible()}
     * @throws PrivilegeException at the step {@code proof} if this process has other rights than described; at other
     *     steps if they fail. The process must not go on then
     */
    public List<String> complete() throws PrivilegeException {
        Map<String, String> missing = Unenforceable.forComplete(restrictions, Platform.within());
        refuseUnlessAllowed(missing);
        becomeUser();
        if (restrictions.ifPossible)
            InProcess.notGiven(Unenforceable.without(restrictions, missing.keySet())).forEach(missing::putIfAbsent);
        InProcess.complete(Unenforceable.without(restrictions, missing.keySet()));
        return List.copyOf(missing.values());
    }

    /**
     * Does all that {@link #enter()} and {@link #complete()} do on Linux, but for the calls that bind this process, and whatever its
     * rights are: for the training run of an AOT cache, which then has the classes and call sites of a confined start. Nothing is
     * confined afterwards. On other systems there is nothing to rehearse.
     *
     * @throws PrivilegeException if /proc cannot be read
     */
    public void rehearse() throws PrivilegeException {
        Platform platform = Platform.within();
        Unenforceable.forEnter(restrictions, platform);
        Map<String, String> missing = Unenforceable.forComplete(restrictions, platform);
        InProcess.rehearse(Unenforceable.without(restrictions, missing.keySet()));
    }

    /** The restrictions that can be given to a program before it runs, here. */
    private Restrictions possible(Platform platform) throws PrivilegeException {
        Map<String, String> missing = Unenforceable.forSpawn(restrictions, platform);
        refuseUnlessAllowed(missing);
        return Unenforceable.without(restrictions, missing.keySet());
    }

    /**
     * The same for a program that this process becomes: its thread takes the user in all places, for that user's processes may soon
     * do to this process all that they could do to the thread.
     */
    Restrictions possibleInPlace(Platform platform) throws PrivilegeException {
        Ids ids = restrictions.ids;
        return (ids == null ? this : with(copy -> copy.intermediate = ids.uid())).possible(platform);
    }

    Restrictions restrictions() {
        return restrictions;
    }

    private void refuseUnlessAllowed(Map<String, String> missing) throws PrivilegeException {
        Optional<Map.Entry<String, String>> first = missing.entrySet().stream().findFirst();
        if (first.isPresent() && !restrictions.ifPossible)
            throw new PrivilegeException(first.get().getKey(), String.join("; ", missing.values()));
    }

    @Override
    public String toString() {
        return restrictions.toString();
    }
}
