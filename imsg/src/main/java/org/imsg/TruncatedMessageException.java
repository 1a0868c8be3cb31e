package org.imsg;

/**
 * A payload holds less than was asked of it, or more than all of it that was asked for: the peer sent another structure than the
 * one being read. C counterpart:
 * {@code EBADMSG} from the {@code ibuf_get} functions.
 *
 * <p>Nothing was consumed, and the buffer can still be read. Thrown by a handler, it ends the call to
 * {@link ImsgChannel#read(ImsgHandler)} as an {@link ImsgProtocolException}. A program that reads messages outside of a
 * handler catches this exception beside {@link java.io.IOException}.
 */
public final class TruncatedMessageException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Bytes that were asked for. */
    private final long asked;
    /** Bytes that are left. */
    private final long left;

    /**
     * Makes one for two numbers of bytes.
     *
     * @param asked how many bytes were asked for
     * @param left how many there were, another number than {@code asked}
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
     * Returns how much was asked for.
     *
     * @return a number of bytes, another than {@link #left()}
     */
    public long asked() {
        return asked;
    }

    /**
     * Returns how much there was.
     *
     * @return a number of bytes, 0 or more
     */
    public long left() {
        return left;
    }
}
