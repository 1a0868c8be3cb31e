package org.imsg;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.MalformedStructException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * A buffer that payloads are built in and taken apart with, and that may carry one descriptor. C counterpart:
 * {@code struct ibuf}.
 *
 * <p>Bytes are added at the write position, up to a maximum, and got at the read position. The bytes between the two are
 * the content: {@link #size()}, {@link #data()}, and the range that {@code seek} and {@code set} count in. Lengths and
 * positions are in bytes; strings are UTF-8. A method with no other result returns this buffer.
 *
 * {@snippet file="org/imsg/IbufExampleTest.java" region="build"}
 * {@snippet file="org/imsg/IbufExampleTest.java" region="parse"}
 *
 * <p>A <em>view</em>, made by {@code fromBuffer}, {@code fromIbuf} or {@code getIbuf}, reads memory that another object
 * owns. It holds no descriptor and need not be closed. It shows that memory as it was when the view was made, or as it
 * is now: an addition to the owner may move the owner's bytes elsewhere. C calls such buffers "on the stack".
 *
 * <p><b>Errors</b> change nothing. A method throws
 * <ul>
 * <li>{@link IllegalStateException} if this buffer was closed or moved, if a view is written or queued, and if the memory
 * under a view is gone: its buffer closed or moved, its arena closed, its call over. C aborts, or reads freed memory;
 * <li>{@link IllegalArgumentException} if a length is negative, or a number does not fit its bytes (C: {@code EINVAL});
 * <li>{@link ImsgTooLargeException} if an addition would go past the maximum (C: {@code ERANGE});
 * <li>{@link IndexOutOfBoundsException} if {@code seek} or {@code set} would reach outside the content (C: {@code ERANGE});
 * <li>{@link TruncatedMessageException} if fewer bytes are left than asked for (C: {@code EBADMSG}).
 * </ul>
 *
 * <p><b>Threads.</b> A buffer belongs to the thread that made it, and every call from another throws
 * {@link WrongThreadException}. {@link #move()} and an {@link IbufQueue} hand it over: the object they give belongs to the
 * first thread that uses it. A slice from {@link #data()}, {@link #seek(int, int)} or {@link #reserve(int)} is plain memory
 * on the heap.
 *
 * <table class="striped">
 * <caption>The functions of ibuf_add(3)</caption>
 * <thead>
 * <tr><th scope="col">C</th><th scope="col">here</th><th scope="col">difference</th></tr>
 * </thead>
 * <tbody>
 * <tr><th scope="row">ibuf_open</th><td>{@link #open(int)}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_dynamic</th><td>{@link #dynamic(int, int)}</td><td>grows by doubling, so that many small additions are
 * cheap; C reallocates for each to the exact size</td></tr>
 * <tr><th scope="row">ibuf_free</th><td>{@link #close()}</td><td>may be called twice and on a view; the bytes are on the heap and
 * not wiped</td></tr>
 * <tr><th scope="row">ibuf_from_buffer</th><td>{@link #fromBuffer(byte[])}, {@link #fromBuffer(MemorySegment)}</td>
 * <td>the view cannot be written; in C ibuf_set writes through it</td></tr>
 * <tr><th scope="row">ibuf_from_ibuf</th><td>{@link #fromIbuf(Ibuf)}</td><td>as above</td></tr>
 * <tr><th scope="row">ibuf_get_ibuf</th><td>{@link #getIbuf(int)}</td><td>as above</td></tr>
 * <tr><th scope="row">ibuf_add</th><td>{@link #add(byte[])}, {@link #add(byte[], int, int)},
 * {@link #add(MemorySegment)}, {@link #add(ByteBuffer)}</td><td>the bytes added may be those of the buffer itself</td></tr>
 * <tr><th scope="row">ibuf_add_ibuf</th><td>{@link #addIbuf(Ibuf)}</td><td>as above</td></tr>
 * <tr><th scope="row">ibuf_add_n8, n16, n32, n64</th><td>{@link #addN8(int)}, {@link #addN16(int)}, {@link #addN32(long)},
 * {@link #addN64(long)}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_add_h16, h32, h64</th><td>{@link #addH16(int)}, {@link #addH32(long)}, {@link #addH64(long)}</td>
 * <td>none</td></tr>
 * <tr><th scope="row">ibuf_add_zero</th><td>{@link #addZero(int)}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_add_strbuf</th><td>{@link #addStrbuf(String, int)}</td><td>a string too long adds nothing; C reports the
 * error and leaves the field, filled, in the buffer. A NUL inside the string is refused</td></tr>
 * <tr><th scope="row">ibuf_reserve</th><td>{@link #reserve(int)}</td><td>the bytes are always zero</td></tr>
 * <tr><th scope="row">ibuf_seek</th><td>{@link #seek(int, int)}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_set</th><td>{@link #set(int, byte[])}</td><td>not on a view</td></tr>
 * <tr><th scope="row">ibuf_set_n8, n16, n32, n64</th><td>{@link #setN8(int, int)}, {@link #setN16(int, int)}, {@link #setN32(int, long)},
 * {@link #setN64(int, long)}</td><td>not on a view</td></tr>
 * <tr><th scope="row">ibuf_set_h16, h32, h64</th><td>{@link #setH16(int, int)}, {@link #setH32(int, long)}, {@link #setH64(int, long)}</td>
 * <td>not on a view</td></tr>
 * <tr><th scope="row">ibuf_set_maxsize</th><td>{@link #setMaxSize(int)}</td><td>a maximum below what was added is refused,
 * and one within allocated memory is obeyed; C looks at neither up to imsg-buffer.c 1.36</td></tr>
 * <tr><th scope="row">ibuf_data, ibuf_size, ibuf_left</th><td>{@link #data()}, {@link #size()}, {@link #left()}</td>
 * <td>none</td></tr>
 * <tr><th scope="row">ibuf_truncate, ibuf_rewind, ibuf_skip</th><td>{@link #truncate(int)}, {@link #rewind()},
 * {@link #skip(int)}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_get</th><td>{@link #get(byte[])}, {@link #get(int)}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_get_n8, n16, n32, n64</th><td>{@link #getN8()}, {@link #getN16()}, {@link #getN32()},
 * {@link #getN64()}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_get_h16, h32, h64</th><td>{@link #getH16()}, {@link #getH32()}, {@link #getH64()}</td>
 * <td>none</td></tr>
 * <tr><th scope="row">ibuf_get_string</th><td>{@link #getString(int)}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_get_strbuf</th><td>{@link #getStrbuf(int)}</td><td>a field without a NUL is not consumed; C
 * consumes it, and gives a cut string with the error. Up to imsg-buffer.c 1.37 C wants a NUL in the last byte</td></tr>
 * <tr><th scope="row">ibuf_fd_avail, ibuf_fd_get, ibuf_fd_set</th><td>{@link #fdAvail()}, {@link #fdGet()},
 * {@link #fdSet(Fd)}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_close, ibuf_read, ibuf_write, msgbuf_clear, msgbuf_concat, msgbuf_free, msgbuf_get,
 * msgbuf_new, msgbuf_new_reader, msgbuf_queuelen, msgbuf_read, msgbuf_write</th><td>{@code ImsgChannel}</td>
 * <td>a msgbuf is the inside of a channel and not seen by itself</td></tr>
 * </tbody>
 * </table>
 */
public final class Ibuf implements AutoCloseable {
    private static final ValueLayout.OfByte N8 = ValueLayout.JAVA_BYTE;
    private static final ValueLayout.OfShort H16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt H32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong H64 = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfShort N16 = H16.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt N32 = H32.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong N64 = H64.withOrder(ByteOrder.BIG_ENDIAN);

    /** On the heap, as what an Ibuf allocates: one class of segments is faster than two. */
    private static final MemorySegment NOTHING = MemorySegment.ofArray(new byte[0]).asReadOnly();
    private static final int SMALLEST_GROWTH = 64;
    /** The largest array that every virtual machine can allocate; some can allocate a few bytes more. */
    private static final int LARGEST_ARRAY = Integer.MAX_VALUE - 8;

    /** The fields of a message's header. */
    record Header(int type, int id, int pid) {}

    /** In place of the thread of a buffer whose owner keeps threads apart by itself. */
    private static final Thread ANY = Thread.ofVirtual().unstarted(() -> {});

    /** The thread that may use this object; null until the first comes. */
    private @Nullable Thread thread = Thread.currentThread();
    /** Everything allocated. Replaced when it grows: call {@link #append(long)} first, then read this field. */
    private MemorySegment bytes;
    /** For a view: the buffer whose memory it reads, itself if that is no buffer's. Null if this is no view. */
    private final @Nullable Ibuf owner;
    private final @Nullable Header header;
    private int readPosition;
    private int writePosition;
    private int max;
    private @Nullable Fd fd;
    /** Why this object is of no more use, or null while it is. */
    private @Nullable String gone;

    private Ibuf(int capacity, int max, @Nullable Header header) {
        this.bytes = MemorySegment.ofArray(new byte[capacity]);
        this.max = max;
        this.owner = null;
        this.header = header;
    }

    /** Makes a view. */
    private Ibuf(MemorySegment borrowed, @Nullable Ibuf owner) {
        this.bytes = borrowed.asReadOnly();
        this.writePosition = Math.toIntExact(borrowed.byteSize());
        this.max = writePosition;
        this.owner = owner == null ? this : owner;
        this.header = null;
    }

    /** Takes over everything that {@code from} has, for the first thread that comes. */
    private Ibuf(Ibuf from) {
        this.thread = null;
        this.bytes = from.bytes;
        this.readPosition = from.readPosition;
        this.writePosition = from.writePosition;
        this.max = from.max;
        this.owner = null;
        this.header = from.header;
        this.fd = from.fd;
    }

    /**
     * Makes a buffer of a fixed size. C counterpart: {@code ibuf_open}.
     *
     * @param len its maximum size, allocated at once
     * @return an empty buffer, the caller's to close
     */
    public static Ibuf open(int len) {
        return new Ibuf((int) requireNotNegative(len), len, null);
    }

    /**
     * Makes a buffer that grows. C counterpart: {@code ibuf_dynamic}.
     *
     * @param len the size allocated at once, 0 to {@code max}
     * @param max the maximum size, 1 or more
     * @return an empty buffer, the caller's to close
     */
    public static Ibuf dynamic(int len, int max) {
        if (max < 1 || len < 0 || len > max) {
            throw new IllegalArgumentException("length " + len + ", maximum " + max + ": 0 <= length <= maximum >= 1");
        }
        return new Ibuf(len, max, null);
    }

    /**
     * Makes a view of an array. C counterpart: {@code ibuf_from_buffer}.
     *
     * @param data not copied
     * @return a view of all of it
     */
    public static Ibuf fromBuffer(byte[] data) {
        return new Ibuf(MemorySegment.ofArray(data), null);
    }

    /**
     * Makes a view of memory. C counterpart: {@code ibuf_from_buffer}.
     *
     * @param data not copied; its arena must outlive the view
     * @return a view of all of it
     * @throws IllegalArgumentException if it is larger than 2147483647 bytes
     */
    public static Ibuf fromBuffer(MemorySegment data) {
        if (data.byteSize() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(
                    data.byteSize() + " bytes are too many for a view: 0 to " + Integer.MAX_VALUE);
        }
        return new Ibuf(data, null);
    }

    /**
     * Makes a view of the content of another buffer, to look ahead without consuming. C counterpart:
     * {@code ibuf_from_ibuf}.
     *
     * @param from not changed
     * @return a view with a read position of its own
     */
    public static Ibuf fromIbuf(Ibuf from) {
        return from.viewOf(from.data());
    }

    /** Makes a view for an owner that lets one thread in at a time. */
    static Ibuf guarded(byte[] data) {
        Ibuf view = fromBuffer(data);
        view.thread = ANY;
        return view;
    }

    /**
     * Makes a buffer for the payload of one message. C counterpart: {@code imsg_create}, which keeps the header in the
     * buffer.
     */
    static Ibuf forMessage(int type, int id, int pid, int datalen, int maxPayload) {
        if (requireNotNegative(datalen) > maxPayload) {
            throw new ImsgTooLargeException(datalen, maxPayload);
        }
        return new Ibuf(datalen, maxPayload, new Header(type, id, pid));
    }

    /**
     * Returns how much there is to read. C counterpart: {@code ibuf_size}.
     *
     * @return the bytes between read position and write position
     */
    public int size() {
        requireLive();
        return writePosition - readPosition;
    }

    /**
     * Returns how much may still be added. C counterpart: {@code ibuf_left}.
     *
     * @return the bytes left up to the maximum; 0 for a view
     */
    public int left() {
        requireLive();
        return owner == null ? max - writePosition : 0;
    }

    /**
     * Lowers the maximum size, which counts every byte ever added. C counterpart: {@code ibuf_set_maxsize}, and
     * {@code imsg_set_maxsize} for a message, where {@code max} is the payload alone.
     *
     * @param max from what was added so far up to the present maximum
     * @return this buffer
     * @throws IllegalArgumentException if {@code max} is outside that range
     */
    public Ibuf setMaxSize(int max) {
        requireOwn();
        if (max < writePosition || max > this.max) {
            throw new IllegalArgumentException(
                    "maximum " + max + " is not within " + writePosition + " (added already) to " + this.max);
        }
        this.max = max;
        return this;
    }

    /**
     * Returns the content, not copied and not consumed. C counterpart: {@code ibuf_data}.
     *
     * @return a slice of {@link #size()} bytes, good until the next addition; read-only if this buffer is a view
     */
    public MemorySegment data() {
        return bytes.asSlice(readPosition, size());
    }

    /**
     * Appends zero bytes to be filled in through the slice returned. C counterpart: {@code ibuf_reserve}.
     *
     * @param len 0 or more
     * @return a writable slice of {@code len} bytes, good until the next addition
     */
    public MemorySegment reserve(int len) {
        int at = append(len);
        return bytes.asSlice(at, len).fill((byte) 0);
    }

    /**
     * Returns a part of the content, to be read or overwritten. C counterpart: {@code ibuf_seek}.
     *
     * @param pos in bytes from the read position
     * @param len 0 or more
     * @return a slice of {@code len} bytes, good until the next addition; read-only if this buffer is a view
     */
    public MemorySegment seek(int pos, int len) {
        return bytes.asSlice(locate(pos, len), len);
    }

    /**
     * Cuts the content to {@code len}, or fills it up with zeros. C counterpart: {@code ibuf_truncate}.
     *
     * @param len the new {@link #size()}, 0 or more; a view can only be cut
     * @return this buffer
     */
    public Ibuf truncate(int len) {
        int size = size();
        if (requireNotNegative(len) > size) {
            reserve(len - size);
        } else {
            writePosition = readPosition + len;
        }
        return this;
    }

    /**
     * Goes back to the first byte, so that everything can be read again. C counterpart: {@code ibuf_rewind}.
     *
     * @return this buffer
     */
    public Ibuf rewind() {
        requireLive();
        readPosition = 0;
        return this;
    }

    /**
     * Consumes bytes unseen. C counterpart: {@code ibuf_skip}.
     *
     * @param len 0 or more
     * @return this buffer
     */
    public Ibuf skip(int len) {
        consume(len);
        return this;
    }

    /**
     * Appends bytes. C counterpart: {@code ibuf_add}.
     *
     * @param data copied
     * @return this buffer
     */
    public Ibuf add(byte[] data) {
        return add(MemorySegment.ofArray(data));
    }

    /**
     * Appends a part of an array. C counterpart: {@code ibuf_add}.
     *
     * @param data copied
     * @param off index of the first byte
     * @param len 0 or more
     * @return this buffer
     * @throws IndexOutOfBoundsException if {@code off} and {@code len} reach outside the array
     */
    public Ibuf add(byte[] data, int off, int len) {
        // Checked here, for a segment's own message has the digits of the locale.
        return add(MemorySegment.ofArray(data).asSlice(Objects.checkFromIndexSize(off, len, data.length), len));
    }

    /**
     * Appends the remaining bytes of a buffer, and consumes them there. C counterpart: {@code ibuf_add}.
     *
     * @param data copied; its position is at its limit afterwards
     * @return this buffer
     */
    public Ibuf add(ByteBuffer data) {
        add(MemorySegment.ofBuffer(data));
        data.position(data.limit());
        return this;
    }

    /**
     * Appends bytes. C counterpart: {@code ibuf_add}.
     *
     * @param data copied
     * @return this buffer
     * @throws WrongThreadException if {@code data} is confined to another thread
     */
    public Ibuf add(MemorySegment data) {
        long len = data.byteSize();
        int at = makeRoom(len);
        MemorySegment.copy(data, 0, bytes, at, len); // throws if its arena was closed
        append(len);
        return this;
    }

    /**
     * Appends the content of another buffer. C counterpart: {@code ibuf_add_ibuf}.
     *
     * @param from copied, not consumed; may be this buffer. Its descriptor stays with it
     * @return this buffer
     */
    public Ibuf addIbuf(Ibuf from) {
        return add(from.data());
    }

    /**
     * Appends zeros. C counterpart: {@code ibuf_add_zero}.
     *
     * @param len 0 or more
     * @return this buffer
     */
    public Ibuf addZero(int len) {
        reserve(len);
        return this;
    }

    /**
     * Appends a string in a field of a fixed size, filled up with NUL, as in a {@code char} array of a C structure. C
     * counterpart: {@code ibuf_add_strbuf}.
     *
     * @param string without NUL; in UTF-8 at most {@code len - 1} bytes
     * @param len the size of the field, 1 or more
     * @return this buffer
     * @throws IllegalArgumentException if the string with its NUL does not fit the field (C: {@code EOVERFLOW}), or has a
     *     NUL in it
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
        return this;
    }

    /**
     * Appends a C struct. C counterpart: {@code ibuf_add} with {@code sizeof}.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @param value its members; padding is zero
     * @return this buffer
     * @throws IllegalArgumentException if a value does not fit its member
     */
    public <T extends Record> Ibuf add(CStruct<T> struct, T value) {
        int len = struct.sizeOf(value);
        int at = makeRoom(len); // before bytes is looked at, which it may replace
        struct.write(value, bytes, at);
        append(len);
        return this;
    }

    /**
     * Appends one byte. C counterpart: {@code ibuf_add_n8}.
     *
     * @param value 0 to 255
     * @return this buffer
     */
    public Ibuf addN8(int value) {
        return put(u8(value), N8, append(1));
    }

    /**
     * Appends two bytes in network byte order. C counterpart: {@code ibuf_add_n16}.
     *
     * @param value 0 to 65535
     * @return this buffer
     */
    public Ibuf addN16(int value) {
        return put(u16(value), N16, append(2));
    }

    /**
     * Appends four bytes in network byte order. C counterpart: {@code ibuf_add_n32}.
     *
     * @param value 0 to 4294967295; for the bits of an {@code int} use {@link Integer#toUnsignedLong(int)}
     * @return this buffer
     */
    public Ibuf addN32(long value) {
        return put(u32(value), N32, append(4));
    }

    /**
     * Appends eight bytes in network byte order. C counterpart: {@code ibuf_add_n64}.
     *
     * @param value any; its 64 bits are taken as unsigned
     * @return this buffer
     */
    public Ibuf addN64(long value) {
        return put(value, N64, append(8));
    }

    /**
     * Appends two bytes in the byte order of this host. C counterpart: {@code ibuf_add_h16}.
     *
     * @param value 0 to 65535
     * @return this buffer
     */
    public Ibuf addH16(int value) {
        return put(u16(value), H16, append(2));
    }

    /**
     * Appends four bytes in the byte order of this host. C counterpart: {@code ibuf_add_h32}.
     *
     * @param value 0 to 4294967295; for the bits of an {@code int} use {@link Integer#toUnsignedLong(int)}
     * @return this buffer
     */
    public Ibuf addH32(long value) {
        return put(u32(value), H32, append(4));
    }

    /**
     * Appends eight bytes in the byte order of this host. C counterpart: {@code ibuf_add_h64}.
     *
     * @param value any; its 64 bits are taken as unsigned
     * @return this buffer
     */
    public Ibuf addH64(long value) {
        return put(value, H64, append(8));
    }

    /**
     * Overwrites bytes. C counterpart: {@code ibuf_set}.
     *
     * @param pos in bytes from the read position
     * @param data copied
     * @return this buffer
     */
    public Ibuf set(int pos, byte[] data) {
        int at = locateToWrite(pos, data.length);
        MemorySegment.copy(data, 0, bytes, ValueLayout.JAVA_BYTE, at, data.length);
        return this;
    }

    /**
     * Overwrites one byte. C counterpart: {@code ibuf_set_n8}.
     *
     * @param pos in bytes from the read position
     * @param value 0 to 255
     * @return this buffer
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
     */
    public Ibuf setH64(int pos, long value) {
        return put(value, H64, locateToWrite(pos, 8));
    }

    /**
     * Consumes as many bytes as the array is long. C counterpart: {@code ibuf_get}.
     *
     * @param data filled
     * @return this buffer
     */
    public Ibuf get(byte[] data) {
        int at = consume(data.length);
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, data, 0, data.length);
        return this;
    }

    /**
     * Consumes bytes. C counterpart: {@code ibuf_get}.
     *
     * @param len 0 or more
     * @return a copy, {@code len} bytes long
     */
    public byte[] get(int len) {
        int at = consume(len);
        return bytes.asSlice(at, len).toArray(ValueLayout.JAVA_BYTE);
    }

    /**
     * Consumes bytes and gives a view of them. C counterpart: {@code ibuf_get_ibuf}.
     *
     * @param len 0 or more
     * @return a view of {@code len} bytes
     */
    public Ibuf getIbuf(int len) {
        int at = consume(len);
        return viewOf(bytes.asSlice(at, len));
    }

    /**
     * Consumes a string whose length is known. C counterpart: {@code ibuf_get_string}.
     *
     * @param len 0 or more
     * @return the bytes up to the first NUL, or all of them; bytes that are not UTF-8 become U+FFFD
     */
    public String getString(int len) {
        byte[] field = get(len);
        int nul = indexOfNul(field);
        return new String(field, 0, nul < 0 ? len : nul, StandardCharsets.UTF_8);
    }

    /**
     * Consumes a field of a fixed size with a string in it. C counterpart: {@code ibuf_get_strbuf}.
     *
     * @param len the size of the field, 1 or more
     * @return the bytes up to the first NUL; bytes that are not UTF-8 become U+FFFD
     * @throws TruncatedMessageException if fewer bytes are left, or no byte of the field is NUL, so that the string may
     *     have been cut (C: {@code EOVERFLOW})
     */
    public String getStrbuf(int len) {
        if (len < 1) {
            throw new IllegalArgumentException("a string field of " + len + " bytes: at least 1");
        }
        if (len <= size() && indexOfNul(seek(0, len).toArray(ValueLayout.JAVA_BYTE)) < 0) {
            throw new TruncatedMessageException("a string field of " + len + " bytes has no NUL", len + 1L, len);
        }
        return getString(len);
    }

    /**
     * Consumes a C struct; one with a flexible array consumes everything left. C counterpart: {@code ibuf_get} with
     * {@code sizeof}.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @return the record
     * @throws MalformedStructException if the bytes cannot be the struct
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
     * Consumes a C struct that must be everything left. C counterpart: {@code imsg_get_data} with {@code sizeof}.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @return the record
     * @throws MalformedStructException if the struct has another size, both are named, or the bytes cannot be the struct
     */
    public <T extends Record> T getData(CStruct<T> struct) {
        int len = size();
        T value = struct.read(bytes, locate(0, len), len);
        consume(len);
        return value;
    }

    /**
     * Consumes one byte. C counterpart: {@code ibuf_get_n8}.
     *
     * @return 0 to 255
     */
    public int getN8() {
        return Byte.toUnsignedInt(bytes.get(N8, consume(1)));
    }

    /**
     * Consumes two bytes in network byte order. C counterpart: {@code ibuf_get_n16}.
     *
     * @return 0 to 65535
     */
    public int getN16() {
        return Short.toUnsignedInt(bytes.get(N16, consume(2)));
    }

    /**
     * Consumes four bytes in network byte order. C counterpart: {@code ibuf_get_n32}.
     *
     * @return 0 to 4294967295
     */
    public long getN32() {
        return Integer.toUnsignedLong(bytes.get(N32, consume(4)));
    }

    /**
     * Consumes eight bytes in network byte order. C counterpart: {@code ibuf_get_n64}.
     *
     * @return 64 bits, unsigned: print and compare them with {@link Long#toUnsignedString(long)} and its like
     */
    public long getN64() {
        return bytes.get(N64, consume(8));
    }

    /**
     * Consumes two bytes in the byte order of this host. C counterpart: {@code ibuf_get_h16}.
     *
     * @return 0 to 65535
     */
    public int getH16() {
        return Short.toUnsignedInt(bytes.get(H16, consume(2)));
    }

    /**
     * Consumes four bytes in the byte order of this host. C counterpart: {@code ibuf_get_h32}.
     *
     * @return 0 to 4294967295
     */
    public long getH32() {
        return Integer.toUnsignedLong(bytes.get(H32, consume(4)));
    }

    /**
     * Consumes eight bytes in the byte order of this host. C counterpart: {@code ibuf_get_h64}.
     *
     * @return 64 bits, unsigned: print and compare them with {@link Long#toUnsignedString(long)} and its like
     */
    public long getH64() {
        return bytes.get(H64, consume(8));
    }

    /**
     * Returns whether there is a descriptor. C counterpart: {@code ibuf_fd_avail}.
     *
     * @return true from {@link #fdSet(Fd)} to {@link #fdGet()}; false for a view
     */
    public boolean fdAvail() {
        return fd() != null;
    }

    /**
     * Takes the descriptor out. C counterpart: {@code ibuf_fd_get}.
     *
     * @return the descriptor, the caller's to close; null if there is none
     */
    public @Nullable Fd fdGet() {
        Fd taken = fd();
        fd = null;
        return taken;
    }

    /**
     * Puts a descriptor in, to go with the message or to be closed with this buffer; one that was there is closed. C
     * counterpart: {@code ibuf_fd_set}.
     *
     * @param fd moved here, unless this throws
     * @return this buffer
     * @throws IllegalStateException if {@code fd} was closed or moved
     */
    public Ibuf fdSet(Fd fd) {
        requireOwn();
        Fd moved = fd.move();
        try (Fd _ = this.fd) {
            this.fd = moved;
        }
        return this;
    }

    /**
     * Ends this buffer and its views, and closes the descriptor if it was not taken. Closing a closed or moved buffer does
     * nothing. C counterpart: {@code ibuf_free}.
     */
    @Override
    public void close() {
        requireMine();
        if (gone == null) {
            try (Fd _ = fd) {
                end("closed");
            }
        }
    }

    /**
     * Hands content, positions, maximum and descriptor to a new object and ends this one, for another thread to go on.
     *
     * @return a buffer that belongs to the first thread that uses it
     */
    public Ibuf move() {
        requireOwn();
        Ibuf moved = new Ibuf(this);
        end("moved");
        return moved;
    }

    /** Returns the descriptor, which stays in here; null if there is none. */
    @Nullable
    Fd fd() {
        requireLive();
        return fd;
    }

    /** Returns a copy of the content, which is not consumed. */
    byte[] copy() {
        return data().toArray(ValueLayout.JAVA_BYTE);
    }

    /** Returns the header of the message whose payload this is; null if it is not one. */
    @Nullable
    Header header() {
        return header;
    }

    private void end(String why) {
        gone = why;
        bytes = NOTHING;
        fd = null;
    }

    private Ibuf viewOf(MemorySegment part) {
        return new Ibuf(part, owner == null ? this : owner == this ? null : owner);
    }

    /** Appends {@code len} bytes of any content and returns the offset of the first in {@code bytes} as it is after. */
    private int append(long len) {
        int at = makeRoom(len);
        writePosition += (int) len;
        return at;
    }

    /** Makes room for what may fail to be written, and returns its offset; {@link #append(long)} then makes it content. */
    private int makeRoom(long len) {
        requireOwn();
        if (requireNotNegative(len) > max - writePosition) {
            throw new ImsgTooLargeException(writePosition + len, max);
        }
        if (writePosition + len > bytes.byteSize()) {
            grow(writePosition + len);
        }
        return writePosition;
    }

    private void grow(long needed) {
        long doubled = Math.clamp(2 * bytes.byteSize(), SMALLEST_GROWTH, LARGEST_ARRAY);
        MemorySegment grown = MemorySegment.ofArray(new byte[(int) Math.min(max, Math.max(needed, doubled))]);
        MemorySegment.copy(bytes, 0, grown, 0, writePosition);
        bytes = grown;
    }

    /** Consumes {@code len} bytes and returns the offset of the first in {@code bytes}. */
    private int consume(int len) {
        int left = size();
        if (requireNotNegative(len) > left) {
            throw new TruncatedMessageException(len, left);
        }
        int at = readPosition;
        readPosition += len;
        return at;
    }

    /** Returns the offset in {@code bytes} of a part of the content. */
    private int locate(int pos, int len) {
        return readPosition + Objects.checkFromIndexSize(pos, len, size());
    }

    private int locateToWrite(int pos, int len) {
        requireOwn();
        return locate(pos, len);
    }

    private void requireMine() {
        if (thread != Thread.currentThread() && thread != ANY) {
            claim();
        }
    }

    private synchronized void claim() {
        if (thread != null) {
            throw new WrongThreadException("this Ibuf belongs to another thread: an IbufQueue or move() hands it over");
        }
        thread = Thread.currentThread();
    }

    private void requireLive() {
        requireMine();
        if (gone != null) {
            throw new IllegalStateException("this Ibuf was " + gone);
        }
        if (owner != null && (owner.gone != null || !bytes.scope().isAlive())) {
            throw new IllegalStateException("this Ibuf is a view of "
                    + (owner.gone == null ? "memory that is gone" : "one that was " + owner.gone));
        }
    }

    private void requireOwn() {
        requireLive();
        if (owner != null) {
            throw new IllegalStateException("this Ibuf is a view: it can only be read");
        }
    }

    // The value comes first: Java evaluates arguments from the left, so that a value out of range adds nothing,
    // and reads the field bytes only after append has made room.

    private Ibuf put(byte value, ValueLayout.OfByte layout, int at) {
        bytes.set(layout, at, value);
        return this;
    }

    private Ibuf put(short value, ValueLayout.OfShort layout, int at) {
        bytes.set(layout, at, value);
        return this;
    }

    private Ibuf put(int value, ValueLayout.OfInt layout, int at) {
        bytes.set(layout, at, value);
        return this;
    }

    private Ibuf put(long value, ValueLayout.OfLong layout, int at) {
        bytes.set(layout, at, value);
        return this;
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

    private static int indexOfNul(byte[] field) {
        int at = 0;
        while (at < field.length && field[at] != 0) {
            at++;
        }
        return at < field.length ? at : -1;
    }

    private static long requireNotNegative(long len) {
        if (len < 0) {
            throw new IllegalArgumentException("negative length " + len);
        }
        return len;
    }
}
