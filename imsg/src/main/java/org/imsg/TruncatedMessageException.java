package org.imsg;

/**
 * A payload holds less than was asked of it: the peer sent another structure than the one being read. C counterpart:
 * {@code EBADMSG} from the {@code ibuf_get} functions.
 *
 * <p>Nothing was consumed: the read position is where it was, and the buffer can still be read.
 */
public final class TruncatedMessageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** How many bytes were asked for. */
    private final long asked;
    /** How many there were. */
    private final long left;

    /**
     * Names the two numbers.
     *
     * @param asked how many bytes were asked for
     * @param left how many there were, fewer than {@code asked}
     */
    public TruncatedMessageException(long asked, long left) {
        this("asked for " + asked + " bytes, " + left + " left", asked, left);
    }

    TruncatedMessageException(String message, long asked, long left) {
        super(message);
        this.asked = asked;
        this.left = left;
    }

    /**
     * How much was asked for.
     *
     * @return a number of bytes, greater than {@link #left()}
     */
    public long asked() {
        return asked;
    }

    /**
     * How much there was.
     *
     * @return a number of bytes, 0 or more
     */
    public long left() {
        return left;
    }
}
