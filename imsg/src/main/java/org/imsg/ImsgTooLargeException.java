package org.imsg;

/**
 * A message or buffer would grow past its limit. C counterpart: {@code ERANGE} from {@code ibuf_add},
 * {@code imsg_create} and {@code imsg_compose}.
 *
 * <p>Nothing was added: the buffer, or the queue, is as it was.
 */
public final class ImsgTooLargeException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    /** Bytes of the message. */
    private final long size;
    /** The most it may have. */
    private final long limit;

    /**
     * Makes one for two numbers of bytes.
     *
     * @param size the size it would have had, in bytes
     * @param limit the largest size allowed, in bytes, less than {@code size}
     */
    public ImsgTooLargeException(long size, long limit) {
        super(size + " bytes are too many, the limit is " + limit);
        this.size = size;
        this.limit = limit;
    }

    /**
     * Returns the size that was refused.
     *
     * @return a number of bytes, greater than {@link #limit()}
     */
    public long size() {
        return size;
    }

    /**
     * Returns the largest size allowed.
     *
     * @return a number of bytes, 0 or more
     */
    public long limit() {
        return limit;
    }
}
