package org.imsg.wire;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * {@code struct imsg_hdr} in memory: static accessors on a segment and the offset of the header's first byte, which need not
 * be aligned. Without a byte order they take the machine's own, as the wire does; with one they read what another machine
 * wrote. The four fields are unsigned 32-bit numbers in ints.
 *
 * <p>All methods throw IndexOutOfBoundsException if the header is not inside the segment.
 */
public final class ImsgHeader {
    /** The size of a header in bytes: IMSG_HEADER_SIZE. */
    public static final int SIZE = 16;
    /** Where the type lies. */
    public static final int TYPE_OFFSET = 0;
    /** Where the length lies, and in the classic format 2 bytes on, the flags. */
    public static final int LENGTH_OFFSET = 4;
    /** Where the peer's id lies. */
    public static final int PEERID_OFFSET = 8;
    /** Where the process id lies. */
    public static final int PID_OFFSET = 12;

    private static final boolean BIG_ENDIAN = ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN;
    private static final ValueLayout.OfInt LITTLE = JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt BIG = JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private ImsgHeader() {}

    /**
     * The message's type.
     *
     * @param segment the memory
     * @param offset where the header begins
     * @return an unsigned 32-bit number
     */
    public static int type(MemorySegment segment, long offset) {
        return segment.get(JAVA_INT_UNALIGNED, offset + TYPE_OFFSET);
    }

    /**
     * The message's length, with the header.
     *
     * @param segment the memory
     * @param offset where the header begins
     * @param dialect how to read it
     * @return bytes, 0 to 2147483647; not checked against anything
     */
    public static int length(MemorySegment segment, long offset, Dialect dialect) {
        return dialect.length(word(segment, offset), BIG_ENDIAN);
    }

    /**
     * Whether the header says that a descriptor goes with the message.
     *
     * @param segment the memory
     * @param offset where the header begins
     * @param dialect how to read it
     * @return true if marked
     */
    public static boolean marked(MemorySegment segment, long offset, Dialect dialect) {
        return dialect.marked(word(segment, offset), BIG_ENDIAN);
    }

    /**
     * The id of the message: IMSG's peerid.
     *
     * @param segment the memory
     * @param offset where the header begins
     * @return an unsigned 32-bit number
     */
    public static int peerid(MemorySegment segment, long offset) {
        return segment.get(JAVA_INT_UNALIGNED, offset + PEERID_OFFSET);
    }

    /**
     * The process id the sender put in.
     *
     * @param segment the memory
     * @param offset where the header begins
     * @return an unsigned 32-bit number
     */
    public static int pid(MemorySegment segment, long offset) {
        return segment.get(JAVA_INT_UNALIGNED, offset + PID_OFFSET);
    }

    /**
     * Which format a header is in; see {@link Dialect#of(int, boolean)}.
     *
     * @param segment the memory
     * @param offset where the header begins
     * @param dialect how to read it
     * @return CLASSIC or MODERN
     */
    public static Dialect dialect(MemorySegment segment, long offset, Dialect dialect) {
        return dialect.of(word(segment, offset), BIG_ENDIAN);
    }

    /**
     * Writes a header.
     *
     * @param segment the memory
     * @param offset where the header begins
     * @param dialect CLASSIC or MODERN
     * @param type an unsigned 32-bit number
     * @param length the message's length in bytes with the header
     * @param marked whether a descriptor goes with it
     * @param peerid an unsigned 32-bit number
     * @param pid an unsigned 32-bit number
     */
    public static void write(MemorySegment segment, long offset, Dialect dialect, int type, int length, boolean marked,
            int peerid, int pid) {
        segment.set(JAVA_INT_UNALIGNED, offset + TYPE_OFFSET, type);
        segment.set(JAVA_INT_UNALIGNED, offset + LENGTH_OFFSET, dialect.word(length, marked, BIG_ENDIAN));
        segment.set(JAVA_INT_UNALIGNED, offset + PEERID_OFFSET, peerid);
        segment.set(JAVA_INT_UNALIGNED, offset + PID_OFFSET, pid);
    }

    /**
     * A field of a header from another machine.
     *
     * @param segment the memory
     * @param offset where the header begins
     * @param fieldOffset {@link #TYPE_OFFSET}, {@link #PEERID_OFFSET} or {@link #PID_OFFSET}
     * @param order the byte order of the machine that wrote it
     * @return an unsigned 32-bit number
     */
    public static int field(MemorySegment segment, long offset, int fieldOffset, ByteOrder order) {
        return segment.get(order == ByteOrder.BIG_ENDIAN ? BIG : LITTLE, offset + fieldOffset);
    }

    /**
     * The length, with the header, in a header from another machine.
     *
     * @param segment the memory
     * @param offset where the header begins
     * @param dialect how to read it
     * @param order the byte order of the machine that wrote it
     * @return bytes, 0 to 2147483647; not checked against anything
     */
    public static int length(MemorySegment segment, long offset, Dialect dialect, ByteOrder order) {
        return dialect.length(field(segment, offset, LENGTH_OFFSET, order), order == ByteOrder.BIG_ENDIAN);
    }

    /**
     * Whether a header from another machine is marked.
     *
     * @param segment the memory
     * @param offset where the header begins
     * @param dialect how to read it
     * @param order the byte order of the machine that wrote it
     * @return true if marked
     */
    public static boolean marked(MemorySegment segment, long offset, Dialect dialect, ByteOrder order) {
        return dialect.marked(field(segment, offset, LENGTH_OFFSET, order), order == ByteOrder.BIG_ENDIAN);
    }

    /**
     * Bytes 4 to 7 as one number, for {@link Dialect} to read.
     *
     * @param segment the memory
     * @param offset where the header begins
     * @return the word in the machine's byte order
     */
    public static int word(MemorySegment segment, long offset) {
        return segment.get(JAVA_INT_UNALIGNED, offset + LENGTH_OFFSET);
    }
}
