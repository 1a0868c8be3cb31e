package org.imsg.privsep;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import org.imsg.Imsg;
import org.imsg.privsep.ops.Monitor;
import org.imsg.privsep.rights.Preload;
import org.imsg.privsep.rights.PrivilegeException;
import org.imsg.unix.Child;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;
import org.jspecify.annotations.Nullable;

/** The life of the parent: one thread that takes what happened from a queue, lets {@link Supervisor} decide, and does it. */
final class ParentLoop implements Supervisor.Actions {
    /** How long to wait where memory is short. */
    private static final long MOMENT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final String program;
    private final List<String> arguments;
    private final RoleTable table;
    private final JvmSettings jvm;
    private final Deadlines deadlines;
    private final Parent parent;
    private final System.Logger log;
    private final ParentProcess self;
    private final Supervisor supervisor;
    private final BlockingQueue<LongConsumer> events = new LinkedBlockingQueue<>();
    private final Map<Instance, ChildProcess> children = new HashMap<>();
    private final Map<Instance, RatedLog> logs = new HashMap<>();
    /** Those whose finish hook has not returned. */
    private final Map<Instance, ChildProcess> finishing = new HashMap<>();
    private final AtomicBoolean stopAsked = new AtomicBoolean();
    private final AtomicBoolean reloadAsked = new AtomicBoolean();
    /** Calls what the user wrote for the parent, so that supervision goes on whatever that does. */
    private final ExecutorService calls = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().daemon().name("imsg-parent").factory());
    private final CountDownLatch done = new CountDownLatch(1);
    private final Orders orders = new Orders();
    private final Inspection inspection;
    private final @Nullable ControlSettings control;
    private volatile boolean verbose;
    private final LeftBehind leftBehind;
    private UnderSystemd systemd;
    private final long origin = System.nanoTime();

    ParentLoop(String program, List<String> arguments, RoleTable table, JvmSettings jvm, Deadlines deadlines,
            Parent parent, @Nullable ControlSettings control) {
        this.control = control;
        this.program = program;
        this.arguments = arguments;
        this.table = table;
        this.jvm = jvm;
        this.deadlines = deadlines;
        this.parent = parent;
        this.log = System.getLogger(program);
        this.leftBehind = new LeftBehind(log);
        this.supervisor = new Supervisor(table, deadlines, this);
        this.inspection = new Inspection(all -> post(now -> all.complete(
                supervisor.instances().stream().map(each -> seen(each, now)).toList())));
        this.self = new ParentProcess(program, arguments, table.names(), new Dispatch(log),
                orders, this::request, inspection::children);
        for (Instance instance : supervisor.instances())
            logs.put(instance, new RatedLog(System.getLogger(program + "." + instance.role.name()),
                    instance.toString(), instance.role.bounds(), () -> verbose));
    }

    /** Where the control socket is, and whose connections are taken. */
    record ControlSettings(Path socket, Predicate<PeerCredentials> who) {}

    /** What the parent's code, and the control socket's clients, ask for, as events. */
    private final class Orders implements Control.Program {
        @Override
        public void stop() {
            askToStop();
        }

        @Override
        public void reload() {
            askToReload();
        }

        @Override
        public void up(String role) {
            post(now -> supervisor.up(role, now));
        }

        @Override
        public void down(String role) {
            post(now -> supervisor.down(role, now));
        }

        @Override
        public void restart(String role) {
            post(now -> supervisor.restart(role, now));
        }

        @Override
        public void verbose(boolean on) {
            verbose = on;
        }

        @Override
        public boolean hasRole(String name) {
            return table.names().contains(name);
        }

        @Override
        public List<Map<String, String>> status() throws IOException, InterruptedException {
            return inspection.status(program, supervisor.isStopping(), now());
        }

        @Override
        public List<Map<String, String>> verify() throws IOException, InterruptedException {
            return inspection.verify();
        }
    }

    /** How a process is at the moment, by the supervising thread. */
    private Inspection.Seen seen(Instance each, long now) {
        return new Inspection.Seen(each.toString(), each.role.name(), each.number, each.stateWord(), each.starts,
                TimeUnit.NANOSECONDS.toSeconds(now - each.startedAt), each.state == Instance.State.RUNNING,
                children.get(each));
    }

    /** However often it is called: one event. */
    private void askToStop() {
        if (stopAsked.compareAndSet(false, true))
            post(supervisor::stop);
    }

    private void askToReload() {
        if (reloadAsked.compareAndSet(false, true))
            post(now -> {
                if (!supervisor.reload(now))
                    reloadAsked.set(false);
            });
    }

    /** Runs the program until it has stopped; whether it was meant to. */
    boolean run() throws PrivilegeException, InterruptedException {
        systemd = takeFromSystemd();
        preload();
        readConfigurations();
        leftBehind.adopt();
        Thread terminated = Thread.ofPlatform().name("imsg-terminated").unstarted(this::stopAndWait);
        Runtime.getRuntime().addShutdownHook(terminated);
        HangUpSignal hangUp = HangUpSignal.to(self::reload);
        if (hangUp == null)
            log(System.Logger.Level.INFO,
                    "SIGHUP is no reload here: that needs the module jdk.unsupported, no -Xrs, and a start without nohup(1)");
        try (Control _ = control == null || jvm.isTraining()
                ? null
                : Control.open(control.socket, control.who, orders, log)) {
            if (supervise())
                throw new InterruptedException("interrupted; the program was stopped in order");
            return !supervisor.isFailed();
        } catch (IOException e) {
            throw new PrivilegeException("control", e);
        } finally {
            cleanUp();
            systemd.close();
            leftBehind.close();
            if (hangUp != null)
                hangUp.close();
            done.countDown();
            forget(terminated);
        }
    }

    private UnderSystemd takeFromSystemd() throws PrivilegeException {
        try {
            return UnderSystemd.take(log, jvm.isTraining() ? Map.of() : System.getenv(),
                    table.all().stream().anyMatch(role -> !role.descriptors().isEmpty()));
        } catch (IOException e) {
            throw new PrivilegeException("systemd", e);
        }
    }

    /** A child's faults must not keep the parent from loading a class, when descriptors are short perhaps. */
    private void preload() {
        try {
            Preload.classes();
        } catch (IOException e) {
            log.log(System.Logger.Level.WARNING, "not all classes could be loaded in advance: " + Printable.line(e));
        }
    }

    private boolean supervise() {
        boolean interrupted = false;
        while (!supervisor.isDone()) {
            try {
                long wait = Math.min(supervisor.nextDeadline(), systemd.nextDeadline()) - now();
                LongConsumer event = events.poll(Math.max(0, wait), TimeUnit.NANOSECONDS);
                if (event != null)
                    event.accept(now());
                supervisor.tick(now());
                systemd.tick(now());
                if (supervisor.isStopping())
                    systemd.stopping();
                systemd.status(supervisor::summary);
            } catch (InterruptedException _) {
                interrupted = true;
                askToStop();
            } catch (Throwable e) {
                goOn(e);
            }
        }
        return interrupted;
    }

    /** Out of memory perhaps: the children are there, and their ends and deadlines will be dealt with in a moment. */
    private void goOn(Throwable fault) {
        try {
            log.log(System.Logger.Level.ERROR, "supervision failed, and goes on", fault);
        } catch (Throwable _) {
            // nor is there a log at the moment
        }
        LockSupport.parkNanos(MOMENT_NANOS);
    }

    private void cleanUp() {
        self.dispatch().close();
        calls.shutdownNow();
        // None is left, unless the loop itself failed.
        children.values().forEach(child -> child.kill(Instance.SIGKILL));
    }

    private static void forget(Thread hook) {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // it is what ended us
        }
    }

    /** SIGTERM and SIGINT: the JVM waits for this. */
    private void stopAndWait() {
        askToStop();
        try {
            long most = deadlines.end().plus(deadlines.term()).plus(deadlines.finish()).toMillis() + 1000;
            done.await(most, TimeUnit.MILLISECONDS);
        } catch (InterruptedException _) {
            // the JVM does not wait any longer
        }
    }

    private long now() {
        return System.nanoTime() - origin;
    }

    /** Lets the supervising thread do something; it is given the time. */
    private void post(LongConsumer event) {
        for (;;) {
            try {
                events.add(event);
                return;
            } catch (OutOfMemoryError _) {
                // It must not be lost.
                LockSupport.parkNanos(MOMENT_NANOS);
            }
        }
    }

    @Override
    public void log(System.Logger.Level level, String text) {
        boolean raised = level == System.Logger.Level.DEBUG && verbose && !log.isLoggable(level);
        log.log(raised ? System.Logger.Level.INFO : level, text);
    }

    @Override
    public boolean spawn(Instance instance) {
        try {
            Child.Builder builder = jvm.child(program, instance.role.name(), instance.number,
                    instance.role.jvmOptions(), arguments);
            String role = instance.role.name();
            children.put(instance, ChildProcess.start(self, supervisor, this::post, instance, logs.get(instance),
                    wanted -> table.mayAsk(role, wanted), builder, jvm));
            return true;
        } catch (IOException | RuntimeException | Error e) {
            log.log(System.Logger.Level.ERROR, instance + " cannot be started: " + Printable.line(e) + advice(e));
            return false;
        }
    }

    @Override
    public boolean connect(Instance one, Instance other) {
        try (Fd.Pair ends = Fd.socketpair()) {
            send(one, children.get(one).introductions().to(other, ends.first()));
            send(other, children.get(other).introductions().to(one, ends.second()));
            return true;
        } catch (IOException | RuntimeException | Error e) {
            log.log(System.Logger.Level.ERROR, one + " and " + other + " cannot be connected: " + Printable.line(e)
                    + advice(e));
            return false;
        }
    }

    /** What an administrator can do about it. */
    private static String advice(Throwable fault) {
        for (Throwable t : Printable.causes(fault))
            if (t instanceof ErrnoException failed)
                return switch (failed.name()) {
                    case "EMFILE", "ENFILE" -> "; raise the limit of open files (ulimit -n)";
                    case "EAGAIN", "ENOMEM" -> "; raise the limit of processes (ulimit -u, pids.max) or of memory";
                    case "EACCES", "ENOENT" ->
                        "; java has to be there, and the role's user to reach it and every directory above it";
                    case "EPERM" -> "; start the program as root, or leave the role its rights";
                    default -> "";
                };
        return fault instanceof PrivilegeException
                ? "; change what the role declares, or start the program with the rights this takes"
                : "";
    }

    private void send(Instance to, Imsg message) {
        ChildProcess child = children.get(to);
        try (message) {
            child.connection().send(message);
        } catch (PeerQueueFullException _) {
            // The violation is logged; without this message it is of no use, whatever its role says.
            child.kill(Instance.SIGKILL);
        } catch (IOException _) {
            // It is dying, as we will be told.
        }
    }

    @Override
    public void start(Instance instance) {
        self.add(children.get(instance).becomePeer());
        instance.role.monitor().ifPresent(monitor -> offer(monitor, instance));
        systemd.descriptors(instance.role.descriptors()).forEach((passed, name) -> pass(instance, passed, name));
        send(instance, Imsg.of(Protocol.START));
    }

    private void pass(Instance to, Fd passed, String name) {
        try (Imsg message = Imsg.of(Protocol.PASSED, 0, 0, name.getBytes(StandardCharsets.UTF_8))
                .withFd(passed.dup())) {
            send(to, message);
        } catch (IOException | RuntimeException | Error e) {
            log.log(System.Logger.Level.ERROR, to + " cannot be given " + name + ": " + Printable.line(e) + advice(e));
            children.get(to).kill(Instance.SIGKILL);
        }
    }

    private void request(String role, Request request) throws PrivilegeException {
        OnDemand settings = table.get(role).onDemand()
                .orElseThrow(() -> new IllegalArgumentException("role " + role + " is not on demand"));
        if (settings.startsAs() != (request.ids != null))
            throw new IllegalArgumentException("role " + role + (settings.startsAs()
                    ? " is started as the user of each request, and this one names none"
                    : " has one user, and this request names another"));
        if (request.ids != null && !settings.permits(request.ids))
            throw new PrivilegeException("startAs", "role " + role + " may not be started as " + request.ids);
        post(now -> supervisor.request(role, request, now));
    }

    @Override
    public void rehearse(Instance instance) {
        try {
            children.get(instance).rehearse();
        } catch (IOException | RuntimeException | Error e) {
            log.log(System.Logger.Level.ERROR, instance + " cannot rehearse: " + Printable.line(e) + advice(e));
            children.get(instance).kill(Instance.SIGKILL);
        }
    }

    @Override
    public void give(Instance instance, Request request) {
        children.get(instance).give(request);
    }

    private void offer(Monitor monitor, Instance instance) {
        ChildProcess child = children.get(instance);
        try (Fd.Pair ends = Fd.socketpair()) {
            child.serve(monitor, ends.first());
            send(instance, Imsg.of(Protocol.OPERATIONS).withFd(ends.second()));
        } catch (IOException | RuntimeException | Error e) {
            log.log(System.Logger.Level.ERROR, instance + " cannot be given what its policy allows: "
                    + Printable.line(e) + advice(e));
            child.kill(Instance.SIGKILL);
        }
    }

    @Override
    public void startParent() {
        calls.execute(() -> {
            try {
                self.dispatch().inTurn(() -> parent.start(self));
                self.dispatch().open();
                systemd.ready();
                if (jvm.isTraining())
                    self.stop();
            } catch (Throwable e) {
                self.dispatch().tell("the parent cannot start: ", e);
                post(now -> supervisor.fail(now, "the program stops"));
            }
        });
    }

    @Override
    public void reloadParent() {
        calls.execute(() -> {
            reloadAsked.set(false);
            systemd.reloading();
            readPolicies();
            self.dispatch().quietlyInTurn("reload", () -> parent.reload(self));
            readConfigurations();
            systemd.ready();
            post(supervisor::parentReloaded);
        });
    }

    private void readConfigurations() {
        for (RoleSettings role : table.all()) {
            try {
                role.readConfiguration();
            } catch (Throwable e) {
                self.dispatch().tell("the configuration of " + role + " cannot be read: it stays as it was: ", e);
            }
        }
    }

    private void readPolicies() {
        for (RoleSettings role : table.all()) {
            try {
                role.readPolicy().ifPresent(next -> post(_ -> role.replacePolicy(next)));
            } catch (IOException | RuntimeException | Error e) {
                log.log(System.Logger.Level.ERROR, "the policy of role " + role.name() + " stays as it was: "
                        + Printable.oneLine(String.valueOf(e.getMessage())));
            }
        }
    }

    @Override
    public void reload(Instance instance) {
        send(instance, Imsg.of(Protocol.RELOAD));
    }

    @Override
    public void endChannel(Instance instance) {
        children.get(instance).connection().endOutput();
    }

    @Override
    public void drop(Instance instance) {
        children.get(instance).close();
    }

    @Override
    public void kill(Instance instance, int signal) {
        children.get(instance).kill(signal);
    }

    @Override
    public long finished(Instance instance, Child.ExitStatus how, boolean toldToEnd) {
        ChildProcess child = children.remove(instance);
        Runnable rest = leftBehind.end(instance, child, supervisor.instances().stream().anyMatch(
                other -> other.state == Instance.State.STARTING && other.role.rights().dropsInside()));
        finishing.put(instance, child);
        child.peer().ifPresent(self::remove);
        Finish finish = new Finish(instance.role.name(), instance.number, child.pid(), how, toldToEnd);
        child.finish(() -> {
            rest.run();
            post(now -> supervisor.hookBegins(instance, now));
            callFinished(finish);
            post(now -> {
                if (finishing.remove(instance, child))
                    supervisor.hookReturned(instance, now);
            });
        });
        if (toldToEnd)
            log(System.Logger.Level.DEBUG, finish.toString());
        else
            log(System.Logger.Level.WARNING, finish + child.neverReady());
        return now() + LeftBehind.LONGEST.toNanos();
    }

    private void callFinished(Finish finish) {
        try {
            parent.finished(self, finish);
        } catch (Throwable e) {
            log.log(System.Logger.Level.ERROR, "the finish hook failed for " + finish, e);
        }
        try {
            FinishProgram program = jvm.isTraining() ? null : table.get(finish.role()).finish().orElse(null);
            if (program != null)
                program.run(finish);
        } catch (Throwable e) {
            log(System.Logger.Level.ERROR, "the finish program failed for " + finish + ": " + Printable.line(e));
        }
    }

    @Override
    public void hookOverdue(Instance instance) {
        ChildProcess child = finishing.remove(instance);
        if (child != null)
            child.interruptFinish();
        log(System.Logger.Level.ERROR, "the finish hook for " + instance + " has not returned after "
                + deadlines.finish() + ": it is not waited for");
    }
}
