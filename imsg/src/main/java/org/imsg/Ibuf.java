package org.imsg;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

import org.imsg.unix.Fd;

/**
 * A buffer that payloads are built in and taken apart with, and that may carry one descriptor. C counterpart:
 * {@code struct ibuf}.
 *
 * <p>Bytes are added at the write position, up to a maximum, and got at the read position. What lies between the two is
 * the content: {@link #size()}, {@link #data()}, and the range that {@code seek} and {@code set} count in.
 *
 * {@snippet file="org/imsg/IbufExampleTest.java" region="build"}
 * {@snippet file="org/imsg/IbufExampleTest.java" region="parse"}
 *
 * <p>A <em>view</em>, made by {@code fromBuffer}, {@code fromIbuf} or {@code getIbuf}, reads memory of somebody else: it
 * cannot be written, grown or queued, holds no descriptor, and need not be closed. It is good as long as that memory
 * stays as it is: for a received message until the message ends, for another buffer until something is added to it or it
 * is closed. C calls these buffers "on the stack", and aborts where this class throws {@link IllegalStateException}.
 *
 * <p>An error changes nothing: what cannot be added whole is not added, what cannot be got whole is not consumed. Lengths
 * and positions are in bytes; strings are UTF-8. Methods with nothing better to return give this buffer back.
 *
 * <p>Not safe for use by several threads at once. To hand a buffer to another thread, push it to an {@link IbufQueue}:
 * the content moves, and this object ends.
 *
 * <table class="striped">
 * <caption>The functions of ibuf_add(3)</caption>
 * <thead>
 * <tr><th scope="col">C</th><th scope="col">here</th><th scope="col">difference</th></tr>
 * </thead>
 * <tbody>
 * <tr><th scope="row">ibuf_open</th><td>{@link #open}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_dynamic</th><td>{@link #dynamic}</td><td>grows by doubling, so that many small additions are
 * cheap; C reallocates for each to the exact size</td></tr>
 * <tr><th scope="row">ibuf_free</th><td>{@link #close}</td><td>may be called twice and on a view; the memory is left to
 * the garbage collector and not wiped</td></tr>
 * <tr><th scope="row">ibuf_from_buffer</th><td>{@link #fromBuffer(byte[])}, {@link #fromBuffer(MemorySegment)}</td>
 * <td>the view cannot be written; in C ibuf_set writes through it</td></tr>
 * <tr><th scope="row">ibuf_from_ibuf</th><td>{@link #fromIbuf}</td><td>as above</td></tr>
 * <tr><th scope="row">ibuf_get_ibuf</th><td>{@link #getIbuf}</td><td>as above</td></tr>
 * <tr><th scope="row">ibuf_add</th><td>{@link #add(byte[])}, {@link #add(byte[], int, int)},
 * {@link #add(MemorySegment)}, {@link #add(ByteBuffer)}</td><td>the bytes added may be those of the buffer itself</td></tr>
 * <tr><th scope="row">ibuf_add_ibuf</th><td>{@link #addIbuf}</td><td>as above</td></tr>
 * <tr><th scope="row">ibuf_add_n8, n16, n32, n64</th><td>{@link #addN8}, {@link #addN16}, {@link #addN32},
 * {@link #addN64}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_add_h16, h32, h64</th><td>{@link #addH16}, {@link #addH32}, {@link #addH64}</td>
 * <td>none</td></tr>
 * <tr><th scope="row">ibuf_add_zero</th><td>{@link #addZero}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_add_strbuf</th><td>{@link #addStrbuf}</td><td>a string too long adds nothing; C reports the
 * error and leaves the field, filled, in the buffer. A NUL inside the string is refused</td></tr>
 * <tr><th scope="row">ibuf_reserve</th><td>{@link #reserve}</td><td>the bytes are always zero</td></tr>
 * <tr><th scope="row">ibuf_seek</th><td>{@link #seek}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_set</th><td>{@link #set}</td><td>not on a view</td></tr>
 * <tr><th scope="row">ibuf_set_n8, n16, n32, n64</th><td>{@link #setN8}, {@link #setN16}, {@link #setN32},
 * {@link #setN64}</td><td>not on a view</td></tr>
 * <tr><th scope="row">ibuf_set_h16, h32, h64</th><td>{@link #setH16}, {@link #setH32}, {@link #setH64}</td>
 * <td>not on a view</td></tr>
 * <tr><th scope="row">ibuf_set_maxsize</th><td>{@link #setMaxSize}</td><td>not below what was added already, and obeyed
 * within allocated memory too</td></tr>
 * <tr><th scope="row">ibuf_data, ibuf_size, ibuf_left</th><td>{@link #data}, {@link #size}, {@link #left}</td>
 * <td>none</td></tr>
 * <tr><th scope="row">ibuf_truncate, ibuf_rewind, ibuf_skip</th><td>{@link #truncate}, {@link #rewind},
 * {@link #skip}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_get</th><td>{@link #get(byte[])}, {@link #get(int)}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_get_n8, n16, n32, n64</th><td>{@link #getN8}, {@link #getN16}, {@link #getN32},
 * {@link #getN64}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_get_h16, h32, h64</th><td>{@link #getH16}, {@link #getH32}, {@link #getH64}</td>
 * <td>none</td></tr>
 * <tr><th scope="row">ibuf_get_string</th><td>{@link #getString}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_get_strbuf</th><td>{@link #getStrbuf}</td><td>a field without a NUL is not consumed; C consumes
 * it, and gives a cut string together with the error</td></tr>
 * <tr><th scope="row">ibuf_fd_avail, ibuf_fd_get, ibuf_fd_set</th><td>{@link #fdAvail}, {@link #fdGet},
 * {@link #fdSet}</td><td>none</td></tr>
 * <tr><th scope="row">ibuf_close, ibuf_read, ibuf_write, msgbuf_clear, msgbuf_concat, msgbuf_free, msgbuf_get,
 * msgbuf_new, msgbuf_new_reader, msgbuf_queuelen, msgbuf_read, msgbuf_write</th><td>{@code ImsgChannel}</td>
 * <td>a msgbuf is the inside of a channel and not seen by itself</td></tr>
 * </tbody>
 * </table>
 */
public final class Ibuf extends IbufBytes implements AutoCloseable {
    private final boolean message;
    private final int type;
    private final int id;
    private final int pid;
    private Fd fd;

    private Ibuf(int capacity, int max) {
        this(capacity, max, false, 0, 0, 0);
    }

    private Ibuf(int capacity, int max, boolean message, int type, int id, int pid) {
        super(capacity, max);
        this.message = message;
        this.type = type;
        this.id = id;
        this.pid = pid;
    }

    /** A view. */
    Ibuf(MemorySegment borrowed) {
        super(borrowed);
        this.message = false;
        this.type = 0;
        this.id = 0;
        this.pid = 0;
    }

    private Ibuf(Ibuf from, String why) {
        super(from, why);
        this.message = from.message;
        this.type = from.type;
        this.id = from.id;
        this.pid = from.pid;
        this.fd = from.fd;
        from.fd = null;
    }

    /**
     * Makes a buffer of a fixed size. C counterpart: {@code ibuf_open}.
     *
     * @param len its maximum size in bytes, 0 or more, allocated at once
     * @return an empty buffer, yours to close
     * @throws IllegalArgumentException if {@code len} is negative
     */
    public static Ibuf open(int len) {
        if (len < 0) {
            throw new IllegalArgumentException("negative length " + len);
        }
        return new Ibuf(len, len);
    }

    /**
     * Makes a buffer that grows. C counterpart: {@code ibuf_dynamic}.
     *
     * @param len in bytes, allocated at once; 0 to {@code max}
     * @param max the maximum size in bytes, 1 or more
     * @return an empty buffer, yours to close
     * @throws IllegalArgumentException if {@code len} or {@code max} is out of range; C: {@code EINVAL}
     */
    public static Ibuf dynamic(int len, int max) {
        if (max < 1 || len < 0 || len > max) {
            throw new IllegalArgumentException("length " + len + ", maximum " + max + ": 0 <= length <= maximum >= 1");
        }
        return new Ibuf(len, max);
    }

    /**
     * Makes a view of an array. C counterpart: {@code ibuf_from_buffer}.
     *
     * @param data stays yours; not copied
     * @return a view of all of it
     */
    public static Ibuf fromBuffer(byte[] data) {
        return new Ibuf(MemorySegment.ofArray(data));
    }

    /**
     * Makes a view of memory. C counterpart: {@code ibuf_from_buffer}.
     *
     * @param data stays yours; not copied. Its arena must outlive the view: afterwards every access throws {@link
     *     IllegalStateException}
     * @return a view of all of it
     * @throws IllegalArgumentException if it is larger than 2147483647 bytes
     */
    public static Ibuf fromBuffer(MemorySegment data) {
        if (data.byteSize() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(data.byteSize() + " bytes are too many for a view: 0 to "
                    + Integer.MAX_VALUE);
        }
        return new Ibuf(data);
    }

    /**
     * Makes a view of what another buffer has to read, to look ahead without consuming. C counterpart:
     * {@code ibuf_from_ibuf}.
     *
     * @param from not changed, and still yours to close
     * @return a view with a read position of its own
     * @throws IllegalStateException if {@code from} was closed or moved
     */
    public static Ibuf fromIbuf(Ibuf from) {
        return new Ibuf(from.data());
    }

    /**
     * Makes a buffer that will be the payload of one message. C counterpart: {@code imsg_create}, which keeps the header
     * in the buffer.
     */
    static Ibuf forMessage(int type, int id, int pid, int datalen, int maxPayload) {
        if (datalen < 0) {
            throw new IllegalArgumentException("negative length " + datalen);
        }
        if (datalen > maxPayload) {
            throw new ImsgTooLargeException(datalen, maxPayload);
        }
        return new Ibuf(datalen, maxPayload, true, type, id, pid);
    }

    /**
     * Whether there is a descriptor. C counterpart: {@code ibuf_fd_avail}.
     *
     * @return true from {@link #fdSet} to {@link #fdGet}; false for a view
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public boolean fdAvail() {
        requireLive();
        return fd != null;
    }

    /**
     * Takes the descriptor out. C counterpart: {@code ibuf_fd_get}.
     *
     * @return the descriptor, yours to close from now on; null if there is none, which a try-with-resources statement
     *     takes well
     * @throws IllegalStateException if this buffer was closed or moved
     */
    public Fd fdGet() {
        requireLive();
        Fd taken = fd;
        fd = null;
        return taken;
    }

    /**
     * Puts a descriptor in: it goes with the message, or is closed with this buffer. One that was there is closed. C
     * counterpart: {@code ibuf_fd_set}.
     *
     * @param fd moved here: the caller's object is of no more use afterwards, and stays the caller's after an error.
     *     Null for none, as -1 in C
     * @return this buffer
     * @throws IllegalStateException if {@code fd} was closed or moved, this buffer is a view, or it was closed or moved
     */
    public Ibuf fdSet(Fd fd) {
        requireOwn();
        Fd moved = fd == null ? null : fd.move();
        try (Fd _ = this.fd) {
            this.fd = moved;
        }
        return this;
    }

    /**
     * Ends this buffer, and closes the descriptor that nobody took. A second call does nothing, nor does a call after the
     * buffer was moved to a queue; every other use from now on throws {@link IllegalStateException}. C counterpart:
     * {@code ibuf_free}.
     */
    @Override
    public void close() {
        if (end("closed")) {
            try (Fd _ = fd) {
                fd = null;
            }
        }
    }

    /** The descriptor, which stays in here; null if there is none. */
    Fd fd() {
        requireLive();
        return fd;
    }

    /** A new owner of everything in here, so that no late use or close of this object reaches what another thread has. */
    Ibuf move() {
        return new Ibuf(this, "moved");
    }

    /** Whether there are header fields: this is a payload made by {@link #forMessage}. */
    boolean isMessage() {
        return message;
    }

    /** The message type, unsigned; only of a message. */
    int type() {
        return type;
    }

    /** The peerid of the header; only of a message. */
    int id() {
        return id;
    }

    /** The pid of the header; only of a message. */
    int pid() {
        return pid;
    }
}
