package org.imsg.privsep;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteOrder;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.RawSyscall;
import org.imsg.unix.Fd;

/** A TCP socket whose last close waits, for its peer does not read what was sent. */
final class LingeringSocket implements AutoCloseable {
    private static final int AF_INET = 2;
    private static final int SOCK_STREAM_CLOEXEC = 0x80001;
    private static final int SOL_SOCKET = 1;
    private static final int SO_LINGER = 13;
    private static final int MSG_DONTWAIT = 0x40;

    final Fd fd;
    private final Socket peer;

    LingeringSocket(int seconds) throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"));
                Arena arena = Arena.ofConfined()) {
            int number = call("socket", AF_INET, SOCK_STREAM_CLOEXEC, 0, 0, 0, 0);
            fd = Fd.of(number);
            MemorySegment address = arena.allocate(16, 4);
            address.set(JAVA_SHORT, 0, (short) AF_INET);
            address.set(JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, (short) server.getLocalPort());
            address.set(JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN), 4, 0x7F000001);
            assertThat(call("connect", number, address.address(), 16, 0, 0, 0)).isZero();
            peer = server.accept();
            MemorySegment bytes = arena.allocate(JAVA_BYTE, 1 << 16);
            while (call("sendto", number, bytes.address(), bytes.byteSize(), MSG_DONTWAIT, 0, 0) > 0) {
                // until its buffers are full
            }
            linger(fd, seconds);
        }
    }

    /** Has the last close of the socket wait for so long; 0 for not at all. */
    void linger(Fd socket, int seconds) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment linger = arena.allocateFrom(JAVA_INT, seconds > 0 ? 1 : 0, seconds);
            assertThat(call("setsockopt", socket.intValue(), SOL_SOCKET, SO_LINGER, linger.address(), 8, 0)).isZero();
        }
    }

    private static int call(String name, long a, long b, long c, long d, long e, long f) {
        return RawSyscall.call(LinuxSyscalls.host().number(name), a, b, c, d, e, f);
    }

    /** Lets a close that waits go on. */
    @Override
    public void close() throws IOException {
        peer.setSoLinger(true, 0);
        peer.close();
        fd.close();
    }
}
