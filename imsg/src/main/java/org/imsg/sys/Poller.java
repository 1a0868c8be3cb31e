package org.imsg.sys;

import static org.imsg.sys.Deadline.FOREVER;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One platform thread that watches descriptors for parked threads: one poller for each {@link Readiness}, started by the
 * first wait and running as long as the process.
 *
 * <p>The property {@code imsg.poller} set to {@code poll} takes poll(2) instead of the system's epoll or kqueue.
 */
abstract sealed class Poller permits EpollPoller, KqueuePoller, PollPoller {
    private static final AtomicReferenceArray<Poller> RUNNING = new AtomicReferenceArray<>(Readiness.values().length);
    /** Kept also where it could not be started, for the next try: its memory is never given back. */
    private static final Poller[] MADE = new Poller[Readiness.values().length];
    private static final boolean POLL = "poll".equals(System.getProperty("imsg.poller"));

    /** By descriptor, the first of the threads that wait for it. */
    private final ConcurrentHashMap<Integer, Waiter> waiting = new ConcurrentHashMap<>();
    private final Set<Integer> known = ConcurrentHashMap.newKeySet();
    /** Made before memory may be at its end. */
    private final BiConsumer<Integer, Waiter> wakeUp = (fd, _) -> ready(fd);

    /**
     * Parks the current thread until the descriptor is ready, another thread calls {@code wake}, or it is interrupted.
     *
     * @param abandoned tells whether {@code wake} came before this thread could be woken
     * @return 1 if the descriptor is ready or this returns early, 0 if the deadline has passed, or the negative errno
     */
    static int await(Readiness what, Integer fd, long deadline, BooleanSupplier abandoned) {
        int result = running(what) == null ? start(what) : 0;
        return result < 0 ? result : running(what).await(fd, deadline, abandoned);
    }

    /** Starts the poller unless it runs; 0 or the negative errno. */
    static synchronized int start(Readiness what) {
        if (running(what) != null)
            return 0;
        Poller poller = MADE[what.ordinal()];
        if (poller == null)
            MADE[what.ordinal()] = poller = create(what);
        int result = poller.open();
        if (result < 0)
            return result;
        try {
            Thread.ofPlatform().daemon().name("imsg-poller-" + what).start(poller::run);
        } catch (Throwable e) {
            poller.close();
            throw e;
        }
        RUNNING.set(what.ordinal(), poller);
        return 0;
    }

    /** The shared poller, or null if none has been started. */
    static Poller running(Readiness what) {
        return RUNNING.get(what.ordinal());
    }

    /** The system calls a poller can be made of. */
    enum Kind {
        EPOLL, KQUEUE, POLL
    }

    private static Poller create(Readiness what) {
        return switch (POLL ? Kind.POLL : kind(Abi.host(), what)) {
            case EPOLL -> new EpollPoller(what);
            case KQUEUE -> new KqueuePoller(what);
            case POLL -> new PollPoller(what);
        };
    }

    /** What a system has: poll(2) where nothing better is in its table. */
    static Kind kind(Abi system, Readiness what) {
        if (system.value("epoll_event:size", 0) != 0)
            return Kind.EPOLL;
        // kqueue has no filter that reports hanging up alone.
        return what == Readiness.HUNG_UP || system.value("kevent:size", 0) == 0 ? Kind.POLL : Kind.KQUEUE;
    }

    /** Unparks the threads that wait for a descriptor. Allocates nothing. */
    static void wake(Integer fd) {
        for (int i = 0; i < RUNNING.length(); i++) {
            Poller poller = RUNNING.get(i);
            if (poller != null)
                poller.ready(fd);
        }
    }

    /** Takes a descriptor out of the sets; to be called just before it is closed. */
    static void forget(int fd) {
        for (int i = 0; i < RUNNING.length(); i++) {
            Poller poller = RUNNING.get(i);
            if (poller != null)
                poller.forgetOwn(fd);
        }
    }

    final int await(Integer fd, long deadline, BooleanSupplier abandoned) {
        Waiter me = new Waiter();
        waiting.compute(fd, me::before);
        try {
            known.add(fd);
            if (abandoned.getAsBoolean())
                return 1;
            int armed = arm(fd);
            if (armed <= 0)
                return armed == 0 ? 1 : armed;
            while (!me.woken && !me.thread.isInterrupted()) {
                if (deadline == FOREVER) {
                    LockSupport.park(this);
                } else {
                    long nanos = Deadline.left(deadline);
                    if (nanos <= 0)
                        return 0;
                    LockSupport.parkNanos(this, nanos);
                }
            }
            return 1;
        } finally {
            if (!me.woken)
                waiting.computeIfPresent(fd, me::takenOutOf);
        }
    }

    /** Unparks the threads that wait for the descriptor. */
    final void ready(Integer fd) {
        for (Waiter waiter = waiting.remove(fd); waiter != null; waiter = waiter.next) {
            waiter.woken = true;
            LockSupport.unpark(waiter.thread);
        }
    }

    /** A thread that waits, and the next one of those that wait for the same descriptor; changed only while the map has it. */
    private static final class Waiter {
        final Thread thread = Thread.currentThread();
        private volatile boolean woken;
        private @Nullable Waiter next;

        Waiter before(Integer fd, @Nullable Waiter first) {
            next = first;
            return this;
        }

        @Nullable
        Waiter takenOutOf(Integer fd, Waiter first) {
            if (first == this)
                return next;
            Waiter before = first;
            while (before.next != null && before.next != this)
                before = before.next;
            if (before.next != null)
                before.next = next;
            return first;
        }
    }

    final void forgetOwn(int fd) {
        if (known.remove(fd))
            disarm(fd);
    }

    private void run() {
        boolean missed = false;
        while (true) {
            try {
                if (missed)
                    waiting.forEach(wakeUp);
                missed = false;
                waitForEvents();
            } catch (Throwable e) {
                // Without memory for a moment; a report may be lost, so every thread looks for itself.
                missed = true;
                Thread.yield();
            }
        }
    }

    /** Opens what the poller itself needs; 0 or the negative errno. */
    abstract int open();

    /** Closes it; it can be opened again. */
    abstract void close();

    /**
     * Asks for one report of the descriptor.
     *
     * @return 1 if it will be reported; 0 if it cannot be watched because it is always ready, as regular files are; or the
     *         negative errno
     */
    abstract int arm(int fd);

    /** Takes the descriptor out of the set; it may not be in it. */
    abstract void disarm(int fd);

    /** Waits for events and calls {@code ready} for each. */
    abstract void waitForEvents();
}
