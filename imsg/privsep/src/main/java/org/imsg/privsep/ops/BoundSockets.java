package org.imsg.privsep.ops;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static org.imsg.unix.ErrnoException.check;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Os;
import org.imsg.sys.Posix;
import org.imsg.sys.Readiness;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;

/** Binds and connects sockets for a child. What it gets is blocking and close-on-exec. */
final class BoundSockets {
    private static final int SOCK_DGRAM = Abi.host().value("SOCK_DGRAM");

    private final Beneath beneath;

    BoundSockets(Beneath beneath) {
        this.beneath = beneath;
    }

    Fd bind(Rule.BindRule rule, Request.Bind request) throws IOException {
        return request.kind().isUnix() ? bindUnix(rule, request) : bindInternet(request);
    }

    Fd connect(Rule.ConnectRule rule, Request.Connect request, long deadline) throws IOException {
        if (!request.kind().isUnix()) {
            InetAddress host = Endpoint.address(request.address());
            return made(request.kind(), family(host), (socket, arena) -> connect(socket, request,
                    address(arena, host, request.port()), deadline));
        }
        Target.Found found = found(rule.endpoint(), request.address());
        try (Fd root = Beneath.directory(found.root());
                Fd file = beneath.open(root, found.relative(), Abi.host().value("O_PATH", 0), 0)) {
            if (!Status.of(file, request.address()).isSocket())
                throw new RefusedException(rule.origin(), "not a socket, asked was to " + request);
            return made(request.kind(), Constants.AF_UNIX, (socket, arena) -> connect(socket, request,
                    throughDescriptor(file.intValue(), "").toNative(arena), deadline));
        } catch (ErrnoException e) {
            throw escapeRefused(e, rule, request);
        }
    }

    private Fd bindInternet(Request.Bind request) throws IOException {
        InetAddress host = Endpoint.address(request.address());
        return made(request.kind(), family(host), (socket, arena) -> {
            if (request.reuse())
                Sockets.intOption(socket, "SO_REUSEADDR", 1);
            // Else it depends on the machine's settings whether IPv4 arrives too.
            if (host instanceof Inet6Address)
                check("setsockopt", "IPV6_V6ONLY", Posix.setsockopt(socket.intValue(),
                        Abi.host().value("IPPROTO_IPV6"), Abi.host().value("IPV6_V6ONLY"),
                        arena.allocateFrom(JAVA_INT, 1).address(), 4));
            bindAndListen(socket, request, address(arena, host, request.port()));
        });
    }

    private Fd bindUnix(Rule.BindRule rule, Request.Bind request) throws IOException {
        Target.Found found = found(rule.endpoint(), request.address());
        try (Fd directory = beneath.parent(found)) {
            Name name = Name.of(found.name());
            if (request.reuse())
                removeStale(directory, name);
            return made(request.kind(), Constants.AF_UNIX, (socket, arena) -> {
                // On Linux the mode of the socket itself becomes that of its file, before anybody can connect.
                check("fchmod", request.address(), Posix.fchmod(socket.intValue(),
                        request.mode() & 0777));
                MemorySegment address = throughDescriptor(directory.intValue(), "/" + found.name()).toNative(arena);
                WithoutUmask.run(() -> bindAndListen(socket, request, address));
            });
        } catch (ErrnoException e) {
            throw escapeRefused(e, rule, request);
        }
    }

    private static IOException escapeRefused(ErrnoException e, Rule rule, Request request) {
        return Beneath.isEscape(e)
                ? new RefusedException(rule.origin(), "there is a symbolic link in the way, asked was to " + request)
                : e;
    }

    private static Target.Found found(Endpoint endpoint, String path) {
        return ((Endpoint.OfPath) endpoint).target().find(path).orElseThrow();
    }

    private static void removeStale(Fd directory, Name name) throws IOException {
        try {
            if (Status.of(directory, name).isSocket())
                check("unlinkat", name, Trees.unlink(directory, name, 0));
        } catch (ErrnoException e) {
            if (e.number() != Constants.ENOENT)
                throw e;
        }
    }

    /** bind(2) and connect(2) go where a path leads; this one leads to what was opened. */
    private static UnixAddress throughDescriptor(int fd, String name) throws ErrnoException {
        if (Os.current() != Os.LINUX)
            throw new UnsupportedOperationException(
                    "a Unix socket beneath a directory needs /proc/self/fd, which is Linux's");
        try {
            return UnixAddress.of(Path.of("/proc/self/fd/" + fd + name));
        } catch (IllegalArgumentException _) {
            // Too long, or not to be written in the machine's encoding: the child's fault, and not to be logged as ours.
            throw new ErrnoException("bind", name, Errno.number("ENAMETOOLONG"));
        }
    }

    private interface Step {
        void apply(Fd socket, Arena arena) throws IOException;
    }

    private static Fd made(SocketKind kind, int family, Step step) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int type = kind.isStream() ? Constants.SOCK_STREAM : SOCK_DGRAM;
            Fd socket = Fd.of(check("socket", kind,
                    Posix.socket(family, type | Constants.SOCK_CLOEXEC, 0)));
            try {
                if (Constants.SOCK_CLOEXEC == 0)
                    Posix.fcntl(socket.intValue(), Constants.F_SETFD, Constants.FD_CLOEXEC);
                step.apply(socket, arena);
                return socket;
            } catch (IOException | RuntimeException | Error e) {
                socket.close();
                throw e;
            }
        }
    }

    private static void bindAndListen(Fd socket, Request.Bind request, MemorySegment address) throws ErrnoException {
        check("bind", on(request.address(), request.port()),
                Posix.bind(socket.intValue(), address.address(), (int) address.byteSize()));
        if (request.kind().isStream())
            check("listen", on(request.address(), request.port()),
                    Posix.listen(socket.intValue(), request.backlog()));
    }

    private static void connect(Fd socket, Request.Connect request, MemorySegment address, long deadline)
            throws IOException {
        int flags = Posix.fcntl(socket.intValue(), Constants.F_GETFL, 0);
        Posix.fcntl(socket.intValue(), Constants.F_SETFL, flags | Constants.O_NONBLOCK);
        int result = Posix.connect(socket.intValue(), address.address(), (int) address.byteSize());
        if (result == -Errno.number("EINPROGRESS")) {
            if (!OpenDescriptor.of(socket).await(Readiness.WRITABLE, deadline))
                throw new SocketTimeoutException("no connection to " + on(request.address(), request.port()));
            result = -Sockets.intOption(socket, "SO_ERROR");
        }
        check("connect", on(request.address(), request.port()), result);
        Posix.fcntl(socket.intValue(), Constants.F_SETFL, flags);
    }

    private static String on(String address, int port) {
        return address.startsWith("/") ? address : address + " port " + port;
    }

    private static int family(InetAddress host) {
        return host instanceof Inet6Address ? Abi.host().value("AF_INET6") : Abi.host().value("AF_INET");
    }

    private static MemorySegment address(Arena arena, InetAddress host, int port) {
        Abi abi = Abi.host();
        boolean v6 = host instanceof Inet6Address;
        MemorySegment address = arena.allocate(abi.value(v6 ? "sockaddr_in6:size" : "sockaddr_in:size"), 4);
        if (abi.value("sockaddr_un.sun_family:width") == 1) {
            address.set(JAVA_BYTE, 0, (byte) address.byteSize());
            address.set(JAVA_BYTE, 1, (byte) family(host));
        } else {
            address.set(JAVA_SHORT, 0, (short) family(host));
        }
        address.set(JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN),
                abi.value(v6 ? "sockaddr_in6.sin6_port:offset" : "sockaddr_in.sin_port:offset"), (short) port);
        byte[] bytes = host.getAddress();
        MemorySegment.copy(bytes, 0, address, JAVA_BYTE,
                abi.value(v6 ? "sockaddr_in6.sin6_addr:offset" : "sockaddr_in.sin_addr:offset"), bytes.length);
        if (host instanceof Inet6Address scoped)
            address.set(JAVA_INT, abi.value("sockaddr_in6.sin6_scope_id:offset"), scoped.getScopeId());
        return address;
    }
}
