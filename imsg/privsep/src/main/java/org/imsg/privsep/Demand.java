package org.imsg.privsep;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import org.imsg.privsep.Instance.State;
import org.imsg.privsep.rights.Ids;
import org.jspecify.annotations.Nullable;

/**
 * Decides which process of a role serves a request, and when there is to be another: a part of {@link Supervisor}, with no thread, clock or
 * process either.
 */
final class Demand {
    /** Starting more JVMs at a time makes each of them slower, and all else too. */
    static final int STARTS_AT_ONCE = Math.max(2, Runtime.getRuntime().availableProcessors());

    /** What it has done. */
    interface Means {
        void give(Instance instance, Request request);

        /** Ends an instance in order. */
        void end(Instance instance, long now);

        /** Ends an instance at once. */
        void kill(Instance instance, long now, String why);
    }

    private final RoleSettings role;
    private final OnDemand settings;
    private final List<Instance> instances;
    private final Means means;
    private final Backoff backoff;
    private final Queue<Request> waiting = new ArrayDeque<>();
    /** No start is earlier. */
    private long notBefore = Long.MIN_VALUE;
    /** The reason why no request is taken; null while they are. */
    private @Nullable String closed;

    Demand(RoleSettings role, Backoff backoff, List<Instance> instances, Means means) {
        this.role = role;
        this.settings = role.onDemand().orElseThrow();
        this.backoff = backoff;
        this.instances = instances;
        this.means = means;
        instances.forEach(instance -> instance.state = State.ABSENT);
    }

    void request(Request request, long now) {
        request.deadline = now + request.patience;
        waiting.removeIf(Request::isOver);
        Instance idle = instances.stream().filter(instance -> instance.isFreeFor(request)).findFirst()
                .orElse(null);
        if (closed != null)
            request.refuse(closed);
        else if (idle != null)
            give(idle, request, now);
        else if (request.patience <= 0 || waiting.size() >= settings.waiting())
            request.refuse(none());
        else
            waiting.add(request);
        refill(now);
    }

    private String none() {
        long alive = instances.stream().filter(instance -> instance.state != State.ABSENT).count();
        return "no process of " + role.name() + " is free: there are " + alive + " of at most " + settings.limit()
                + ", and " + waiting.size() + " of at most " + settings.waiting() + " requests wait";
    }

    private void give(Instance instance, Request request, long now) {
        if (!request.take())
            return;
        instance.busy = true;
        instance.uses++;
        instance.deadline = now + settings.time().toNanos();
        means.give(instance, request);
    }

    /** It runs, and rehearses until the deadline. */
    void started(Instance instance, long deadline) {
        instance.busy = true;
        instance.deadline = deadline;
    }

    /** It has served a request, or rehearsed. */
    void done(Instance instance, long now) {
        if (instance.state != State.RUNNING || !instance.busy)
            return;
        instance.busy = false;
        instance.deadline = now + settings.idle().toNanos();
        if (instance.uses >= settings.uses())
            means.end(instance, now);
        for (Iterator<Request> each = waiting.iterator(); instance.isIdle() && each.hasNext();) {
            Request next = each.next();
            if (instance.isFreeFor(next)) {
                each.remove();
                give(instance, next, now);
            }
        }
        refill(now);
    }

    /** It serves no other request than the one it has. */
    void retire(Instance instance, long now) {
        if (instance.isIdle())
            means.end(instance, now);
        else
            instance.uses = settings.uses();
        refill(now);
    }

    /** There is no process any more, or none came to be. */
    void ended(Instance instance, long now) {
        // Those that end while no start is due yet failed together: that is one failure.
        if (instance.uses == 0 && !instance.toldToEnd && now >= notBefore)
            notBefore = backoff.restartAt(now);
        instance.state = State.ABSENT;
        refill(now);
    }

    /** Has as many started as are needed. */
    void refill(long now) {
        if (closed != null)
            return;
        List<Ids> starting = new ArrayList<>();
        instances.stream().filter(Demand::isStarting).forEach(instance -> starting.add(instance.ids));
        List<Ids> wanted = new ArrayList<>();
        waiting.stream().filter(request -> !request.isOver()).forEach(request -> wanted.add(request.ids));
        long idle = instances.stream().filter(Instance::isIdle).count();
        for (long spares = settings.spares() - idle; spares > 0; spares--)
            wanted.add(null);
        int atOnce = starting.size();
        for (Ids ids : wanted) {
            if (starting.remove(ids))
                continue;
            if (atOnce++ >= STARTS_AT_ONCE || !start(ids, now))
                return;
        }
    }

    /** False if there are as many as there may be; one that is idle and another user's makes room then. */
    private boolean start(Ids ids, long now) {
        for (Instance instance : instances) {
            if (instance.state != State.ABSENT)
                continue;
            instance.state = State.WAITING;
            instance.ids = ids;
            instance.deadline = Math.max(now, notBefore);
            return true;
        }
        instances.stream().filter(Instance::isIdle).findFirst().ifPresent(idle -> means.end(idle, now));
        return false;
    }

    private static boolean isStarting(Instance instance) {
        return switch (instance.state) {
            case WAITING, STARTING, READY -> true;
            case RUNNING -> instance.busy && instance.uses == 0;
            case ABSENT, ENDING, FINISHING, GONE -> false;
        };
    }

    /** A running one is over its time. */
    void due(Instance instance, long now) {
        if (instance.busy)
            means.kill(instance, now,
                    instance.uses == 0 ? "has not rehearsed in time" : "has not served a request in time");
        else if (instances.stream().filter(Instance::isIdle).count() > settings.spares())
            means.end(instance, now);
        else
            instance.deadline = now + settings.idle().toNanos();
    }

    long nextDeadline() {
        return waiting.stream().mapToLong(request -> request.deadline).min().orElse(Long.MAX_VALUE);
    }

    void tick(long now) {
        waiting.stream().filter(request -> request.deadline <= now).toList().forEach(request -> {
            waiting.remove(request);
            request.refuse(none());
        });
    }

    /** Takes no request any more, and starts nothing. */
    void close(String why) {
        closed = why;
        waiting.forEach(request -> request.refuse(why));
        waiting.clear();
    }

    /** Takes requests again. */
    void open(long now) {
        closed = null;
        refill(now);
    }
}
