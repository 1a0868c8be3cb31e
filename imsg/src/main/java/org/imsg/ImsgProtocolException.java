package org.imsg;

import java.io.IOException;

/**
 * The peer sent what cannot be a message: a length under 16 or over the limit. Nothing after it can be trusted, so the channel
 * is dead for reading; what arrived before it has been delivered. In C: ERANGE from imsgbuf_read.
 */
public final class ImsgProtocolException extends IOException {
    private static final long serialVersionUID = 1L;

    private static final String HINT = "; it speaks another format or protocol, or maxSize is too small here";

    /** What the header said, in bytes. */
    private final long length;
    /** The most that was allowed, in bytes. */
    private final int limit;

    /**
     * For what the header says.
     *
     * @param type the type in the header
     * @param length the length in the header, in bytes
     * @param limit the longest message allowed, in bytes with the header
     * @param word bytes 4 to 7 of the header, for the message
     */
    public ImsgProtocolException(int type, int length, int limit, int word) {
        super("the peer sent a header (type %s) with length %d; 16 to %d is possible (bytes 4 to 7 are 0x%08x)%s"
                .formatted(
                        Integer.toUnsignedString(type), length, limit, word, length > limit ? HINT : ""));
        this.length = length;
        this.limit = limit;
    }

    /**
     * The length in the header.
     *
     * @return bytes, with the header
     */
    public long length() {
        return length;
    }

    /**
     * The longest message the channel allows.
     *
     * @return bytes, with the header
     */
    public int limit() {
        return limit;
    }
}
