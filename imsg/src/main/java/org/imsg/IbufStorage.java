package org.imsg;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * The bytes of an {@link Ibuf} and the two positions in them. Apart from {@link Ibuf} so that each class fits in a head:
 * here is where, in {@link IbufNumbers} and {@link IbufBytes} is what, in {@link Ibuf} is whose.
 */
abstract sealed class IbufStorage permits IbufNumbers {
    private static final MemorySegment NOTHING = MemorySegment.ofArray(new byte[0]).asReadOnly();
    private static final int SMALLEST_GROWTH = 64;
    /** What every virtual machine can allocate; a few bytes more some cannot. */
    private static final int LARGEST_ARRAY = Integer.MAX_VALUE - 8;

    /** Everything allocated. Replaced when it grows: ask {@link #append} first, then read this field. */
    MemorySegment bytes;
    /** Memory of somebody else, to be read only. */
    final boolean view;

    private int readPosition;
    private int writePosition;
    private int max;
    /** Why this object is of no more use, or null while it is. */
    private String gone;

    /** An empty buffer with memory of its own. */
    IbufStorage(int capacity, int max) {
        this.bytes = MemorySegment.ofArray(new byte[capacity]);
        this.max = max;
        this.view = false;
    }

    /** A view of memory of somebody else. */
    IbufStorage(MemorySegment borrowed) {
        this.bytes = borrowed.asReadOnly();
        this.writePosition = Math.toIntExact(borrowed.byteSize());
        this.max = writePosition;
        this.view = true;
    }

    /** Takes over everything that {@code from} has. */
    IbufStorage(IbufStorage from, String why) {
        from.requireOwn();
        this.bytes = from.bytes;
        this.readPosition = from.readPosition;
        this.writePosition = from.writePosition;
        this.max = from.max;
        this.view = false;
        from.end(why);
    }

    /**
     * How much there is to read: the bytes between read position and write position. C counterpart: {@code ibuf_size}.
     *
     * @return a number of bytes, 0 or more
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public int size() {
        requireLive();
        return writePosition - readPosition;
    }

    /**
     * How much may still be added before the maximum is reached. C counterpart: {@code ibuf_left}.
     *
     * @return a number of bytes, 0 for a view
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public int left() {
        requireLive();
        return view ? 0 : max - writePosition;
    }

    /**
     * Lowers the maximum size. It counts every byte ever added, also those read since. C counterpart:
     * {@code ibuf_set_maxsize}, and {@code imsg_set_maxsize} for a message: there {@code max} is the payload alone.
     *
     * <p>Difference from C: a maximum below what the buffer already has is refused, and the maximum holds also within
     * memory that is allocated already.
     *
     * @param max in bytes, from what was added so far up to the present maximum
     * @return this buffer
     * @throws IllegalArgumentException if {@code max} is outside that range
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public Ibuf setMaxSize(int max) {
        requireOwn();
        if (max < writePosition || max > this.max) {
            throw new IllegalArgumentException(
                    "maximum " + max + " is not within " + writePosition + " (added already) to " + this.max);
        }
        this.max = max;
        return self();
    }

    /**
     * The readable bytes, not copied and not consumed. C counterpart: {@code ibuf_data}.
     *
     * <p>The slice shows the bytes until the next call that adds; after it, it may be memory this buffer no longer
     * uses.
     *
     * @return {@link #size()} bytes, read-only if this buffer is a view
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public MemorySegment data() {
        return bytes.asSlice(readPosition, size());
    }

    /**
     * Appends zero bytes to be filled in through the slice returned. C counterpart: {@code ibuf_reserve}.
     *
     * <p>Difference from C: the bytes are zero even where the buffer had been truncated before. The slice is good until
     * the next call that adds.
     *
     * @param len in bytes, 0 or more
     * @return a writable slice of {@code len} bytes
     * @throws ImsgTooLargeException if it would go past the maximum; nothing is added
     * @throws IllegalArgumentException if {@code len} is negative
     * @throws IllegalStateException if this buffer is a view, or was closed or moved
     */
    public MemorySegment reserve(int len) {
        int at = append(len);
        return bytes.asSlice(at, len).fill((byte) 0);
    }

    /**
     * A part of the readable bytes, to be looked at or overwritten. C counterpart: {@code ibuf_seek}.
     *
     * @param pos in bytes from the read position, as in C
     * @param len in bytes, 0 or more
     * @return a slice of {@code len} bytes, good until the next call that adds; read-only if this buffer is a view
     * @throws IndexOutOfBoundsException if {@code pos} and {@code len} reach outside {@link #size()}; C: {@code ERANGE}
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public MemorySegment seek(int pos, int len) {
        return bytes.asSlice(locate(pos, len), len);
    }

    /**
     * Cuts the readable bytes to {@code len}, or fills them up with zeros to {@code len}. C counterpart:
     * {@code ibuf_truncate}.
     *
     * @param len the new {@link #size()} in bytes, 0 or more
     * @return this buffer
     * @throws ImsgTooLargeException if filling up would go past the maximum; nothing is added
     * @throws IllegalArgumentException if {@code len} is negative
     * @throws IllegalStateException if a view would have to be filled up, or this buffer was closed or moved
     */
    public Ibuf truncate(int len) {
        requireNotNegative(len);
        if (len > size()) {
            reserve(len - size());
        } else {
            writePosition = readPosition + len;
        }
        return self();
    }

    /**
     * Goes back to the first byte, so that everything can be read again. C counterpart: {@code ibuf_rewind}.
     *
     * @return this buffer
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public Ibuf rewind() {
        requireLive();
        readPosition = 0;
        return self();
    }

    /**
     * Consumes bytes unseen. C counterpart: {@code ibuf_skip}.
     *
     * @param len in bytes, 0 or more
     * @return this buffer
     * @throws TruncatedMessageException if fewer are left; nothing is consumed
     * @throws IllegalArgumentException if {@code len} is negative
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public Ibuf skip(int len) {
        consume(len);
        return self();
    }

    /** Appends {@code len} bytes of any content and returns the offset of the first in {@link #bytes} as it is after. */
    final int append(long len) {
        int at = makeRoom(len);
        writePosition += (int) len;
        return at;
    }

    /** The first half of {@link #append}, for what may fail between the two: the room is there, but not yet content. */
    final int makeRoom(long len) {
        requireOwn();
        requireNotNegative(len);
        long end = writePosition + len;
        if (len > max - writePosition) {
            throw new ImsgTooLargeException(end, max);
        }
        if (end > bytes.byteSize()) {
            grow(end);
        }
        return writePosition;
    }

    /** Consumes {@code len} bytes and returns the offset of the first in {@link #bytes}. */
    final int consume(int len) {
        int left = size();
        requireNotNegative(len);
        if (len > left) {
            throw new TruncatedMessageException(len, left);
        }
        int at = readPosition;
        readPosition += len;
        return at;
    }

    /** The offset in {@link #bytes} of a range that must be readable. */
    final int locate(int pos, int len) {
        return readPosition + Objects.checkFromIndexSize(pos, len, size());
    }

    /** {@link #locate} for a range that is to be overwritten. */
    final int locateToWrite(int pos, int len) {
        requireOwn();
        return locate(pos, len);
    }

    /** Makes every later use fail, and says whether this was the call that did so. */
    final boolean end(String why) {
        if (gone != null) {
            return false;
        }
        gone = why;
        bytes = NOTHING;
        return true;
    }

    final void requireLive() {
        if (gone != null) {
            throw new IllegalStateException("this Ibuf was " + gone);
        }
    }

    final void requireOwn() {
        requireLive();
        if (view) {
            throw new IllegalStateException("this Ibuf is a view: it can only be read");
        }
    }

    /** The class is sealed: there is no other kind. */
    final Ibuf self() {
        return (Ibuf) this;
    }

    private void grow(long needed) {
        long doubled = Math.clamp(2 * bytes.byteSize(), SMALLEST_GROWTH, LARGEST_ARRAY);
        int capacity = (int) Math.min(max, Math.max(needed, doubled));
        MemorySegment grown = MemorySegment.ofArray(new byte[capacity]);
        MemorySegment.copy(bytes, 0, grown, 0, writePosition);
        bytes = grown;
    }

    private static void requireNotNegative(long len) {
        if (len < 0) {
            throw new IllegalArgumentException("negative length " + len);
        }
    }
}
