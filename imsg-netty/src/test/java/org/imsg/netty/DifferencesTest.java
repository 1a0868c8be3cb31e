package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.netty.Wire.pipeSaying;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultMessageSizeEstimator;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollMode;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.DuplexChannelConfig;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.DomainSocketChannel;
import io.netty.channel.unix.DomainSocketChannelConfig;
import io.netty.channel.unix.DomainSocketReadMode;
import io.netty.channel.unix.UnixChannel;
import io.netty.channel.unix.UnixChannelOption;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.imsg.sys.Constants;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The rows of the README's table of what a user of Netty's own channel finds different. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class DifferencesTest {
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void it_is_a_unix_channel_of_two_directions_and_has_no_mode_of_reading(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        try {
            assertThat(channel).isInstanceOf(UnixChannel.class).isInstanceOf(DuplexChannel.class)
                    .isNotInstanceOf(DomainSocketChannel.class);
            assertThat(channel.config()).isInstanceOf(DuplexChannelConfig.class)
                    .isNotInstanceOf(DomainSocketChannelConfig.class);
            assertThat(channel.config().setOption(UnixChannelOption.DOMAIN_SOCKET_READ_MODE,
                    DomainSocketReadMode.FILE_DESCRIPTORS)).isFalse();
            assertThat(channel.config().getOption(UnixChannelOption.DOMAIN_SOCKET_READ_MODE)).isNull();
        } finally {
            channel.close().sync();
            pair.close();
        }
    }

    @SuppressWarnings("deprecation") // EPOLL_MODE is on its way out of Netty too
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void it_is_level_triggered_says_so_and_cannot_be_set_to_anything_else(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        try {
            assertThat(channel.config().getOption(EpollChannelOption.EPOLL_MODE)).isEqualTo(EpollMode.LEVEL_TRIGGERED);
            assertThat(channel.config().getOptions()).containsEntry(EpollChannelOption.EPOLL_MODE,
                    EpollMode.LEVEL_TRIGGERED);
            assertThat(channel.config().setOption(EpollChannelOption.EPOLL_MODE, EpollMode.EDGE_TRIGGERED)).isFalse();
            assertThat(channel.config().setOption(EpollChannelOption.EPOLL_MODE, EpollMode.LEVEL_TRIGGERED)).isTrue();
            assertThat(channel.config().getOption(EpollChannelOption.EPOLL_MODE)).isEqualTo(EpollMode.LEVEL_TRIGGERED);
        } finally {
            channel.close().sync();
            pair.close();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void its_peer_has_the_ids_that_nettys_own_channel_sees_in_a_type_of_ours(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        ImsgSocketChannel channel = (ImsgSocketChannel) Wire.open(loops.group(), pair.first());
        EpollDomainSocketChannel stock = new EpollDomainSocketChannel(pair.second().intValue());
        try {
            PeerCredentials ours = channel.peerCredentials();
            io.netty.channel.unix.PeerCredentials nettys = stock.peerCredentials();
            assertThat(ours.pid()).isEqualTo(nettys.pid());
            assertThat(ours.uid()).isEqualTo(nettys.uid());
            assertThat(ours.gid()).isEqualTo(nettys.gids()[0]);
        } finally {
            channel.close().sync();
            pair.close();
        }
    }

    /** Each setter is the option of its name, and returns the configuration in the type that has ours. */
    @SuppressWarnings("deprecation") // as Netty's own, which every configuration has
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void its_configuration_has_the_setters_of_a_duplex_channel_and_ours(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        ImsgSocketChannel channel = (ImsgSocketChannel) Wire.open(loops.group(), pair.first());
        try {
            RecvByteBufAllocator sizes = new FixedRecvByteBufAllocator(100);
            ImsgChannelConfig config = channel.config().setAllowHalfClosure(true).setAllowFdPassing(false)
                    .setSendBufferSize(20_000).setReceiveBufferSize(30_000).setConnectTimeoutMillis(7)
                    .setWriteSpinCount(3).setAllocator(UnpooledByteBufAllocator.DEFAULT)
                    .setRecvByteBufAllocator(sizes).setMaxMessagesPerRead(5).setAutoRead(false).setAutoClose(false)
                    .setWriteBufferHighWaterMark(90_000).setWriteBufferLowWaterMark(10_000)
                    .setWriteBufferWaterMark(new WriteBufferWaterMark(1000, 2000))
                    .setMessageSizeEstimator(DefaultMessageSizeEstimator.DEFAULT);
            assertThat(config).isSameAs(channel.config());
            assertThat(config.isAllowHalfClosure()).isTrue();
            assertThat(config.getOption(ChannelOption.ALLOW_HALF_CLOSURE)).isTrue();
            assertThat(config.isAllowFdPassing()).isFalse();
            assertThat(config.getOption(ImsgChannelOption.ALLOW_FD_PASSING)).isFalse();
            assertThat(config.getSendBufferSize()).isGreaterThanOrEqualTo(20_000)
                    .isEqualTo(config.getOption(ChannelOption.SO_SNDBUF));
            assertThat(config.getReceiveBufferSize()).isGreaterThanOrEqualTo(30_000)
                    .isEqualTo(config.getOption(ChannelOption.SO_RCVBUF));
            assertThat(config.getOption(ChannelOption.CONNECT_TIMEOUT_MILLIS)).isEqualTo(7);
            assertThat(config.getOption(ChannelOption.WRITE_SPIN_COUNT)).isEqualTo(3);
            assertThat(config.getOption(ChannelOption.ALLOCATOR)).isSameAs(UnpooledByteBufAllocator.DEFAULT);
            assertThat((Object) config.getOption(ChannelOption.RECVBUF_ALLOCATOR)).isSameAs(sizes);
            assertThat(config.getOption(ChannelOption.MAX_MESSAGES_PER_READ)).isEqualTo(5);
            assertThat(config.getOption(ChannelOption.AUTO_READ)).isFalse();
            assertThat(config.getOption(ChannelOption.AUTO_CLOSE)).isFalse();
            assertThat(config.getOption(ChannelOption.WRITE_BUFFER_WATER_MARK).high()).isEqualTo(2000);
            assertThat(config.getOption(ChannelOption.MESSAGE_SIZE_ESTIMATOR))
                    .isSameAs(DefaultMessageSizeEstimator.DEFAULT);
            assertThatThrownBy(() -> config.setAllocator(null)).isInstanceOf(NullPointerException.class);
        } finally {
            channel.close().sync();
            pair.close();
        }
        assertThatThrownBy(() -> channel.config().setSendBufferSize(1)).isInstanceOf(ChannelException.class)
                .hasCauseInstanceOf(ClosedChannelException.class);
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void its_reads_shrink_to_512_bytes_where_those_of_nettys_own_shrink_to_64(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops, pair.first());
        try (pair) {
            RecvByteBufAllocator.ExtendedHandle sizes = (RecvByteBufAllocator.ExtendedHandle) channel.config()
                    .getRecvByteBufAllocator().newHandle();
            for (int i = 0; i < 100; i++) {
                sizes.reset(channel.config());
                sizes.attemptedBytesRead(sizes.guess());
                sizes.lastBytesRead(1);
                sizes.readComplete();
            }
            assertThat(sizes.guess()).isEqualTo(loops == Loops.NETTYS_OWN ? 64 : 512);
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_bind_leaves_alone_what_has_the_path_already_and_nettys_own_removes_it(Loops loops, @TempDir Path directory)
            throws Exception {
        Path taken = Files.writeString(directory.resolve("taken"), "a file");
        Channel channel = new Bootstrap().group(loops.group()).channel(loops.channelType()).handler(new Events())
                .register().sync().channel();
        try {
            ChannelFuture bound = channel.bind(new DomainSocketAddress(taken.toFile())).await();
            assertThat(bound.isSuccess()).isEqualTo(loops == Loops.NETTYS_OWN);
            assertThat(Files.isRegularFile(taken)).isEqualTo(loops != Loops.NETTYS_OWN);
            if (bound.cause() != null)
                assertThat(bound.cause()).isInstanceOf(IOException.class).hasMessageContaining("EADDRINUSE");
        } finally {
            channel.close().sync();
        }
    }

    /** Netty's own closes then in 4.2.18, and did not in 4.2.2. */
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_half_closed_channel_may_be_asked_to_read(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), Map.of(ChannelOption.ALLOW_HALF_CLOSURE, true,
                ChannelOption.AUTO_READ, false), events);
        try (Wire peer = new Wire(pair.second())) {
            SocketCalls.shutdown(peer.socket(), Constants.SHUT_WR);
            events.expect(ChannelInputShutdownEvent.INSTANCE);
            events.expect(ChannelInputShutdownReadComplete.INSTANCE);
            channel.read();
            channel.eventLoop().submit(() -> {}).sync();
            assertThat(channel.isOpen()).isTrue();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_composite_with_a_descriptor_is_copied_and_arrives_whole(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        try (Wire peer = new Wire(pair.second())) {
            ByteBuf part = Unpooled.directBuffer(3).writeBytes(new byte[]{'a', 'b', 'c'});
            CompositeByteBuf whole = Unpooled.compositeBuffer().addComponent(true, part)
                    .addComponent(true, Wire.bytes("def"));
            channel.writeAndFlush(new FdBuf(whole, pipeSaying("along"))).sync();
            Wire.Received received = peer.receive();
            assertThat(received.text()).isEqualTo("abcdef");
            assertThat(Wire.say(received.fd())).isEqualTo("along");
            assertThat(part.refCnt()).isZero();
        } finally {
            channel.close().sync();
        }
    }
}
