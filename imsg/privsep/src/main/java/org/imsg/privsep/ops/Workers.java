package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Platform threads for system calls that may take long: a virtual thread inside one would hold its carrier. Few for each child,
 * so that one child's slow requests are in nobody else's way.
 */
final class Workers implements AutoCloseable {
    /** For a call that does not return; what goes on for long asks {@link #isClosing}. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final ThreadPoolExecutor threads;
    private volatile boolean closing;
    /** How many are at work on what changes something. */
    private int changing;

    Workers(String name, int most) {
        threads = new ThreadPoolExecutor(most, most, 5, TimeUnit.SECONDS, new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name("imsg-monitor-" + name + "-", 0).factory());
        threads.allowCoreThreadTimeOut(true);
    }

    /** Work whose result is closed if nobody waits for it any more. */
    interface Work<T extends AutoCloseable> {
        T perform() throws IOException;
    }

    /**
     * Has work done by one of the threads.
     *
     * @param changes whether it changes something outside this process: that has ended when {@link #close} returns
     * @throws TimeoutException if it is not done within the nanoseconds
     */
    <T extends AutoCloseable> T perform(boolean changes, Work<T> work, long nanos)
            throws IOException, InterruptedException, TimeoutException {
        CompletableFuture<T> promise = new CompletableFuture<>();
        threads.execute(() -> {
            if (changes)
                count(1);
            try {
                keep(work, promise);
            } finally {
                if (changes)
                    count(-1);
            }
        });
        try {
            return promise.get(nanos, TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException failure -> throw failure;
                case RuntimeException failure -> throw failure;
                case Throwable failure -> throw new IllegalStateException(failure);
            }
        } catch (InterruptedException | TimeoutException e) {
            if (promise.cancel(false) || promise.isCompletedExceptionally())
                throw e;
            // It was done at the last moment.
            return promise.resultNow();
        }
    }

    private static <T extends AutoCloseable> void keep(Work<T> work, CompletableFuture<T> promise) {
        // Nobody waits any more: not begun at all.
        if (promise.isDone())
            return;
        try {
            T result = work.perform();
            if (!promise.complete(result))
                result.close();
        } catch (Throwable t) {
            promise.completeExceptionally(t);
        }
    }

    private synchronized void count(int change) {
        changing += change;
        notifyAll();
    }

    /** Nobody waits for any work any more. */
    boolean isClosing() {
        return closing;
    }

    /** To be called when nobody waits in {@link #perform}: what has not been begun by then never is. */
    @Override
    public void close() {
        closing = true;
        threads.shutdown();
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        boolean interrupted = false;
        synchronized (this) {
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
