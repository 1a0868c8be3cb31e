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
import java.nio.ByteOrder;
import java.nio.file.Path;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Os;
import org.imsg.sys.Posix;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;

/** Makes sockets, and their addresses for the kernel. */
final class MadeSocket {
    private static final int SOCK_DGRAM = Abi.host().value("SOCK_DGRAM");

    private MadeSocket() {}

    /** Prepares a new socket. */
    interface Preparation {
        void apply(Fd socket, Arena arena) throws IOException;
    }

    /** Makes a socket, which is closed if its preparation fails. */
    static Fd of(SocketKind kind, int family, Preparation preparation) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int type = kind.isStream() ? Constants.SOCK_STREAM : SOCK_DGRAM;
            Fd socket = Fd.of(check("socket", kind, Posix.socket(family, type | Constants.SOCK_CLOEXEC, 0)));
            try {
                if (Constants.SOCK_CLOEXEC == 0)
                    Posix.fcntl(socket.intValue(), Constants.F_SETFD, Constants.FD_CLOEXEC);
                preparation.apply(socket, arena);
                return socket;
            } catch (IOException | RuntimeException | Error e) {
                socket.close();
                throw e;
            }
        }
    }

    /** Returns the address of a name through an open directory: bind(2) and connect(2) would follow links in a path. */
    static UnixAddress throughDescriptor(int fd, String name) throws ErrnoException {
        if (Os.current() != Os.LINUX)
            throw new UnsupportedOperationException(
                    "a Unix socket beneath a directory needs /proc/self/fd, which is Linux's");
        try {
            return UnixAddress.of(Path.of("/proc/self/fd/" + fd + name));
        } catch (IllegalArgumentException _) {
            // The child's fault: too long, or no name in the machine's encoding.
            throw new ErrnoException("bind", name, Errno.number("ENAMETOOLONG"));
        }
    }

    static String text(String address, int port) {
        return address.startsWith("/") ? address : address + " port " + port;
    }

    static int family(InetAddress host) {
        return host instanceof Inet6Address ? Abi.host().value("AF_INET6") : Abi.host().value("AF_INET");
    }

    static MemorySegment address(Arena arena, InetAddress host, int port) {
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
