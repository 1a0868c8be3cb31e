package org.imsg.privsep;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.imsg.privsep.Instance.State;
import org.imsg.unix.Child;
import org.jspecify.annotations.Nullable;

/**
 * Decides which child is started, connected, told and ended, and when. It has no thread, no clock and no process: its methods take
 * each event together with the time, in nanoseconds since something, and it has {@link Actions} carry out its decisions.
 */
final class Supervisor {
    /** What the supervisor has done; none of it waits, but for what a process leaves behind. */
    interface Actions {
        /** Starts a process; false if that failed, which has been logged. */
        boolean spawn(Instance instance);

        /** Sends both an end of a new channel; false if there was none to be had, which has been logged. */
        boolean connect(Instance one, Instance other);

        void start(Instance instance);

        void startParent();

        /** Lets the parent read its configuration; {@link #parentReloaded(long)} follows. */
        void reloadParent();

        void reload(Instance instance);

        /** Ends the sending direction of its channel. */
        void endChannel(Instance instance);

        /** Closes its channel. */
        void drop(Instance instance);

        void kill(Instance instance, int signal);

        /**
         * Ends what it has left behind, and lets the finish hook run; {@link #hookReturned(Instance, long)} follows, or the
         * deadline passes.
         *
         * @return when the hook begins at the latest; {@link #hookBegins(Instance, long)} tells when it does
         */
        long finished(Instance instance, Child.ExitStatus how, boolean toldToEnd);

        void hookOverdue(Instance instance);

        /** Has a process on demand rehearse a request; {@link #done(Instance, long)} follows. */
        void rehearse(Instance instance);

        /** Hands it a request; {@link #done(Instance, long)} follows. */
        void give(Instance instance, Request request);

        void log(System.Logger.Level level, String text);
    }

    private static final long PAUSE = TimeUnit.SECONDS.toNanos(1);

    private final Actions actions;
    private final Deadlines deadlines;
    private final RoleTable table;
    private final List<Instance> instances = new ArrayList<>();
    private final Map<String, Demand> demands = new LinkedHashMap<>();
    /** Pairs of processes that lost their channel, and when they get another. */
    private final Map<Set<Instance>, Long> lost = new LinkedHashMap<>();
    private boolean begun;
    /** Read by other threads, too. */
    private volatile boolean stopping;
    private boolean failed;

    Supervisor(RoleTable table, Deadlines deadlines, Actions actions) {
        this.table = table;
        this.deadlines = deadlines;
        this.actions = actions;
        table.all().forEach(this::add);
    }

    private void add(RoleSettings role) {
        List<Instance> all = new ArrayList<>();
        for (int number = 0; number < role.instances(); number++)
            all.add(new Instance(role, number, role.backoff()));
        instances.addAll(all);
        for (Instance instance : all) {
            instance.down = role.isDown();
            instance.state = role.isDown() ? State.GONE : State.WAITING;
        }
        if (role.onDemand().isEmpty())
            return;
        int askers = role.onDemand().get().askers().stream().mapToInt(name -> table.get(name).instances()).sum();
        Demand demand = new Demand(role, askers, all, new Demand.Means() {
            @Override
            public void give(Instance instance, Request request) {
                actions.give(instance, request);
            }

            @Override
            public void rehearse(Instance instance) {
                actions.rehearse(instance);
            }

            @Override
            public void end(Instance instance, long now) {
                Supervisor.this.end(instance, now);
            }

            @Override
            public void kill(Instance instance, long now, String why) {
                actions.log(System.Logger.Level.ERROR, instance + " " + why);
                Supervisor.this.kill(instance, Instance.SIGKILL, now);
            }
        });
        demands.put(role.name(), demand);
        if (role.isDown())
            demand.close(role + " is down");
        else
            demand.refill(0);
    }

    private @Nullable Demand demand(Instance instance) {
        return demands.get(instance.role.name());
    }

    /** Someone asks for a process on demand. */
    void request(String role, Request request, long now) {
        demands.get(role).request(request, now);
    }

    /** A process on demand has served its request, or rehearsed. */
    void done(Instance instance, long now) {
        demand(instance).done(instance, now);
    }

    List<Instance> instances() {
        return List.copyOf(instances);
    }

    /** Whether all children are gone for good. */
    boolean isDone() {
        return stopping && instances.stream().allMatch(instance -> instance.state == State.GONE);
    }

    boolean isStopping() {
        return stopping;
    }

    boolean isFailed() {
        return failed;
    }

    /** How many processes of each role run. */
    String summary() {
        Map<String, Long> running = new LinkedHashMap<>();
        for (Instance instance : instances)
            running.merge(instance.role.name(), instance.state == State.RUNNING ? 1L : 0L, Long::sum);
        return running.entrySet().stream().map(each -> each.getKey() + " " + each.getValue())
                .collect(Collectors.joining(", ", stopping ? "stops; running: " : "running: ", ""));
    }

    /** When to call {@link #tick(long)} at the latest. */
    long nextDeadline() {
        if (!begun && isBarrierReached())
            return 0;
        long ofProcesses = instances.stream().filter(Instance::isTimed).mapToLong(instance -> instance.deadline).min()
                .orElse(Long.MAX_VALUE);
        long ofRequests = demands.values().stream().mapToLong(Demand::nextDeadline).min().orElse(Long.MAX_VALUE);
        long ofChannels = lost.values().stream().mapToLong(Long::longValue).min().orElse(Long.MAX_VALUE);
        return Math.min(ofChannels, Math.min(ofProcesses, ofRequests));
    }

    /** Carries out what is due. */
    void tick(long now) {
        beginIfAllAreReady(now);
        demands.values().forEach(demand -> demand.tick(now));
        lost.entrySet().removeIf(pair -> now >= pair.getValue() && connectAgain(pair, now));
        for (Instance instance : instances) {
            if (!instance.isTimed() || now < instance.deadline)
                continue;
            switch (instance.state) {
                case WAITING -> spawn(instance, now);
                case STARTING -> {
                    actions.log(System.Logger.Level.ERROR, instance + " is not ready after " + deadlines.ready());
                    kill(instance, Instance.SIGKILL, now);
                }
                case ENDING -> kill(instance, instance.signalled == 0 ? Instance.SIGTERM : Instance.SIGKILL, now);
                case FINISHING -> {
                    actions.hookOverdue(instance);
                    settle(instance, now);
                }
                case RUNNING -> demand(instance).due(instance, now);
                case ABSENT, READY, GONE -> throw new IllegalStateException(instance + " " + instance.state);
            }
        }
    }

    private void spawn(Instance instance, long now) {
        instance.backoff.started(now);
        lost.keySet().removeIf(pair -> pair.contains(instance));
        instance.starts++;
        instance.startedAt = now;
        instance.toldToEnd = false;
        instance.reexecute = false;
        instance.reloadMissed = false;
        instance.signalled = 0;
        instance.busy = false;
        instance.servesFor = null;
        instance.uses = 0;
        if (actions.spawn(instance)) {
            instance.state = State.STARTING;
            instance.deadline = now + deadlines.ready().toNanos();
        } else {
            settle(instance, now);
        }
    }

    void ready(Instance instance, long now) {
        if (instance.state != State.STARTING)
            return;
        instance.state = State.READY;
        if (begun)
            join(instance, now);
        else
            beginIfAllAreReady(now);
    }

    /** The barrier: those who will never come are not waited for. */
    private void beginIfAllAreReady(long now) {
        if (begun || !isBarrierReached())
            return;
        begun = true;
        // Each child has all its channels before the first one starts.
        List<Instance> ready = instances.stream().filter(instance -> instance.state == State.READY).toList();
        for (int i = 0; i < ready.size(); i++)
            for (int j = i + 1; j < ready.size(); j++)
                connect(ready.get(i), ready.get(j), now);
        ready.stream().filter(instance -> instance.state == State.READY).forEach(instance -> run(instance, now));
        actions.startParent();
    }

    private boolean isBarrierReached() {
        return !stopping && instances.stream().allMatch(instance -> switch (instance.state) {
            case READY, GONE, ABSENT -> true;
            case WAITING, STARTING, RUNNING, ENDING, FINISHING -> false;
        });
    }

    private void join(Instance newcomer, long now) {
        for (Instance other : instances)
            if (other.state == State.RUNNING)
                connect(newcomer, other, now);
        if (newcomer.state == State.READY)
            run(newcomer, now);
    }

    private void run(Instance instance, long now) {
        instance.state = State.RUNNING;
        actions.start(instance);
        if (instance.reloadMissed)
            actions.reload(instance);
        if (instance.isOnDemand())
            demand(instance).started(instance, now + deadlines.ready().toNanos());
    }

    private void connect(Instance one, Instance other, long now) {
        if (one.state == State.READY && other.state != State.ENDING
                && table.connected(one.role.name(), other.role.name())
                && !actions.connect(one, other))
            kill(one, Instance.SIGKILL, now);
    }

    /** A process had no descriptor free for the channel to another: there is a new one in a second. */
    void lost(Instance instance, Instance other, long now) {
        lost.put(Set.of(instance, other), now + PAUSE);
    }

    /** Whether that is settled: they are connected, or one of them is not there, and is connected when it is again. */
    private boolean connectAgain(Map.Entry<Set<Instance>, Long> lost, long now) {
        List<Instance> pair = List.copyOf(lost.getKey());
        lost.setValue(now + PAUSE);
        return !pair.stream().allMatch(instance -> instance.state == State.RUNNING)
                || actions.connect(pair.getFirst(), pair.getLast());
    }

    /** A process has been waited for. */
    void ended(Instance instance, Child.ExitStatus how, long now) {
        if (!instance.isAlive())
            return;
        instance.state = State.FINISHING;
        // For the case that the other is never reached, for want of memory.
        instance.deadline = now + deadlines.finish().toNanos();
        instance.deadline = actions.finished(instance, how, instance.toldToEnd) + deadlines.finish().toNanos();
    }

    /** What its process left behind is gone. */
    void hookBegins(Instance instance, long now) {
        if (instance.state == State.FINISHING)
            instance.deadline = now + deadlines.finish().toNanos();
    }

    void hookReturned(Instance instance, long now) {
        if (instance.state == State.FINISHING)
            settle(instance, now);
    }

    /** Whether another process follows the one that has ended, as it looks now; on demand, only a request tells. */
    boolean startsAgain(Instance instance) {
        return !stopping && !instance.isOnDemand() && !instance.down
                && (instance.reexecute || instance.role.afterEnd() == AfterEnd.RESTART);
    }

    /** There is no process: what now? */
    private void settle(Instance instance, long now) {
        if (stopping) {
            instance.state = State.GONE;
        } else if (instance.isOnDemand()) {
            demand(instance).ended(instance, now);
            beginIfAllAreReady(now);
        } else if (instance.down) {
            instance.state = State.GONE;
            beginIfAllAreReady(now);
        } else if (instance.reexecute) {
            restart(instance, instance.backoff.reexecuteAt(now));
        } else {
            switch (instance.role.afterEnd()) {
                case RESTART -> restart(instance, instance.backoff.restartAt(now));
                case GO_ON -> {
                    instance.state = State.GONE;
                    beginIfAllAreReady(now);
                }
                case STOP_PROGRAM -> {
                    instance.state = State.GONE;
                    fail(now, instance + " has ended, and the program with it");
                }
            }
        }
    }

    /** Ends the processes of a role, and starts none until it is up again. */
    void down(String role, long now) {
        if (stopping)
            return;
        if (demands.containsKey(role))
            demands.get(role).close("role " + role + " is down");
        for (Instance instance : of(role)) {
            instance.down = true;
            instance.reexecute = false;
            if (instance.state == State.WAITING)
                instance.state = instance.isOnDemand() ? State.ABSENT : State.GONE;
            else if (instance.isAlive() && instance.state != State.ENDING)
                end(instance, now);
        }
        beginIfAllAreReady(now);
    }

    /** Starts the processes of a role that has none, whether it was taken down, never started, or ended by itself. */
    void up(String role, long now) {
        if (stopping)
            return;
        for (Instance instance : of(role)) {
            instance.reexecute |= (instance.down || instance.isLeaving()) && instance.state != State.GONE;
            instance.down = false;
            if (instance.state == State.GONE)
                restart(instance, instance.backoff.reexecuteAt(now));
        }
        if (demands.containsKey(role))
            demands.get(role).open(now);
    }

    /** Ends the processes of a role and starts them anew; those on demand serve the request they have. */
    void restart(String role, long now) {
        if (stopping)
            return;
        for (Instance instance : of(role))
            reexecute(instance, now);
        up(role, now);
    }

    private void reexecute(Instance instance, long now) {
        if (instance.state == State.RUNNING && instance.isOnDemand()) {
            demand(instance).retire(instance, now);
        } else if (instance.isAlive() && !instance.isOnDemand()) {
            if (instance.state != State.ENDING)
                end(instance, now);
            instance.reexecute = true;
        } else if (instance.state == State.FINISHING && !instance.isOnDemand()) {
            instance.reexecute = true;
        } else if (instance.state == State.WAITING && !instance.isOnDemand()) {
            instance.deadline = instance.backoff.reexecuteAt(now);
        }
    }

    private List<Instance> of(String role) {
        return instances.stream().filter(instance -> instance.role.name().equals(role)).toList();
    }

    private static void restart(Instance instance, long at) {
        instance.state = State.WAITING;
        instance.deadline = at;
    }

    /** The child has ended its channel, which it does by ending; or by trying to stay without one. */
    void channelEnded(Instance instance, long now) {
        if (instance.state != State.ENDING && instance.isAlive()) {
            instance.state = State.ENDING;
            instance.deadline = now + deadlines.end().toNanos();
        }
    }

    void violated(Instance instance, boolean streamBroken, long now) {
        if (!instance.isAlive())
            return;
        switch (instance.role.onViolation()) {
            case KILL_CHILD -> kill(instance, Instance.SIGKILL, now);
            case DROP_CHILD -> drop(instance, now);
            case DROP_MESSAGE -> {
                if (streamBroken)
                    drop(instance, now);
            }
        }
    }

    private void drop(Instance instance, long now) {
        actions.drop(instance);
        instance.toldToEnd = true;
        channelEnded(instance, now);
    }

    /** Whether the parent is asked to reload first. */
    boolean reload(long now) {
        if (begun && !stopping)
            actions.reloadParent();
        else
            parentReloaded(now);
        return begun && !stopping;
    }

    /** Children are told when the parent has what it is going to give them. */
    void parentReloaded(long now) {
        if (stopping)
            return;
        for (Instance instance : instances) {
            if (instance.state != State.RUNNING)
                instance.reloadMissed = instance.isAlive();
            else if (!instance.role.isReexecutedOnReload())
                actions.reload(instance);
            else if (instance.role.isChanged())
                reexecute(instance, now);
        }
    }

    void fail(long now, String why) {
        actions.log(System.Logger.Level.ERROR, why);
        failed = true;
        stop(now);
    }

    void stop(long now) {
        if (stopping)
            return;
        stopping = true;
        demands.values().forEach(demand -> demand.close("the program stops"));
        for (Instance instance : instances) {
            if (instance.state == State.WAITING || instance.state == State.ABSENT)
                instance.state = State.GONE;
            else if (instance.isAlive() && instance.state != State.ENDING)
                end(instance, now);
        }
    }

    private void end(Instance instance, long now) {
        instance.toldToEnd = true;
        actions.endChannel(instance);
        channelEnded(instance, now);
    }

    private void kill(Instance instance, int signal, long now) {
        instance.state = State.ENDING;
        instance.signalled = signal;
        instance.deadline = now + deadlines.term().toNanos();
        actions.kill(instance, signal);
    }
}
