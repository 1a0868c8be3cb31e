package org.imsg.sys;

import static org.imsg.sys.Calls.call;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The C library's calls. Each method is named as its C function, whose prototype stands above the handle, and returns the
 * function's result or the negative errno; EINTR is for the caller to handle. Handles are bound at first use.
 *
 * <p>The first parameter of each is the segment errno is captured into, made by {@link #errnoSegment}: owned by the
 * caller, used by one thread at a time. Addresses are not checked; callers keep what they point at alive.
 */
public final class Posix {
    private Posix() {}

    /**
     * A segment for errno.
     *
     * @param arena how long it lives
     * @return the segment, for one thread at a time
     */
    public static MemorySegment errnoSegment(Arena arena) {
        return Calls.errnoSegment(arena);
    }

    /** {@code ssize_t recvmsg(int, struct msghdr *, int)}. */
    static int recvmsg(MemorySegment errno, int fd, long msghdr, int flags) {
        return call(Recvmsg.HANDLE, errno, fd, msghdr, flags);
    }

    /** {@code ssize_t sendmsg(int, const struct msghdr *, int)}. */
    static int sendmsg(MemorySegment errno, int fd, long msghdr, int flags) {
        return call(Sendmsg.HANDLE, errno, fd, msghdr, flags);
    }

    /** {@code int poll(struct pollfd *, nfds_t, int)}. */
    public static int poll(MemorySegment errno, long pollfds, int count, int timeoutMillis) {
        return call(Poll.HANDLE, errno, pollfds, count, timeoutMillis);
    }

    /** {@code ssize_t read(int, void *, size_t)}. */
    public static int read(MemorySegment errno, int fd, long address, int length) {
        return call(Read.HANDLE, errno, fd, address, length);
    }

    /** {@code ssize_t write(int, const void *, size_t)}. */
    public static int write(MemorySegment errno, int fd, long address, int length) {
        return call(Write.HANDLE, errno, fd, address, length);
    }

    /** {@code ssize_t pread(int, void *, size_t, off_t)}. */
    public static int pread(MemorySegment errno, int fd, long address, int length, long position) {
        return call(Pread.HANDLE, errno, fd, address, length, position);
    }

    /** {@code ssize_t pwrite(int, const void *, size_t, off_t)}. */
    public static int pwrite(MemorySegment errno, int fd, long address, int length, long position) {
        return call(Pwrite.HANDLE, errno, fd, address, length, position);
    }

    /** {@code int close(int)}. */
    public static int close(MemorySegment errno, int fd) {
        return call(Close.HANDLE, errno, fd);
    }

    /** {@code int open(const char *, int, ...)}. */
    public static int open(MemorySegment errno, long path, int flags, int mode) {
        return call(Open.HANDLE, errno, path, flags, mode);
    }

    /** {@code int fcntl(int, int, ...)}. */
    public static int fcntl(MemorySegment errno, int fd, int command, int argument) {
        return call(Fcntl.HANDLE, errno, fd, command, argument);
    }

    /** {@code int socket(int, int, int)}. */
    public static int socket(MemorySegment errno, int domain, int type, int protocol) {
        return call(Socket.HANDLE, errno, domain, type, protocol);
    }

    /** {@code int socketpair(int, int, int, int [2])}. */
    public static int socketpair(MemorySegment errno, int domain, int type, int protocol, long pair) {
        return call(Socketpair.HANDLE, errno, domain, type, protocol, pair);
    }

    /** {@code int bind(int, const struct sockaddr *, socklen_t)}. */
    public static int bind(MemorySegment errno, int fd, long address, int length) {
        return call(Bind.HANDLE, errno, fd, address, length);
    }

    /** {@code int listen(int, int)}. */
    public static int listen(MemorySegment errno, int fd, int backlog) {
        return call(Listen.HANDLE, errno, fd, backlog);
    }

    /** {@code int accept(int, struct sockaddr *, socklen_t *)}. */
    public static int accept(MemorySegment errno, int fd, long address, long length) {
        return call(Accept.HANDLE, errno, fd, address, length);
    }

    /** {@code int accept4(int, struct sockaddr *, socklen_t *, int)}; not on macOS. */
    public static int accept4(MemorySegment errno, int fd, long address, long length, int flags) {
        return call(Accept4.HANDLE, errno, fd, address, length, flags);
    }

    /** {@code int connect(int, const struct sockaddr *, socklen_t)}. */
    public static int connect(MemorySegment errno, int fd, long address, int length) {
        return call(Connect.HANDLE, errno, fd, address, length);
    }

    /** {@code int shutdown(int, int)}. */
    public static int shutdown(MemorySegment errno, int fd, int how) {
        return call(Shutdown.HANDLE, errno, fd, how);
    }

    /** {@code int getsockopt(int, int, int, void *, socklen_t *)}. */
    public static int getsockopt(MemorySegment errno, int fd, int level, int option, long value, long length) {
        return call(Getsockopt.HANDLE, errno, fd, level, option, value, length);
    }

    /** {@code int setsockopt(int, int, int, const void *, socklen_t)}. */
    public static int setsockopt(MemorySegment errno, int fd, int level, int option, long value, int length) {
        return call(Setsockopt.HANDLE, errno, fd, level, option, value, length);
    }

    /** {@code int getsockname(int, struct sockaddr *, socklen_t *)}. */
    public static int getsockname(MemorySegment errno, int fd, long address, long length) {
        return call(Getsockname.HANDLE, errno, fd, address, length);
    }

    /** {@code int getpeereid(int, uid_t *, gid_t *)}; the BSDs and macOS. */
    public static int getpeereid(MemorySegment errno, int fd, long uid, long gid) {
        return call(Getpeereid.HANDLE, errno, fd, uid, gid);
    }

    /** {@code int pipe2(int [2], int)}; not on macOS. */
    public static int pipe2(MemorySegment errno, long pair, int flags) {
        return call(Pipe2.HANDLE, errno, pair, flags);
    }

    /** {@code int pipe(int [2])}. */
    public static int pipe(MemorySegment errno, long pair) {
        return call(Pipe.HANDLE, errno, pair);
    }

    /** {@code int dup2(int, int)}. */
    public static int dup2(MemorySegment errno, int fd, int onto) {
        return call(Dup2.HANDLE, errno, fd, onto);
    }

    /** {@code int dup3(int, int, int)}; not on macOS. */
    public static int dup3(MemorySegment errno, int fd, int onto, int flags) {
        return call(Dup3.HANDLE, errno, fd, onto, flags);
    }

    /** {@code int fstat(int, struct stat *)}. */
    public static int fstat(MemorySegment errno, int fd, long stat) {
        return call(Fstat.HANDLE, errno, fd, stat);
    }

    /** {@code int fchmod(int, mode_t)}. */
    public static int fchmod(MemorySegment errno, int fd, int mode) {
        return call(Fchmod.HANDLE, errno, fd, mode);
    }

    /** {@code char *strerror(int)}: the system's text for an error number, in the process's locale. */
    @SuppressWarnings("restricted")
    public static String strerror(int number) {
        try (Arena arena = Arena.ofConfined()) {
            long text = Calls.pointer(Strerror.HANDLE, errnoSegment(arena), number);
            return MemorySegment.ofAddress(text).reinterpret(1024).getString(0);
        } catch (Throwable t) {
            throw new AssertionError(t);
        }
    }

    /** {@code int epoll_create1(int)}; Linux. */
    static int epoll_create1(MemorySegment errno, int flags) {
        return call(EpollCreate1.HANDLE, errno, flags);
    }

    /** {@code int epoll_ctl(int, int, int, struct epoll_event *)}; Linux. */
    static int epoll_ctl(MemorySegment errno, int epoll, int operation, int fd, long event) {
        return call(EpollCtl.HANDLE, errno, epoll, operation, fd, event);
    }

    /** {@code int epoll_wait(int, struct epoll_event *, int, int)}; Linux. */
    static int epoll_wait(MemorySegment errno, int epoll, long events, int count, int timeoutMillis) {
        return call(EpollWait.HANDLE, errno, epoll, events, count, timeoutMillis);
    }

    /** {@code int kqueue(void)}; the BSDs and macOS. The parameter C does not have lands in a register it does not read. */
    static int kqueue(MemorySegment errno) {
        return call(Kqueue.HANDLE, errno, 0);
    }

    /** {@code int kevent(int, const struct kevent *, int, struct kevent *, int, const struct timespec *)}. */
    static int kevent(MemorySegment errno, int kqueue, long changes, int changeCount, long events, int eventCount) {
        return call(Kevent.HANDLE, errno, kqueue, changes, changeCount, events, eventCount, 0);
    }

    private static final class Recvmsg {
        static final MethodHandle HANDLE = Calls.bind("recvmsg");
    }

    private static final class Sendmsg {
        static final MethodHandle HANDLE = Calls.bind("sendmsg");
    }

    private static final class Poll {
        static final MethodHandle HANDLE = Calls.bind("poll");
    }

    private static final class Read {
        static final MethodHandle HANDLE = Calls.bind("read");
    }

    private static final class Write {
        static final MethodHandle HANDLE = Calls.bind("write");
    }

    private static final class Pread {
        static final MethodHandle HANDLE = Calls.bind("pread");
    }

    private static final class Pwrite {
        static final MethodHandle HANDLE = Calls.bind("pwrite");
    }

    private static final class Close {
        static final MethodHandle HANDLE = Calls.bind("close");
    }

    private static final class Open {
        static final MethodHandle HANDLE = Calls.bindVariadic("open", 2);
    }

    private static final class Fcntl {
        static final MethodHandle HANDLE = Calls.bindVariadic("fcntl", 2);
    }

    private static final class Socket {
        static final MethodHandle HANDLE = Calls.bind("socket");
    }

    private static final class Socketpair {
        static final MethodHandle HANDLE = Calls.bind("socketpair");
    }

    private static final class Bind {
        static final MethodHandle HANDLE = Calls.bind("bind");
    }

    private static final class Listen {
        static final MethodHandle HANDLE = Calls.bind("listen");
    }

    private static final class Accept {
        static final MethodHandle HANDLE = Calls.bind("accept");
    }

    private static final class Accept4 {
        static final MethodHandle HANDLE = Calls.bind("accept4");
    }

    private static final class Connect {
        static final MethodHandle HANDLE = Calls.bind("connect");
    }

    private static final class Shutdown {
        static final MethodHandle HANDLE = Calls.bind("shutdown");
    }

    private static final class Getsockopt {
        static final MethodHandle HANDLE = Calls.bind("getsockopt");
    }

    private static final class Setsockopt {
        static final MethodHandle HANDLE = Calls.bind("setsockopt");
    }

    private static final class Getsockname {
        static final MethodHandle HANDLE = Calls.bind("getsockname");
    }

    private static final class Getpeereid {
        static final MethodHandle HANDLE = Calls.bind("getpeereid");
    }

    private static final class Pipe2 {
        static final MethodHandle HANDLE = Calls.bind("pipe2");
    }

    private static final class Pipe {
        static final MethodHandle HANDLE = Calls.bind("pipe");
    }

    private static final class Dup2 {
        static final MethodHandle HANDLE = Calls.bind("dup2");
    }

    private static final class Dup3 {
        static final MethodHandle HANDLE = Calls.bind("dup3");
    }

    private static final class Fstat {
        /** On x86_64, macOS keeps the plain name for an older struct stat with 32-bit inodes. */
        private static final boolean TWO_OF_THEM = Os.current() == Os.MACOS
                && !System.getProperty("os.arch").equals("aarch64");
        static final MethodHandle HANDLE = Calls.bind(TWO_OF_THEM ? "fstat$INODE64" : "fstat");
    }

    private static final class Fchmod {
        static final MethodHandle HANDLE = Calls.bind("fchmod");
    }

    private static final class Strerror {
        static final MethodHandle HANDLE = Calls.bind("strerror");
    }

    private static final class EpollCreate1 {
        static final MethodHandle HANDLE = Calls.bind("epoll_create1");
    }

    private static final class EpollCtl {
        static final MethodHandle HANDLE = Calls.bind("epoll_ctl");
    }

    private static final class EpollWait {
        static final MethodHandle HANDLE = Calls.bind("epoll_wait");
    }

    private static final class Kqueue {
        static final MethodHandle HANDLE = Calls.bind("kqueue");
    }

    private static final class Kevent {
        static final MethodHandle HANDLE = Calls.bind("kevent");
    }
}
