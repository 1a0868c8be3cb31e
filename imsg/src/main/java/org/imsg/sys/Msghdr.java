package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.imsg.sys.Constants.EAGAIN;
import static org.imsg.sys.Constants.EMSGSIZE;
import static org.imsg.sys.Constants.ENOBUFS;
import static org.imsg.sys.Constants.ENOMEM;
import static org.imsg.sys.Constants.ETOOMANYREFS;
import static org.imsg.sys.Constants.MSG_CMSG_CLOEXEC;
import static org.imsg.sys.Constants.MSG_CTRUNC;
import static org.imsg.sys.Constants.MSG_NOSIGNAL;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A {@code struct msghdr} with an iovec and a control buffer, made once and used for every recvmsg(2) or sendmsg(2) of one
 * direction of one socket. For one thread at a time. Made without an arena, it is the caller's to {@link #close()}.
 */
public final class Msghdr implements AutoCloseable {
    /** The most descriptors Linux takes in one SCM_RIGHTS (SCM_MAX_FD): room for all, so that extras can be closed. */
    private static final int MOST_DESCRIPTORS = 253;
    /** Room for other control messages, such as credentials, a security label and a pidfd. */
    private static final int OTHER_CONTROL = 256;
    /** Linux 6.5; C libraries name it later. */
    private static final int SCM_PIDFD = Os.current() == Os.LINUX ? 4 : -1;

    private static final Abi HOST = Abi.host();
    private static final int IOV = HOST.value("msghdr.msg_iov:offset");
    private static final int IOVLEN = HOST.value("msghdr.msg_iovlen:offset");
    private static final boolean WIDE_IOVLEN = HOST.value("msghdr.msg_iovlen:width") == 8;
    private static final int CONTROL = HOST.value("msghdr.msg_control:offset");
    private static final int CONTROLLEN = HOST.value("msghdr.msg_controllen:offset");
    private static final boolean WIDE_CONTROLLEN = HOST.value("msghdr.msg_controllen:width") == 8;
    private static final int FLAGS = HOST.value("msghdr.msg_flags:offset");
    private static final int CMSG_LEN = HOST.value("cmsghdr.cmsg_len:offset");
    private static final boolean WIDE_CMSG_LEN = HOST.value("cmsghdr.cmsg_len:width") == 8;
    private static final int CMSG_LEVEL = HOST.value("cmsghdr.cmsg_level:offset");
    private static final int CMSG_TYPE = HOST.value("cmsghdr.cmsg_type:offset");
    private static final int CMSG_ALIGN = HOST.value("cmsg:align");
    private static final int CMSG_DATA = align(HOST.value("cmsghdr:size"));
    private static final int IOVEC_AT = 64;
    private static final int CONTROL_AT = 80;
    private static final int ERRNO_SIZE = 8;

    private final MemorySegment memory;
    private final MemorySegment errno;
    private final int controlCapacity;
    /** The memory that {@link #close()} frees, or 0. */
    private long owned;
    /** Whether the last receive has not looked at its control messages yet: it had neither memory nor stack to. */
    private boolean uncollected;
    /** Whether the last receive went without its descriptors, for which OpenBSD had no free place. */
    private boolean refused;
    private int received;
    private int closed;

    private Msghdr(int controlCapacity, @Nullable Arena arena) {
        this.controlCapacity = controlCapacity;
        long size = CONTROL_AT + controlCapacity;
        memory = arena == null ? Memory.allocate(size + ERRNO_SIZE) : arena.allocate(size + ERRNO_SIZE, 8);
        owned = arena == null ? memory.address() : 0;
        errno = memory.asSlice(size);
        pieces(memory.address() + IOVEC_AT, 1);
    }

    /**
     * Makes one for recvmsg(2).
     *
     * @param descriptors whether to receive descriptors; if not, the kernel closes them and sets MSG_CTRUNC
     * @return a new header, the caller's to close
     */
    public static Msghdr forReceive(boolean descriptors) {
        return new Msghdr(receiving(descriptors), null);
    }

    /**
     * Makes one for recvmsg(2) that lives as long as an arena.
     *
     * @param descriptors as {@link #forReceive(boolean)}
     * @param arena gives the memory
     * @return a new header
     */
    public static Msghdr forReceive(boolean descriptors, Arena arena) {
        return new Msghdr(receiving(descriptors), arena);
    }

    private static int receiving(boolean descriptors) {
        return descriptors ? control(MOST_DESCRIPTORS) + OTHER_CONTROL : 0;
    }

    /**
     * Makes one for sendmsg(2), with at most one descriptor.
     *
     * @return a new header, the caller's to close
     */
    public static Msghdr forSend() {
        return new Msghdr(control(1), null);
    }

    /**
     * Makes one for sendmsg(2), with as many descriptors as one call can carry, that lives as long as an arena.
     *
     * @param arena gives the memory
     * @return a new header
     */
    public static Msghdr forSend(Arena arena) {
        return new Msghdr(control(MOST_DESCRIPTORS), arena);
    }

    /** Frees the memory. A second call has no effect, nor has one to a header that an arena gave the memory to. */
    @Override
    public void close() {
        closeUncollected();
        Memory.free(owned);
        owned = 0;
    }

    /**
     * Returns whether this was made to receive descriptors.
     *
     * @return what it was made for
     */
    public boolean receivesDescriptors() {
        return controlCapacity > 0;
    }

    /**
     * One recvmsg(2). Passed descriptors that came with it are then in {@link #descriptorCount()} and {@link #descriptor(int)},
     * close on exec, and owned by the caller; a pidfd that came with it is closed. Where OpenBSD refuses the call with EMSGSIZE, since
     * it has no free place for a descriptor, a second call takes the bytes without it; never a third, which would fail for ever.
     *
     * @param fd the socket
     * @param address where the bytes go
     * @param length how many at most, 1 or more
     * @param flags such as MSG_DONTWAIT
     * @return the bytes received, 0 at the end of the stream, or the negative errno
     */
    public int receive(int fd, long address, int length, int flags) {
        closeUncollected();
        received = closed = 0;
        int n = receive(fd, address, length, flags, controlCapacity);
        refused = n == -EMSGSIZE && controlCapacity > 0;
        if (refused)
            return receive(fd, address, length, flags, 0);
        if (n >= 0 && controlCapacity > 0) {
            uncollected = true;
            collectDescriptors();
            uncollected = false;
        }
        return n;
    }

    private int receive(int fd, long address, int length, int flags, int controlLength) {
        prepare(address, length, controlLength);
        memory.set(JAVA_INT, FLAGS, 0);
        return Posix.recvmsg(errno, fd, memory.address(), flags | MSG_CMSG_CLOEXEC);
    }

    /** Closes all that came with a receive whose control messages it had no stack to look at. */
    private void closeUncollected() {
        if (!uncollected)
            return;
        received = 0;
        collectDescriptors();
        uncollected = false;
        while (received > 0)
            close(descriptor(--received));
    }

    /**
     * One sendmsg(2).
     *
     * @param fd the socket
     * @param address the bytes
     * @param length how many, 1 or more
     * @param descriptor the descriptor to go with the first of them, or -1; it stays the caller's
     * @param flags such as MSG_DONTWAIT; MSG_NOSIGNAL is added
     * @return the bytes sent, or the negative errno
     */
    public int send(int fd, long address, int length, int descriptor, int flags) {
        if (descriptor >= 0)
            memory.set(JAVA_INT, CONTROL_AT + CMSG_DATA, descriptor);
        return transmit(fd, address, length, flags, descriptor < 0 ? 0 : 1);
    }

    /**
     * One sendmsg(2) with any number of descriptors, of a header made by {@link #forSend(Arena)}.
     *
     * @param fd the socket
     * @param address the bytes
     * @param length how many, 1 or more
     * @param passed the descriptors to go with the first of them, 253 at most; they stay the caller's
     * @param flags such as MSG_DONTWAIT; MSG_NOSIGNAL is added
     * @return the bytes sent, or the negative errno
     */
    public int send(int fd, long address, int length, int[] passed, int flags) {
        if (control(passed.length) > controlCapacity)
            throw new IllegalArgumentException("one sendmsg carries " + MOST_DESCRIPTORS
                    + " descriptors at most, not " + passed.length);
        MemorySegment.copy(passed, 0, memory, JAVA_INT, CONTROL_AT + CMSG_DATA, passed.length);
        return transmit(fd, address, length, flags, passed.length);
    }

    /**
     * One sendmsg(2) of bytes that lie in several places, without a descriptor.
     *
     * @param fd the socket
     * @param iovecs the address of an array of {@code struct iovec}
     * @param count how many there are, 1 or more
     * @param flags such as MSG_DONTWAIT; MSG_NOSIGNAL is added
     * @return the bytes sent, or the negative errno
     */
    public int sendGathered(int fd, long iovecs, int count, int flags) {
        prepare(0, 0, 0);
        pieces(iovecs, count);
        int n = Posix.sendmsg(errno, fd, memory.address(), flags | MSG_NOSIGNAL);
        pieces(memory.address() + IOVEC_AT, 1);
        return n;
    }

    private void pieces(long iovecs, int count) {
        memory.set(JAVA_LONG, IOV, iovecs);
        if (WIDE_IOVLEN)
            memory.set(JAVA_LONG, IOVLEN, count);
        else
            memory.set(JAVA_INT, IOVLEN, count);
    }

    /**
     * Whether a send that failed may succeed later: there was no room or no memory, or too many descriptors of this user are on their
     * way. poll(2) knows of room for bytes only: where it is EAGAIN, a wait for that room ends in time, else a pause is needed.
     *
     * @param n what a send returned
     * @return true for such an errno
     */
    public static boolean maySucceedLater(int n) {
        return n == -EAGAIN || n == -ENOBUFS || n == -ENOMEM || n == -ETOOMANYREFS || n == -EMSGSIZE;
    }

    private int transmit(int fd, long address, int length, int flags, int count) {
        prepare(address, length, count == 0 ? 0 : control(count));
        if (count > 0) {
            setCmsgLength(CMSG_DATA + 4 * count);
            memory.set(JAVA_INT, CONTROL_AT + CMSG_LEVEL, Constants.SOL_SOCKET);
            memory.set(JAVA_INT, CONTROL_AT + CMSG_TYPE, Constants.SCM_RIGHTS);
        }
        return Posix.sendmsg(errno, fd, memory.address(), flags | MSG_NOSIGNAL);
    }

    /**
     * Whether the last receive had descriptors that the kernel did not deliver.
     *
     * @return true if MSG_CTRUNC was set, or the bytes came by a second call
     */
    public boolean controlTruncated() {
        return refused || (memory.get(JAVA_INT, FLAGS) & MSG_CTRUNC) != 0;
    }

    /**
     * How many descriptors the last receive delivered.
     *
     * @return the number, 0 or more
     */
    public int descriptorCount() {
        return received;
    }

    /**
     * One descriptor of the last receive.
     *
     * @param index 0 to {@link #descriptorCount()} less one
     * @return the descriptor
     */
    public int descriptor(int index) {
        return memory.get(JAVA_INT, CONTROL_AT + 4L * index);
    }

    /**
     * The segment this header's calls capture errno into, for other calls of the same thread and direction.
     *
     * @return the segment
     */
    public MemorySegment errno() {
        return errno;
    }

    private void prepare(long address, int length, int controlLength) {
        memory.set(JAVA_LONG, IOVEC_AT, address);
        memory.set(JAVA_LONG, IOVEC_AT + 8, length);
        memory.set(JAVA_LONG, CONTROL, controlLength == 0 ? 0 : memory.address() + CONTROL_AT);
        if (WIDE_CONTROLLEN)
            memory.set(JAVA_LONG, CONTROLLEN, controlLength);
        else
            memory.set(JAVA_INT, CONTROLLEN, controlLength);
    }

    /**
     * Closes the passed descriptors of the last receive but the first: one is a message's, as in C.
     *
     * @return how many were closed, those included that came unasked in other control messages
     */
    public int closeSurplus() {
        while (received > 1)
            close(descriptor(--received));
        return closed;
    }

    private void close(int descriptor) {
        closed++;
        Descriptors.close(descriptor);
    }

    private void collectDescriptors() {
        long end = WIDE_CONTROLLEN ? memory.get(JAVA_LONG, CONTROLLEN) : memory.get(JAVA_INT, CONTROLLEN);
        for (int at = 0; at + CMSG_DATA <= end;) {
            int length = cmsgLength(at);
            if (length < CMSG_DATA || at + length > end)
                return;
            if (memory.get(JAVA_INT, CONTROL_AT + at + CMSG_LEVEL) == Constants.SOL_SOCKET)
                collectDescriptors(memory.get(JAVA_INT, CONTROL_AT + at + CMSG_TYPE), CONTROL_AT + at, length);
            at += align(length);
        }
    }

    private void collectDescriptors(int type, int cmsg, int length) {
        for (int at = CMSG_DATA; at + 4 <= length; at += 4) {
            if (type == Constants.SCM_RIGHTS)
                add(memory.get(JAVA_INT, cmsg + at));
            else if (type == SCM_PIDFD && memory.get(JAVA_INT, cmsg + at) >= 0)
                close(memory.get(JAVA_INT, cmsg + at));
        }
    }

    /** Keeps a descriptor at the front of the control buffer, where it overwrites what was looked at before. */
    private void add(int descriptor) {
        memory.set(JAVA_INT, CONTROL_AT + 4L * received++, descriptor);
        if (MSG_CMSG_CLOEXEC == 0)
            Posix.fcntl(descriptor, Constants.F_SETFD, Constants.FD_CLOEXEC);
    }

    private int cmsgLength(int at) {
        return WIDE_CMSG_LEN
                ? (int) memory.get(JAVA_LONG, CONTROL_AT + at + CMSG_LEN)
                : memory.get(JAVA_INT, CONTROL_AT + at + CMSG_LEN);
    }

    private void setCmsgLength(int length) {
        if (WIDE_CMSG_LEN)
            memory.set(JAVA_LONG, CONTROL_AT + CMSG_LEN, length);
        else
            memory.set(JAVA_INT, CONTROL_AT + CMSG_LEN, length);
    }

    private static int control(int descriptorCount) {
        return CMSG_DATA + align(4 * descriptorCount);
    }

    private static int align(int length) {
        return length + CMSG_ALIGN - 1 & -CMSG_ALIGN;
    }
}
