package org.imsg.interop;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A {@code struct imsgbuf} of libfrr and one {@code struct imsg}, used as a C program would: the fields of the message are
 * valid after a {@link #get} that found one, until the next. Can be used for one socket after the other.
 */
final class FrrChannel implements AutoCloseable {
    static final int EAGAIN = 11;
    static final int ERANGE = 34;

    private static final long IMSGBUF_SIZE = 65600;
    private static final long READ_POSITION = 65560;
    private static final long QUEUED = 65584;
    private static final int HASFD = 1;

    private final Frr frr;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment imsgbuf = arena.allocate(IMSGBUF_SIZE, 8);
    private final MemorySegment imsg = arena.allocate(32, 8);
    private final MemorySegment payload = arena.allocate(65536, 8);

    FrrChannel(Frr frr) {
        this.frr = frr;
    }

    /** imsg_init on a socket; it stays the caller's. {@return this} */
    FrrChannel init(int socket) {
        try {
            frr.init.invokeExact(imsgbuf, socket);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
        return this;
    }

    /** imsg_clear: drops what is queued, closes descriptors that no message was given. */
    void clear() {
        try {
            frr.clear.invokeExact(imsgbuf);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** imsg_read: bytes, 0 at the end, -1 with {@link #errno}. */
    long read() {
        try {
            return (long) frr.read.invokeExact(frr.errno, imsgbuf);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** imsg_get: the length of a message, 0 if there is none, -1 with {@link #errno}; a former message is freed. */
    long get() {
        free();
        try {
            return (long) frr.get.invokeExact(frr.errno, imsgbuf, imsg);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    private void free() {
        try {
            frr.free.invokeExact(imsg);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
        imsg.set(ADDRESS, 24, MemorySegment.NULL);
    }

    int errno() {
        return frr.errno();
    }

    /** Bytes received that no message was made of yet. */
    long unfinished() {
        return imsgbuf.get(JAVA_LONG, READ_POSITION);
    }

    int queued() {
        return imsgbuf.get(JAVA_INT, QUEUED);
    }

    int type() {
        return imsg.get(JAVA_INT, 0);
    }

    int length() {
        return Short.toUnsignedInt(imsg.get(JAVA_SHORT, 4));
    }

    boolean marked() {
        return (imsg.get(JAVA_SHORT, 6) & HASFD) != 0;
    }

    int peerid() {
        return imsg.get(JAVA_INT, 8);
    }

    int pid() {
        return imsg.get(JAVA_INT, 12);
    }

    /** The descriptor, the caller's, or -1. */
    int fd() {
        return imsg.get(JAVA_INT, 16);
    }

    @SuppressWarnings("restricted") // the pointer comes from C, and the length with it
    byte[] data() {
        return imsg.get(ADDRESS, 24).reinterpret(length() - 16L).toArray(JAVA_BYTE);
    }

    /** imsg_compose; C closes the descriptor when it is sent. */
    int compose(int type, int peerid, int pid, int fd, byte[] data) {
        MemorySegment.copy(data, 0, payload, JAVA_BYTE, 0, data.length);
        try {
            return (int) frr.compose.invokeExact(frr.errno, imsgbuf, type, peerid, pid, fd, payload,
                    (short) data.length);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** imsg_composev with one iovec for each array. */
    int composev(int type, int peerid, int pid, int fd, byte[]... parts) {
        MemorySegment iovecs = arena.allocate(16L * parts.length, 8);
        long at = 0;
        for (int i = 0; i < parts.length; i++) {
            MemorySegment.copy(parts[i], 0, payload, JAVA_BYTE, at, parts[i].length);
            iovecs.set(ADDRESS, 16L * i, payload.asSlice(at));
            iovecs.set(JAVA_LONG, 16L * i + 8, parts[i].length);
            at += parts[i].length;
        }
        try {
            return (int) frr.composev.invokeExact(frr.errno, imsgbuf, type, peerid, pid, fd, iovecs, parts.length);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** imsg_create, imsg_add for each array, the descriptor, imsg_close. */
    void build(int type, int peerid, int pid, int fd, byte[]... parts) {
        MemorySegment ibuf = frr.create(imsgbuf, type, peerid, pid, 0);
        for (byte[] part : parts) {
            MemorySegment bytes = payload.asSlice(0, part.length).copyFrom(MemorySegment.ofArray(part));
            if (frr.add(ibuf, bytes) != part.length)
                throw new IllegalStateException("imsg_add: errno " + errno());
        }
        Frr.setFd(ibuf, fd);
        try {
            frr.close.invokeExact(imsgbuf, ibuf);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** Whether imsg_create makes a message with room for so many bytes; what it makes is dropped by {@link #clear}. */
    boolean canCreate(int length) {
        MemorySegment ibuf = frr.create(imsgbuf, 0, 0, 0, length);
        if (ibuf.equals(MemorySegment.NULL))
            return false;
        try {
            frr.close.invokeExact(imsgbuf, ibuf);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
        return true;
    }

    /** imsg_flush: 0, or -1 with {@link #errno}. */
    int flush() {
        try {
            return (int) frr.flush.invokeExact(frr.errno, imsgbuf);
        } catch (Throwable t) {
            throw Libc.unexpected(t);
        }
    }

    /** Frees the memory; {@link #clear} is the caller's to call where {@link #init} was. */
    @Override
    public void close() {
        free();
        arena.close();
    }
}
