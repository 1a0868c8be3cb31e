package org.imsg.privsep;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.imsg.privsep.rights.Capability;
import org.imsg.privsep.rights.Confinement;
import org.imsg.privsep.rights.ControlGroups;
import org.imsg.privsep.rights.GroupLimits;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.PrivilegeException;
import org.imsg.privsep.rights.Slices;
import org.imsg.unix.PeerCredentials;
import org.jspecify.annotations.Nullable;

/**
 * A privilege-separated program: a parent that keeps its rights, and children that have few and do the work, each in a process
 * of its own, joined by channels. Java cannot fork, so every child is the same program executed again; which role it has, it
 * learns from its environment, and its main does nothing but come back here.
 *
 * {@snippet file = "org/imsg/examples/relayd/Relayd.java" region = "main"}
 *
 * <p><b>Start.</b> The parent starts every process of every role, each as the leader of its own session, with the channel to the
 * parent as descriptor 3 and a minimal environment. Its standard input is empty, and what it prints goes into the parent's log, line
 * by line, under its name (see {@link RoleSettings#inheritStreams()}); nothing else is open. A child calls
 * {@link Role#prepare(RoleProcess)}, gives up its rights and says that it is ready. When all are, each is sent its ends of the channels
 * to the others, and told to start: {@link Role#start(RoleProcess)}, then {@link Parent#start(ParentProcess)}.
 *
 * <p><b>Messages</b> go to the handler of their type; the sender is known by the channel they came through. A child that breaks
 * the rules, or makes more grow in the parent than {@link PeerBounds} allow, is dealt with as {@link OnViolation} says, and the
 * others are served on.
 *
 * <p><b>Operations that take rights</b> a role asks for with {@link RoleProcess#privileged()}, if it has a
 * {@linkplain RoleSettings#policy(org.imsg.privsep.ops.Policy) policy}: the parent opens, binds and runs for it what that allows.
 *
 * <p><b>End of a child.</b> {@link Parent#finished(ParentProcess, Finish)} is told how it ended. {@link AfterEnd} says what then becomes of the program;
 * a child that is started again is connected again to every process it was connected to, which sees the former
 * {@link Peer} disconnected and a new one connected. Between two starts of one there is always a second or more. A process that has
 * no descriptor free for such a connection is given another each second, until it has one; one that had none a hundred times breaks the rules.
 *
 * <p><b>End of the program.</b> {@link ParentProcess#stop()}, SIGTERM or SIGINT at the parent: every child's channel is ended, upon
 * which it ends itself; a child that does not is sent SIGTERM, then SIGKILL. A child whose parent dies, however that happens, ends
 * within half a second, whatever it is doing.
 *
 * <p><b>Reload.</b> SIGHUP at the parent is {@link Parent#reload(ParentProcess)} there and {@link Role#reload(RoleProcess)} in the children, or their
 * re-execution. The JDK hands out signals only through its module jdk.unsupported: on the class path it is there, on the module
 * path a program says {@code --add-modules jdk.unsupported}. Without it the log says so; {@link ParentProcess#reload()} works
 * anyhow.
 *
 * <p><b>AOT caches.</b> {@code -Dimsg.privsep.aot.record=FILE} makes a run a training run: the parent, and the first process of each
 * set of options, record what they load, no process is confined, for a confined JVM could not write a file, and the program stops as
 * soon as it has started. Each cache is FILE with a hash of the Java, the options and the jars added. With
 * {@code -Dimsg.privsep.aot=FILE} the children use theirs as long as these are the same, and a parent that was started with
 * another cache than its own does not run. The manual has a script that starts the parent with its own.
 *
 * <p>C counterpart: proc_init, proc_run and proc_dispatch of OpenBSD's proc.c, as in relayd(8), httpd(8) and vmd(8). The
 * differences: processes of two roles are all connected with each other whatever their numbers (proc.c has 1:N), and a child may be
 * started again (there, the program ends).
 */
public final class Privsep {
    private final String name;
    private final RoleTable table = new RoleTable();
    private final JvmSettings jvm = new JvmSettings();
    private Supplier<? extends Parent> parent = () -> _ -> {};
    private Deadlines deadlines = Deadlines.USUAL;
    private boolean confinementRequired;
    private @Nullable Groups groups;
    private ParentLoop.@Nullable ControlSettings control;

    /** The way to a directory for control groups; taken in the parent. */
    private interface Groups {
        ControlGroups take() throws PrivilegeException;
    }

    private Privsep(String name) {
        this.name = name;
    }

    /**
     * Begins to describe a program.
     *
     * @param name its name, for logs and for the children to know whose they are: 1 to 64 letters, digits, dots, dashes
     *     and underscores
     * @return what to set the rest on
     * @throws IllegalArgumentException if the name is none
     */
    public static Privsep program(String name) {
        if (!name.matches("[A-Za-z0-9_.-]{1,64}"))
            throw new IllegalArgumentException("a program's name is 1 to 64 letters, digits, dots, dashes and "
                    + "underscores, not \"" + name + "\"");
        return new Privsep(name);
    }

    /**
     * Adds a role with the usual settings: one process, connected to the parent only.
     *
     * @param role its name, as for {@link #program(String)}; not {@value Peer#PARENT}
     * @param factory makes the role's object, in the child
     * @return this
     * @throws IllegalArgumentException if the name is none, or taken
     */
    public Privsep role(String role, Supplier<? extends Role> factory) {
        return role(role, factory, settings -> settings);
    }

    /**
     * Adds a role.
     *
     * @param role its name, as for {@link #program(String)}; not {@value Peer#PARENT}
     * @param factory makes the role's object, in the child
     * @param settings says what it needs and may do
     * @return this
     * @throws IllegalArgumentException if the name is none, or taken
     */
    public Privsep role(String role, Supplier<? extends Role> factory, UnaryOperator<RoleSettings> settings) {
        table.add(settings.apply(new RoleSettings(role, factory)));
        return this;
    }

    /**
     * Sets what the parent does; nothing but to look after its children unless set.
     *
     * @param factory makes the parent's object, in the parent
     * @return this
     */
    public Privsep parent(Supplier<? extends Parent> factory) {
        parent = Objects.requireNonNull(factory);
        return this;
    }

    /**
     * Sets how the children's JVMs are started.
     *
     * @param settings changes the usual settings
     * @return this
     */
    public Privsep jvm(Consumer<JvmSettings> settings) {
        settings.accept(jvm);
        return this;
    }

    /**
     * Sets how long the parent waits for its children and its finish hook. {@link Deadlines#USUAL} unless set.
     *
     * @param limits the deadlines
     * @return this
     */
    public Privsep deadlines(Deadlines limits) {
        deadlines = Objects.requireNonNull(limits);
        return this;
    }

    /**
     * Has {@link #run(String...)} refuse to run a program whose roles cannot be confined as they say. Otherwise they are confined as far as
     * this process can, and one line of the log names what is not enforced: without root, all of them run as the same user.
     *
     * @return this
     */
    public Privsep requireConfinement() {
        confinementRequired = true;
        return this;
    }

    /**
     * Gives each process of a role, and each program that its policy has run, a control group of its own beneath a directory of
     * cgroup version 2 that is the program's alone. All processes that it leaves there are killed in one call at its end, and
     * {@link RoleSettings#limit(GroupLimits)} can be kept. Where the directory cannot be used, the log says why, and
     * {@link #requireConfinement()} makes that an error.
     *
     * @param directory the directory, absolute
     * @return this
     */
    public Privsep controlGroups(Path directory) {
        groups = () -> ControlGroups.in(directory);
        return this;
    }

    /**
     * As {@link #controlGroups(Path)}, beneath the group that the program is in itself: systemd's {@code Delegate=yes} makes that
     * the program's own. The parent moves to a group {@code parent} within.
     *
     * @return this
     */
    public Privsep ownControlGroup() {
        groups = ControlGroups::own;
        return this;
    }

    /**
     * Opens a control socket while the program runs, for {@code imsg ctl}: its clients are told what runs and what is enforced, and
     * may have roles and the whole program stopped, started and reloaded. {@link ControlProtocol} describes the messages.
     *
     * @param socket where, with mode 0600; a stale socket there is replaced, and the file is removed at the end
     * @param who whose connections are taken among those whom the mode lets in, by the ids the kernel vouches for; children and
     *     what they start never are. Called on the accepting thread
     * @return this
     */
    public Privsep control(Path socket, Predicate<PeerCredentials> who) {
        control = new ParentLoop.ControlSettings(socket, Objects.requireNonNull(who));
        return this;
    }

    /**
     * Runs the program. In the parent this returns when the program has stopped; in a child it does not return, the process ends
     * with 0, or with 1 if it could not start. On Linux 6.12 and newer the calling thread has slices of 0.1 ms meanwhile (sched_setattr(2)), which
     * children, and programs that the parent runs, begin with, but for those that are made nicer.
     *
     * @param arguments the program's arguments, which the children are given too
     * @return 0 if the program was stopped; 1 if the end of a child stopped it, {@link Parent#start(ParentProcess)} failed, or no
     *     AOT cache could be made
     * @throws PrivilegeException if there is no such user as a role is to run as, confinement is required and cannot
     *     be enforced, the control socket cannot be opened, or systemd's environment is wrong
     * @throws InterruptedException if the thread is interrupted; the program has been stopped in order then
     * @throws IllegalStateException if there is no role, one names a connection to a role that is not there, the
     *     main class cannot be found out, as when the program was started from source, or this JVM was started with an AOT cache of other jars or options
     */
    public int run(String... arguments) throws PrivilegeException, InterruptedException {
        table.check();
        List<String> given = List.of(arguments);
        if (ChildEnvironment.isHere() && name.equals(System.getenv(ChildEnvironment.PROGRAM))) {
            ChildLoop.run(name, table, given, jvm);
            throw new IllegalStateException("a child came back");
        }
        jvm.findMain();
        if (AotTraining.isAsked() && !jvm.isTraining())
            return jvm.train(name) ? 0 : 1;
        jvm.checkOwnCache(name);
        if (jvm.isTraining())
            System.getLogger(name).log(System.Logger.Level.WARNING, "a training run: no process is confined");
        else
            reportMissing();
        Deadlines limits = jvm.isTraining() ? Deadlines.TRAINING : deadlines;
        // For the threads that serve the children, and for the children, too: those that give way have long ones.
        Slices.shorten();
        try {
            return new ParentLoop(name, given, table, jvm, limits, parent.get(), control).run() ? 0 : 1;
        } finally {
            Slices.restore();
        }
    }

    private void reportMissing() throws PrivilegeException {
        List<String> missing = new ArrayList<>();
        if (isRoot())
            reportShared();
        reportKept();
        ControlGroups taken = takeGroups(missing);
        for (RoleSettings role : table.all()) {
            role.groups(taken);
            role.rights().missing().forEach(what -> missing.add(role.name() + ": " + what));
            role.rights().missingLimits().forEach(what -> missing.add(role.name() + ": " + what));
        }
        if (missing.isEmpty())
            return;
        if (confinementRequired)
            throw new PrivilegeException("requireConfinement", String.join("; ", missing));
        System.getLogger(name).log(System.Logger.Level.WARNING, "not enforced: " + String.join("; ", missing));
    }

    private @Nullable ControlGroups takeGroups(List<String> missing) {
        try {
            return groups == null ? null : groups.take();
        } catch (PrivilegeException e) {
            missing.add(e.getMessage());
            return null;
        }
    }

    /** A user's processes may signal each other. */
    private void reportShared() throws PrivilegeException {
        Map<Long, List<RoleSettings>> users = new TreeMap<>();
        for (RoleSettings role : table.all())
            role.rights().becomes()
                    .ifPresent(ids -> users.computeIfAbsent(ids.uid(), _ -> new ArrayList<>()).add(role));
        users.forEach((uid, roles) -> {
            if (roles.size() > 1 && roles.stream().anyMatch(role -> role.rights().maySignal()))
                System.getLogger(name).log(System.Logger.Level.WARNING, "roles "
                        + String.join(", ", roles.stream().map(RoleSettings::name).toList()) + " are all uid " + uid
                        + ": a role without promises may signal the others, unless it has a PID namespace of its own");
        });
    }

    /** A role without a user keeps the rights of this process, and can undo its other confinement with them. */
    private void reportKept() throws PrivilegeException {
        String kept = String.join(", ", table.all().stream().filter(role -> role.rights().keepsUser())
                .map(RoleSettings::name).toList());
        if (kept.isEmpty())
            return;
        if (Ids.areMixed())
            throw new PrivilegeException("user", "no user is named for " + kept + ", and this program is set-id: "
                    + "its real, effective and saved ids differ, and each role must say whose it has");
        Set<Capability> capabilities = Confinement.query().capabilities();
        if (isRoot())
            System.getLogger(name).log(System.Logger.Level.WARNING,
                    "no user is named for " + kept + ": they stay root");
        else if (!capabilities.isEmpty())
            System.getLogger(name).log(System.Logger.Level.WARNING,
                    "no user is named for " + kept + ": they keep " + capabilities);
    }

    private static boolean isRoot() throws PrivilegeException {
        try {
            return Ids.current().isRoot();
        } catch (IOException e) {
            throw new PrivilegeException("getgroups", e);
        }
    }

    /**
     * A logger: in a child one whose records travel to the parent, everywhere else the system's.
     *
     * @param name its name
     * @return the logger
     */
    public static System.Logger logger(String name) {
        return RelayLogger.of(name);
    }
}
