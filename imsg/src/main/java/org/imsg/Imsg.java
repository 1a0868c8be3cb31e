package org.imsg;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.MalformedStructException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * One message, on the heap: what the simple path of {@link ImsgChannel} sends and receives. C counterpart:
 * {@code struct imsg}.
 *
 * <p>Header fields and payload do not change. Type, id and pid are unsigned 32-bit numbers in ints; the sender's own pid is
 * written for pid 0. The {@code get} methods consume the payload as those of {@link Ibuf} do, with the same exceptions:
 * {@link TruncatedMessageException} if fewer bytes are left than asked for, and then nothing is consumed.
 *
 * <p>A message owns its descriptor until it is taken. {@link #close()} closes one that was not taken; a message without a
 * descriptor need not be closed, and what it holds on the heap can still be read afterwards.
 *
 * <p>Safe for use by several threads at once: each method is atomic.
 */
public final class Imsg implements AutoCloseable {
    private static final byte[] EMPTY = {};

    private final int type;
    private final int id;
    private final int pid;
    private final byte[] payload;
    private final Ibuf unread;
    private DescriptorState descriptor;
    private @Nullable Fd fd;

    /** Takes over the array and the descriptor. */
    Imsg(int type, int id, int pid, byte[] payload, DescriptorState descriptor, @Nullable Fd fd) {
        this.type = type;
        this.id = id;
        this.pid = pid;
        this.payload = payload;
        this.unread = Ibuf.guarded(payload);
        this.descriptor = descriptor;
        this.fd = fd;
    }

    /**
     * Makes a message without a payload, for id 0.
     *
     * @param type the type
     * @return the message
     */
    public static Imsg of(int type) {
        return of(type, 0, 0, EMPTY);
    }

    /**
     * Makes a message for id 0.
     *
     * @param type the type
     * @param payload copied
     * @return the message
     */
    public static Imsg of(int type, byte[] payload) {
        return of(type, 0, 0, payload);
    }

    /**
     * Makes a message for id 0 whose payload is a C string: the text in UTF-8 and a NUL, as C daemons send one and as
     * {@code getStrbuf(length())} reads it.
     *
     * @param type the type
     * @param text without NUL
     * @return the message
     * @throws IllegalArgumentException if there is a NUL in the text
     */
    public static Imsg of(int type, String text) {
        int size = text.getBytes(StandardCharsets.UTF_8).length + 1;
        return of(type, 0, 0, Ibuf.open(size).addStrbuf(text, size));
    }

    /**
     * Makes a message.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for the sender's own
     * @param payload copied
     * @return the message
     */
    public static Imsg of(int type, int id, int pid, byte[] payload) {
        return new Imsg(type, id, pid, payload.clone(), DescriptorState.NONE, null);
    }

    /**
     * Makes a message whose payload is the content of a buffer.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for the sender's own
     * @param payload copied and not changed; a descriptor in it stays there
     * @return the message
     */
    public static Imsg of(int type, int id, int pid, Ibuf payload) {
        return new Imsg(type, id, pid, payload.copy(), DescriptorState.NONE, null);
    }

    /** Takes the message out of a buffer that {@link #moveToBuffer()} or {@link Ibuf#forMessage(int, int, int, int, int)} made. */
    static Imsg moveFrom(Ibuf buffer) {
        Ibuf.Header header = buffer.header();
        if (header == null) {
            throw new IllegalStateException("the first in the queue is a buffer without a header, not a message");
        }
        byte[] payload = buffer.copy();
        Imsg message = new Imsg(header.type(), header.id(), header.pid(), payload, DescriptorState.NONE, null);
        Fd fd = buffer.fdGet();
        if (fd != null)
            message.putBack(fd);
        return message;
    }

    /** Moves the message, with its whole payload, to a buffer. */
    synchronized Ibuf moveToBuffer() {
        try (Ibuf buffer = Ibuf.forMessage(type, id, pid, payload.length, payload.length).add(payload)) {
            if (fd != null) {
                buffer.fdSet(fd);
                takeFd();
            }
            // For whichever thread takes it out of the queue.
            return buffer.move();
        }
    }

    /**
     * Makes a message with the same header and payload, and with a descriptor.
     *
     * @param passed moved to the new message, unless this throws; the descriptor of this message is closed if it has one
     * @return the new message
     * @throws IllegalStateException if the descriptor was closed or moved
     */
    public Imsg withFd(Fd passed) {
        Imsg with = new Imsg(type, id, pid, payload, DescriptorState.NONE, null);
        with.putBack(passed.move());
        close();
        return with;
    }

    /** Puts a descriptor in: the one of a new message, or one that was taken out to be sent, and was not. */
    synchronized void putBack(Fd owned) {
        fd = owned;
        descriptor = DescriptorState.PRESENT;
    }

    /**
     * Returns the type. C counterpart: {@code imsg_get_type}.
     *
     * @return an unsigned 32-bit number
     */
    public int type() {
        return type;
    }

    /**
     * Returns the id, peerid in the header. C counterpart: {@code imsg_get_id}.
     *
     * @return an unsigned 32-bit number
     */
    public int id() {
        return id;
    }

    /**
     * Returns the pid in the header, which the sender chose and which proves nothing. C counterpart: {@code imsg_get_pid}.
     *
     * @return an unsigned 32-bit number
     */
    public int pid() {
        return pid;
    }

    /**
     * Returns the length of the whole payload. C counterpart: {@code imsg_get_len}, which counts only what is unread.
     *
     * @return bytes, 0 if there is none
     */
    public int length() {
        return payload.length;
    }

    /**
     * Returns the whole payload, wherever the read position is.
     *
     * @return a copy
     */
    public byte[] payload() {
        return payload.clone();
    }

    /** Returns the payload itself; it must not be changed. */
    byte[] bytes() {
        return payload;
    }

    /**
     * Consumes the rest of the payload, which must have this length. C counterpart: {@code imsg_get_data}.
     *
     * @param length 1 or more bytes (C: {@code EINVAL})
     * @return a copy
     * @throws TruncatedMessageException if fewer or more bytes are left (C: {@code EBADMSG})
     */
    public synchronized byte[] getData(int length) {
        if (length < 1) {
            throw new IllegalArgumentException("getData reads 1 byte or more, not " + length);
        }
        if (unread.size() != length) {
            throw new TruncatedMessageException(length, unread.size());
        }
        return unread.get(length);
    }

    /**
     * Consumes the rest of the payload, which must be this C struct. C counterpart: {@code imsg_get_data} with
     * {@code sizeof}.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @return the record
     * @throws MalformedStructException if the struct has another size, both are named, or the bytes cannot be the struct
     */
    public synchronized <T extends Record> T getData(CStruct<T> struct) {
        return unread.getData(struct);
    }

    /**
     * Consumes a C struct; one with a flexible array consumes everything left. C counterpart: {@code imsg_get_buf} with
     * {@code sizeof}.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @return the record
     * @throws MalformedStructException if the bytes cannot be the struct
     */
    public synchronized <T extends Record> T get(CStruct<T> struct) {
        return unread.get(struct);
    }

    /**
     * Consumes bytes. C counterpart: {@code imsg_get_buf}.
     *
     * @param length 0 or more bytes
     * @return a copy
     */
    public synchronized byte[] getBuf(int length) {
        return unread.get(length);
    }

    /**
     * Consumes a string whose length is known, as {@link Ibuf#getString(int)} does.
     *
     * @param length 0 or more bytes
     * @return the string
     */
    public synchronized String getString(int length) {
        return unread.getString(length);
    }

    /**
     * Consumes a field with a string in it, as {@link Ibuf#getStrbuf(int)} does. C counterpart: {@code imsg_get_strbuf}.
     *
     * @param length the size of the field, 1 or more bytes
     * @return the string
     */
    public synchronized String getStrbuf(int length) {
        return unread.getStrbuf(length);
    }

    /**
     * Consumes the rest of the payload and gives a view of it. C counterpart: {@code imsg_get_ibuf}.
     *
     * @return a view, valid as long as it is reachable
     * @throws TruncatedMessageException if nothing is left (C: {@code EBADMSG})
     */
    public synchronized Ibuf getIbuf() {
        if (unread.size() == 0) {
            throw new TruncatedMessageException(1, 0);
        }
        return unread.getIbuf(unread.size());
    }

    /**
     * Returns what became of the descriptor.
     *
     * @return its state
     */
    public synchronized DescriptorState descriptor() {
        return descriptor;
    }

    /**
     * Returns whether there is a descriptor to take.
     *
     * @return true if {@link #takeFd()} would give one
     */
    public synchronized boolean hasFd() {
        return fd != null;
    }

    /**
     * Takes the descriptor out. C counterpart: {@code imsg_get_fd}.
     *
     * @return the descriptor, the caller's to close; null if there is none to take, {@link #descriptor()} says why
     */
    public synchronized @Nullable Fd takeFd() {
        Fd taken = fd;
        if (taken != null) {
            fd = null;
            descriptor = DescriptorState.TAKEN;
        }
        return taken;
    }

    /** Returns the descriptor, which stays in here; null if there is none. */
    synchronized @Nullable Fd fd() {
        return fd;
    }

    /** Closes the descriptor if it was not taken; a second call does nothing. C counterpart: {@code imsg_free}. */
    @Override
    public void close() {
        try (Fd _ = takeFd()) {
            // closes it if there is one
        }
    }

    @Override
    public String toString() {
        return describe(type, id, pid, payload.length, descriptor());
    }

    static String describe(int type, int id, int pid, int length, DescriptorState descriptor) {
        return "imsg type " + Integer.toUnsignedString(type) + " id " + Integer.toUnsignedString(id) + " pid "
                + Integer.toUnsignedString(pid) + ", " + length + " bytes" + (descriptor == DescriptorState.NONE
                        ? ""
                        : ", descriptor " + descriptor.name().toLowerCase(Locale.ROOT));
    }
}
