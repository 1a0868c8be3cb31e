package org.imsg.testing;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** A call that another thread makes, and what becomes of it. */
public final class Call<T> {
    /** The two kinds of thread, which wait in different ways. */
    public enum On {
        PLATFORM, VIRTUAL
    }

    /** Something that may fail in any way. */
    @FunctionalInterface
    public interface Failing {
        void run() throws Exception;
    }

    private final FutureTask<T> task;
    private final Thread thread;

    private Call(On kind, Callable<T> what) {
        task = new FutureTask<>(what);
        thread = kind == On.PLATFORM ? Thread.ofPlatform().daemon().start(task) : Thread.ofVirtual().start(task);
    }

    public static <T> Call<T> start(On kind, Callable<T> what) {
        return new Call<>(kind, what);
    }

    public Thread thread() {
        return thread;
    }

    /** Returns once the thread waits: in the kernel, or parked. */
    public Call<T> awaitWaiting() {
        until(this::isWaitingNotDone);
        return this;
    }

    /** Whether it has returned or thrown. */
    public boolean isDone() {
        return task.isDone();
    }

    /** What the call returned. */
    public T result() throws Exception {
        return task.get();
    }

    /** What the call threw. */
    public Throwable failure() throws InterruptedException {
        try {
            throw new AssertionError("the call was to fail, and returned " + task.get());
        } catch (ExecutionException e) {
            return e.getCause();
        }
    }

    /** For what the system gives no event for. */
    public static void until(BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > deadline)
                throw new AssertionError("did not happen within 20 seconds");
            Thread.yield();
        }
    }

    private boolean isWaitingNotDone() {
        if (task.isDone())
            throw new AssertionError("the call is over before it waited");
        return isWaiting();
    }

    /** Whether it waits at this moment: for a lock, for another thread, or in the kernel. */
    public boolean isWaiting() {
        return thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING
                || Stream.of(thread.getStackTrace()).anyMatch(Call::isSystemCallThatWaits);
    }

    private static boolean isSystemCallThatWaits(StackTraceElement frame) {
        return frame.getClassName().equals("org.imsg.sys.Waker") && frame.getMethodName().equals("poll");
    }
}
