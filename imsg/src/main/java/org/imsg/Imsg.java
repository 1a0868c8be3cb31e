package org.imsg;

import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.MalformedStructException;
import org.imsg.unix.Fd;

/**
 * One message, on the heap: what the simple path of {@link ImsgChannel} sends and receives. {@code struct imsg} in C.
 *
 * <p>The header fields and the payload do not change. The payload has a read position, which the {@code get} methods move as
 * in C, and the message owns its descriptor until somebody takes it: {@link #close} (imsg_free) closes what nobody took. A
 * message without a descriptor need not be closed. Not safe for two threads at once.
 *
 * <p>Type, id and pid are unsigned 32-bit numbers in ints.
 */
public final class Imsg implements AutoCloseable {
    private static final byte[] EMPTY = {};

    private final int type;
    private final int id;
    private final int pid;
    private final byte[] payload;
    private final Ibuf unread;
    private Descriptor descriptor;
    private Fd fd;

    /** Takes over the array and the descriptor. */
    Imsg(int type, int id, int pid, byte[] payload, Descriptor descriptor, Fd fd) {
        this.type = type;
        this.id = id;
        this.pid = pid;
        this.payload = payload;
        this.unread = Ibuf.fromBuffer(payload);
        this.descriptor = descriptor;
        this.fd = fd;
    }

    /**
     * A message without a payload, for id 0 and the sender's own pid.
     *
     * @param type the type
     * @return the message
     */
    public static Imsg of(int type) {
        return of(type, 0, 0, EMPTY);
    }

    /**
     * A message for id 0 and the sender's own pid.
     *
     * @param type the type
     * @param payload the payload; copied
     * @return the message
     */
    public static Imsg of(int type, byte[] payload) {
        return of(type, 0, 0, payload);
    }

    /**
     * A message whose payload is a string in UTF-8, without a terminating NUL, for id 0 and the sender's own pid.
     *
     * @param type the type
     * @param payload the payload
     * @return the message
     */
    public static Imsg of(int type, String payload) {
        return of(type, 0, 0, payload.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * A message.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for the pid of the process that sends it
     * @param payload the payload; copied
     * @return the message
     */
    public static Imsg of(int type, int id, int pid, byte[] payload) {
        return new Imsg(type, id, pid, payload.clone(), Descriptor.NONE, null);
    }

    /**
     * A message with what is readable in a buffer as its payload.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for the pid of the process that sends it
     * @param payload copied and not changed; a descriptor in it stays there
     * @return the message
     */
    public static Imsg of(int type, int id, int pid, Ibuf payload) {
        Ibuf peek = Ibuf.fromIbuf(payload);
        return new Imsg(type, id, pid, peek.get(peek.size()), Descriptor.NONE, null);
    }

    /**
     * This message with a descriptor; this one must not be used any more.
     *
     * @param passed the descriptor; it belongs to the returned message then
     * @return a message with the same header and payload
     * @throws IllegalStateException if the descriptor is closed or was handed on
     */
    public Imsg withFd(Fd passed) {
        Fd owned = Objects.requireNonNull(passed).move();
        close();
        return new Imsg(type, id, pid, payload, Descriptor.PRESENT, owned);
    }

    /**
     * The type: imsg_get_type.
     *
     * @return an unsigned 32-bit number
     */
    public int type() {
        return type;
    }

    /**
     * The id, peerid in the header: imsg_get_id.
     *
     * @return an unsigned 32-bit number
     */
    public int id() {
        return id;
    }

    /**
     * The pid in the header, which is what the sender wrote there and proves nothing: imsg_get_pid.
     *
     * @return an unsigned 32-bit number
     */
    public int pid() {
        return pid;
    }

    /**
     * The length of the whole payload: imsg_get_len, which however counts only what has not been read yet.
     *
     * @return bytes, 0 if there is none
     */
    public int length() {
        return payload.length;
    }

    /**
     * The whole payload, wherever the read position is.
     *
     * @return a copy
     */
    public byte[] payload() {
        return payload.clone();
    }

    /** The payload itself; not to be changed. */
    byte[] bytes() {
        return payload;
    }

    /**
     * What is left of the payload, which must be exactly this long: imsg_get_data.
     *
     * @param length bytes, 1 or more
     * @return a copy
     * @throws IllegalArgumentException if the length is under 1 (C: EINVAL)
     * @throws TruncatedMessageException if another number of bytes is left (C: EBADMSG); nothing is read then
     */
    public byte[] getData(int length) {
        if (length < 1)
            throw new IllegalArgumentException("getData reads 1 byte or more, not " + length);
        if (unread.size() != length)
            throw new TruncatedMessageException(length, unread.size());
        return unread.get(length);
    }

    /**
     * What is left of the payload, which must be exactly this C struct: imsg_get_data with sizeof.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @return the record
     * @throws MalformedStructException if another number of bytes is left, both are named, or they cannot be the struct
     *     otherwise; nothing is read then
     */
    public <T extends Record> T getData(CStruct<T> struct) {
        return unread.getData(struct);
    }

    /**
     * The C struct in the next bytes of the payload; one with a flexible array takes all of them: imsg_get_buf with sizeof.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @return the record
     * @throws TruncatedMessageException if fewer are left; nothing is read then
     * @throws MalformedStructException if the bytes cannot be the struct; nothing is read then
     */
    public <T extends Record> T get(CStruct<T> struct) {
        return unread.get(struct);
    }

    /**
     * The next bytes of the payload: imsg_get_buf.
     *
     * @param length bytes, 0 or more
     * @return a copy
     * @throws TruncatedMessageException if fewer are left; nothing is read then
     */
    public byte[] getBuf(int length) {
        return unread.get(length);
    }

    /**
     * The string in the next bytes of the payload, as {@link Ibuf#getString} reads it: up to the first NUL or the end of the field.
     *
     * @param length the bytes of the field, 0 or more
     * @return the string, in UTF-8
     * @throws TruncatedMessageException if fewer are left; nothing is read then
     */
    public String getString(int length) {
        return unread.getString(length);
    }

    /**
     * The string in the next bytes of the payload, which must have a NUL at its end, as {@link Ibuf#getStrbuf} reads it:
     * imsg_get_strbuf.
     *
     * @param length the bytes of the field, 1 or more
     * @return the string, in UTF-8
     * @throws TruncatedMessageException if fewer are left; nothing is read then
     */
    public String getStrbuf(int length) {
        return unread.getStrbuf(length);
    }

    /**
     * What is left of the payload, as a buffer to read from: imsg_get_ibuf. Nothing is left here afterwards.
     *
     * @return a view, valid as long as this message is reachable
     * @throws TruncatedMessageException if nothing is left (C: EBADMSG)
     */
    public Ibuf getIbuf() {
        if (unread.size() == 0)
            throw new TruncatedMessageException(1, 0);
        return unread.getIbuf(unread.size());
    }

    /**
     * What became of the message's descriptor.
     *
     * @return its state
     */
    public Descriptor descriptor() {
        return descriptor;
    }

    /**
     * Whether there is a descriptor to take.
     *
     * @return true if {@link #takeFd} would give one
     */
    public boolean hasFd() {
        return descriptor == Descriptor.PRESENT;
    }

    /**
     * Takes the descriptor out: imsg_get_fd.
     *
     * @return the descriptor, the caller's; null if there is none to take, {@link #descriptor} says why
     */
    public Fd takeFd() {
        Fd taken = fd;
        if (taken != null) {
            fd = null;
            descriptor = Descriptor.TAKEN;
        }
        return taken;
    }

    /** The descriptor, which stays the message's. */
    Fd fd() {
        return fd;
    }

    /** Sets the read position back to the first byte of the payload, as imsg_ibufq_push does. */
    void rewind() {
        unread.rewind();
    }

    /** Closes the descriptor if nobody took it: imsg_free. A second call has no effect. */
    @Override
    public void close() {
        Fd unclaimed = takeFd();
        if (unclaimed != null)
            unclaimed.close();
    }

    @Override
    public String toString() {
        return "imsg type " + Integer.toUnsignedString(type) + " id " + Integer.toUnsignedString(id) + " pid "
                + Integer.toUnsignedString(pid) + ", " + payload.length + " bytes"
                + (descriptor == Descriptor.NONE
                        ? ""
                        : ", descriptor " + descriptor.name().toLowerCase(java.util.Locale.ROOT));
    }
}
