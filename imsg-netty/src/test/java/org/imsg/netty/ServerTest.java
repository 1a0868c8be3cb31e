package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.imsg.netty.Wire.bytes;
import static org.imsg.netty.Wire.say;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.uring.IoUringServerDomainSocketChannel;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.netty.handler.ImsgRequests;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Servers and clients as a Netty user writes them, and the core's blocking channel as their peer. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class ServerTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @EnumSource(value = Loops.class, names = {"EPOLL", "IO_URING"})
    void every_accepted_connection_is_an_imsg_channel_with_its_options_and_its_parent(Loops loops) throws Exception {
        org.junit.jupiter.api.Assumptions.assumeTrue(Loops.available().anyMatch(loops::equals), "no io_uring here");
        Class<? extends ServerChannel> type = loops == Loops.EPOLL
                ? EpollServerDomainSocketChannel.class
                : IoUringServerDomainSocketChannel.class;
        BlockingQueue<Channel> children = new LinkedBlockingQueue<>();
        DomainSocketAddress address = new DomainSocketAddress(directory.resolve("socket").toFile());
        Channel server = new ServerBootstrap().group(loops.group()).channel(type).handler(new ImsgServer())
                .childOption(ImsgChannelOption.ALLOW_FD_PASSING, true).childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel child) {
                        child.pipeline().addLast(new Events());
                        children.add(child);
                    }
                }).bind(address).sync().channel();
        Events events = new Events();
        Channel client = new Bootstrap().group(loops.group()).channel(ImsgSocketChannel.class).handler(events)
                .connect(address).sync().channel();
        Channel child = children.take();
        try {
            assertThat(child).isInstanceOf(ImsgSocketChannel.class);
            assertThat(child.parent()).isSameAs(server);
            assertThat(child.localAddress()).isEqualTo(address);
            assertThat(child.remoteAddress()).isEqualTo(new DomainSocketAddress(""));
            assertThat(child.config().getOption(ImsgChannelOption.ALLOW_FD_PASSING)).isTrue();
            assertThat(((ImsgSocketChannel) child).peerCredentials().pid())
                    .isEqualTo((int) ProcessHandle.current().pid());
            child.writeAndFlush(bytes("welcome")).sync();
            assertThat(events.text(7)).isEqualTo("welcome");
        } finally {
            client.close().sync();
            child.closeFuture().sync();
            server.close().sync();
        }
    }

    @Test
    void the_server_of_the_readme_opens_files_for_a_client_of_nettys_and_for_a_blocking_one() throws Exception {
        Path file = Files.writeString(directory.resolve("greeting"), "hello from a file");
        Path socket = directory.resolve("files.sock");
        Channel server = FileServer.listen(Loops.EPOLL.group(), socket).sync().channel();
        // @start region=client
        ImsgRequests requests = new ImsgRequests();
        Channel client = new Bootstrap().group(Loops.EPOLL.group()).channel(ImsgSocketChannel.class)
                .option(ImsgChannelOption.ALLOW_FD_PASSING, true).handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new ImsgCodec().format(WireFormat.MODERN), requests);
                    }
                }).connect(new DomainSocketAddress(socket.toFile())).sync().channel();
        // @end
        try (ImsgChannel blocking = ImsgChannel.connect(socket)) {
            ImsgMessage opened = requests.request(open(file), Duration.ofSeconds(20)).sync().getNow();
            assertThat(opened.type()).isEqualTo(FileServer.OPENED);
            assertThat(say(opened.takeFd())).isEqualTo("hello from a file");
            opened.release();
            ImsgMessage denied = requests.request(open(directory.resolve("nothing")), Duration.ofSeconds(20)).sync()
                    .getNow();
            assertThat(denied.type()).isEqualTo(FileServer.DENIED);
            assertThat(Messages.text(denied)).contains("ENOENT");
            denied.release();

            blocking.allowFdPassing().send(Imsg.of(FileServer.OPEN, file.toString().getBytes(StandardCharsets.UTF_8)));
            try (Imsg reply = blocking.receive(); FdChannel content = new FdChannel(reply.takeFd())) {
                ByteBuffer buffer = ByteBuffer.allocate(100);
                content.read(buffer);
                assertThat(new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8))
                        .isEqualTo("hello from a file");
            }
        } finally {
            client.close().sync();
            server.close().sync();
        }
    }

    private static ImsgMessage open(Path file) {
        return new ImsgMessage(FileServer.OPEN, 0, 0, Unpooled.copiedBuffer(file.toString(), StandardCharsets.UTF_8));
    }

    @Test
    void a_slow_reader_is_cut_off_with_its_descriptors_closed() throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(Loops.EPOLL.group(), pair.first(),
                new org.imsg.netty.handler.ImsgLimits().stall(Duration.ofMillis(100)),
                new ImsgCodec().format(WireFormat.MODERN), events);
        try (Wire peer = new Wire(pair.second())) {
            while (channel.isWritable()) {
                channel.writeAndFlush(new ImsgMessage(1, 0, 0, bytes("x".repeat(5000)), Wire.pipeSaying("")));
                channel.eventLoop().submit(() -> {}).sync();
            }
            assertThat(events.next(org.imsg.netty.handler.PeerLimitException.class)).hasMessageContaining("100 ms");
            events.expect(Events.INACTIVE);
            assertThat(peer.socket().isOpen()).isTrue();
        }
    }
}
