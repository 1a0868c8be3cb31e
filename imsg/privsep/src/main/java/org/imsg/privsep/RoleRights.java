package org.imsg.privsep;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.rights.Access;
import org.imsg.privsep.rights.Capability;
import org.imsg.privsep.rights.Confinement;
import org.imsg.privsep.rights.ControlGroup;
import org.imsg.privsep.rights.ControlGroups;
import org.imsg.privsep.rights.GroupLimits;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Preload;
import org.imsg.privsep.rights.PrivilegeDrop;
import org.imsg.privsep.rights.PrivilegeException;
import org.imsg.privsep.rights.Promise;
import org.imsg.privsep.rights.Resource;
import org.imsg.unix.Child;
import org.jspecify.annotations.Nullable;

/**
 * The rights a role is left, and when it loses the others: users, paths and whatever was added on Linux before its program runs;
 * but for a chroot, which would hide the JVM from itself, and whose user is then taken with it. Promises, and everything on other
 * systems, in the child after it has prepared.
 */
final class RoleRights {
    /** What a JVM has of private memory beside its heap, and as much again of direct buffers: code, metadata and stacks. */
    private static final long BESIDE_HEAP = 192L << 20;
    private static final long MOST_PROCESSES = 512;
    private static final Ids SOMEBODY = Ids.of(65_534, 65_534);
    /** A small JVM has some twenty threads, and a role's processes have one user. */
    private static final long PROCESSES_EACH = 64;

    private final Map<Path, Access[]> unveiled = new LinkedHashMap<>();
    /** Its processes are started as users that are known later. */
    private boolean startsAs;
    private @Nullable String user;
    private @Nullable Ids numbers;
    private @Nullable Path chroot;
    private @Nullable Set<Promise> promises;
    private @Nullable UnaryOperator<Confinement> more;
    private final Map<Resource, Long> limits = new EnumMap<>(Map.of(Resource.CORE, 0L, Resource.NOFILE, 1024L));
    private GroupLimits together = GroupLimits.none();
    private @Nullable ControlGroups groups;
    private volatile OptionalLong uid = OptionalLong.empty();
    private final FutureTask<Void> preloaded = new FutureTask<>(() -> {
        Preload.standard();
        return null;
    });

    void user(String name) {
        user = name;
        numbers = null;
    }

    void user(Ids ids) {
        user = ids.toString();
        numbers = ids;
    }

    void chroot(Path directory) {
        chroot = directory;
    }

    /** The user and the root that a policy names, if it does. */
    void policy(Policy policy) {
        policy.ids().ifPresent(this::user);
        policy.chroot().ifPresent(this::chroot);
    }

    /** In a child: as the parent has read a policy that only the parent may read. */
    void asStarted() {
        if (System.getenv("UID") != null && System.getenv(ChildEnvironment.PARTIAL) == null)
            user = "uid " + System.getenv("UID");
        if (System.getenv(ChildEnvironment.CHROOT) != null)
            chroot = Path.of(System.getenv(ChildEnvironment.CHROOT));
    }

    void startAs() {
        startsAs = true;
    }

    void unveil(Path path, Access... access) {
        unveiled.put(path, access);
    }

    void pledge(Promise... promised) {
        // The channels to others arrive as descriptors.
        promises = EnumSet.of(Promise.RECVFD, promised);
    }

    void limit(Resource resource, long limit) {
        limits.put(resource, limit);
    }

    /** The user that its processes were last started as, if they were given one. */
    OptionalLong uid() {
        return uid;
    }

    void confine(UnaryOperator<Confinement> further) {
        more = more == null ? further : more.andThen(further)::apply;
    }

    void together(GroupLimits limits) {
        together = limits;
    }

    void groups(@Nullable ControlGroups directory) {
        groups = directory;
    }

    /** Why the limits of a process and what it starts cannot be kept, in words; they are left out then. */
    List<String> missingLimits() {
        if (together.isEmpty())
            return List.of();
        List<String> missing = groups == null
                ? List.of("the limits " + together + ": there is no directory for control groups")
                : groups.missing(together);
        if (!missing.isEmpty())
            together = GroupLimits.none();
        return missing;
    }

    /** A group for one process and what it starts; null where there are none. */
    @Nullable
    ControlGroup newGroup(String name) throws PrivilegeException {
        return groups == null ? null : groups.make(name, together);
    }

    void check(String role) {
        if (startsAs && user != null && !ChildEnvironment.isHere())
            throw new IllegalStateException(
                    "role " + role + " has user " + user + "; the requests name the users of its processes");
        if (chroot != null && user == null && !startsAs)
            throw new IllegalStateException("role " + role + " has a chroot and no user: root can leave it again");
    }

    boolean isConfined() {
        return startsAs || user != null || promises != null || !unveiled.isEmpty() || more != null;
    }

    private static boolean isLinux() {
        return System.getProperty("os.name").equals("Linux");
    }

    /** The ids are given up by the child itself. */
    boolean dropsInside() {
        return (startsAs || user != null) && (chroot != null || !isLinux());
    }

    /** Whether it is left the user, and so the rights, of its parent. */
    boolean keepsUser() {
        return user == null && !startsAs;
    }

    /** The user it becomes, if any. */
    Optional<Ids> becomes() throws PrivilegeException {
        return Optional.ofNullable(ids());
    }

    /** Whether it may signal other processes of its user: promises allow that with PROC only. */
    boolean maySignal() {
        return promises == null || promises.contains(Promise.PROC);
    }

    /** The measures that this process cannot enforce here, in words. */
    List<String> missing() throws PrivilegeException {
        List<String> missing = new ArrayList<>();
        if (!isConfined())
            return missing;
        Set<Capability> capabilities = Confinement.query().capabilities();
        if (dropsInside() && isLinux() && !capabilities
                .containsAll(Set.of(Capability.SETUID, Capability.SETGID, Capability.SYS_CHROOT)))
            missing.add("user and chroot: this process lacks CAP_SETUID, CAP_SETGID or CAP_SYS_CHROOT");
        if (!dropsInside() && user != null && !capabilities.contains(Capability.SETUID) && !isThisUser())
            missing.add("user " + user + ": this process lacks CAP_SETUID");
        else if (startsAs && !capabilities.contains(Capability.SETUID))
            missing.add("users of requests: this process lacks CAP_SETUID");
        else if (isLinux())
            missing.addAll(asIfBefore().ifPossible().missing());
        return missing;
    }

    /** Promises are asked for in the child, but whether they can be kept is known now. */
    private Confinement asIfBefore() throws PrivilegeException {
        return promised(confinement(ids(), List::of, false));
    }

    private boolean isThisUser() {
        try {
            return ids().equals(Ids.current());
        } catch (IOException _) {
            return false;
        }
    }

    private @Nullable Ids ids() throws PrivilegeException {
        return user == null || numbers != null ? numbers : Ids.ofUser(user);
    }

    /** All that can be done before the program runs; of what an ordinary user may do only, if it is partial. */
    private Confinement confinement(@Nullable Ids ids, Supplier<List<Path>> needed, boolean partial) {
        Confinement confinement = Confinement.none();
        if (!unveiled.isEmpty()) {
            confinement = confinement.unveilJava();
            for (Path path : needed.get())
                confinement = confinement.unveil(path, Access.READ);
            for (Map.Entry<Path, Access[]> entry : unveiled.entrySet())
                confinement = confinement.unveil(entry.getKey(), entry.getValue());
        }
        if (partial)
            return confinement.ifPossible();
        if (ids != null && !dropsInside())
            confinement = confinement.to(ids);
        return more == null ? confinement : more.apply(confinement);
    }

    /** All that a process is to have given up by the time it runs, as far as this program can enforce it. */
    Confinement declared(@Nullable Ids as, JvmSettings jvm, List<String> options, int instances)
            throws PrivilegeException {
        if (!isConfined())
            return limited(Confinement.none(), jvm, options, OptionalInt.empty());
        boolean partial = as == null && !missing().isEmpty();
        Ids ids = as != null ? as : partial ? null : ids();
        Confinement declared = limited(promised(confinement(ids, List::of, partial)), jvm, options,
                ids != null ? OptionalInt.of(instances) : OptionalInt.empty());
        if (ids == null || !dropsInside())
            return declared;
        return chroot == null ? declared.to(ids) : declared.to(ids).chroot(chroot);
    }

    /** Starts a process, as the user of a request if it names one: then all of its rights are given up, or it is not started. */
    Child spawn(Child.Builder child, JvmSettings jvm, Ids as) throws IOException {
        if (jvm.isTraining())
            return child.environment(ChildEnvironment.TRAINING, "1").start();
        if (!isConfined())
            return child.start();
        boolean partial = as == null && !missing().isEmpty();
        Ids ids = as != null ? as : partial ? null : ids();
        if (partial)
            child.environment(ChildEnvironment.PARTIAL, "1");
        if (ids != null) {
            if (chroot != null)
                child.environment(ChildEnvironment.CHROOT, chroot.toString());
            child.environment("UID", Long.toString(ids.uid())).environment("GID", Long.toString(ids.gid()))
                    .environment("GIDLIST", String.join(",", ids.groups().stream().map(String::valueOf).toList()));
        }
        if (ids != null && as == null)
            uid = OptionalLong.of(ids.uid());
        return confinement(ids, jvm::paths, partial).spawnJava(child);
    }

    /** In the child, first of all: has the user it was given as its real one too. */
    void becomeUser() throws PrivilegeException {
        if (user != null && System.getenv(ChildEnvironment.PARTIAL) == null
                && System.getenv(ChildEnvironment.TRAINING) == null && !dropsInside())
            Confinement.none().to(Ids.fromEnvironment()).becomeUser();
    }

    /** In the child: opens what its confinement will hide, in a thread of its own, while the child is connected and prepared. */
    void preload() {
        if (promises != null || chroot != null)
            Thread.ofPlatform().name("imsg-preload").start(preloaded);
    }

    /** In the child: proves what the parent did, and does the rest. */
    void complete(JvmSettings jvm, List<String> options, int instances) throws Exception {
        boolean training = System.getenv(ChildEnvironment.TRAINING) != null;
        if (!isConfined()) {
            Confinement limited = limited(Confinement.none(), jvm, options, OptionalInt.empty());
            if (training)
                limited.rehearse();
            else
                limited.enter();
            return;
        }
        if (promises != null || chroot != null)
            awaitPreloaded();
        if (training) {
            // The user need not be there where the cache is made.
            limited(promised(confinement(user == null ? null : SOMEBODY, jvm::paths, false)), jvm, options,
                    OptionalInt.of(instances)).rehearse();
            return;
        }
        boolean partial = System.getenv(ChildEnvironment.PARTIAL) != null;
        Ids ids = user == null || partial ? null : Ids.fromEnvironment();
        boolean drops = dropsInside() && ids != null;
        if (isLinux()) {
            // A filter leaves no way to drop.
            Confinement before = confinement(ids, jvm::paths, partial);
            limited(drops ? before : promised(before), jvm, options,
                    ids != null ? OptionalInt.of(instances) : OptionalInt.empty()).complete();
        }
        if (drops) {
            PrivilegeDrop drop = PrivilegeDrop.to(ids).withoutPreload();
            (chroot == null ? drop : drop.chroot(chroot)).perform();
        }
        if (isLinux() && drops && promises != null)
            promised(Confinement.none()).enter();
        if (!isLinux()) {
            Confinement inside = limited(promised(confinement(null, jvm::paths, true)), jvm, options,
                    OptionalInt.empty());
            (partial ? inside.ifPossible() : inside).enter();
        }
    }

    /** Processes and threads are counted by user: there is no limit where the user is not the role's own. */
    private Confinement limited(Confinement confinement, JvmSettings jvm, List<String> options,
            OptionalInt ofOwnUser) {
        Map<Resource, Long> all = new EnumMap<>(limits);
        jvm.mostHeap(options).ifPresent(heap -> all.putIfAbsent(Resource.DATA, 2 * heap + BESIDE_HEAP));
        ofOwnUser.ifPresent(instances -> all.putIfAbsent(Resource.NPROC,
                Math.max(MOST_PROCESSES, instances * PROCESSES_EACH)));
        Confinement limited = confinement;
        for (Map.Entry<Resource, Long> limit : all.entrySet())
            limited = limited.limit(limit.getKey(), limit.getValue());
        return limited;
    }

    private Confinement promised(Confinement confinement) {
        return promises == null ? confinement : confinement.promise(promises.toArray(Promise[]::new));
    }

    private void awaitPreloaded() throws IOException, InterruptedException {
        try {
            preloaded.get();
        } catch (ExecutionException e) {
            throw new IOException("not all that is needed later could be opened", e.getCause());
        }
    }
}
