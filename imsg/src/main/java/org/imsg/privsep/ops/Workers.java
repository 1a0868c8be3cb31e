package org.imsg.privsep.ops;

import java.io.IOException;
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
    private final ThreadPoolExecutor threads;

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
     * @throws TimeoutException
     *             if it is not done within the nanoseconds
     */
    <T extends AutoCloseable> T perform(Work<T> work, long nanos)
            throws IOException, InterruptedException, TimeoutException {
        CompletableFuture<T> promise = new CompletableFuture<>();
        threads.execute(() -> keep(work, promise));
        try {
            return promise.get(nanos, TimeUnit.NANOSECONDS);
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException failure -> throw failure;
                case RuntimeException failure -> throw failure;
                case Throwable failure -> throw new IllegalStateException(failure);
            }
        } catch (InterruptedException | TimeoutException e) {
            if (promise.cancel(false))
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

    @Override
    public void close() {
        threads.shutdown();
    }
}
