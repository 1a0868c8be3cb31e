package org.imsg;

/**
 * A message was composed for a channel whose queue has no room for it: the peer does not read, or nobody flushes. The message
 * is not queued, its descriptor still the caller's; what was queued before stays. C's queue has no bound.
 */
public final class ImsgQueueFullException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    /** Bytes queued. */
    private final int queued;
    /** Bytes that may be. */
    private final int bound;

    /**
     * For queues in front of a channel's own.
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

    /**
     * How much is queued.
     *
     * @return bytes
     */
    public int queued() {
        return queued;
    }

    /**
     * How much may be.
     *
     * @return bytes
     */
    public int bound() {
        return bound;
    }
}
