package org.imsg.privsep.rights;

import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.imsg.sys.Os;
import org.imsg.unix.Child;

/**
 * What a program may still do. A description: immutable, each method gives a new one that confines more.
 *
 * <pre>{@code
 * Confinement parser = Confinement.none().promise(Promise.STDIO).unveilJava().to(Ids.ofUser("_parser"));
 * Child child = parser.spawn(Child.of(java, "-cp", classPath, "org.example.Parser").descriptor(3, channel));
 *
 * parser.complete();                          // and in the child's main, before it looks at what it was sent
 * }</pre>
 *
 * <p>There are three ways to apply it, because Linux keeps most rights for each thread, and a JVM has many before main begins.
 *
 * <table>
 * <caption>What each way can do on Linux</caption>
 * <tr><th></th><th>{@link #spawn}: before a child runs</th><th>{@link #complete}: in that child</th><th>{@link #enter}: in any
 * process</th></tr>
 * <tr><td>promises</td><td>what they say, and what a program needs to start: execute, read files, start processes</td>
 * <td>exactly</td><td>exactly</td></tr>
 * <tr><td>unveiled paths</td><td>yes</td><td>tried</td><td>refused: would bind one thread</td></tr>
 * <tr><td>namespaces, private root, chroot</td><td>yes</td><td>nothing to do</td><td>refused; for a chroot see
 * {@link PrivilegeDrop}</td></tr>
 * <tr><td>ids</td><td>yes</td><td>proved</td><td>refused; see {@link PrivilegeDrop}</td></tr>
 * <tr><td>bounding set, ambient capabilities</td><td>yes</td><td>proved</td><td>refused: would bind one thread</td></tr>
 * <tr><td>no_new_privs</td><td>always</td><td>proved</td><td>with promises</td></tr>
 * <tr><td>dumpable</td><td>untouched in the parent; the exec makes it 1 in the child</td><td>0</td><td>0</td></tr>
 * </table>
 *
 * <p>On OpenBSD {@link #enter} and {@link #complete} call unveil(2) and pledge(2), which bind the whole process; what is inherited
 * across exec there is little, so {@link #spawn} can do nothing. On other systems nothing can be enforced. What cannot be enforced
 * is an error unless {@link #ifPossible} says otherwise; {@link #query} tells beforehand.
 */
public final class Confinement {
    private static final Confinement NONE = new Confinement(
            new Parts(null, Map.of(), false, Set.of(), null, null, null, null,
                    Set.of(), false));

    private final Parts parts;

    private Confinement(Parts parts) {
        this.parts = parts;
    }

    /** The whole description; a null is a thing not asked for. */
    record Parts(Set<Promise> promises, Map<Path, Set<Access>> unveiled, boolean unveiledJava,
            Set<Namespace> namespaces,
            PrivateRoot privateRoot, Path chroot, Ids ids, Set<Capability> bounding, Set<Capability> ambient,
            boolean ifPossible) {
        boolean veils() {
            return unveiledJava || !unveiled.isEmpty();
        }
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
     * What this machine enforces, and what this process may ask of it.
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
        if (parts.promises != null)
            more.addAll(parts.promises);
        return new Confinement(
                new Parts(Set.copyOf(more), parts.unveiled, parts.unveiledJava, parts.namespaces, parts.privateRoot,
                        parts.chroot, parts.ids, parts.bounding, parts.ambient, parts.ifPossible));
    }

    /**
     * Shows a path, and what is below it; once one is unveiled, all others are out of reach. On Linux a veiled path fails with
     * EACCES, on OpenBSD with ENOENT; what is opened already stays open; and on Linux looking at a file's size or owner is not
     * restricted.
     *
     * <p>On Linux this is about files, whatever the version of Landlock: it does not bound connecting to a Unix socket, with a
     * name in the file system or an abstract one, nor TCP ports (which Landlock could from version 4 on), nor signals (from
     * version 6 on). {@link #promise} and namespaces do.
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
        Map<Path, Set<Access>> more = new LinkedHashMap<>(parts.unveiled);
        Set<Access> both = EnumSet.of(access[0], access);
        both.addAll(more.getOrDefault(path, Set.of()));
        more.put(path, both);
        return new Confinement(
                new Parts(parts.promises, more, parts.unveiledJava, parts.namespaces, parts.privateRoot, parts.chroot,
                        parts.ids, parts.bounding, parts.ambient, parts.ifPossible));
    }

    /**
     * Shows what a JVM like this one needs to start: its JDK, the class path and module path, the system's libraries, to be read
     * and executed; /proc, the few devices and the resolver's files to be read. Those of them that are not there when it is applied
     * are left out.
     *
     * @return a confinement with these paths
     */
    public Confinement unveilJava() {
        return new Confinement(new Parts(parts.promises, parts.unveiled, true, parts.namespaces, parts.privateRoot,
                parts.chroot, parts.ids, parts.bounding, parts.ambient, parts.ifPossible));
    }

    /**
     * Gives the child namespaces of its own. Needs root.
     *
     * @param namespaces which
     * @return a confinement with them
     */
    public Confinement namespaces(Namespace... namespaces) {
        Set<Namespace> more = EnumSet.noneOf(Namespace.class);
        more.addAll(parts.namespaces);
        more.addAll(List.of(namespaces));
        return new Confinement(
                new Parts(parts.promises, parts.unveiled, parts.unveiledJava, Set.copyOf(more), parts.privateRoot,
                        parts.chroot, parts.ids, parts.bounding, parts.ambient, parts.ifPossible));
    }

    /**
     * Gives the child a root of its own, and a mount namespace to hold it. Needs root.
     *
     * @param root what is in it
     * @return a confinement with it
     */
    public Confinement privateRoot(PrivateRoot root) {
        return new Confinement(new Parts(parts.promises, parts.unveiled, parts.unveiledJava, parts.namespaces, root,
                parts.chroot, parts.ids,
                parts.bounding, parts.ambient, parts.ifPossible)).namespaces(Namespace.MOUNT);
    }

    /**
     * Makes a directory the child's root; the program and all it needs must be in it. Within a {@link #privateRoot}, if there
     * is one. Needs root.
     *
     * @param directory it, absolute
     * @return a confinement with it
     * @throws IllegalArgumentException if it is not absolute
     */
    public Confinement chroot(Path directory) {
        if (!directory.isAbsolute())
            throw new IllegalArgumentException("a new root is named by an absolute path, not " + directory);
        return new Confinement(new Parts(parts.promises, parts.unveiled, parts.unveiledJava, parts.namespaces,
                parts.privateRoot, directory,
                parts.ids, parts.bounding, parts.ambient, parts.ifPossible));
    }

    /**
     * Has the child be another user from its first instruction on. Needs root, unless it is who this process is already.
     *
     * @param ids whom
     * @return a confinement with it
     */
    public Confinement to(Ids ids) {
        return new Confinement(
                new Parts(parts.promises, parts.unveiled, parts.unveiledJava, parts.namespaces, parts.privateRoot,
                        parts.chroot, ids, parts.bounding, parts.ambient, parts.ifPossible));
    }

    /**
     * Bounds what the child, and whatever it executes, can ever get of root's rights. Needs CAP_SETPCAP.
     *
     * @param capabilities the bound; none for nothing at all
     * @return a confinement with this bound instead of an earlier one
     */
    public Confinement boundingSet(Capability... capabilities) {
        return new Confinement(
                new Parts(parts.promises, parts.unveiled, parts.unveiledJava, parts.namespaces, parts.privateRoot,
                        parts.chroot, parts.ids, Set.of(capabilities), parts.ambient, parts.ifPossible));
    }

    /**
     * Leaves the child some of root's rights although it is not root: say {@link Capability#NET_BIND_SERVICE} only. Takes
     * {@link #to}.
     *
     * @param capabilities which
     * @return a confinement with these instead of earlier ones
     */
    public Confinement ambient(Capability... capabilities) {
        return new Confinement(
                new Parts(parts.promises, parts.unveiled, parts.unveiledJava, parts.namespaces, parts.privateRoot,
                        parts.chroot, parts.ids, parts.bounding, Set.of(capabilities), parts.ifPossible));
    }

    /**
     * Has the program run without what this machine, or this process's own rights, cannot enforce. What is left out is told by
     * {@link #missing} and in what {@link #enter} and {@link #complete} return.
     *
     * @return a confinement that does as much as is possible
     */
    public Confinement ifPossible() {
        return new Confinement(
                new Parts(parts.promises, parts.unveiled, parts.unveiledJava, parts.namespaces, parts.privateRoot,
                        parts.chroot, parts.ids, parts.bounding, parts.ambient, true));
    }

    /**
     * What of this description {@link #spawn} could not enforce here and now.
     *
     * @return each thing and why, in words; empty if nothing is missing
     */
    public List<String> missing() {
        return List.copyOf(Missing.forSpawn(parts, query()).values());
    }

    /**
     * Starts a program that is confined before its first instruction. A fresh platform thread gives up the rights, starts the
     * program and ends; this process keeps its own. May be called from any thread; one such start at a time.
     *
     * @param child the program
     * @return the running child, which should call {@link #complete} on the same description
     * @throws PrivilegeException if something cannot be enforced, or a step fails; nothing was started then
     * @throws IOException if the program cannot be started
     * @throws IllegalArgumentException if the child has a {@linkplain Child.Builder#directory working directory}, and
     *     the description another root: an open directory is a way out of it
     * @throws UnsupportedOperationException on Linux on a machine other than x86_64 and aarch64, before anything is
     *     done
     */
    public Child spawn(Child.Builder child) throws IOException {
        if (child.hasDirectory() && (parts.chroot != null || parts.privateRoot != null))
            throw new IllegalArgumentException(
                    "a working directory that was opened before lies outside of the new root");
        Map<String, String> missing = Missing.forSpawn(parts, query());
        refuseUnlessAllowed(missing);
        Parts possible = Missing.without(parts, missing.keySet());
        if (Os.current() != Os.LINUX)
            return child.start();
        try (SpawnSteps steps = new SpawnSteps(possible)) {
            return child.start(spawn -> ConfinedSpawn.run(steps.list(), spawn));
        }
    }

    /**
     * Confines this process, all its threads and those to come, as far as that can be done from within.
     *
     * @return what was left out and why; always empty without {@link #ifPossible}
     * @throws PrivilegeException if something cannot be enforced for all threads, before anything is done; or if a step
     *     fails, and then the process must not go on
     */
    public List<String> enter() throws PrivilegeException {
        Map<String, String> missing = Missing.forEnter(parts, Platform.within());
        refuseUnlessAllowed(missing);
        InProcess.confine(Missing.without(parts, missing.keySet()));
        return List.copyOf(missing.values());
    }

    /**
     * In a child that {@link #spawn} started with the same description: proves that this process has what the parent gave it and
     * nothing more, in every thread, and confines it to exactly what was promised.
     *
     * @return what was left out and why, here or by the parent; always empty without {@link #ifPossible}
     * @throws PrivilegeException at the step {@code proof} if this process has other rights than described; at other
     *     steps if they fail. The process must not go on then
     */
    public List<String> complete() throws PrivilegeException {
        Map<String, String> missing = Missing.forComplete(parts, Platform.within());
        refuseUnlessAllowed(missing);
        if (parts.ifPossible)
            InProcess.notGiven(Missing.without(parts, missing.keySet())).forEach(missing::putIfAbsent);
        InProcess.complete(Missing.without(parts, missing.keySet()));
        return List.copyOf(missing.values());
    }

    /**
     * Does all that {@link #enter} and {@link #complete} do on Linux, but for the calls that bind this process, and whatever its
     * rights are: for the training run of an AOT cache, which then has the classes and call sites of a confined start. Nothing is
     * confined afterwards. On other systems there is nothing to rehearse.
     *
     * @throws PrivilegeException if /proc cannot be read
     */
    public void rehearse() throws PrivilegeException {
        Platform platform = Platform.within();
        Missing.forEnter(parts, platform);
        Missing.forComplete(parts, platform);
        InProcess.rehearse(parts);
    }

    Parts parts() {
        return parts;
    }

    private void refuseUnlessAllowed(Map<String, String> missing) throws PrivilegeException {
        Optional<Map.Entry<String, String>> first = missing.entrySet().stream().findFirst();
        if (first.isPresent() && !parts.ifPossible)
            throw new PrivilegeException(first.get().getKey(), String.join("; ", missing.values()));
    }

    @Override
    public String toString() {
        return parts.toString();
    }
}
