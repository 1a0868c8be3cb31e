package org.imsg.sys;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * One platform thread that watches descriptors for parked threads: one poller for reading, one for writing, each started by
 * the first wait and running as long as the process. A descriptor has at most one waiting thread a direction.
 *
 * <p>The property {@code imsg.poller} set to {@code poll} takes poll(2) instead of the system's epoll or kqueue.
 */
abstract class Poller {
    private static volatile Poller read;
    private static volatile Poller write;

    private final ConcurrentHashMap<Integer, Thread> waiting = new ConcurrentHashMap<>();
    private final Set<Integer> known = ConcurrentHashMap.newKeySet();
    private volatile Throwable failure;

    static Poller read() {
        Poller poller = read;
        return poller != null ? poller : start(false);
    }

    static Poller write() {
        Poller poller = write;
        return poller != null ? poller : start(true);
    }

    private static synchronized Poller start(boolean forWriting) {
        Poller poller = forWriting ? write : read;
        if (poller == null) {
            poller = create(forWriting);
            poller.startThread(forWriting ? "imsg-poller-write" : "imsg-poller-read");
            if (forWriting)
                write = poller;
            else
                read = poller;
        }
        return poller;
    }

    private static Poller create(boolean forWriting) {
        if ("poll".equals(System.getProperty("imsg.poller")))
            return new PollPoller(forWriting);
        return Os.current() == Os.LINUX ? new EpollPoller(forWriting) : new KqueuePoller(forWriting);
    }

    static void forEachRunning(Consumer<Poller> action) {
        Poller poller = read;
        if (poller != null)
            action.accept(poller);
        poller = write;
        if (poller != null)
            action.accept(poller);
    }

    /**
     * Parks the current thread until the descriptor is ready, somebody calls {@link #ready}, or it is interrupted.
     *
     * @param abandoned asked once the thread can be let go: whether that was to happen already
     */
    final boolean await(int fd, long deadline, BooleanSupplier abandoned) {
        Thread me = Thread.currentThread();
        waiting.put(fd, me);
        try {
            if (failure != null)
                throw new IllegalStateException("the thread that watches descriptors has failed", failure);
            known.add(fd);
            if (abandoned.getAsBoolean() || !arm(fd))
                return true;
            while (waiting.get(fd) == me && !me.isInterrupted()) {
                if (deadline == Readiness.FOREVER) {
                    LockSupport.park(this);
                } else {
                    long nanos = deadline - System.nanoTime();
                    if (nanos <= 0)
                        return false;
                    LockSupport.parkNanos(this, nanos);
                }
            }
            return true;
        } finally {
            waiting.remove(fd, me);
        }
    }

    /** Lets the thread that waits for the descriptor go, if there is one. */
    final void ready(int fd) {
        Thread thread = waiting.remove(fd);
        if (thread != null)
            LockSupport.unpark(thread);
    }

    final void forget(int fd) {
        if (known.remove(fd))
            disarm(fd);
    }

    private void startThread(String name) {
        Thread.ofPlatform().daemon().name(name).start(() -> {
            try {
                while (true)
                    waitForEvents();
            } catch (RuntimeException | Error e) {
                // Nobody may wait for a poller that is no more.
                failure = e;
                waiting.keySet().forEach(this::ready);
            }
        });
    }

    /**
     * Asks for one report of the descriptor.
     *
     * @return false if it cannot be watched, which is to say that it is always ready, as regular files are
     */
    abstract boolean arm(int fd);

    /** Takes the descriptor out of the set; it may not be in it. */
    abstract void disarm(int fd);

    /** Waits for events and calls {@link #ready} for each. */
    abstract void waitForEvents();
}
