package org.imsg.privsep;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
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

    /** Failures are remembered for so long, or for the longest pause between two starts if that is longer. */
    private static final long FORGOTTEN_NANOS = TimeUnit.MINUTES.toNanos(10);

    /** A request is served first: the start of a JVM in its place takes the processors that both need. */
    private static final long AFTER_REQUEST_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /** What it has done. */
    interface Means {
        void give(Instance instance, Request request);

        void rehearse(Instance instance);

        /** Ends an instance in order. */
        void end(Instance instance, long now);

        /** Ends an instance at once. */
        void kill(Instance instance, long now, String why);
    }

    private final RoleSettings role;
    private final OnDemand settings;
    private final List<Instance> instances;
    private final Means means;
    /** How many processes, and how many places in the queue, one asking process can have. */
    private final int share, waitingShare;
    private final Deque<Request> waiting = new ArrayDeque<>();
    /** Of the role itself, with null; or of each user it is started as, for one must not keep the others waiting. */
    private final Map<@Nullable Ids, Failures> failures = new HashMap<>();
    /** The earliest time at which a user whose start failed is tried again. */
    private long retry = Long.MAX_VALUE;
    /** The reason why no request is taken; null while they are. */
    private @Nullable String closed;

    Demand(RoleSettings role, int askers, List<Instance> instances, Means means) {
        this.role = role;
        this.settings = role.onDemand().orElseThrow();
        this.instances = instances;
        this.means = means;
        share = askers > 1 ? Math.max(1, settings.limit() / 2) : settings.limit();
        waitingShare = askers > 1
                ? Math.max(Math.min(1, settings.waiting()), settings.waiting() / 2)
                : settings.waiting();
        instances.forEach(instance -> instance.state = State.ABSENT);
    }

    void request(Request request, long now) {
        if (closed != null) {
            request.refuse(closed);
            return;
        }
        request.deadline = now + Math.min(request.patience, Long.MAX_VALUE - Math.max(now, 0));
        waiting.removeIf(Request::isOver);
        waiting.add(request);
        giveWaiting(now);
        if (!request.isOver() && (request.patience <= 0 || isQueueFull(request))) {
            waiting.removeLast();
            request.refuse(none(request));
        }
        refill(now, waiting.isEmpty() ? now + AFTER_REQUEST_NANOS : now);
    }

    /** Without the last in the queue, whose place it would be. */
    private boolean isQueueFull(Request last) {
        return waiting.size() > settings.waiting() || last.from != null && waitingFor(last.from) > waitingShare;
    }

    private long waitingFor(Object asker) {
        return waiting.stream().filter(request -> request.from == asker).count();
    }

    private long servingFor(Object asker) {
        return instances.stream().filter(instance -> instance.busy && instance.servesFor == asker).count();
    }

    private boolean hasItsShare(Request request) {
        return request.from != null && servingFor(request.from) >= share;
    }

    private String none(Request request) {
        if (hasItsShare(request) || request.from != null && waitingFor(request.from) >= waitingShare)
            return request.from + " has " + servingFor(request.from) + " of at most " + share + " processes of "
                    + role.name() + ", and " + waitingFor(request.from) + " of at most " + waitingShare
                    + " of its requests wait";
        long alive = instances.stream().filter(instance -> instance.state != State.ABSENT).count();
        return "no process of " + role.name() + " is free: there are " + alive + " of at most " + settings.limit()
                + ", and " + waiting.size() + " of at most " + settings.waiting() + " requests wait";
    }

    /** Hands out what is idle, in the order of the requests. */
    private void giveWaiting(long now) {
        List<Instance> idle = new ArrayList<>(instances.stream().filter(Instance::isIdle).toList());
        for (Iterator<Request> each = waiting.iterator(); !idle.isEmpty() && each.hasNext();) {
            Request next = each.next();
            Instance free = idle.stream().filter(instance -> instance.isFreeFor(next)).findFirst().orElse(null);
            if (free == null || hasItsShare(next))
                continue;
            each.remove();
            if (give(free, next, now))
                idle.remove(free);
        }
    }

    private boolean give(Instance instance, Request request, long now) {
        if (!request.take())
            return false;
        instance.busy = true;
        instance.servesFor = request.from;
        instance.uses++;
        instance.deadline = now + settings.time().toNanos();
        means.give(instance, request);
        return true;
    }

    /** It runs, and rehearses until the deadline. */
    void started(Instance instance, long deadline) {
        instance.busy = true;
        instance.deadline = deadline;
        instance.rehearsals = 1;
        means.rehearse(instance);
    }

    /** It has served a request, or rehearsed. */
    void done(Instance instance, long now) {
        if (instance.state != State.RUNNING || !instance.busy)
            return;
        if (instance.uses == 0 && instance.rehearsals < settings.rehearsals()) {
            instance.rehearsals++;
            means.rehearse(instance);
            return;
        }
        instance.busy = false;
        instance.deadline = now + settings.idle().toNanos();
        if (instance.uses >= settings.uses())
            means.end(instance, now);
        giveWaiting(now);
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
        if (instance.uses == 0 && !instance.toldToEnd) {
            failures.values().removeIf(each -> each.isLongAgo(now));
            failures.computeIfAbsent(instance.ids, _ -> new Failures(role.backoff())).add(instance.startedAt, now);
        }
        instance.state = State.ABSENT;
        instance.busy = false;
        giveWaiting(now);
        refill(now);
    }

    /** Of processes that ended before they were given a request. */
    private static final class Failures {
        private final Backoff backoff;
        /** No start is earlier. */
        private long notBefore = Long.MIN_VALUE;

        Failures(Backoff backoff) {
            this.backoff = backoff;
        }

        /** Those that end while no start is due yet failed together: that is one failure. */
        void add(long started, long now) {
            if (now < notBefore)
                return;
            backoff.started(started);
            notBefore = backoff.restartAt(now);
        }

        boolean isLongAgo(long now) {
            return now - notBefore > Math.max(FORGOTTEN_NANOS, backoff.longest());
        }
    }

    private long notBefore(@Nullable Ids ids) {
        Failures there = failures.get(ids);
        return there == null ? Long.MIN_VALUE : there.notBefore;
    }

    /** Has as many started as are needed. */
    void refill(long now) {
        refill(now, now);
    }

    private void refill(long now, long soonest) {
        if (closed != null)
            return;
        List<Ids> starting = new ArrayList<>();
        instances.stream().filter(Demand::isStarting).forEach(instance -> starting.add(instance.ids));
        List<Ids> wanted = new ArrayList<>();
        waiting.stream().filter(request -> !request.isOver() && !hasItsShare(request))
                .forEach(request -> wanted.add(request.ids));
        long idle = instances.stream().filter(Instance::isIdle).count();
        for (long spares = settings.spares() - idle; spares > 0; spares--)
            wanted.add(null);
        int atOnce = starting.size();
        retry = Long.MAX_VALUE;
        for (Ids ids : wanted) {
            if (starting.remove(ids))
                continue;
            if (ids != null && notBefore(ids) > now) {
                // It holds no place while it waits.
                retry = Math.min(retry, notBefore(ids));
                continue;
            }
            if (atOnce++ >= STARTS_AT_ONCE || !start(ids, now, soonest))
                return;
        }
    }

    /** False if there are as many as there may be; one that is idle and another user's makes room then. */
    private boolean start(Ids ids, long now, long soonest) {
        for (Instance instance : instances) {
            if (instance.state != State.ABSENT)
                continue;
            instance.state = State.WAITING;
            instance.ids = ids;
            instance.deadline = Math.max(soonest, notBefore(ids));
            return true;
        }
        instances.stream().filter(instance -> instance.isIdle() && !Objects.equals(instance.ids, ids)).findFirst()
                .ifPresent(idle -> means.end(idle, now));
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
        return Math.min(retry, waiting.stream().mapToLong(request -> request.deadline).min().orElse(Long.MAX_VALUE));
    }

    void tick(long now) {
        waiting.stream().filter(request -> request.deadline <= now).toList().forEach(request -> {
            waiting.remove(request);
            request.refuse(none(request));
        });
        if (now >= retry)
            refill(now);
    }

    /** Takes no request any more, and starts nothing. */
    void close(String why) {
        closed = why;
        retry = Long.MAX_VALUE;
        waiting.forEach(request -> request.refuse(why));
        waiting.clear();
    }

    /** Takes requests again. */
    void open(long now) {
        closed = null;
        refill(now);
    }
}
