package org.imsg;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

/**
 * Buffers in the order they were pushed, from any thread to any thread. C counterpart: {@code struct ibufqueue}.
 *
 * <p>The queue owns its buffers: pushing moves a buffer in, popping hands it to the caller, and buffers still there are
 * closed with the queue, their descriptors too. The length has no bound: a producer that must not run ahead looks at
 * {@link #queuelen()}.
 *
 * {@snippet file="org/imsg/IbufExampleTest.java" region="queue"}
 *
 * <p>Safe for use by several threads at once, virtual ones included. A thread that pops a buffer sees everything that its
 * pusher did to it before.
 *
 * <table class="striped">
 * <caption>The functions of ibufq(3)</caption>
 * <thead>
 * <tr><th scope="col">C</th><th scope="col">here</th><th scope="col">difference</th></tr>
 * </thead>
 * <tbody>
 * <tr><th scope="row">ibufq_new</th><td>{@link #IbufQueue()}</td><td>between threads; in C one thread must see to
 * it</td></tr>
 * <tr><th scope="row">ibufq_free</th><td>{@link #close()}</td><td>wakes waiting threads; may be called twice</td></tr>
 * <tr><th scope="row">ibufq_push</th><td>{@link #push(Ibuf)}</td><td>the caller's object ends; C goes on with the same
 * pointer</td></tr>
 * <tr><th scope="row">ibufq_pop</th><td>{@link #pop()}</td><td>{@link #take()} and {@link #poll(Duration)} wait</td></tr>
 * <tr><th scope="row">ibufq_queuelen</th><td>{@link #queuelen()}</td><td>none</td></tr>
 * <tr><th scope="row">ibufq_concat</th><td>{@link #concat(IbufQueue)}</td><td>none</td></tr>
 * <tr><th scope="row">ibufq_flush</th><td>{@link #flush()}</td><td>none</td></tr>
 * </tbody>
 * </table>
 */
public final class IbufQueue implements AutoCloseable {
    private static final AtomicLong QUEUES = new AtomicLong();

    /** Two queues are always locked in the order of their numbers, so that two threads cannot wait for each other. */
    private final long number = QUEUES.getAndIncrement();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private final ArrayDeque<Ibuf> buffers = new ArrayDeque<>();
    private boolean closed;

    /** Makes an empty queue. C counterpart: {@code ibufq_new}. */
    public IbufQueue() {
        // nothing to set up
    }

    /**
     * Appends a buffer. C counterpart: {@code ibufq_push}.
     *
     * @param buffer moved here with its content, positions and descriptor, unless this throws
     * @throws IllegalStateException if this queue was closed, or the buffer is a view, or was closed or moved
     */
    public void push(Ibuf buffer) {
        push(buffer::move);
    }

    /**
     * Appends a received message, to be dealt with later. C counterpart: {@code imsg_ibufq_push}.
     *
     * @param message moved here with its descriptor and its whole payload, unread again, unless this throws
     * @throws IllegalStateException if this queue was closed
     */
    public void push(Imsg message) {
        push(message::moveToBuffer);
    }

    /** Appends the buffer that {@code move} gives, which is not called when the queue is closed. */
    private void push(Supplier<Ibuf> move) {
        lock.lock();
        try {
            requireOpen();
            Ibuf moved = move.get();
            boolean added = false;
            try {
                added = buffers.add(moved);
            } finally {
                if (!added)
                    moved.close();
            }
            arrived.signal();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes the first buffer out, if there is one. C counterpart: {@code ibufq_pop}.
     *
     * @return a buffer, the caller's to close; null if the queue is empty or closed
     */
    public @Nullable Ibuf pop() {
        lock.lock();
        try {
            return buffers.poll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes the first message out. C counterpart: {@code imsg_ibufq_pop}.
     *
     * @return the message, the caller's to close; null if the queue is empty or closed
     * @throws IllegalStateException if the first is a buffer that is no message; it is taken out and closed (C: -1)
     */
    public @Nullable Imsg popImsg() {
        try (Ibuf buffer = pop()) {
            return buffer == null ? null : Imsg.moveFrom(buffer);
        }
    }

    /**
     * Takes the first buffer out, and waits for one.
     *
     * @return a buffer, the caller's to close; null once the queue is closed
     * @throws InterruptedException if the thread is interrupted before there is one
     */
    public @Nullable Ibuf take() throws InterruptedException {
        return await(Long.MAX_VALUE);
    }

    /**
     * Takes the first buffer out, and waits a limited time for one.
     *
     * @param timeout zero or negative does not wait; more than 292 years is taken as 292 years
     * @return a buffer, the caller's to close; null if none came in time, or once the queue is closed
     * @throws InterruptedException if the thread is interrupted before there is one
     */
    public @Nullable Ibuf poll(Duration timeout) throws InterruptedException {
        return await(TimeUnit.NANOSECONDS.convert(timeout));
    }

    private @Nullable Ibuf await(long nanos) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            for (long left = nanos; buffers.isEmpty() && !closed && left > 0;) {
                left = arrived.awaitNanos(left);
            }
            return buffers.poll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns how many buffers there are. C counterpart: {@code ibufq_queuelen}.
     *
     * @return 0 or more; with other threads at work the number may have changed before the caller sees it
     */
    public int queuelen() {
        lock.lock();
        try {
            return buffers.size();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Moves everything from another queue to the end of this one, in its order; no thread sees a part of it moved. C
     * counterpart: {@code ibufq_concat}. Two threads may do so in opposite directions.
     *
     * @param from empty afterwards, and still open; if it is this queue, nothing happens
     * @throws IllegalStateException if this queue was closed; nothing is moved
     */
    public void concat(IbufQueue from) {
        IbufQueue lower = number < from.number ? this : from;
        IbufQueue higher = lower == this ? from : this;
        lower.lock.lock();
        higher.lock.lock();
        try {
            requireOpen();
            if (from != this) {
                // One by one, so that none is in both if there is no memory in the middle.
                for (Ibuf first; (first = from.buffers.peek()) != null; from.buffers.remove())
                    buffers.add(first);
                arrived.signalAll();
            }
        } finally {
            higher.lock.unlock();
            lower.lock.unlock();
        }
    }

    /** Closes every buffer in the queue, and its descriptor. C counterpart: {@code ibufq_flush}. */
    public void flush() {
        empty(false);
    }

    /**
     * Closes every buffer in the queue, wakes every waiting thread, and refuses later pushes; a second call does nothing. C
     * counterpart: {@code ibufq_free}.
     */
    @Override
    public void close() {
        empty(true);
    }

    private void empty(boolean close) {
        int count;
        lock.lock();
        try {
            closed |= close;
            count = buffers.size();
            if (closed) {
                arrived.signalAll();
            }
        } finally {
            lock.unlock();
        }
        // Outside the lock, for close(2) may take its time; one by one, for there may be no memory for a copy.
        for (Ibuf first; count > 0 && (first = pop()) != null; count--)
            first.close();
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("this queue was closed");
        }
    }
}
