package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class SocketOperationsTest {
    private static final byte[] HELLO = {1, 2, 3};

    @TempDir
    Path directory;

    private static Served served(String... policy) throws Exception {
        return Served.by(Policy.of(policy));
    }

    @ParameterizedTest
    @CsvSource({"127.0.0.1, 127.0.0.1:*", "::1, [::1]:*"})
    void a_tcp_socket_is_bound_and_listens(String address, String rule) throws Exception {
        InetAddress loopback = InetAddress.ofLiteral(address);
        int port = freePort(loopback);
        try (Served served = served("bind tcp reuse " + rule);
                Privileged privileged = served.privileged();
                Fd listener = privileged.listen(new InetSocketAddress(loopback, port), 5, true);
                SocketChannel client = SocketChannel.open(new InetSocketAddress(loopback, port));
                FdChannel accepted = new FdChannel(accept(listener))) {
            assertThat(Sockets.intOption(listener, "SO_REUSEADDR")).isEqualTo(1);
            assertPasses(client, accepted);
        }
    }

    @Test
    void a_tcp_socket_is_connected() throws Exception {
        try (ServerSocketChannel server = ServerSocketChannel.open().bind(loopback(0));
                Served served = served("connect tcp 127.0.0.0/8:*");
                Privileged privileged = served.privileged();
                FdChannel client = new FdChannel(privileged.connect(SocketKind.TCP,
                        (InetSocketAddress) server.getLocalAddress()));
                SocketChannel accepted = server.accept()) {
            assertPasses(accepted, client);
        }
    }

    @Test
    void a_connection_that_nobody_takes_is_the_systems_error() throws Exception {
        InetSocketAddress nobody = loopback(freePort(InetAddress.ofLiteral("127.0.0.1")));
        try (Served served = served("connect tcp 127.0.0.0/8:*"); Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> privileged.connect(SocketKind.TCP, nobody))
                    .withMessageContaining("connect(127.0.0.1 port " + nobody.getPort() + "): ECONNREFUSED");
        }
    }

    @Test
    void udp_sockets_are_bound_and_connected() throws Exception {
        int port = freePort(InetAddress.ofLiteral("127.0.0.1"));
        try (Served served = served("bind udp 127.0.0.1:*", "connect udp 127.0.0.1:*");
                Privileged privileged = served.privileged();
                FdChannel bound = new FdChannel(privileged.bind(loopback(port), false));
                FdChannel connected = new FdChannel(privileged.connect(SocketKind.UDP, loopback(port)))) {
            connected.write(ByteBuffer.wrap(HELLO));
            ByteBuffer got = ByteBuffer.allocate(10);
            assertThat(bound.read(got)).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_unix_socket_is_bound_with_its_mode_and_connected(Beneath way) throws Exception {
        Path path = directory.resolve("run/socket");
        Files.createDirectory(directory.resolve("run"));
        Policy policy = Policy.of("bind unix mode=0777 " + directory + "/", "connect unix " + directory + "/");
        try (Served served = Served.by(policy, monitor -> monitor.beneath(way));
                Privileged privileged = served.privileged();
                Fd listener = privileged.listen(path, 0766, 3, false);
                FdChannel client = new FdChannel(privileged.connect(SocketKind.UNIX, path));
                FdChannel accepted = new FdChannel(accept(listener))) {
            assertThat((int) Files.getAttribute(path, "unix:mode") & 0777).as("whatever the umask")
                    .isEqualTo(0766);
            client.write(ByteBuffer.wrap(HELLO));
            assertThat(accepted.read(ByteBuffer.allocate(10))).isEqualTo(3);
        }
    }

    @Test
    void a_unix_datagram_socket_is_bound_and_connected() throws Exception {
        Path path = directory.resolve("log");
        try (Served served = served("bind unix-datagram " + path, "connect unix-datagram " + path);
                Privileged privileged = served.privileged();
                FdChannel log = new FdChannel(privileged.bind(path, 0600, false));
                FdChannel program = new FdChannel(privileged.connect(SocketKind.UNIX_DATAGRAM, path))) {
            program.write(ByteBuffer.wrap(HELLO));
            assertThat(log.read(ByteBuffer.allocate(10))).isEqualTo(3);
        }
    }

    @Test
    void a_socket_that_is_there_is_replaced_only_if_asked_and_only_a_socket() throws Exception {
        Path path = directory.resolve("socket");
        Path file = Files.writeString(directory.resolve("file"), "x");
        try (Served served = served("bind unix reuse " + directory + "/");
                Privileged privileged = served.privileged()) {
            privileged.listen(path, 0600, 1, false).close();
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> privileged.listen(path, 0600, 1, false))
                    .matches(e -> e.name().equals("EADDRINUSE"));
            privileged.listen(path, 0600, 1, true).close();
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> privileged.listen(file, 0600, 1, true))
                    .matches(e -> e.name().equals("EADDRINUSE"));
            assertThat(file).hasContent("x");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"link/socket", "socket-link"})
    void no_link_leads_to_a_socket_outside(String name) throws Exception {
        Path inside = Files.createDirectory(directory.resolve("inside"));
        Path outside = Files.createDirectory(directory.resolve("outside"));
        Files.createSymbolicLink(inside.resolve("link"), outside);
        Files.createSymbolicLink(inside.resolve("socket-link"), outside.resolve("socket"));
        try (UnixListener _ = UnixListener.at(UnixAddress.of(outside.resolve("socket"))).backlog(1).listen();
                Served served = served("connect unix " + inside + "/", "bind unix reuse " + inside + "/");
                Privileged privileged = served.privileged();
                CapturedLog log = new CapturedLog(Monitor.class)) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.connect(SocketKind.UNIX, inside.resolve(name)));
            assertThat(log.lines()).hasSize(1);
            assertThatExceptionOfType(java.io.IOException.class)
                    .isThrownBy(() -> privileged.listen(inside.resolve(name), 0600, 1, true));
            assertThat(outside.resolve("socket")).exists();
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_socket_on_what_is_mounted_beneath_is_refused_unless_the_rule_says_mounts(Beneath way) throws Exception {
        Root.required();
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        Path socket = mounted.resolve("socket");
        try (Root.Mounted _ = Root.Mounted.on(mounted); CapturedLog log = new CapturedLog(Monitor.class)) {
            Policy mounts = Policy.of("bind unix mounts " + directory + "/", "connect unix mounts " + directory + "/");
            try (Served served = Served.by(mounts, monitor -> monitor.beneath(way));
                    Privileged privileged = served.privileged();
                    Fd _ = privileged.listen(socket, 0600, 1, false);
                    Fd client = privileged.connect(SocketKind.UNIX, socket)) {
                assertThat(client.isOpen()).isTrue();
            }
            Policy stays = Policy.of("bind unix reuse " + directory + "/", "connect unix " + directory + "/");
            try (Served served = Served.by(stays, monitor -> monitor.beneath(way));
                    Privileged privileged = served.privileged()) {
                assertThatExceptionOfType(RefusedException.class)
                        .isThrownBy(() -> privileged.connect(SocketKind.UNIX, socket))
                        .withMessageContaining("something is mounted in the way");
                assertThatExceptionOfType(RefusedException.class)
                        .isThrownBy(() -> privileged.listen(socket, 0600, 1, true))
                        .withMessageContaining("something is mounted in the way");
            }
            assertThat(log.lines()).hasSize(2);
        }
    }

    private static InetSocketAddress loopback(int port) {
        return new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
    }

    /** Free a moment ago, for both TCP and UDP. */
    private static int freePort(InetAddress address) throws Exception {
        try (ServerSocketChannel tcp = ServerSocketChannel.open().bind(new InetSocketAddress(address, 0));
                DatagramChannel udp = DatagramChannel.open(address.getAddress().length == 4
                        ? StandardProtocolFamily.INET
                        : StandardProtocolFamily.INET6)) {
            udp.bind(tcp.getLocalAddress());
            return ((InetSocketAddress) tcp.getLocalAddress()).getPort();
        }
    }

    private static Fd accept(Fd listener) throws Exception {
        Fd accepted = Sockets.accept(listener);
        assertThat(accepted).isNotNull();
        return accepted;
    }

    private static void assertPasses(SocketChannel from, FdChannel to) throws Exception {
        from.write(ByteBuffer.wrap(HELLO));
        assertThat(to.read(ByteBuffer.allocate(10))).isEqualTo(3);
    }
}
