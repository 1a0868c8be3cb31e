package org.imsg.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The C library's calls. Each method is named as its C function, whose prototype stands above it, and returns the
 * function's result or the negative errno; EINTR is for the caller to handle. Functions are looked up at first use.
 *
 * <p>Calls that are made often take the segment errno is captured into, made by {@code errnoSegment}: owned by the
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
        return CFunction.errnoSegment(arena);
    }

    private static final CFunction RECVMSG = new CFunction("recvmsg");

    /** {@code ssize_t recvmsg(int, struct msghdr *, int)}. */
    static int recvmsg(MemorySegment errno, int fd, long msghdr, int flags) {
        return RECVMSG.call(errno, fd, msghdr, flags);
    }

    private static final CFunction SENDMSG = new CFunction("sendmsg");

    /** {@code ssize_t sendmsg(int, const struct msghdr *, int)}. */
    static int sendmsg(MemorySegment errno, int fd, long msghdr, int flags) {
        return SENDMSG.call(errno, fd, msghdr, flags);
    }

    private static final CFunction RECV = new CFunction("recv");

    /** {@code ssize_t recv(int, void *, size_t, int)}. */
    public static int recv(MemorySegment errno, int fd, long address, int length, int flags) {
        return RECV.call(errno, fd, address, length, flags);
    }

    private static final CFunction SEND = new CFunction("send");

    /** {@code ssize_t send(int, const void *, size_t, int)}. */
    public static int send(MemorySegment errno, int fd, long address, int length, int flags) {
        return SEND.call(errno, fd, address, length, flags);
    }

    private static final CFunction POLL = new CFunction("poll");

    /** {@code int poll(struct pollfd *, nfds_t, int)}. */
    public static int poll(MemorySegment errno, long pollfds, int count, int timeoutMillis) {
        return POLL.call(errno, pollfds, count, timeoutMillis);
    }

    /** As {@link #poll(MemorySegment, long, int, int)}. */
    public static int poll(long pollfds, int count, int timeoutMillis) {
        return POLL.call(pollfds, count, timeoutMillis);
    }

    private static final CFunction READ = new CFunction("read");

    /** {@code ssize_t read(int, void *, size_t)}. */
    public static int read(int fd, long address, int length) {
        return READ.call(fd, address, length);
    }

    private static final CFunction WRITE = new CFunction("write");

    /** {@code ssize_t write(int, const void *, size_t)}. */
    public static int write(int fd, long address, int length) {
        return WRITE.call(fd, address, length);
    }

    /** As {@link #write(int, long, int)}, where a failure does not matter; allocates nothing. */
    static void writeAnyway(int fd, long address, int length) {
        WRITE.callAnyway(fd, address, length);
    }

    private static final CFunction PREAD = new CFunction("pread");

    /** {@code ssize_t pread(int, void *, size_t, off_t)}. */
    public static int pread(int fd, long address, int length, long position) {
        return PREAD.call(fd, address, length, position);
    }

    private static final CFunction PWRITE = new CFunction("pwrite");

    /** {@code ssize_t pwrite(int, const void *, size_t, off_t)}. */
    public static int pwrite(int fd, long address, int length, long position) {
        return PWRITE.call(fd, address, length, position);
    }

    private static final CFunction CLOSE = new CFunction("close");

    /** {@code int close(int)}; allocates nothing, and returns 0 or -1. Linux has closed it also where it reports an error. */
    public static int close(int fd) {
        return CLOSE.callAnyway(fd, 0, 0);
    }

    private static final CFunction OPEN = new CFunction("open", 2);

    /** {@code int open(const char *, int, ...)}. */
    public static int open(long path, int flags, int mode) {
        return OPEN.call(path, flags, mode);
    }

    private static final CFunction FCNTL = new CFunction("fcntl", 2);

    /** {@code int fcntl(int, int, ...)}. */
    public static int fcntl(int fd, int command, int argument) {
        return FCNTL.call(fd, command, argument);
    }

    private static final CFunction SOCKET = new CFunction("socket");

    /** {@code int socket(int, int, int)}. */
    public static int socket(int domain, int type, int protocol) {
        return SOCKET.call(domain, type, protocol);
    }

    private static final CFunction SOCKETPAIR = new CFunction("socketpair");

    /** {@code int socketpair(int, int, int, int [2])}. */
    public static int socketpair(int domain, int type, int protocol, long pair) {
        return SOCKETPAIR.call(domain, type, protocol, pair);
    }

    private static final CFunction BIND = new CFunction("bind");

    /** {@code int bind(int, const struct sockaddr *, socklen_t)}. */
    public static int bind(int fd, long address, int length) {
        return BIND.call(fd, address, length);
    }

    private static final CFunction LISTEN = new CFunction("listen");

    /** {@code int listen(int, int)}. */
    public static int listen(int fd, int backlog) {
        return LISTEN.call(fd, backlog);
    }

    private static final CFunction ACCEPT = new CFunction("accept");

    /** {@code int accept(int, struct sockaddr *, socklen_t *)}. */
    public static int accept(int fd, long address, long length) {
        return ACCEPT.call(fd, address, length);
    }

    private static final CFunction ACCEPT4 = new CFunction("accept4");

    /** {@code int accept4(int, struct sockaddr *, socklen_t *, int)}; not on macOS. */
    public static int accept4(int fd, long address, long length, int flags) {
        return ACCEPT4.call(fd, address, length, flags);
    }

    private static final CFunction CONNECT = new CFunction("connect");

    /** {@code int connect(int, const struct sockaddr *, socklen_t)}. */
    public static int connect(int fd, long address, int length) {
        return CONNECT.call(fd, address, length);
    }

    private static final CFunction SHUTDOWN = new CFunction("shutdown");

    /** {@code int shutdown(int, int)}. */
    public static int shutdown(int fd, int how) {
        return SHUTDOWN.call(fd, how);
    }

    private static final CFunction GETSOCKOPT = new CFunction("getsockopt");

    /** {@code int getsockopt(int, int, int, void *, socklen_t *)}. */
    public static int getsockopt(int fd, int level, int option, long value, long length) {
        return GETSOCKOPT.call(fd, level, option, value, length);
    }

    private static final CFunction SETSOCKOPT = new CFunction("setsockopt");

    /** {@code int setsockopt(int, int, int, const void *, socklen_t)}. */
    public static int setsockopt(int fd, int level, int option, long value, int length) {
        return SETSOCKOPT.call(fd, level, option, value, length);
    }

    private static final CFunction GETSOCKNAME = new CFunction("getsockname");

    /** {@code int getsockname(int, struct sockaddr *, socklen_t *)}. */
    public static int getsockname(int fd, long address, long length) {
        return GETSOCKNAME.call(fd, address, length);
    }

    private static final CFunction GETPEEREID = new CFunction("getpeereid");

    /** {@code int getpeereid(int, uid_t *, gid_t *)}; the BSDs and macOS. */
    public static int getpeereid(int fd, long uid, long gid) {
        return GETPEEREID.call(fd, uid, gid);
    }

    private static final CFunction PIPE2 = new CFunction("pipe2");

    /** {@code int pipe2(int [2], int)}; not on macOS. */
    public static int pipe2(long pair, int flags) {
        return PIPE2.call(pair, flags);
    }

    private static final CFunction PIPE = new CFunction("pipe");

    /** {@code int pipe(int [2])}. */
    public static int pipe(long pair) {
        return PIPE.call(pair);
    }

    private static final CFunction DUP2 = new CFunction("dup2");

    /** {@code int dup2(int, int)}. */
    public static int dup2(int fd, int onto) {
        return DUP2.call(fd, onto);
    }

    private static final CFunction DUP3 = new CFunction("dup3");

    /** {@code int dup3(int, int, int)}; not on macOS. */
    public static int dup3(int fd, int onto, int flags) {
        return DUP3.call(fd, onto, flags);
    }

    private static final CFunction FSTAT = CFunction.withInode64("fstat");

    /** {@code int fstat(int, struct stat *)}. */
    public static int fstat(int fd, long stat) {
        return FSTAT.call(fd, stat);
    }

    private static final CFunction FCHMOD = new CFunction("fchmod");

    /** {@code int fchmod(int, mode_t)}. */
    public static int fchmod(int fd, int mode) {
        return FCHMOD.call(fd, mode);
    }

    private static final CFunction FLOCK = new CFunction("flock");

    /** {@code int flock(int, int)}. */
    public static int flock(int fd, int operation) {
        return FLOCK.call(fd, operation);
    }

    private static final CFunction STRERROR = new CFunction("strerror");

    /** {@code char *strerror(int)}: the system's text for an error number, in the process's locale. */
    @SuppressWarnings("restricted")
    public static String strerror(int number) {
        return MemorySegment.ofAddress(STRERROR.pointer(number)).reinterpret(1024).getString(0);
    }

    private static final CFunction EVENTFD = new CFunction("eventfd");

    /** {@code int eventfd(unsigned int, int)}; Linux. */
    static int eventfd(int initial, int flags) {
        return EVENTFD.call(initial, flags);
    }

    private static final CFunction EPOLL_CREATE1 = new CFunction("epoll_create1");

    /** {@code int epoll_create1(int)}; Linux. */
    static int epoll_create1(int flags) {
        return EPOLL_CREATE1.call(flags);
    }

    private static final CFunction EPOLL_CTL = new CFunction("epoll_ctl");

    /** {@code int epoll_ctl(int, int, int, struct epoll_event *)}; Linux. */
    static int epoll_ctl(int epoll, int operation, int fd, long event) {
        return EPOLL_CTL.call(epoll, operation, fd, event);
    }

    private static final CFunction EPOLL_WAIT = new CFunction("epoll_wait");

    /** {@code int epoll_wait(int, struct epoll_event *, int, int)}; Linux. */
    static int epoll_wait(MemorySegment errno, int epoll, long events, int count, int timeoutMillis) {
        return EPOLL_WAIT.call(errno, epoll, events, count, timeoutMillis);
    }

    private static final CFunction KQUEUE = new CFunction("kqueue");

    /** {@code int kqueue(void)}; the BSDs and macOS. */
    static int kqueue() {
        return KQUEUE.call();
    }

    private static final CFunction KEVENT = new CFunction("kevent");

    /** {@code int kevent(int, const struct kevent *, int, struct kevent *, int, const struct timespec *)}. */
    static int kevent(MemorySegment errno, int kqueue, long changes, int changeCount, long events, int eventCount) {
        return KEVENT.call(errno, kqueue, changes, changeCount, events, eventCount, 0, 0);
    }

    /** As {@link #kevent(MemorySegment, int, long, int, long, int)}. */
    static int kevent(int kqueue, long changes, int changeCount, long events, int eventCount) {
        return KEVENT.call(kqueue, changes, changeCount, events, eventCount);
    }
}
