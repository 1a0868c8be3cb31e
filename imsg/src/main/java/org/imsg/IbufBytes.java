package org.imsg;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.MalformedStructException;

/** Blocks of bytes, and strings, in an {@link Ibuf}: to be added, set and got. */
abstract sealed class IbufBytes extends IbufNumbers permits Ibuf {
    IbufBytes(int capacity, int max) {
        super(capacity, max);
    }

    IbufBytes(MemorySegment borrowed) {
        super(borrowed);
    }

    IbufBytes(IbufStorage from, String why) {
        super(from, why);
    }

    /**
     * Appends bytes. C counterpart: {@code ibuf_add}.
     *
     * @param data copied
     * @return this buffer
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf add(byte[] data) {
        return add(MemorySegment.ofArray(data));
    }

    /**
     * Appends a part of an array. C counterpart: {@code ibuf_add}.
     *
     * @param data copied
     * @param off index of the first byte
     * @param len in bytes, 0 or more
     * @return this buffer
     * @throws IndexOutOfBoundsException if {@code off} and {@code len} reach outside the array; nothing is added
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf add(byte[] data, int off, int len) {
        return add(MemorySegment.ofArray(data).asSlice(off, len));
    }

    /**
     * Appends the remaining bytes of a buffer, and consumes them there. C counterpart: {@code ibuf_add}.
     *
     * @param data copied; its position is at its limit afterwards, and unchanged after an error
     * @return this buffer
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf add(ByteBuffer data) {
        add(MemorySegment.ofBuffer(data));
        data.position(data.limit());
        return self();
    }

    /**
     * Appends bytes. C counterpart: {@code ibuf_add}.
     *
     * @param data copied
     * @return this buffer
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved, or the arena of {@code data} was
     *     closed; nothing is added
     * @throws WrongThreadException if {@code data} is confined to another thread; nothing is added
     */
    public Ibuf add(MemorySegment data) {
        long len = data.byteSize();
        int at = makeRoom(len);
        MemorySegment.copy(data, 0, bytes, at, len); // throws if its arena was closed
        append(len);
        return self();
    }

    /**
     * Appends what another buffer has to read. C counterpart: {@code ibuf_add_ibuf}.
     *
     * @param from copied, not consumed, and still yours to close; may be this buffer. A descriptor stays with it
     * @return this buffer
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or one of the two was closed or moved
     */
    public Ibuf addIbuf(Ibuf from) {
        return add(from.data());
    }

    /**
     * Appends zeros. C counterpart: {@code ibuf_add_zero}.
     *
     * @param len in bytes, 0 or more
     * @return this buffer
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalArgumentException if {@code len} is negative
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf addZero(int len) {
        reserve(len);
        return self();
    }

    /**
     * Appends a field of a fixed size with a string in it, as a {@code char} array of a C structure holds one: the rest of
     * the field is NUL, and at least its last byte. C counterpart: {@code ibuf_add_strbuf}.
     *
     * @param string without NUL; in UTF-8 at most {@code len - 1} bytes
     * @param len the size of the field in bytes, 1 or more
     * @return this buffer
     * @throws IllegalArgumentException if the string with its NUL does not fit the field, or has a NUL in it; nothing
     *     is added. C: {@code EOVERFLOW}
     * @throws ImsgTooLargeException if the field would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf addStrbuf(String string, int len) {
        byte[] encoded = string.getBytes(StandardCharsets.UTF_8);
        if (encoded.length >= len) {
            throw new IllegalArgumentException(
                    "a string of " + encoded.length + " bytes and its NUL do not fit a field of " + len);
        }
        if (string.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("NUL at index " + string.indexOf('\0') + " would end the string there");
        }
        MemorySegment.copy(encoded, 0, reserve(len), ValueLayout.JAVA_BYTE, 0, encoded.length);
        return self();
    }

    /**
     * Overwrites bytes. C counterpart: {@code ibuf_set}.
     *
     * @param pos in bytes from the read position
     * @param data copied
     * @return this buffer
     * @throws IndexOutOfBoundsException if {@code data} at {@code pos} reaches outside {@link #size()}; nothing is
     *     changed
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf set(int pos, byte[] data) {
        int at = locateToWrite(pos, data.length);
        MemorySegment.copy(data, 0, bytes, ValueLayout.JAVA_BYTE, at, data.length);
        return self();
    }

    /**
     * Consumes as many bytes as the array is long. C counterpart: {@code ibuf_get}.
     *
     * @param data filled
     * @return this buffer
     * @throws TruncatedMessageException if fewer are left; nothing is consumed
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public Ibuf get(byte[] data) {
        int at = consume(data.length);
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, data, 0, data.length);
        return self();
    }

    /**
     * Consumes bytes. C counterpart: {@code ibuf_get}.
     *
     * @param len in bytes, 0 or more
     * @return a copy, {@code len} bytes long
     * @throws TruncatedMessageException if fewer are left; nothing is consumed
     * @throws IllegalArgumentException if {@code len} is negative
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public byte[] get(int len) {
        int at = consume(len);
        return bytes.asSlice(at, len).toArray(ValueLayout.JAVA_BYTE);
    }

    /**
     * Consumes bytes and gives a view of them. C counterpart: {@code ibuf_get_ibuf}.
     *
     * @param len in bytes, 0 or more
     * @return a view of {@code len} bytes, good as long as this buffer is
     * @throws TruncatedMessageException if fewer are left; nothing is consumed
     * @throws IllegalArgumentException if {@code len} is negative
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public Ibuf getIbuf(int len) {
        int at = consume(len);
        return new Ibuf(bytes.asSlice(at, len));
    }

    /**
     * Consumes a string whose length is known, from elsewhere in the message as a rule. C counterpart:
     * {@code ibuf_get_string}.
     *
     * @param len how many bytes to consume, 0 or more
     * @return the bytes up to the first NUL, or all of them, as UTF-8; what is not UTF-8 becomes U+FFFD
     * @throws TruncatedMessageException if fewer are left; nothing is consumed
     * @throws IllegalArgumentException if {@code len} is negative
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public String getString(int len) {
        byte[] field = get(len);
        int end = 0;
        while (end < len && field[end] != 0) {
            end++;
        }
        return new String(field, 0, end, StandardCharsets.UTF_8);
    }

    /**
     * Consumes a field of a fixed size with a string in it. C counterpart: {@code ibuf_get_strbuf}.
     *
     * @param len the size of the field in bytes, 1 or more
     * @return the bytes up to the first NUL as UTF-8; what is not UTF-8 becomes U+FFFD
     * @throws TruncatedMessageException if fewer are left, or the last byte of the field is not NUL, so that the string
     *     may have been cut (C: {@code EOVERFLOW}); nothing is consumed
     * @throws IllegalArgumentException if {@code len} is less than 1
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public String getStrbuf(int len) {
        if (len < 1) {
            throw new IllegalArgumentException("a string field of " + len + " bytes: at least 1");
        }
        if (len <= size() && seek(len - 1, 1).get(ValueLayout.JAVA_BYTE, 0) != 0) {
            throw new TruncatedMessageException("a string field of " + len + " bytes does not end with NUL", len + 1L,
                    len);
        }
        return getString(len);
    }

    /**
     * Appends a C struct. C counterpart: {@code ibuf_add} with {@code sizeof}.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @param value what is written; padding is zero
     * @return this buffer
     * @throws IllegalArgumentException if a value does not fit its member; nothing is added
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public <T extends Record> Ibuf add(CStruct<T> struct, T value) {
        int len = struct.sizeOf(value);
        int at = makeRoom(len); // before bytes is looked at, which it may replace
        struct.write(value, bytes, at);
        append(len);
        return self();
    }

    /**
     * Consumes a C struct; one with a flexible array consumes everything there is. C counterpart: {@code ibuf_get} with
     * {@code sizeof}. {@link #getData} is for a struct that must be all there is.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @return the record
     * @throws TruncatedMessageException if fewer bytes are left; nothing is consumed
     * @throws MalformedStructException if the bytes cannot be the struct; nothing is consumed
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public <T extends Record> T get(CStruct<T> struct) {
        int left = size();
        int len = struct.flexible() ? left : struct.size();
        if (len > left) {
            throw new TruncatedMessageException(
                    "struct " + struct.layout().name() + " is " + len + " bytes, " + left + " left", len, left);
        }
        T value = struct.read(bytes, locate(0, len), len);
        consume(len);
        return value;
    }

    /**
     * Consumes a C struct that must be everything there is. C counterpart: {@code imsg_get_data} with {@code sizeof}.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @return the record
     * @throws MalformedStructException if the number of bytes left is not the size of the struct, both are named, or
     *     they cannot be the struct otherwise; nothing is consumed
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public <T extends Record> T getData(CStruct<T> struct) {
        int len = size();
        T value = struct.read(bytes, locate(0, len), len);
        consume(len);
        return value;
    }
}
