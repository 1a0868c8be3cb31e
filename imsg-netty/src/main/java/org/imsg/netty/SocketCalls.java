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
import java.util.function.IntUnaryOperator;
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

    /** A call on a socket that may be closed meanwhile. {@return its result} */
    private static int on(Fd socket, IntUnaryOperator call) throws IOException {
        OpenDescriptor descriptor = OpenDescriptor.of(socket);
        int fd = descriptor.enter();
        try {
            return call.applyAsInt(fd);
        } finally {
            descriptor.exit();
        }
    }

    /** connect(2), once: 0 or the negative errno. */
    static int connect(Fd socket, SocketAddress to) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = unixAddress(to).toNative(arena);
            int result;
            do {
                result = on(socket, fd -> Posix.connect(fd, name.address(), (int) name.byteSize()));
            } while (result == -Constants.EINTR);
            return result;
        }
    }

    static void bind(Fd socket, SocketAddress to) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = unixAddress(to).toNative(arena);
            ErrnoException.check("bind", to,
                    on(socket, fd -> Posix.bind(fd, name.address(), (int) name.byteSize())));
        }
    }

    static void shutdown(Fd socket, int how) throws IOException {
        ErrnoException.check("shutdown", on(socket, fd -> Posix.shutdown(fd, how)));
    }

    /** getsockopt(2). {@return so many bytes, as the system orders them} */
    static ByteBuffer option(Fd socket, int level, int name, int length) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(length, 8);
            MemorySegment size = arena.allocateFrom(ValueLayout.JAVA_INT, length);
            ErrnoException.check("getsockopt", "level " + level + ", option " + name,
                    on(socket, fd -> Posix.getsockopt(fd, level, name, value.address(), size.address())));
            return ByteBuffer.wrap(value.toArray(ValueLayout.JAVA_BYTE));
        }
    }

    /** setsockopt(2), with what remains in a buffer, which is read to its end. */
    static void option(Fd socket, int level, int name, ByteBuffer value) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment copy = arena.allocate(value.remaining(), 8).copyFrom(MemorySegment.ofBuffer(value));
            ErrnoException.check("setsockopt", "level " + level + ", option " + name,
                    on(socket, fd -> Posix.setsockopt(fd, level, name, copy.address(), (int) copy.byteSize())));
            value.position(value.limit());
        }
    }

    static void nonBlocking(Fd descriptor) throws IOException {
        ErrnoException.check("fcntl", "O_NONBLOCK " + descriptor, on(descriptor, fd -> {
            int flags = Posix.fcntl(fd, Constants.F_GETFL, 0);
            return flags < 0 ? flags : Posix.fcntl(fd, Constants.F_SETFL, flags | Constants.O_NONBLOCK);
        }));
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
