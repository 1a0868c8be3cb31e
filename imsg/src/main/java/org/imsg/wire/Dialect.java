package org.imsg.wire;

/**
 * How bytes 4 to 7 of a header are read. All methods take them as one 32-bit word in the byte order of the machine that wrote
 * them, and say whether that order is big-endian. Lengths count the header and are unsigned.
 */
public enum Dialect {
    /** A 16-bit length and 16 bits of flags, of which bit 0 marks a descriptor. */
    CLASSIC,
    /** A 31-bit length; the top bit marks a descriptor. */
    MODERN,
    /**
     * Either, told apart message by message. Works as long as no length reaches 65536: an unmarked message is the same bytes in
     * both on a little-endian machine, a marked one has the mark of only one of them.
     */
    AUTO;

    /** Why a descriptor is refused while AUTO has seen no mark. */
    public static final String UNKNOWN = "the peer's wire format is not known yet, and a descriptor is marked in the one or"
            + " the other: name it with format(CLASSIC) or format(MODERN), or say with assume(...) which one to write until"
            + " the peer has marked a descriptor";
    /** The mark in a classic header's flags. */
    public static final int CLASSIC_MARK = 0x0001;
    /** The mark in a modern header's length. */
    public static final int MODERN_MARK = 0x8000_0000;
    /** The longest length, in bytes with the header, that a classic header can say. */
    public static final int CLASSIC_LIMIT = 0xFFFF;
    /** The longest length, in bytes with the header, that a modern header can say in a Java int. */
    public static final int MODERN_LIMIT = 0x7FFF_FFFF;

    /**
     * The dialect a word is in: itself, or for AUTO the one the word looks like, MODERN where both read the same.
     *
     * @param word bytes 4 to 7
     * @param bigEndian whether a big-endian machine wrote them
     * @return CLASSIC or MODERN
     */
    public Dialect of(int word, boolean bigEndian) {
        if (this != AUTO)
            return this;
        int high = word >>> 16;
        int low = word & 0xFFFF;
        if (!bigEndian)
            return high == CLASSIC_MARK ? CLASSIC : MODERN;
        boolean modern = high == 0 || high == MODERN_MARK >>> 16 && low >= ImsgHeader.SIZE;
        return modern ? MODERN : CLASSIC;
    }

    /**
     * The length in a word.
     *
     * @param word bytes 4 to 7
     * @param bigEndian whether a big-endian machine wrote them
     * @return the length in bytes with the header, 0 to 2147483647; anything is possible, nothing is checked
     */
    public int length(int word, boolean bigEndian) {
        if (of(word, bigEndian) == MODERN)
            return word & ~MODERN_MARK;
        return bigEndian ? word >>> 16 : word & 0xFFFF;
    }

    /**
     * Whether a word has the mark of a descriptor.
     *
     * @param word bytes 4 to 7
     * @param bigEndian whether a big-endian machine wrote them
     * @return true if marked
     */
    public boolean marked(int word, boolean bigEndian) {
        if (of(word, bigEndian) == MODERN)
            return (word & MODERN_MARK) != 0;
        int flags = bigEndian ? word & 0xFFFF : word >>> 16;
        return (flags & CLASSIC_MARK) != 0;
    }

    /**
     * The word for a length and a mark. Not for AUTO.
     *
     * @param length the length in bytes with the header, as far as the dialect can say it
     * @param marked whether a descriptor goes with the message
     * @param bigEndian whether it is for a big-endian machine
     * @return bytes 4 to 7
     */
    public int word(int length, boolean marked, boolean bigEndian) {
        return switch (this) {
            case MODERN -> marked ? length | MODERN_MARK : length;
            case CLASSIC -> {
                int flags = marked ? CLASSIC_MARK : 0;
                yield bigEndian ? length << 16 | flags : length | flags << 16;
            }
            case AUTO -> throw new IllegalArgumentException("AUTO is for reading; a header is written in one format");
        };
    }
}
