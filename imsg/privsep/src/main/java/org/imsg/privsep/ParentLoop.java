package org.imsg.privsep;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.imsg.Imsg;
import org.imsg.ImsgQueueFullException;
import org.imsg.privsep.ops.Monitor;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;

/** The life of the parent: one thread that takes what happened from a queue, lets {@link Supervisor} decide, and does it. */
final class ParentLoop implements Supervisor.Actions {
    private final String program;
    private final List<String> arguments;
    private final JvmSettings jvm;
    private final Deadlines deadlines;
    private final Parent parent;
    private final System.Logger log;
    private final ParentProcess self;
    private final Supervisor supervisor;
    private final BlockingQueue<LongConsumer> events = new LinkedBlockingQueue<>();
    private final Map<Instance, ChildProcess> children = new HashMap<>();
    private final Map<Instance, Thread> hooks = new HashMap<>();
    /** Calls what the user wrote for the parent, so that supervision goes on whatever that does. */
    private final ExecutorService calls = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().daemon().name("imsg-parent").factory());
    private final CountDownLatch done = new CountDownLatch(1);
    private final long origin = System.nanoTime();

    ParentLoop(String program, List<String> arguments, RoleTable table, JvmSettings jvm, Deadlines deadlines,
            Parent parent) {
        this.program = program;
        this.arguments = arguments;
        this.jvm = jvm;
        this.deadlines = deadlines;
        this.parent = parent;
        this.log = System.getLogger(program);
        this.supervisor = new Supervisor(table, deadlines, this);
        this.self = new ParentProcess(program, arguments, table.names(), new Dispatch(log),
                () -> post(supervisor::stop), () -> post(supervisor::reload));
    }

    /** Runs the program until it has stopped; whether it was meant to. */
    boolean run() throws InterruptedException {
        Thread terminated = Thread.ofPlatform().name("imsg-terminated").unstarted(this::stopAndWait);
        Runtime.getRuntime().addShutdownHook(terminated);
        HangUpSignal hangUp = HangUpSignal.to(self::reload);
        if (hangUp == null)
            log(System.Logger.Level.INFO,
                    "SIGHUP is no reload here: that needs the module jdk.unsupported, and no -Xrs");
        try {
            if (supervise())
                throw new InterruptedException("interrupted; the program was stopped in order");
            return !supervisor.isFailed();
        } finally {
            cleanUp();
            if (hangUp != null)
                hangUp.close();
            done.countDown();
            forget(terminated);
        }
    }

    private boolean supervise() {
        boolean interrupted = false;
        supervisor.tick(now());
        while (!supervisor.isDone()) {
            try {
                long wait = supervisor.nextDeadline() - now();
                LongConsumer event = events.poll(Math.max(0, wait), TimeUnit.NANOSECONDS);
                if (event != null)
                    event.accept(now());
            } catch (InterruptedException _) {
                interrupted = true;
                supervisor.stop(now());
            }
            supervisor.tick(now());
        }
        return interrupted;
    }

    private void cleanUp() {
        self.dispatch().close();
        calls.shutdownNow();
        // None is left, unless the loop itself failed.
        children.values().forEach(child -> child.end(Instance.SIGKILL));
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
        post(supervisor::stop);
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
        events.add(event);
    }

    /** Lets it do something about a process, if that is still the one that runs. */
    private void post(ChildProcess child, LongConsumer event) {
        post(now -> {
            if (children.get(child.instance()) == child)
                event.accept(now);
        });
    }

    @Override
    public void log(System.Logger.Level level, String text) {
        log.log(level, text);
    }

    @Override
    public boolean spawn(Instance instance) {
        try {
            Child.Builder builder = jvm.child(program, instance.role.name(), instance.number,
                    instance.role.jvmOptions(), arguments);
            children.put(instance, ChildProcess.start(self, supervisor, this::post, instance, builder, jvm));
            return true;
        } catch (IOException | RuntimeException e) {
            log.log(System.Logger.Level.ERROR, instance + " cannot be started", e);
            return false;
        }
    }

    @Override
    public boolean connect(Instance one, Instance other) {
        try (Fd.Pair ends = Fd.socketpair()) {
            send(one, Protocol.connect(other.role.name(), other.number, ends.first()));
            send(other, Protocol.connect(one.role.name(), one.number, ends.second()));
            return true;
        } catch (IOException e) {
            log.log(System.Logger.Level.ERROR, one + " and " + other + " cannot be connected", e);
            return false;
        }
    }

    private void send(Instance to, Imsg message) {
        ChildProcess child = children.get(to);
        try (message) {
            child.connection().send(message);
        } catch (IOException _) {
            // It is dying, as we will be told.
        } catch (ImsgQueueFullException e) {
            log.log(System.Logger.Level.ERROR, to + " does not read: " + e.getMessage());
            child.kill(Instance.SIGKILL);
        }
    }

    @Override
    public void start(Instance instance) {
        self.add(children.get(instance).becomePeer());
        instance.role.monitor().ifPresent(monitor -> offer(monitor, instance));
        send(instance, Imsg.of(Protocol.START));
    }

    private void offer(Monitor monitor, Instance instance) {
        ChildProcess child = children.get(instance);
        try (Fd.Pair ends = Fd.socketpair()) {
            child.serve(monitor, ends.first());
            send(instance, Imsg.of(Protocol.OPERATIONS).withFd(ends.second()));
        } catch (IOException e) {
            log.log(System.Logger.Level.ERROR, instance + " cannot be given what its policy allows", e);
            child.kill(Instance.SIGKILL);
        }
    }

    @Override
    public void startParent() {
        calls.execute(() -> {
            try {
                self.dispatch().inTurn(() -> {
                    parent.start(self);
                    return null;
                });
                self.dispatch().open();
                if (jvm.isTraining())
                    self.stop();
            } catch (Exception e) {
                log.log(System.Logger.Level.ERROR, "the parent cannot start", e);
                post(now -> supervisor.fail(now, "the program stops"));
            }
        });
    }

    @Override
    public void reloadParent() {
        calls.execute(() -> {
            self.dispatch().quietlyInTurn("reload", () -> parent.reload(self));
            post(supervisor::parentReloaded);
        });
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
    public void finished(Instance instance, Child.ExitStatus how, boolean toldToEnd) {
        ChildProcess child = children.remove(instance);
        child.close();
        child.peer().ifPresent(self::remove);
        Finish finish = new Finish(instance.role.name(), instance.number, child.pid(), how, toldToEnd);
        log(toldToEnd ? System.Logger.Level.DEBUG : System.Logger.Level.WARNING, finish.toString());
        hooks.put(instance, Thread.ofPlatform().daemon().name("imsg-finish-" + instance).unstarted(() -> {
            child.awaitServed();
            callFinished(finish);
            Thread hook = Thread.currentThread();
            post(now -> {
                if (hooks.remove(instance, hook))
                    supervisor.hookReturned(instance, now);
            });
        }));
        hooks.get(instance).start();
    }

    private void callFinished(Finish finish) {
        try {
            parent.finished(self, finish);
        } catch (Exception e) {
            log.log(System.Logger.Level.ERROR, "the finish hook failed for " + finish, e);
        }
    }

    @Override
    public void hookOverdue(Instance instance) {
        log(System.Logger.Level.ERROR, "the finish hook for " + instance + " has not returned after "
                + deadlines.finish() + ": it is not waited for");
        hooks.remove(instance).interrupt();
    }
}
