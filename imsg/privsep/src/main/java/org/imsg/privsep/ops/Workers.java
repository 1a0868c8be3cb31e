package org.imsg.privsep.ops;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Platform threads for system calls that may take long: a virtual thread inside one would hold its carrier. Each child has a few
 * of its own, so that its slow requests hold up no other child. The first is made at once and stays; where no other can be made,
 * the first does all the work.
 */
final class Workers implements AutoCloseable {
    /** The time for a call that does not return; long work asks {@link #isClosing()}. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final Duration IDLE = Duration.ofSeconds(5);

    private final Host host;
    private final String name;
    private final int most;
    private final Deque<Runnable> waiting = new ArrayDeque<>();
    private int threads;
    private int idle;
    /** Counts the threads that change something outside this process. */
    private int changing;
    private volatile boolean closing;

    Workers(Host host, String name, int most) {
        this.host = host;
        this.name = name;
        this.most = most;
        start();
    }

    private void start() {
        host.startThread(name, this::work);
        threads++;
    }

    /** Has work done by one of the threads; it must not throw. */
    synchronized void execute(Runnable work) {
        if (closing)
            return;
        waiting.add(work);
        if (idle >= waiting.size() || threads >= most) {
            // One: a child that asks as often as it may would else wake all of them each time.
            notify();
            return;
        }
        try {
            start();
        } catch (OutOfMemoryError _) {
            // There is no thread to be had: one that is there does it.
        }
    }

    /** Forgets work that has not begun. */
    synchronized void forget(Runnable work) {
        waiting.remove(work);
    }

    /** Runs work that changes something outside this process: it has ended when {@link #close()} returns. */
    void change(Runnable work) {
        count(1);
        try {
            work.run();
        } finally {
            count(-1);
        }
    }

    private void work() {
        for (Runnable next; (next = next()) != null;)
            next.run();
    }

    private synchronized @Nullable Runnable next() {
        idle++;
        try {
            long deadline = System.nanoTime() + IDLE.toNanos();
            while (waiting.isEmpty() && !closing) {
                long left = deadline - System.nanoTime();
                if (left <= 0 && threads > 1)
                    break;
                if (threads > 1)
                    TimeUnit.NANOSECONDS.timedWait(this, left);
                else
                    wait();
            }
        } catch (InterruptedException _) {
            // No caller interrupts these threads.
        } finally {
            idle--;
        }
        Runnable next = closing ? null : waiting.poll();
        if (next == null)
            threads--;
        return next;
    }

    private synchronized void count(int change) {
        changing += change;
        if (closing)
            notifyAll();
    }

    boolean isClosing() {
        return closing;
    }

    /** Drops the work that has not begun, and waits a while for changes under way. */
    @Override
    public void close() {
        boolean interrupted = false;
        synchronized (this) {
            closing = true;
            waiting.clear();
            notifyAll();
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            for (long left; changing > 0 && (left = deadline - System.nanoTime()) > 0;) {
                try {
                    TimeUnit.NANOSECONDS.timedWait(this, left);
                } catch (InterruptedException _) {
                    interrupted = true;
                }
            }
        }
        if (interrupted)
            Thread.currentThread().interrupt();
    }
}
