package org.imsg.unix;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.imsg.sys.Constants.AF_UNIX;
import static org.imsg.sys.Constants.EAGAIN;
import static org.imsg.sys.Constants.EINTR;
import static org.imsg.sys.Constants.SOCK_CLOEXEC;
import static org.imsg.sys.Constants.SOCK_STREAM;
import static org.imsg.sys.Constants.SOL_SOCKET;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.imsg.sys.Abi;
import org.imsg.sys.NativeString;
import org.imsg.sys.Constants;
import org.imsg.sys.Deadline;
import org.imsg.sys.Descriptors;
import org.imsg.sys.Os;
import org.imsg.sys.Posix;
import org.jspecify.annotations.Nullable;

/**
 * Unix stream sockets as descriptors: connecting, accepting, options, peers. {@code ImsgChannel} and {@link UnixListener} are
 * made of these functions, and so may a program be that speaks another protocol. Thread-safe, for there is no state.
 */
public final class Sockets {
    private static final boolean LINUX = Os.current() == Os.LINUX;
    private static final int PATH_AT = Abi.host().value("sockaddr_un.sun_path:offset");
    private static final boolean FAMILY_IS_BYTE = Abi.host().value("sockaddr_un.sun_family:width") == 1;
    /** Room for an address of any family. */
    private static final int ADDRESS_SIZE = 128;

    private Sockets() {}

    /**
     * Connects to a listening Unix stream socket, however long its backlog is full.
     *
     * @param address the address of the listener
     * @return the connected socket, the caller's, blocking
     * @throws InterruptedIOException if the thread is interrupted while it waits for room in the backlog; the interrupt status
     *     stays set
     * @throws IOException if it cannot connect, an {@link ErrnoException}
     */
    public static Fd connect(UnixAddress address) throws IOException {
        return connectUntil(address, Deadline.FOREVER);
    }

    /**
     * Connects to a listening Unix stream socket.
     *
     * @param address the address of the listener
     * @param timeout how long to wait for room in its backlog, 0 or more
     * @return the connected socket, the caller's, blocking
     * @throws SocketTimeoutException if there is no room in time
     * @throws InterruptedIOException as {@link #connect(UnixAddress)}
     * @throws IOException if it cannot connect, an {@link ErrnoException}
     */
    public static Fd connect(UnixAddress address, Duration timeout) throws IOException {
        return connectUntil(address, Deadline.in(timeout));
    }

    private static Fd connectUntil(UnixAddress address, long deadline) throws IOException {
        long started = System.nanoTime();
        long pause = TimeUnit.MICROSECONDS.toNanos(100);
        for (;;) {
            Fd socket = socket();
            try {
                if (connect(socket, address)) {
                    blocking(socket, true);
                    return socket;
                }
            } catch (IOException | RuntimeException | Error e) {
                socket.close();
                throw e;
            }
            socket.close();
            // Linux: the backlog is full, and no event tells when it no longer is.
            long left = Deadline.left(deadline);
            if (left <= 0)
                throw new SocketTimeoutException("no room in the backlog of " + address + " within "
                        + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started) + " ms");
            LockSupport.parkNanos(Math.min(pause, left));
            if (Thread.currentThread().isInterrupted())
                throw new InterruptedIOException("interrupted while waiting for room in the backlog of " + address);
            pause = Math.min(2 * pause, TimeUnit.MILLISECONDS.toNanos(20));
        }
    }

    /**
     * Makes a non-blocking socket and binds it. On Linux the mode becomes that of its file, less the umask's bits, before any
     * peer can see it.
     */
    static Fd bind(UnixAddress address, int mode) throws IOException {
        Fd socket = socket();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = address.toNative(arena);
            // Elsewhere this fails, without harm.
            Posix.fchmod(socket.intValue(), mode);
            ErrnoException.check("bind", address, Posix.bind(socket.intValue(), name.address(), (int) name.byteSize()));
            return socket;
        } catch (IOException | RuntimeException | Error e) {
            socket.close();
            throw e;
        }
    }

    static void listen(Fd socket, UnixAddress address, int backlog) throws IOException {
        ErrnoException.check("listen", address, Posix.listen(socket.intValue(), backlog));
    }

    /**
     * Accepts one connection without waiting: accept4(2).
     *
     * @param listener a listening, non-blocking socket, such as that of a {@link UnixListener}
     * @return the connection, the caller's, blocking and close-on-exec; or null if none is there
     * @throws IOException if the listener is closed; if it fails otherwise, an {@link ErrnoException}; with EMFILE the
     *     connection stays in the backlog
     */
    public static @Nullable Fd accept(Fd listener) throws IOException {
        int number = listener.enter();
        try {
            Fd accepted = Fd.opening(owner -> accept(number, owner));
            if (accepted.isOpen())
                return accepted;
            accepted.close();
            return null;
        } finally {
            listener.exit();
        }
    }

    /** Gives the owner no descriptor if no connection is there. */
    private static void accept(int listener, Fd owner) throws IOException {
        for (;;) {
            int fd = Os.current() == Os.MACOS
                    ? Posix.accept(listener, 0, 0)
                    : Posix.accept4(listener, 0, 0, SOCK_CLOEXEC);
            if (fd == -EAGAIN)
                return;
            if (fd == -EINTR || fd == -Constants.ECONNABORTED || fd == -Constants.EPROTO)
                continue;
            owner.open("accept", null, fd);
            if (SOCK_CLOEXEC == 0)
                Fd.closeOnExec(fd);
            if (!LINUX)
                blocking(fd, true);
            return;
        }
    }

    /**
     * Returns the ids of the process at the other end: SO_PEERCRED on Linux, getpeereid(3) elsewhere.
     *
     * @param socket a connected Unix socket
     * @return the peer's ids
     * @throws IOException if it is closed, or not such a socket, an {@link ErrnoException}: ENOTCONN if the kernel knows of no
     *     peer
     */
    public static PeerCredentials peerCredentials(Fd socket) throws IOException {
        int fd = socket.enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment ids = arena.allocate(12, 4);
            if (LINUX)
                option(fd, "SO_PEERCRED", Abi.host().value("SO_PEERCRED"), ids);
            else
                ErrnoException.check("getpeereid", Posix.getpeereid(fd, ids.address() + 4, ids.address() + 8));
            long uid = Integer.toUnsignedLong(ids.get(JAVA_INT, 4));
            if (uid == PeerCredentials.NONE)
                throw new ErrnoException("getsockopt", "SO_PEERCRED", Abi.host().value("ENOTCONN"));
            return new PeerCredentials(uid, Integer.toUnsignedLong(ids.get(JAVA_INT, 8)),
                    LINUX ? ids.get(JAVA_INT, 0) : -1);
        } finally {
            socket.exit();
        }
    }

    /**
     * Returns the process at the other end as a pidfd: SO_PEERPIDFD of Linux 6.5 and newer. Unlike a pid it means the same process for
     * good; it becomes readable when the process ends, see pidfd_open(2).
     *
     * @param socket a connected Unix socket
     * @return the pidfd, the caller's; or empty where the system has no such option
     * @throws IOException if the socket is closed or has no peer, or the peer has ended and was waited for, an
     *     {@link ErrnoException} such as ESRCH
     */
    public static Optional<Fd> peerProcess(Fd socket) throws IOException {
        if (!LINUX)
            return Optional.empty();
        int fd = socket.enter();
        try {
            return Optional.of(Fd.opening(owner -> {
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment pidfd = arena.allocate(4, 4);
                    option(fd, "SO_PEERPIDFD", Constants.SO_PEERPIDFD, pidfd);
                    owner.open("getsockopt", "SO_PEERPIDFD", pidfd.get(JAVA_INT, 0));
                }
            }));
        } catch (ErrnoException e) {
            if (e.name().equals("ENOPROTOOPT"))
                return Optional.empty();
            throw e;
        } finally {
            socket.exit();
        }
    }

    /**
     * Returns an option of a socket whose value is an int: getsockopt(2) at SOL_SOCKET.
     *
     * @param socket the socket
     * @param name the option's C name: {@code SO_TYPE}, {@code SO_ACCEPTCONN}, {@code SO_ERROR}, {@code SO_SNDBUF} or
     *     {@code SO_RCVBUF}
     * @return its value
     * @throws UnsupportedOperationException if the name is unknown on this system
     * @throws IOException if it is closed, or no socket, an {@link ErrnoException}
     */
    public static int intOption(Fd socket, String name) throws IOException {
        int fd = socket.enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(4, 4);
            option(fd, name, Abi.host().value(name), value);
            return value.get(JAVA_INT, 0);
        } finally {
            socket.exit();
        }
    }

    /**
     * Sets an option of a socket whose value is an int: setsockopt(2) at SOL_SOCKET.
     *
     * @param socket the socket
     * @param name the option's C name, such as {@code SO_SNDBUF}
     * @param value its new value
     * @throws UnsupportedOperationException if the name is unknown on this system
     * @throws IOException if it is closed, or the system refuses, an {@link ErrnoException}
     */
    public static void intOption(Fd socket, String name, int value) throws IOException {
        int fd = socket.enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocateFrom(JAVA_INT, value);
            ErrnoException.check("setsockopt", name, Posix.setsockopt(fd, SOL_SOCKET,
                    Abi.host().value(name), memory.address(), 4));
        } finally {
            socket.exit();
        }
    }

    /**
     * Ends the sending direction of a connected socket: shutdown(2).
     *
     * @param socket the socket
     * @throws IOException if it is closed or not connected, an {@link ErrnoException}
     */
    public static void shutdownOutput(Fd socket) throws IOException {
        shutdown(socket, Constants.SHUT_WR);
    }

    /**
     * Ends both directions of a connected socket: shutdown(2). Unlike a close it never waits, whatever the peer has sent.
     *
     * @param socket the socket, which stays open; threads that wait for it go on
     * @throws IOException if it is closed or not connected, an {@link ErrnoException}
     */
    public static void shutdown(Fd socket) throws IOException {
        shutdown(socket, Constants.SHUT_RDWR);
    }

    /**
     * Closes a descriptor that another process has sent. If it is a socket, the close does not wait for what its peer has not read,
     * as SO_LINGER would have it: the sender may have set that. On systems other than Linux it is an ordinary close.
     *
     * @param fd the descriptor, or null for none
     */
    public static void closeAtOnce(@Nullable Fd fd) {
        if (fd == null)
            return;
        try (fd) {
            int number = fd.enter();
            try {
                Descriptors.forbidLinger(number);
            } finally {
                fd.exit();
            }
        } catch (IOException _) {
            // closed already
        }
    }

    private static void shutdown(Fd socket, int how) throws IOException {
        int fd = socket.enter();
        try {
            ErrnoException.check("shutdown", Posix.shutdown(fd, how));
        } finally {
            socket.exit();
        }
    }

    private static void option(int fd, String name, int option, MemorySegment value)
            throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment length = arena.allocateFrom(JAVA_INT, (int) value.byteSize());
            ErrnoException.check("getsockopt", name,
                    Posix.getsockopt(fd, SOL_SOCKET, option, value.address(), length.address()));
        }
    }

    /** Returns whether there was room in the backlog. */
    private static boolean connect(Fd socket, UnixAddress address) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = address.toNative(arena);
            int result;
            do {
                result = Posix.connect(socket.intValue(), name.address(), (int) name.byteSize());
            } while (result == -EINTR);
            if (result < 0 && result != -EAGAIN)
                throw new ErrnoException("connect", address, -result);
            return result == 0;
        }
    }

    /**
     * Makes a Unix stream socket that is neither bound nor connected: socket(2). It is non-blocking and close-on-exec, and a
     * write to a dead peer raises no SIGPIPE.
     *
     * @return the socket, the caller's
     * @throws IOException if there is no room in a descriptor table, an {@link ErrnoException}
     */
    public static Fd socket() throws IOException {
        return Fd.opening(owner -> {
            owner.open("socket", null, Posix.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
            if (SOCK_CLOEXEC == 0)
                Fd.closeOnExec(owner.intValue());
            if (Abi.host().value("SO_NOSIGPIPE", 0) != 0)
                intOption(owner, "SO_NOSIGPIPE", 1);
            blocking(owner, false);
        });
    }

    /** What a Unix socket is bound to, or null if it is a socket of another family. */
    static @Nullable UnixAddress localAddress(Fd socket) throws IOException {
        int fd = socket.enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(ADDRESS_SIZE, 8);
            MemorySegment length = arena.allocateFrom(JAVA_INT, ADDRESS_SIZE);
            ErrnoException.check("getsockname", Posix.getsockname(fd, address.address(), length.address()));
            return family(address) == AF_UNIX ? UnixAddress.of(address.asSlice(0, length.get(JAVA_INT, 0))) : null;
        } finally {
            socket.exit();
        }
    }

    private static int family(MemorySegment address) {
        return FAMILY_IS_BYTE ? address.get(JAVA_BYTE, 1) & 0xFF : address.get(JAVA_SHORT, 0);
    }

    /** What a socket is bound to, as far as it is needed to tell one from another. */
    record Name(int family, byte[] address) {
        boolean isUnix() {
            return family == AF_UNIX;
        }

        boolean isUnixPath(Path path) {
            byte[] bytes = NativeString.bytes(path);
            return isUnix() && address.length > PATH_AT + bytes.length && Arrays.equals(bytes, 0, bytes.length, address,
                    PATH_AT, PATH_AT + bytes.length) && address[PATH_AT + bytes.length] == 0;
        }

        boolean isSocket() {
            return family >= 0;
        }

        /** Bytes 2 and 3 are the port; an IPv4 address stands behind them, an IPv6 one, perhaps mapped from IPv4, 4 bytes on. */
        boolean isInet(InetSocketAddress host) {
            int addressEnd = family == Abi.host().value("AF_INET")
                    ? 8
                    : family == Abi.host().value("AF_INET6") ? 24 : 0;
            byte[] bytes = host.getAddress().getAddress();
            int port = (address.length > 3 ? (address[2] & 0xFF) << 8 | address[3] & 0xFF : -1);
            return addressEnd > 0 && port == host.getPort()
                    && Arrays.equals(bytes, 0, bytes.length, address, addressEnd - bytes.length, addressEnd);
        }
    }

    /**
     * Returns whether a socket is a Unix socket.
     *
     * @param socket the socket
     * @return true if its family is AF_UNIX
     * @throws IOException if it is closed
     */
    public static boolean isUnix(Fd socket) throws IOException {
        return localAddress(socket) != null;
    }

    /** getsockname(2); of no family if it is not a socket. */
    static Name name(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(ADDRESS_SIZE, 8);
            MemorySegment length = arena.allocateFrom(JAVA_INT, ADDRESS_SIZE);
            if (Posix.getsockname(fd, address.address(), length.address()) < 0)
                return new Name(-1, new byte[0]);
            return new Name(family(address), address.toArray(JAVA_BYTE));
        }
    }

    /** Whether a number is that of a stream socket bound there: a datagram socket may have the same port. */
    static boolean isStreamAt(int fd, InetSocketAddress address) {
        return name(fd).isInet(address) && isStream(fd);
    }

    private static boolean isStream(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(4, 4);
            MemorySegment length = arena.allocateFrom(JAVA_INT, 4);
            return Posix.getsockopt(fd, SOL_SOCKET, Constants.SO_TYPE, value.address(),
                    length.address()) == 0 && value.get(JAVA_INT, 0) == SOCK_STREAM;
        }
    }

    /** F_GETFL. */
    static int statusFlags(int fd) throws ErrnoException {
        return ErrnoException.check("fcntl", "F_GETFL " + fd,
                Posix.fcntl(fd, Constants.F_GETFL, 0));
    }

    /** Sets or clears O_NONBLOCK, for every holder of the open file. */
    static void blocking(Fd fd, boolean blocking) throws IOException {
        int number = fd.enter();
        try {
            blocking(number, blocking);
        } finally {
            fd.exit();
        }
    }

    static void blocking(int fd, boolean blocking) throws ErrnoException {
        int flags = statusFlags(fd);
        ErrnoException.check("fcntl", "F_SETFL " + fd, Posix.fcntl(fd, Constants.F_SETFL,
                blocking ? flags & ~Constants.O_NONBLOCK : flags | Constants.O_NONBLOCK));
    }
}
