package org.imsg;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A queue between threads that owns what is in it: whatever nobody took is disposed of when it is flushed or closed.
 * Unbounded. Waiting parks the thread, virtual or not.
 */
final class OwnedQueue<T> {
    private static final AtomicLong QUEUES = new AtomicLong();

    /** Two queues are always locked in the order of their numbers, so that two threads cannot wait for each other. */
    private final long number = QUEUES.getAndIncrement();
    private final Consumer<? super T> dispose;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private final ArrayDeque<T> items = new ArrayDeque<>();
    private boolean closed;

    OwnedQueue(Consumer<? super T> dispose) {
        this.dispose = dispose;
    }

    /** Appends what {@code move} gives. It is not called when the queue is closed: what is refused is not moved. */
    void push(Supplier<? extends T> move) {
        lock.lock();
        try {
            requireOpen();
            items.add(move.get());
            arrived.signal();
        } finally {
            lock.unlock();
        }
    }

    /** The first item, or null if there is none. */
    T pop() {
        lock.lock();
        try {
            return items.poll();
        } finally {
            lock.unlock();
        }
    }

    /** The first item, as soon as there is one; null once the queue is closed. */
    T take() throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (items.isEmpty() && !closed) {
                arrived.await();
            }
            return items.poll();
        } finally {
            lock.unlock();
        }
    }

    /** The first item, or null once the queue is closed or the time is over. */
    T poll(Duration timeout) throws InterruptedException {
        long nanos = TimeUnit.NANOSECONDS.convert(timeout);
        lock.lockInterruptibly();
        try {
            while (items.isEmpty() && !closed && nanos > 0) {
                nanos = arrived.awaitNanos(nanos);
            }
            return items.poll();
        } finally {
            lock.unlock();
        }
    }

    int length() {
        lock.lock();
        try {
            return items.size();
        } finally {
            lock.unlock();
        }
    }

    /** Moves everything from {@code from} to the end of this queue; no thread sees a part of it moved. */
    void concat(OwnedQueue<T> from) {
        OwnedQueue<T> lower = number < from.number ? this : from;
        OwnedQueue<T> higher = lower == this ? from : this;
        lower.lock.lock();
        higher.lock.lock();
        try {
            requireOpen();
            if (from != this) {
                items.addAll(from.items);
                from.items.clear();
                arrived.signalAll();
            }
        } finally {
            higher.lock.unlock();
            lower.lock.unlock();
        }
    }

    void flush() {
        disposeOf(drain(false));
    }

    void close() {
        disposeOf(drain(true));
    }

    private List<T> drain(boolean close) {
        lock.lock();
        try {
            List<T> drained = new ArrayList<>(items);
            items.clear();
            if (close) {
                closed = true;
                arrived.signalAll();
            }
            return drained;
        } finally {
            lock.unlock();
        }
    }

    /** Outside the lock, and to the end even if one fails. */
    private void disposeOf(List<T> drained) {
        RuntimeException failure = null;
        for (T item : drained) {
            try {
                dispose.accept(item);
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("this queue was closed");
        }
    }
}
