package org.imsg;

import java.io.IOException;
import java.util.HexFormat;
import org.imsg.wire.ImsgHeader;
import org.jspecify.annotations.Nullable;

/**
 * The peer broke the protocol, and the channel is dead for reading: every later read throws this again. What arrived before the
 * fault has been delivered. The fault is one of these:
 *
 * <ul>
 * <li>a header whose length is under 16 or over the limit (C: {@code ERANGE} from {@code imsgbuf_read});
 * <li>a descriptor's mark of another format than the marks before;
 * <li>a payload that a handler of {@link ImsgChannel#read(ImsgHandler)} found shorter than it reads, or not the struct it reads
 * (C: {@code EBADMSG} from the {@code ibuf_get} functions); the cause says which.
 * </ul>
 */
public final class ImsgProtocolException extends IOException {
    private static final long serialVersionUID = 1L;

    private static final String TOO_LONG = "; it speaks another format or protocol, or maxSize is too small here";
    private static final String MIXED = "; its mark of a descriptor is in another format than those before";

    /** What the header said, in bytes. */
    private final long length;
    /** The most that was allowed, in bytes. */
    private final int limit;

    /**
     * Makes one for a header.
     *
     * @param type the type in the header
     * @param length the length in the header, in bytes; within the limit if the fault is the mark's format
     * @param limit the longest message allowed, in bytes with the header
     * @param word bytes 4 to 7 of the header, for the message
     */
    public ImsgProtocolException(int type, int length, int limit, int word) {
        this("the peer sent a header (type " + Integer.toUnsignedString(type) + ") with length " + length + "; 16 to "
                + limit
                + " is possible (bytes 4 to 7 are 0x" + HexFormat.of().toHexDigits(word) + ")"
                + (length > limit ? TOO_LONG : length >= ImsgHeader.SIZE ? MIXED : ""), length, limit, null);
    }

    private ImsgProtocolException(String message, long length, int limit, @Nullable Throwable cause) {
        super(message, cause);
        this.length = length;
        this.limit = limit;
    }

    /** Makes one for a payload that its handler could not read. */
    static ImsgProtocolException malformed(ImsgView message, int limit, RuntimeException cause) {
        return new ImsgProtocolException("the peer sent a payload that its handler cannot read (" + message + "): "
                + cause.getMessage(), ImsgHeader.SIZE + message.length(), limit, cause);
    }

    /** Makes one for the same fault, with the stack trace of this call. */
    ImsgProtocolException again() {
        return new ImsgProtocolException(getMessage(), length, limit, getCause());
    }

    /**
     * Returns the length in the header.
     *
     * @return bytes, with the header
     */
    public long length() {
        return length;
    }

    /**
     * Returns the longest message the channel allows.
     *
     * @return bytes, with the header
     */
    public int limit() {
        return limit;
    }
}
