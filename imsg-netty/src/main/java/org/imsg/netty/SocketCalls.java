package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.FastThreadLocal;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.UnsupportedAddressTypeException;
import java.nio.charset.StandardCharsets;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Constants;
import org.imsg.sys.Msghdr;
import org.imsg.sys.NativeString;
import org.imsg.sys.Posix;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;

/** The system calls of a channel, and where Netty's buffers and addresses lie for them. */
final class SocketCalls {
    /** A msghdr is used within one call only, so the ten thousand channels of a loop share one, which goes with its thread. */
    private static final FastThreadLocal<Msghdr> RECEIVING = new FastThreadLocal<>() {
        @Override
        protected Msghdr initialValue() {
            return Msghdr.forReceive(true);
        }

        @Override
        protected void onRemoval(Msghdr header) {
            header.close();
        }
    };

    private SocketCalls() {}

    /** This thread's, to be used at once: code of others that runs in between may end the thread's locals. */
    static Msghdr toReceive() {
        return RECEIVING.get();
    }

    /** The address of a byte of a direct buffer. */
    static long address(ByteBuf buffer, int index, int length) {
        return buffer.hasMemoryAddress()
                ? buffer.memoryAddress() + index
                : MemorySegment.ofBuffer(buffer.internalNioBuffer(index, length)).address();
    }

    /** connect(2), once: 0 or the negative errno. */
    static int connect(Fd socket, SocketAddress to) throws IOException {
        int fd = OpenDescriptor.of(socket).enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = unixAddress(to).toNative(arena);
            int result;
            do {
                result = Posix.connect(fd, name.address(), (int) name.byteSize());
            } while (result == -Constants.EINTR);
            return result;
        } finally {
            OpenDescriptor.of(socket).exit();
        }
    }

    static void bind(Fd socket, SocketAddress to) throws IOException {
        int fd = OpenDescriptor.of(socket).enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = unixAddress(to).toNative(arena);
            ErrnoException.check("bind", to, Posix.bind(fd, name.address(), (int) name.byteSize()));
        } finally {
            OpenDescriptor.of(socket).exit();
        }
    }

    static void shutdown(Fd socket, int how) throws IOException {
        int fd = OpenDescriptor.of(socket).enter();
        try {
            ErrnoException.check("shutdown", Posix.shutdown(fd, how));
        } finally {
            OpenDescriptor.of(socket).exit();
        }
    }

    /** getsockopt(2). {@return so many bytes, as the system orders them} */
    static ByteBuffer option(Fd socket, int level, int name, int length) throws IOException {
        int fd = OpenDescriptor.of(socket).enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(length, 8);
            MemorySegment size = arena.allocateFrom(ValueLayout.JAVA_INT, length);
            ErrnoException.check("getsockopt", "level " + level + ", option " + name,
                    Posix.getsockopt(fd, level, name, value.address(), size.address()));
            return ByteBuffer.wrap(value.toArray(ValueLayout.JAVA_BYTE));
        } finally {
            OpenDescriptor.of(socket).exit();
        }
    }

    /** setsockopt(2), with what remains in a buffer, which is read to its end. */
    static void option(Fd socket, int level, int name, ByteBuffer value) throws IOException {
        int fd = OpenDescriptor.of(socket).enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(value.remaining(), 8).copyFrom(MemorySegment.ofBuffer(value));
            ErrnoException.check("setsockopt", "level " + level + ", option " + name,
                    Posix.setsockopt(fd, level, name, copy.address(), (int) copy.byteSize()));
            value.position(value.limit());
        } finally {
            OpenDescriptor.of(socket).exit();
        }
    }

    static void nonBlocking(Fd descriptor) throws IOException {
        int fd = OpenDescriptor.of(descriptor).enter();
        try {
            int flags = Posix.fcntl(fd, Constants.F_GETFL, 0);
            ErrnoException.check("fcntl", "O_NONBLOCK " + fd,
                    flags < 0 ? flags : Posix.fcntl(fd, Constants.F_SETFL, flags | Constants.O_NONBLOCK));
        } finally {
            OpenDescriptor.of(descriptor).exit();
        }
    }

    /** Netty's notation of an abstract name, a path that begins with NUL, is understood. */
    private static UnixAddress unixAddress(SocketAddress address) {
        return switch (address) {
            case DomainSocketAddress netty when netty.path().startsWith("\0") ->
                UnixAddress.ofAbstract(netty.path().substring(1));
            // As Netty does, whatever the locale.
            case DomainSocketAddress netty ->
                UnixAddress.of(NativeString.path(netty.path().getBytes(StandardCharsets.UTF_8)));
            case UnixDomainSocketAddress jdk -> UnixAddress.of(jdk.getPath());
            default -> throw new UnsupportedAddressTypeException();
        };
    }
}
