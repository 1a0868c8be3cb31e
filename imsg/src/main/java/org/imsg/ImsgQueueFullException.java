package org.imsg;

/**
 * The queue of a channel has no room for a message: the peer does not read, or the program does not flush. The message was
 * not queued, its descriptor is still the caller's, and the queue is as it was. C's queue has no bound.
 */
public final class ImsgQueueFullException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** Bytes it holds, or descriptors. */
    private final int queued;
    /** Bytes the queue may hold, or descriptors. */
    private final int bound;

    /**
     * Makes one, also for queues in front of a channel's own.
     *
     * @param length the bytes of the message that has no room
     * @param queued the bytes that are queued
     * @param bound the bytes that may be
     */
    public ImsgQueueFullException(int length, int queued, int bound) {
        super("no room for a message of " + length + " bytes: " + queued + " bytes are queued, " + bound
                + " may be; flush() sends them, maxQueued allows more");
        this.queued = queued;
        this.bound = bound;
    }

    /** No room for another descriptor; the numbers are those of descriptors. */
    ImsgQueueFullException(int descriptors) {
        super("no room for another descriptor: " + descriptors + " are queued, " + descriptors
                + " may be; flush() sends them");
        queued = bound = descriptors;
    }

    /**
     * Returns how much is queued.
     *
     * @return bytes, or descriptors where it is these that have no room
     */
    public int queued() {
        return queued;
    }

    /**
     * Returns how much may be queued.
     *
     * @return bytes, or descriptors where it is these that have no room
     */
    public int bound() {
        return bound;
    }
}
