package org.imsg;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Numbers in an {@link Ibuf}: 8 to 64 bits, in network byte order (n) or in that of this host (h), to be added, set and
 * got. All are unsigned, as in C.
 */
abstract sealed class IbufNumbers extends IbufStorage permits IbufBytes {
    private static final ValueLayout.OfByte N8 = ValueLayout.JAVA_BYTE;
    private static final ValueLayout.OfShort H16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt H32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong H64 = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfShort N16 = H16.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt N32 = H32.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong N64 = H64.withOrder(ByteOrder.BIG_ENDIAN);

    IbufNumbers(int capacity, int max) {
        super(capacity, max);
    }

    IbufNumbers(MemorySegment borrowed) {
        super(borrowed);
    }

    IbufNumbers(IbufStorage from, String why) {
        super(from, why);
    }

    /**
     * Appends one byte. C counterpart: {@code ibuf_add_n8}.
     *
     * @param value 0 to 255
     * @return this buffer
     * @throws IllegalArgumentException if {@code value} is out of range; nothing is added
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf addN8(int value) {
        return put(u8(value), N8, append(1));
    }

    /**
     * Appends two bytes in network byte order. C counterpart: {@code ibuf_add_n16}.
     *
     * @param value 0 to 65535
     * @return this buffer
     * @throws IllegalArgumentException if {@code value} is out of range; nothing is added
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf addN16(int value) {
        return put(u16(value), N16, append(2));
    }

    /**
     * Appends four bytes in network byte order. C counterpart: {@code ibuf_add_n32}.
     *
     * @param value 0 to 4294967295; for the bits of an {@code int} use {@link Integer#toUnsignedLong(int)}
     * @return this buffer
     * @throws IllegalArgumentException if {@code value} is out of range; nothing is added
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf addN32(long value) {
        return put(u32(value), N32, append(4));
    }

    /**
     * Appends eight bytes in network byte order. C counterpart: {@code ibuf_add_n64}.
     *
     * @param value any; its 64 bits are taken as unsigned
     * @return this buffer
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf addN64(long value) {
        return put(value, N64, append(8));
    }

    /**
     * Appends two bytes in the byte order of this host. C counterpart: {@code ibuf_add_h16}.
     *
     * @param value 0 to 65535
     * @return this buffer
     * @throws IllegalArgumentException if {@code value} is out of range; nothing is added
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf addH16(int value) {
        return put(u16(value), H16, append(2));
    }

    /**
     * Appends four bytes in the byte order of this host. C counterpart: {@code ibuf_add_h32}.
     *
     * @param value 0 to 4294967295; for the bits of an {@code int} use {@link Integer#toUnsignedLong(int)}
     * @return this buffer
     * @throws IllegalArgumentException if {@code value} is out of range; nothing is added
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf addH32(long value) {
        return put(u32(value), H32, append(4));
    }

    /**
     * Appends eight bytes in the byte order of this host. C counterpart: {@code ibuf_add_h64}.
     *
     * @param value any; its 64 bits are taken as unsigned
     * @return this buffer
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf addH64(long value) {
        return put(value, H64, append(8));
    }

    /**
     * Overwrites one byte. C counterpart: {@code ibuf_set_n8}.
     *
     * @param pos in bytes from the read position
     * @param value 0 to 255
     * @return this buffer
     * @throws IllegalArgumentException if {@code value} is out of range; nothing is changed
     * @throws IndexOutOfBoundsException if the byte is not within {@link #size()}
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf setN8(int pos, int value) {
        return put(u8(value), N8, locateToWrite(pos, 1));
    }

    /**
     * Overwrites two bytes in network byte order. C counterpart: {@code ibuf_set_n16}.
     *
     * @param pos in bytes from the read position
     * @param value 0 to 65535
     * @return this buffer
     * @throws IllegalArgumentException if {@code value} is out of range; nothing is changed
     * @throws IndexOutOfBoundsException if the two bytes are not all within {@link #size()}
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf setN16(int pos, int value) {
        return put(u16(value), N16, locateToWrite(pos, 2));
    }

    /**
     * Overwrites four bytes in network byte order. C counterpart: {@code ibuf_set_n32}.
     *
     * @param pos in bytes from the read position
     * @param value 0 to 4294967295; for the bits of an {@code int} use {@link Integer#toUnsignedLong(int)}
     * @return this buffer
     * @throws IllegalArgumentException if {@code value} is out of range; nothing is changed
     * @throws IndexOutOfBoundsException if the four bytes are not all within {@link #size()}
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf setN32(int pos, long value) {
        return put(u32(value), N32, locateToWrite(pos, 4));
    }

    /**
     * Overwrites eight bytes in network byte order. C counterpart: {@code ibuf_set_n64}.
     *
     * @param pos in bytes from the read position
     * @param value any; its 64 bits are taken as unsigned
     * @return this buffer
     * @throws IndexOutOfBoundsException if the eight bytes are not all within {@link #size()}
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf setN64(int pos, long value) {
        return put(value, N64, locateToWrite(pos, 8));
    }

    /**
     * Overwrites two bytes in the byte order of this host. C counterpart: {@code ibuf_set_h16}.
     *
     * @param pos in bytes from the read position
     * @param value 0 to 65535
     * @return this buffer
     * @throws IllegalArgumentException if {@code value} is out of range; nothing is changed
     * @throws IndexOutOfBoundsException if the two bytes are not all within {@link #size()}
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf setH16(int pos, int value) {
        return put(u16(value), H16, locateToWrite(pos, 2));
    }

    /**
     * Overwrites four bytes in the byte order of this host. C counterpart: {@code ibuf_set_h32}.
     *
     * @param pos in bytes from the read position
     * @param value 0 to 4294967295; for the bits of an {@code int} use {@link Integer#toUnsignedLong(int)}
     * @return this buffer
     * @throws IllegalArgumentException if {@code value} is out of range; nothing is changed
     * @throws IndexOutOfBoundsException if the four bytes are not all within {@link #size()}
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf setH32(int pos, long value) {
        return put(u32(value), H32, locateToWrite(pos, 4));
    }

    /**
     * Overwrites eight bytes in the byte order of this host. C counterpart: {@code ibuf_set_h64}.
     *
     * @param pos in bytes from the read position
     * @param value any; its 64 bits are taken as unsigned
     * @return this buffer
     * @throws IndexOutOfBoundsException if the eight bytes are not all within {@link #size()}
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf setH64(int pos, long value) {
        return put(value, H64, locateToWrite(pos, 8));
    }

    /**
     * Consumes one byte. C counterpart: {@code ibuf_get_n8}.
     *
     * @return 0 to 255
     * @throws TruncatedMessageException if none is left; nothing is consumed
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public int getN8() {
        return Byte.toUnsignedInt(bytes.get(N8, consume(1)));
    }

    /**
     * Consumes two bytes in network byte order. C counterpart: {@code ibuf_get_n16}.
     *
     * @return 0 to 65535
     * @throws TruncatedMessageException if fewer are left; nothing is consumed
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public int getN16() {
        return Short.toUnsignedInt(bytes.get(N16, consume(2)));
    }

    /**
     * Consumes four bytes in network byte order. C counterpart: {@code ibuf_get_n32}.
     *
     * @return 0 to 4294967295
     * @throws TruncatedMessageException if fewer are left; nothing is consumed
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public long getN32() {
        return Integer.toUnsignedLong(bytes.get(N32, consume(4)));
    }

    /**
     * Consumes eight bytes in network byte order. C counterpart: {@code ibuf_get_n64}.
     *
     * @return 64 bits, unsigned: print and compare them with {@link Long#toUnsignedString(long)} and its like
     * @throws TruncatedMessageException if fewer are left; nothing is consumed
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public long getN64() {
        return bytes.get(N64, consume(8));
    }

    /**
     * Consumes two bytes in the byte order of this host. C counterpart: {@code ibuf_get_h16}.
     *
     * @return 0 to 65535
     * @throws TruncatedMessageException if fewer are left; nothing is consumed
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public int getH16() {
        return Short.toUnsignedInt(bytes.get(H16, consume(2)));
    }

    /**
     * Consumes four bytes in the byte order of this host. C counterpart: {@code ibuf_get_h32}.
     *
     * @return 0 to 4294967295
     * @throws TruncatedMessageException if fewer are left; nothing is consumed
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public long getH32() {
        return Integer.toUnsignedLong(bytes.get(H32, consume(4)));
    }

    /**
     * Consumes eight bytes in the byte order of this host. C counterpart: {@code ibuf_get_h64}.
     *
     * @return 64 bits, unsigned: print and compare them with {@link Long#toUnsignedString(long)} and its like
     * @throws TruncatedMessageException if fewer are left; nothing is consumed
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public long getH64() {
        return bytes.get(H64, consume(8));
    }

    // The value comes first: Java evaluates arguments from the left, so that a value out of range adds nothing,
    // and reads the field bytes only after append has made room.

    private Ibuf put(byte value, ValueLayout.OfByte layout, int at) {
        bytes.set(layout, at, value);
        return self();
    }

    private Ibuf put(short value, ValueLayout.OfShort layout, int at) {
        bytes.set(layout, at, value);
        return self();
    }

    private Ibuf put(int value, ValueLayout.OfInt layout, int at) {
        bytes.set(layout, at, value);
        return self();
    }

    private Ibuf put(long value, ValueLayout.OfLong layout, int at) {
        bytes.set(layout, at, value);
        return self();
    }

    private static byte u8(long value) {
        return (byte) requireWithin(value, 0xff);
    }

    private static short u16(long value) {
        return (short) requireWithin(value, 0xffff);
    }

    private static int u32(long value) {
        return (int) requireWithin(value, 0xffff_ffffL);
    }

    private static long requireWithin(long value, long max) {
        if (value < 0 || value > max) {
            throw new IllegalArgumentException(value + " does not fit: 0 to " + max);
        }
        return value;
    }
}
