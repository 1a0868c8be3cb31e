package org.imsg.privsep;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.imsg.Imsg;
import org.imsg.privsep.ops.Monitor;
import org.imsg.privsep.ops.Policy;
import org.imsg.privsep.rights.Access;
import org.imsg.privsep.rights.Confinement;
import org.imsg.privsep.rights.ControlGroups;
import org.imsg.privsep.rights.GroupLimits;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Promise;
import org.imsg.privsep.rights.Resource;
import org.jspecify.annotations.Nullable;

/**
 * What a role needs and may do, as data: struct privsep_proc of OpenBSD's proc.c. Set inside the call to {@link Privsep#role(String, Supplier)},
 * which every process of the program makes alike.
 */
public final class RoleSettings {
    private static final int MOST_INSTANCES = 1000;

    private final String name;
    private final Supplier<? extends Role> factory;
    private final Set<String> connections = new TreeSet<>();
    private final List<String> jvmOptions = new ArrayList<>();
    private final RoleRights rights = new RoleRights();
    private int instances = 1;
    private AfterEnd afterEnd = AfterEnd.STOP_PROGRAM;
    private OnViolation onViolation = OnViolation.KILL_CHILD;
    private Duration firstPause = Backoff.SHORTEST;
    private Duration mostPause = Duration.ofMinutes(1);
    private PeerBounds bounds = PeerBounds.USUAL;
    private boolean inheritStreams;
    private boolean reexecuteOnReload;
    private @Nullable Supplier<?> configuration;
    private @Nullable Object current;
    private volatile boolean changed = true;
    private boolean down;
    private final List<String> descriptors = new ArrayList<>();
    private @Nullable FinishProgram finish;
    private @Nullable Function<@Nullable ControlGroups, Monitor> monitor;
    private @Nullable Monitor built;
    private @Nullable ControlGroups groups;
    private @Nullable Path policyFile;
    private @Nullable OnDemand onDemand;

    RoleSettings(String name, Supplier<? extends Role> factory) {
        if (name.isBlank() || name.equals(Peer.PARENT) || !name.matches("[A-Za-z0-9_.-]{1,64}"))
            throw new IllegalArgumentException(
                    "a role's name is 1 to 64 letters, digits, dots, dashes and underscores, "
                            + "and not " + Peer.PARENT + ": \"" + name + "\"");
        this.name = name;
        this.factory = Objects.requireNonNull(factory);
    }

    /**
     * Sets how many processes run the role. 1 unless set.
     *
     * @param count 1 to 1000
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public RoleSettings instances(int count) {
        if (count < 1 || count > MOST_INSTANCES)
            throw new IllegalArgumentException("1 to " + MOST_INSTANCES + " processes run a role, not " + count);
        instances = count;
        return this;
    }

    /**
     * Starts processes of this role when they are asked for with {@link Participant#request(String, Imsg, Duration)}, instead of a number of them
     * with the program: {@link Role#serve(RoleProcess, Imsg)} is given the request. The end of one of them, whatever its cause, ends its request and
     * nothing else; {@link #instances(int)}, {@link #afterEnd(AfterEnd)} and the pauses of {@link #restart()} have no meaning then.
     *
     * @param settings changes the usual settings: one process a request, one spare, 100 processes at most
     * @return this
     */
    public RoleSettings onDemand(UnaryOperator<OnDemand> settings) {
        onDemand = settings.apply(new OnDemand());
        connections.addAll(onDemand.askers());
        if (onDemand.startsAs()) {
            rights.startAs();
            if (ChildEnvironment.isHere())
                rights.asStarted();
        }
        return this;
    }

    /**
     * Connects every process of this role to every process of others, or of this one; naming it on one side is enough. Every
     * process is connected to the parent in any case.
     *
     * @param roles their names
     * @return this
     */
    public RoleSettings connect(String... roles) {
        connections.addAll(List.of(roles));
        return this;
    }

    /**
     * Hands each process of the role descriptors that systemd has passed to the program: sockets that a socket unit listens
     * on, say, so that the program needs no right to. {@link RoleProcess#descriptors(String)} has them. They stay the
     * parent's too, for processes that are started later.
     *
     * @param names their names: what the unit has in FileDescriptorName=, or the unit's own name
     * @return this
     */
    public RoleSettings descriptors(String... names) {
        descriptors.addAll(List.of(names));
        return this;
    }

    /**
     * Has a program run by the parent, with the parent's rights, at the end of each process of the role, as the finish scripts of s6 are. It is
     * run after {@link Parent#finished(ParentProcess, Finish)}, and killed with its process group when the time for both is over ({@link Deadlines#finish()}, which begins at the end of
     * the process). Its output is
     * the parent's.
     *
     * @param program its absolute path
     * @param arguments its first arguments; behind them it is given the role, which of its processes has ended, its
     *     process id, its exit code or -1, and the signal that ended it or 0
     * @return this
     * @throws IllegalArgumentException if the path is not absolute
     */
    public RoleSettings finish(Path program, String... arguments) {
        if (!program.isAbsolute())
            throw new IllegalArgumentException("a finish program has an absolute path, unlike " + program);
        finish = new FinishProgram(program, List.of(arguments));
        return this;
    }

    /**
     * Sets the fate of the program when a process of this role ends without having been told to. {@link AfterEnd#STOP_PROGRAM}
     * unless set.
     *
     * @param what the parent's answer
     * @return this
     */
    public RoleSettings afterEnd(AfterEnd what) {
        afterEnd = Objects.requireNonNull(what);
        return this;
    }

    /**
     * Starts a process of this role again when it ends that was not told to: first after a second, then after twice the time,
     * up to a minute, and after a second again when it has run for a minute. Times count from its last start.
     *
     * @return this
     */
    public RoleSettings restart() {
        return afterEnd(AfterEnd.RESTART);
    }

    /**
     * Starts a process of this role again, as {@link #restart()}, with other pauses.
     *
     * @param first the shortest time between two starts, 1 second to 1 day
     * @param most the longest, which is also how long a process must run to begin with the shortest again
     * @return this
     * @throws IllegalArgumentException if one is out of range, or the first is the longer one
     */
    public RoleSettings restart(Duration first, Duration most) {
        if (first.compareTo(Backoff.SHORTEST) < 0 || most.compareTo(first) < 0
                || most.compareTo(Duration.ofDays(1)) > 0)
            throw new IllegalArgumentException("pauses are " + Backoff.SHORTEST + " to " + Duration.ofDays(1)
                    + ", the first not longer than the longest, not " + first + " to " + most);
        firstPause = first;
        mostPause = most;
        return restart();
    }

    /**
     * Sets the parent's answer to a process of this role that breaks the rules. {@link OnViolation#KILL_CHILD} unless set.
     *
     * @param what the parent's answer
     * @return this
     */
    public RoleSettings onViolation(OnViolation what) {
        onViolation = Objects.requireNonNull(what);
        return this;
    }

    /**
     * Sets what a process of this role can make grow in its parent and in those it is connected to. {@link PeerBounds#USUAL}
     * unless set.
     *
     * @param most the bounds of each process
     * @return this
     */
    public RoleSettings bounds(PeerBounds most) {
        bounds = Objects.requireNonNull(most);
        return this;
    }

    /**
     * Leaves the role's processes standard input, output and error of the parent. Otherwise their input is empty, and every line
     * they print is a record of the parent's log, named after the process and within its {@link #bounds(PeerBounds)}: at level
     * INFO from standard output, WARNING from standard error. A process that shares the parent's streams can read what the parent is
     * given, and silence, forge and truncate what it writes: for programs whose roles are trusted.
     *
     * @return this
     */
    public RoleSettings inheritStreams() {
        inheritStreams = true;
        return this;
    }

    /**
     * Ends and starts the role's processes on a reload, as OpenBSD's syslogd does, instead of calling {@link Role#reload(RoleProcess)}: a
     * process that has given up the right to read its configuration reads it anew.
     *
     * @return this
     */
    public RoleSettings reexecuteOnReload() {
        reexecuteOnReload = true;
        return this;
    }

    /**
     * As {@link #reexecuteOnReload()}, but only if the role's configuration is another than before; the processes are left alone otherwise.
     *
     * @param configuration reads it in the parent, at the start and after each {@link Parent#reload(ParentProcess)}. What it returns is compared
     *     by equals: a record, a string, a list. If it throws, the log says so and nothing has changed
     * @return this
     */
    public RoleSettings reexecuteOnReload(Supplier<?> configuration) {
        this.configuration = Objects.requireNonNull(configuration);
        return reexecuteOnReload();
    }

    /** Reads the configuration, if the role is reexecuted for a new one only. */
    void readConfiguration() {
        if (configuration == null)
            return;
        changed = false;
        Object next = configuration.get();
        changed = !Objects.equals(next, current);
        current = next;
    }

    /** Whether the configuration that was read last was a new one; always, if none is read. */
    boolean isChanged() {
        return changed;
    }

    /**
     * Starts no process of the role until {@link ParentProcess#up(String)}, as a file {@code down} does in a service directory of s6.
     *
     * @return this
     */
    public RoleSettings down() {
        down = true;
        return this;
    }

    /**
     * Adds options of the JVM for this role, behind those of {@link Privsep#jvm(Consumer)}: of two that contradict the last counts.
     *
     * @param options such as {@code -Xmx256m}
     * @return this
     */
    public RoleSettings jvmOptions(String... options) {
        jvmOptions.addAll(List.of(options));
        return this;
    }

    /**
     * Has the role run as another user. On Linux its processes are that user from their first instruction on; with a
     * {@link #chroot(Path)}, or elsewhere, they become it after {@link Role#prepare(RoleProcess)}.
     *
     * <p>Each role should have a user to itself. Processes of one user may signal each other unless they have made promises; the
     * log names roles that share a user and made none. What a process of the role leaves running is ended when the process
     * has ended.
     *
     * @param name the user's name
     * @return this
     */
    public RoleSettings user(String name) {
        rights.user(Objects.requireNonNull(name));
        return this;
    }

    /**
     * Has the role run as another user, as {@link #user(String)}, which need not be in any database.
     *
     * @param ids the user's numbers
     * @return this
     */
    public RoleSettings user(Ids ids) {
        rights.user(Objects.requireNonNull(ids));
        return this;
    }

    /**
     * Makes a directory the root of all paths, after {@link Role#prepare(RoleProcess)}. Takes {@link #user(String)}.
     *
     * @param directory it, absolute
     * @return this
     */
    public RoleSettings chroot(Path directory) {
        rights.chroot(directory);
        return this;
    }

    /**
     * Shows a path to the role, and what is below it, beside what a JVM needs to start; once one is unveiled, all others are out
     * of reach, from the process's first instruction on. As unveil(2): see {@link Confinement#unveil(Path, Access...)}.
     *
     * @param path a file or directory that exists, absolute
     * @param access what may be done there
     * @return this
     */
    public RoleSettings unveil(String path, Access... access) {
        rights.unveil(Path.of(path), access);
        return this;
    }

    /**
     * Promises that after {@link Role#prepare(RoleProcess)} the role does nothing but this, what every process needs, and receiving
     * descriptors. As pledge(2): see {@link Promise}. A JVM loads classes late: those in directories of the class path are
     * loaded before, jars are kept open.
     *
     * @param promises what it goes on doing; none for computing and the descriptors it has
     * @return this
     */
    public RoleSettings pledge(Promise... promises) {
        rights.pledge(promises);
        return this;
    }

    /**
     * Lets the role ask its parent for what a policy allows, with {@link RoleProcess#privileged()}: a monitor in the parent serves
     * each of its processes. A user and a chroot in the policy are the role's own.
     *
     * @param policy what it may ask for. Every process of the program makes it: what a role cannot read belongs into a
     *     {@linkplain #policy(Path) file} that only the parent reads
     * @return this
     */
    public RoleSettings policy(Policy policy) {
        return policy(policy, settings -> settings);
    }

    /**
     * Lets the role ask its parent for what a policy allows, as {@link #policy(Policy)}, with other limits or another clock.
     *
     * @param policy what it may ask for
     * @param settings changes the usual monitor; called in the parent only
     * @return this
     */
    public RoleSettings policy(Policy policy, UnaryOperator<Monitor.Builder> settings) {
        rights.policy(policy);
        monitor = directory -> settings.apply(Monitor.builder(policy).controlGroups(directory)).build();
        return this;
    }

    /**
     * Lets the role ask its parent for what a policy file allows, as {@link #policy(Policy)}. The parent reads it at the start,
     * and again at every reload: its rules then hold for all requests to come, its user and root for processes started from then
     * on. A file with faults changes nothing, and the log names their lines. The role need not be able to read it.
     *
     * @param file the file, in the format of {@link Policy}
     * @return this
     * @throws UncheckedIOException if it cannot be read
     * @throws org.imsg.privsep.ops.PolicyException if there are faults in it
     */
    public RoleSettings policy(Path file) {
        if (ChildEnvironment.isHere()) {
            rights.asStarted();
            return this;
        }
        policyFile = file;
        try {
            return policy(Policy.read(file));
        } catch (IOException e) {
            throw new UncheckedIOException("the policy of role " + name + " cannot be read", e);
        }
    }

    /**
     * Limits what each process of the role may use, from when it is ready on: setrlimit(2). Unless set: 1024 descriptors; 512
     * processes and threads of a {@link #user(String)}, or 64 for each process of the role if that is more; no core dumps; and as private memory, native memory included, twice the heap of
     * {@code -Xmx} and 192 MiB. A process that goes beyond a limit gets errors, and may end by them.
     *
     * @param resource of what
     * @param limit 0 or more in the resource's unit, or -1 for none
     * @return this
     * @throws IllegalArgumentException if the limit is under -1
     */
    public RoleSettings limit(Resource resource, long limit) {
        if (limit < -1)
            throw new IllegalArgumentException("a limit is 0 or more, or -1 for none; not " + limit);
        rights.limit(resource, limit);
        return this;
    }

    /**
     * Limits what each process of the role and all that it starts may use together, from before its program runs on: takes
     * {@link Privsep#controlGroups(Path)}. Where the kernel cannot keep them, the log says so, and they are left out unless
     * {@link Privsep#requireConfinement()} was said.
     *
     * @param limits the limits, instead of earlier ones
     * @return this
     */
    public RoleSettings limit(GroupLimits limits) {
        rights.together(Objects.requireNonNull(limits));
        return this;
    }

    /**
     * Confines the role further, before its program runs: namespaces, a private root, capabilities, niceness.
     *
     * @param further adds to a confinement that has the user, the paths and the promises
     * @return this
     */
    public RoleSettings confine(UnaryOperator<Confinement> further) {
        rights.confine(further);
        return this;
    }

    /** In the parent, before anything is started. */
    void groups(@Nullable ControlGroups directory) {
        groups = directory;
        rights.groups(directory);
    }

    /** The monitor that serves its processes, one for all of them; in the parent. */
    Optional<Monitor> monitor() {
        if (monitor != null && built == null)
            built = monitor.apply(groups);
        return Optional.ofNullable(built);
    }

    /** The policy as its file has it now, if it has one. */
    Optional<Policy> readPolicy() throws IOException {
        return policyFile == null ? Optional.empty() : Optional.of(Policy.read(policyFile));
    }

    /** For what comes next. In the supervising thread. */
    void replacePolicy(Policy next) {
        rights.policy(next);
        monitor().ifPresent(serving -> serving.policy(next));
    }

    RoleRights rights() {
        return rights;
    }

    String name() {
        return name;
    }

    Role newRole() {
        return Objects.requireNonNull(factory.get(), "the factory of role " + name + " gave null");
    }

    Set<String> connections() {
        return Collections.unmodifiableSet(connections);
    }

    List<String> jvmOptions() {
        return List.copyOf(jvmOptions);
    }

    int instances() {
        return onDemand == null ? instances : onDemand.limit();
    }

    Optional<OnDemand> onDemand() {
        return Optional.ofNullable(onDemand);
    }

    AfterEnd afterEnd() {
        return afterEnd;
    }

    OnViolation onViolation() {
        return onViolation;
    }

    List<String> descriptors() {
        return descriptors;
    }

    Optional<FinishProgram> finish() {
        return Optional.ofNullable(finish);
    }

    PeerBounds bounds() {
        return bounds;
    }

    boolean inheritsStreams() {
        return inheritStreams;
    }

    Backoff backoff() {
        return new Backoff(firstPause, mostPause);
    }

    boolean isDown() {
        return down;
    }

    boolean isReexecutedOnReload() {
        return reexecuteOnReload;
    }

    @Override
    public String toString() {
        return "role " + name;
    }
}
