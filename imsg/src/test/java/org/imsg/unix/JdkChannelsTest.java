package org.imsg.unix;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.imsg.testing.ChildJvm;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class JdkChannelsTest {
    private static final int AF_INET = 2;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_DGRAM = 2;

    @TempDir
    Path directory;

    /** The descriptor as it comes out of a message: what the channels here are made for. */
    private static Fd passed(Fd fd) throws IOException {
        try (var pair = ImsgChannel.pair()) {
            pair.first().format(org.imsg.WireFormat.MODERN).allowFdPassing().send(Imsg.of(1).withFd(fd));
            return pair.second().allowFdPassing().receive().takeFd();
        }
    }

    private static String read(java.nio.channels.ReadableByteChannel channel, int count) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(count);
        while (bytes.hasRemaining() && channel.read(bytes) > 0) {
            // until all is there
        }
        return UTF_8.decode(bytes.flip()).toString();
    }

    private static ByteBuffer bytes(String text) {
        return UTF_8.encode(text);
    }

    @Test
    void a_received_file_is_a_file_channel_at_the_position_it_shares_with_the_sender() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "0123456789");
        try (FdChannel sender = new FdChannel(Fd.open(file, OpenFlag.READ_WRITE))) {
            assertThat(read(sender, 3)).isEqualTo("012");
            Fd fd = passed(sender.dup());
            try (FileChannel channel = JdkChannels.fileChannel(fd)) {
                assertThat(fd.isOpen()).isFalse();
                assertThat(channel.position()).isEqualTo(3);
                assertThat(channel.size()).isEqualTo(10);
                assertThat(read(channel, 2)).isEqualTo("34");
                assertThat(read(sender, 1)).isEqualTo("5");
                channel.position(8);
                channel.write(bytes("XYZ"));
                assertThat(channel.map(FileChannel.MapMode.READ_ONLY, 0, 11).get(10)).isEqualTo((byte) 'Z');
                channel.truncate(9);
            }
        }
        assertThat(file).hasContent("01234567X");
    }

    @Test
    void a_file_channel_does_no_more_than_its_descriptor_may() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "content");
        try (FileChannel readOnly = JdkChannels.fileChannel(Fd.open(file, OpenFlag.READ));
                FileChannel writeOnly = JdkChannels.fileChannel(Fd.open(file, OpenFlag.WRITE));
                FileChannel append = JdkChannels.fileChannel(Fd.open(file, OpenFlag.WRITE, OpenFlag.APPEND))) {
            assertThatExceptionOfType(NonWritableChannelException.class)
                    .isThrownBy(() -> readOnly.write(bytes("refused")));
            assertThatExceptionOfType(NonReadableChannelException.class)
                    .isThrownBy(() -> writeOnly.read(ByteBuffer.allocate(1)));
            append.write(bytes(" and more"));
            assertThat(read(readOnly, 100)).isEqualTo("content and more");
        }
    }

    @Test
    void a_pipe_can_be_a_file_channel_too() throws Exception {
        try (Fd.Pair pipe = Fd.pipe();
                FileChannel in = JdkChannels.fileChannel(pipe.first());
                FileChannel out = JdkChannels.fileChannel(pipe.second())) {
            out.write(bytes("through"));
            assertThat(read(in, 7)).isEqualTo("through");
        }
    }

    @Test
    void a_received_tcp_connection_is_a_socket_channel() throws Exception {
        try (ServerSocketChannel server = ServerSocketChannel.open()
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
            SocketChannel channel = JdkChannels.socketChannel(passed(inet(SOCK_STREAM, port, true)));
            try (SocketChannel accepted = server.accept()) {
                assertCarriesBytes(accepted, channel);
                channel.close();
                assertThat(accepted.read(ByteBuffer.allocate(1))).isEqualTo(-1);
            }
        }
    }

    @Test
    void no_other_socket_of_the_process_is_taken_for_the_channels_own() throws Exception {
        try (SocketChannel own = SocketChannel.open()
                .bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))) {
            InetSocketAddress address = (InetSocketAddress) own.getLocalAddress();
            try (Fd datagrams = inet(SOCK_DGRAM, address.getPort(), false)) {
                List<Integer> taken = IntStream.range(0, 10_000)
                        .filter(number -> Sockets.isStreamAt(number, address)).boxed().toList();
                assertThat(taken).hasSize(1).doesNotContain(datagrams.intValue());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_received_unix_connection_is_a_socket_channel_whatever_its_blocking_mode_was(boolean nonblocking)
            throws Exception {
        try (Fd.Pair pair = Fd.socketpair(); FdChannel peer = new FdChannel(pair.first())) {
            if (nonblocking)
                try (SocketChannel temporary = JdkChannels.socketChannel(pair.second().dup())) {
                    temporary.configureBlocking(false);
                }
            try (Fd sharing = pair.second().dup();
                    SocketChannel channel = JdkChannels.socketChannel(passed(pair.second()))) {
                assertThat(Sockets.statusFlags(sharing.intValue()) & Constants.O_NONBLOCK).isZero();
                assertCarriesBytes(peer, channel);
            }
            assertThat(peer.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        }
    }

    private static void assertCarriesBytes(java.nio.channels.ByteChannel peer, SocketChannel channel)
            throws IOException {
        assertThat(channel.isConnected()).isTrue();
        assertThat(channel.isBlocking()).isTrue();
        peer.write(bytes("request"));
        assertThat(read(channel, 7)).isEqualTo("request");
        channel.write(bytes("reply"));
        assertThat(read(peer, 5)).isEqualTo("reply");
        try (Selector selector = Selector.open()) {
            channel.configureBlocking(false);
            assertThat(channel.read(ByteBuffer.allocate(1))).isZero();
            channel.register(selector, SelectionKey.OP_READ);
            assertThat(selector.selectNow()).isZero();
            peer.write(bytes("again"));
            assertThat(selector.select()).isEqualTo(1);
            assertThat(read(channel, 5)).isEqualTo("again");
        }
    }

    /** An IPv4 socket bound, or if it is to be a client connected, to a port of the loopback interface. */
    private static Fd inet(int type, int port, boolean client) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(16, 4);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) AF_INET);
            address.set(ValueLayout.JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2, (short) port);
            address.set(ValueLayout.JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN), 4, 0x7F000001);
            Fd socket = Fd.of(Posix.socket(AF_INET, type, 0));
            assertThat(client
                    ? Posix.connect(socket.intValue(), address.address(), 16)
                    : Posix.bind(socket.intValue(), address.address(), 16)).isZero();
            return socket;
        }
    }

    @Test
    void no_temporary_file_is_left_behind() throws Exception {
        String output = new ChildJvm().option("-Djava.io.tmpdir=" + directory).run(TemporaryFiles.class);
        assertThat(output).isEqualTo("made\n");
        assertThat(directory).isEmptyDirectory();
    }

    /** In a JVM whose temporary directory is nobody else's. */
    static final class TemporaryFiles {
        private TemporaryFiles() {}

        public static void main(String[] arguments) throws IOException {
            try (Fd.Pair pair = Fd.socketpair();
                    Fd folder = Fd.open(Path.of("/"));
                    FileChannel file = JdkChannels.fileChannel(Fd.open(Path.of("/dev/null")));
                    SocketChannel socket = JdkChannels.socketChannel(pair.first())) {
                if (file.isOpen() && socket.isOpen())
                    System.out.println("made");
                JdkChannels.fileChannel(folder);
            } catch (IllegalArgumentException _) {
                // the directory
            }
        }
    }

    @Test
    void what_fits_no_jdk_channel_is_refused_by_name_and_stays_the_callers() throws Exception {
        try (Fd.Pair sockets = Fd.socketpair();
                Fd folder = Fd.open(directory);
                Fd file = Fd.open(Path.of("/dev/null"))) {
            assertThatIllegalArgumentException().isThrownBy(() -> JdkChannels.fileChannel(sockets.first()))
                    .withMessageContaining("is a socket");
            assertThatIllegalArgumentException().isThrownBy(() -> JdkChannels.fileChannel(folder))
                    .withMessageContaining("is a directory");
            assertThatIllegalArgumentException().isThrownBy(() -> JdkChannels.socketChannel(file))
                    .withMessageContaining("not a connected stream socket");
            for (Fd fd : new Fd[]{sockets.first(), folder, file})
                assertThat(fd.isOpen()).isTrue();
        }
        try (Fd listening = UnixListener.at(UnixAddress.of(directory.resolve("l"))).listen().handOn()) {
            assertThatIllegalArgumentException().isThrownBy(() -> JdkChannels.socketChannel(listening));
            assertThat(listening.isOpen()).isTrue();
        }
        try (Fd datagrams = inet(SOCK_DGRAM, 0, false)) {
            assertThatIllegalArgumentException().isThrownBy(() -> JdkChannels.socketChannel(datagrams));
            assertThat(datagrams.isOpen()).isTrue();
        }
        Fd closed = Fd.open(directory);
        closed.close();
        assertThatIllegalStateException().isThrownBy(() -> JdkChannels.fileChannel(closed));
        assertThatIllegalStateException().isThrownBy(() -> JdkChannels.socketChannel(closed));
    }
}
