package org.imsg.interop;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The few system calls by which a test plays a peer that imsg would not be: raw bytes with any number of descriptors. By
 * number, not by Fd, and for 64-bit Linux only. For one thread at a time.
 */
@SuppressWarnings("restricted") // the calls are bound here
final class Libc {
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_NONBLOCK = 0x800;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int SHUT_WR = 1;
    private static final int F_GETFD = 1;
    private static final long FIONREAD = 0x541B;
    private static final int RLIMIT_NOFILE = 7;

    private static final int MSGHDR_SIZE = 56;
    private static final int MSG_IOV = 16;
    private static final int MSG_IOVLEN = 24;
    private static final int MSG_CONTROL = 32;
    private static final int MSG_CONTROLLEN = 40;
    private static final int CMSG_HEADER = 16;
    private static final int STAT_INO = 8;

    // int socketpair(int, int, int, int[2]);
    private static final MethodHandle SOCKETPAIR = bind("socketpair",
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
    // ssize_t sendmsg(int, const struct msghdr *, int);
    private static final MethodHandle SENDMSG = bind("sendmsg",
            FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    // int close(int);
    private static final MethodHandle CLOSE = bind("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    // int shutdown(int, int);
    private static final MethodHandle SHUTDOWN = bind("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    // int fstat(int, struct stat *);
    private static final MethodHandle FSTAT = bind("fstat", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
    // int ioctl(int, unsigned long, ...);
    private static final MethodHandle IOCTL = bind("ioctl",
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS), Linker.Option.firstVariadicArg(2));
    // int fcntl(int, int, ...);
    private static final MethodHandle FCNTL = bind("fcntl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT),
            Linker.Option.firstVariadicArg(2));
    // int getrlimit(int, struct rlimit *); int setrlimit(int, const struct rlimit *);
    private static final MethodHandle GETRLIMIT = bind("getrlimit",
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle SETRLIMIT = bind("setrlimit",
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));

    private static final MemorySegment SCRATCH = Arena.global().allocate(256, 8);
    private static final MemorySegment MSGHDR = Arena.global().allocate(MSGHDR_SIZE, 8);
    private static final MemorySegment IOVEC = Arena.global().allocate(16, 8);
    private static final MemorySegment CONTROL = Arena.global().allocate(256, 8);

    static {
        MSGHDR.set(ADDRESS, MSG_IOV, IOVEC);
        MSGHDR.set(JAVA_LONG, MSG_IOVLEN, 1);
    }

    private Libc() {}

    private static MethodHandle bind(String name, FunctionDescriptor descriptor, Linker.Option... options) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor, options);
    }

    /** Two connected non-blocking stream sockets. */
    record Sockets(int feeder, int receiver) {}

    static Sockets socketpair() {
        try {
            int result = (int) SOCKETPAIR.invokeExact(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, SCRATCH);
            check("socketpair", result);
            return new Sockets(SCRATCH.get(JAVA_INT, 0), SCRATCH.get(JAVA_INT, 4));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** One sendmsg(2), with all of the descriptors in one SCM_RIGHTS; anything but a complete write is an error. */
    static void send(int socket, MemorySegment bytes, long from, long count, int... descriptors) {
        IOVEC.set(JAVA_LONG, 0, bytes.address() + from);
        IOVEC.set(JAVA_LONG, 8, count);
        MSGHDR.set(JAVA_LONG, MSG_CONTROL, descriptors.length == 0 ? 0 : CONTROL.address());
        MSGHDR.set(JAVA_LONG, MSG_CONTROLLEN,
                descriptors.length == 0 ? 0 : CMSG_HEADER + (4L * descriptors.length + 7 & -8L));
        CONTROL.set(JAVA_LONG, 0, CMSG_HEADER + 4L * descriptors.length);
        CONTROL.set(JAVA_INT, 8, SOL_SOCKET);
        CONTROL.set(JAVA_INT, 12, SCM_RIGHTS);
        for (int i = 0; i < descriptors.length; i++)
            CONTROL.set(JAVA_INT, CMSG_HEADER + 4L * i, descriptors[i]);
        try {
            long sent = (long) SENDMSG.invokeExact(socket, MSGHDR, MSG_NOSIGNAL);
            if (sent != count)
                throw new IllegalStateException("sendmsg of " + count + " bytes sent " + sent);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static void close(int descriptor) {
        try {
            check("close", (int) CLOSE.invokeExact(descriptor));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static void shutdownOutput(int socket) {
        try {
            check("shutdown", (int) SHUTDOWN.invokeExact(socket, SHUT_WR));
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** How many bytes can be read from a socket. */
    static int unread(int socket) {
        try {
            check("ioctl", (int) IOCTL.invokeExact(socket, FIONREAD, SCRATCH));
            return SCRATCH.get(JAVA_INT, 0);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Which file a descriptor is open on, among files of one file system. */
    static long inode(int descriptor) {
        try {
            check("fstat", (int) FSTAT.invokeExact(descriptor, SCRATCH));
            return SCRATCH.get(JAVA_LONG, STAT_INO);
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    static boolean isCloseOnExec(int descriptor) {
        try {
            int flags = (int) FCNTL.invokeExact(descriptor, F_GETFD);
            check("fcntl", flags);
            return flags == 1;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    /** Sets how many descriptors this process may have; those that are open stay. {@return the number before} */
    static long limitDescriptors(long number) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limit = arena.allocate(MemoryLayout.sequenceLayout(2, JAVA_LONG));
            check("getrlimit", (int) GETRLIMIT.invokeExact(RLIMIT_NOFILE, limit));
            long before = limit.getAtIndex(JAVA_LONG, 0);
            limit.setAtIndex(JAVA_LONG, 0, number);
            check("setrlimit", (int) SETRLIMIT.invokeExact(RLIMIT_NOFILE, limit));
            return before;
        } catch (Throwable t) {
            throw unexpected(t);
        }
    }

    private static void check(String call, int result) {
        if (result < 0)
            throw new IllegalStateException(call + " failed");
    }

    static RuntimeException unexpected(Throwable thrown) {
        if (thrown instanceof Error error)
            throw error;
        if (thrown instanceof RuntimeException exception)
            throw exception;
        throw new AssertionError(thrown);
    }
}
