package org.imsg;

import org.imsg.wire.Dialect;

/**
 * The two generations of imsg on the wire, and telling them apart.
 *
 * <p>They differ in where the length and the mark of a descriptor stand in the header. On a little-endian machine a message
 * without a descriptor and under 64 KiB is the same bytes in both. On a big-endian one it is not, and {@link #AUTO} writes all
 * messages as it would mark a descriptor, in the modern format while it cannot know: name the format of a classic peer there.
 *
 * <p>A message with a descriptor is not, and a wrong guess does harm: the classic C library overlooks a modern mark, and from then
 * on gives every descriptor to the message before its own. {@link #AUTO} therefore never guesses. A descriptor is refused with
 * {@link IllegalStateException} until the peer has marked one, unless the program has named a format with
 * {@link ImsgChannel#format(WireFormat) format} or said what to write until then with {@link ImsgChannel#assume(WireFormat) assume}.
 */
public enum WireFormat {
    /**
     * A 16-bit length and 16 bits of flags. OpenBSD up to 7.6, tmux up to 3.5a, OpenSMTPD up to 7.6, OpenBGPD up to 8.6, OpenNTPD
     * 6.2, FRR 8. No message is longer than 65535 bytes with its header.
     */
    CLASSIC(Dialect.CLASSIC, Dialect.CLASSIC_LIMIT),
    /**
     * A 32-bit length whose top bit marks a descriptor. OpenBSD from 7.7, tmux from 3.6, OpenBGPD from 8.7, OpenSMTPD from 7.7,
     * OpenNTPD 7.9.
     */
    MODERN(Dialect.MODERN, Dialect.MODERN_LIMIT),
    /**
     * Reads both, and passes descriptors in the format in which the peer marks its own. The first mark settles it: one in the
     * other format later is an {@link ImsgProtocolException}. Only for channels whose messages stay under 65536 bytes: beyond, the
     * formats cannot be told apart.
     */
    AUTO(Dialect.AUTO, Dialect.CLASSIC_LIMIT);

    private final Dialect dialect;
    private final int limit;

    WireFormat(Dialect dialect, int limit) {
        this.dialect = dialect;
        this.limit = limit;
    }

    Dialect dialect() {
        return dialect;
    }

    /** The longest message with its header that the format can say, in bytes. */
    int limit() {
        return limit;
    }

    static WireFormat of(Dialect dialect) {
        return switch (dialect) {
            case CLASSIC -> CLASSIC;
            case MODERN -> MODERN;
            case AUTO -> AUTO;
        };
    }
}
