package org.imsg.cstruct;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The methods that compiled codecs call for each member. A method that gets or puts a number is named after
 * its kind, bits and byte order, such as {@code getU32Little}: the compiled code names them.
 */
final class MemberAccess {
    private static final ValueLayout.OfShort SHORT_LITTLE = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT_LITTLE = ValueLayout.JAVA_INT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG_LITTLE = ValueLayout.JAVA_LONG_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT_BIG = SHORT_LITTLE.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT_BIG = INT_LITTLE.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG_BIG = LONG_LITTLE.withOrder(ByteOrder.BIG_ENDIAN);

    private static final VarHandle EIGHT = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    /** Arrays that strings are decoded from, one for several threads each: a thread that finds none makes a new one. */
    private static final AtomicReferenceArray<byte[]> SCRATCH = new AtomicReferenceArray<>(16);
    private static final int LARGEST_SCRATCH = 4096;

    private MemberAccess() {}

    static long getS8(MemorySegment bytes, long at) {
        return bytes.get(JAVA_BYTE, at);
    }

    static long getU8(MemorySegment bytes, long at) {
        return bytes.get(JAVA_BYTE, at) & 0xFF;
    }

    static long getS16Little(MemorySegment bytes, long at) {
        return bytes.get(SHORT_LITTLE, at);
    }

    static long getS16Big(MemorySegment bytes, long at) {
        return bytes.get(SHORT_BIG, at);
    }

    static long getU16Little(MemorySegment bytes, long at) {
        return bytes.get(SHORT_LITTLE, at) & 0xFFFF;
    }

    static long getU16Big(MemorySegment bytes, long at) {
        return bytes.get(SHORT_BIG, at) & 0xFFFF;
    }

    static long getS32Little(MemorySegment bytes, long at) {
        return bytes.get(INT_LITTLE, at);
    }

    static long getS32Big(MemorySegment bytes, long at) {
        return bytes.get(INT_BIG, at);
    }

    static long getU32Little(MemorySegment bytes, long at) {
        return bytes.get(INT_LITTLE, at) & 0xFFFF_FFFFL;
    }

    static long getU32Big(MemorySegment bytes, long at) {
        return bytes.get(INT_BIG, at) & 0xFFFF_FFFFL;
    }

    static long get64Little(MemorySegment bytes, long at) {
        return bytes.get(LONG_LITTLE, at);
    }

    static long get64Big(MemorySegment bytes, long at) {
        return bytes.get(LONG_BIG, at);
    }

    static void put8(long value, MemorySegment bytes, long at) {
        bytes.set(JAVA_BYTE, at, (byte) value);
    }

    static void put16Little(long value, MemorySegment bytes, long at) {
        bytes.set(SHORT_LITTLE, at, (short) value);
    }

    static void put16Big(long value, MemorySegment bytes, long at) {
        bytes.set(SHORT_BIG, at, (short) value);
    }

    static void put32Little(long value, MemorySegment bytes, long at) {
        bytes.set(INT_LITTLE, at, (int) value);
    }

    static void put32Big(long value, MemorySegment bytes, long at) {
        bytes.set(INT_BIG, at, (int) value);
    }

    static void put64Little(long value, MemorySegment bytes, long at) {
        bytes.set(LONG_LITTLE, at, value);
    }

    static void put64Big(long value, MemorySegment bytes, long at) {
        bytes.set(LONG_BIG, at, value);
    }

    static boolean isTrue(long value) {
        return value != 0;
    }

    /** Returns the value if it is within the range of its C type. */
    static long within(long value, long min, long max, String member) {
        if (value < min || value > max)
            throw new IllegalArgumentException(member + " is " + value + ": " + min + " to " + max);
        return value;
    }

    static int exactly(int length, int expected, String member) {
        if (length != expected)
            throw new IllegalArgumentException(member + " has a length of " + length + ", not " + expected);
        return length;
    }

    static Object present(Object value, String member) {
        if (value == null)
            throw new NullPointerException(member + " is null");
        return value;
    }

    static byte[] getBytes(MemorySegment bytes, long at, int length) {
        byte[] copy = new byte[length];
        MemorySegment.copy(bytes, JAVA_BYTE, at, copy, 0, length);
        return copy;
    }

    static void putBytes(byte[] value, MemorySegment bytes, long at) {
        MemorySegment.copy(value, 0, bytes, JAVA_BYTE, at, value.length);
    }

    static void putZeros(MemorySegment bytes, long at, long length) {
        long end = at + length;
        long position = at;
        for (; position + Long.BYTES <= end; position += Long.BYTES)
            bytes.set(LONG_LITTLE, position, 0);
        for (; position < end; position++)
            bytes.set(JAVA_BYTE, position, (byte) 0);
    }

    static String getText(MemorySegment bytes, long at, int length, boolean terminated, String member) {
        int slot = (int) (Thread.currentThread().threadId() % SCRATCH.length());
        byte[] field = SCRATCH.getAndSet(slot, null);
        if (field == null || field.length < length)
            field = new byte[Math.max(length, 64)];
        int end = copyText(bytes, at, length, field);
        if (terminated && end == length)
            throw new MalformedStructException(member + " has no NUL in its " + length + " bytes: \""
                    + new String(field, 0, length, UTF_8).replaceAll("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]", "?") + '"');
        String text = new String(field, 0, end, UTF_8);
        if (field.length <= LARGEST_SCRATCH)
            SCRATCH.setRelease(slot, field);
        return text;
    }

    /** Copies a string as far as its NUL, eight bytes at once; each byte is read once, for shared memory may change meanwhile. {@return its length} */
    private static int copyText(MemorySegment bytes, long at, int length, byte[] field) {
        int end = 0;
        for (; end + Long.BYTES <= length; end += Long.BYTES) {
            long eight = bytes.get(LONG_LITTLE, at + end);
            EIGHT.set(field, end, eight);
            // The lowest bit that is set is in the first byte that is zero.
            long zeros = eight - 0x0101_0101_0101_0101L & ~eight & 0x8080_8080_8080_8080L;
            if (zeros != 0)
                return end + Long.numberOfTrailingZeros(zeros) / Byte.SIZE;
        }
        for (; end < length; end++) {
            field[end] = bytes.get(JAVA_BYTE, at + end);
            if (field[end] == 0)
                break;
        }
        return end;
    }

    static void putText(String value, MemorySegment bytes, long at, int length, boolean terminated, String member) {
        byte[] encoded = encoded(value, member);
        int longest = terminated ? length - 1 : length;
        if (encoded.length > longest)
            throw new IllegalArgumentException(
                    member + " is a string of " + encoded.length + " bytes: 0 to " + longest);
        putBytes(encoded, bytes, at);
        putZeros(bytes, at + encoded.length, length - encoded.length);
    }

    static void putFlexibleText(String value, MemorySegment bytes, long at, String member) {
        byte[] encoded = encoded(value, member);
        putBytes(encoded, bytes, at);
        put8(0, bytes, at + encoded.length);
    }

    /** Returns the bytes of a flexible array with this string and its NUL. */
    static long flexibleTextBytes(String value) {
        return value.getBytes(UTF_8).length + 1L;
    }

    private static byte[] encoded(String value, String member) {
        if (value.indexOf('\0') >= 0)
            throw new IllegalArgumentException(
                    member + " has a NUL at index " + value.indexOf('\0') + ", which would end the string there");
        return value.getBytes(UTF_8);
    }
}
