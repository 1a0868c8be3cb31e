package org.imsg;

import java.time.Duration;

/**
 * Buffers in the order they were pushed, from any thread to any thread. C counterpart: {@code struct ibufqueue}.
 *
 * <p>The queue owns what is in it: pushing moves a buffer in, popping hands it to the caller, and what is still there is
 * closed with the queue, its descriptor too. There is no bound on the length: a producer that must not run ahead looks at
 * {@link #queuelen()}.
 *
 * {@snippet file="org/imsg/IbufExampleTest.java" region="queue"}
 *
 * <p>Safe for use by several threads at once, virtual ones included: what a thread did to a buffer before it pushed it is
 * seen by the thread that pops it.
 *
 * <table class="striped">
 * <caption>The functions of ibufq(3)</caption>
 * <thead>
 * <tr><th scope="col">C</th><th scope="col">here</th><th scope="col">difference</th></tr>
 * </thead>
 * <tbody>
 * <tr><th scope="row">ibufq_new</th><td>{@link #IbufQueue()}</td><td>between threads; in C one thread must see to
 * it</td></tr>
 * <tr><th scope="row">ibufq_free</th><td>{@link #close}</td><td>wakes those who wait; may be called twice</td></tr>
 * <tr><th scope="row">ibufq_push</th><td>{@link #push}</td><td>the caller's object ends; C goes on with the same
 * pointer</td></tr>
 * <tr><th scope="row">ibufq_pop</th><td>{@link #pop}</td><td>{@link #take} and {@link #poll} wait</td></tr>
 * <tr><th scope="row">ibufq_queuelen</th><td>{@link #queuelen}</td><td>none</td></tr>
 * <tr><th scope="row">ibufq_concat</th><td>{@link #concat}</td><td>none</td></tr>
 * <tr><th scope="row">ibufq_flush</th><td>{@link #flush}</td><td>none</td></tr>
 * </tbody>
 * </table>
 */
public final class IbufQueue implements AutoCloseable {
    private final OwnedQueue<Ibuf> buffers = new OwnedQueue<>(Ibuf::close);

    /** Makes an empty queue. C counterpart: {@code ibufq_new}. */
    public IbufQueue() {
        // nothing to set up
    }

    /**
     * Appends a buffer. C counterpart: {@code ibufq_push}.
     *
     * @param buffer moved here with its content, positions and descriptor: the caller's object is of no more use
     *     afterwards, and stays the caller's after an error
     * @throws IllegalStateException if this queue was closed, or the buffer is a view, or was closed or moved
     */
    public void push(Ibuf buffer) {
        buffers.push(buffer::move);
    }

    /**
     * Takes the first buffer out, if there is one. C counterpart: {@code ibufq_pop}.
     *
     * @return a buffer, yours to close; null if the queue is empty or closed
     */
    public Ibuf pop() {
        return buffers.pop();
    }

    /**
     * Takes the first buffer out, and waits for one.
     *
     * @return a buffer, yours to close; null once the queue is closed
     * @throws InterruptedException if the thread is interrupted before there is one; nothing is taken
     */
    public Ibuf take() throws InterruptedException {
        return buffers.take();
    }

    /**
     * Takes the first buffer out, and waits for one so long.
     *
     * @param timeout zero or negative does not wait; more than 292 years is taken as 292 years
     * @return a buffer, yours to close; null if none came in time, or once the queue is closed
     * @throws InterruptedException if the thread is interrupted before there is one; nothing is taken
     */
    public Ibuf poll(Duration timeout) throws InterruptedException {
        return buffers.poll(timeout);
    }

    /**
     * How many buffers there are. C counterpart: {@code ibufq_queuelen}.
     *
     * @return 0 or more; with other threads at work it may be another number by the time it is looked at
     */
    public int queuelen() {
        return buffers.length();
    }

    /**
     * Moves everything from another queue to the end of this one, in its order; no thread ever sees a part of it moved. C
     * counterpart: {@code ibufq_concat}. Two threads may do so in opposite directions.
     *
     * @param from empty afterwards, and still open; if it is this queue, nothing happens
     * @throws IllegalStateException if this queue was closed; nothing is moved
     */
    public void concat(IbufQueue from) {
        buffers.concat(from.buffers);
    }

    /**
     * Appends a received message, to be dealt with later. C counterpart: {@code imsg_ibufq_push}.
     *
     * @param message moved here with its descriptor, the whole payload unread again; not to be used afterwards
     * @throws IllegalStateException if the queue was closed; the message stays the caller's then
     */
    public void push(Imsg message) {
        buffers.push(() -> {
            Ibuf buffer = Ibuf.forMessage(message.type(), message.id(), message.pid(), message.length(),
                    message.length());
            buffer.add(message.bytes());
            buffer.fdSet(message.takeFd());
            return buffer;
        });
    }

    /**
     * Takes the first message out. C counterpart: {@code imsg_ibufq_pop}.
     *
     * @return the message, the caller's, or null if the queue is empty
     * @throws IllegalStateException if the first is a buffer that is no message; it is taken out and closed (C: -1)
     */
    public Imsg popImsg() {
        try (Ibuf buffer = pop()) {
            if (buffer == null)
                return null;
            if (!buffer.isMessage())
                throw new IllegalStateException("the first in the queue is a buffer without a header, not a message");
            Imsg message = Imsg.of(buffer.type(), buffer.id(), buffer.pid(), buffer);
            return buffer.fdAvail() ? message.withFd(buffer.fdGet()) : message;
        }
    }

    /** Closes every buffer in the queue, and with it its descriptor. C counterpart: {@code ibufq_flush}. */
    public void flush() {
        buffers.flush();
    }

    /**
     * Closes every buffer in the queue, wakes every thread that waits, and refuses what is pushed from now on. A second
     * call does nothing. C counterpart: {@code ibufq_free}.
     */
    @Override
    public void close() {
        buffers.close();
    }
}
