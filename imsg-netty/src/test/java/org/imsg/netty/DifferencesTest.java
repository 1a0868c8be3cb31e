package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.imsg.netty.Wire.pipeSaying;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.DuplexChannelConfig;
import io.netty.channel.unix.DomainSocketChannel;
import io.netty.channel.unix.DomainSocketReadMode;
import io.netty.channel.unix.UnixChannel;
import io.netty.channel.unix.UnixChannelOption;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The rows of the README's table of what a user of Netty's own channel finds different. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class DifferencesTest {
    @SuppressWarnings("deprecation") // EPOLL_MODE is on its way out of Netty too
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void it_is_a_unix_channel_of_two_directions_whose_mode_of_reading_and_polling_cannot_be_set(Loops loops)
            throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        try {
            assertThat(channel).isInstanceOf(UnixChannel.class).isInstanceOf(DuplexChannel.class)
                    .isNotInstanceOf(DomainSocketChannel.class);
            assertThat(channel.config()).isNotInstanceOf(DuplexChannelConfig.class);
            assertThat(channel.config().setOption(EpollChannelOption.EPOLL_MODE,
                    io.netty.channel.epoll.EpollMode.EDGE_TRIGGERED)).isFalse();
            assertThat(channel.config().getOption(EpollChannelOption.EPOLL_MODE)).isNull();
            assertThat(channel.config().setOption(UnixChannelOption.DOMAIN_SOCKET_READ_MODE,
                    DomainSocketReadMode.FILE_DESCRIPTORS)).isFalse();
            assertThat(((ImsgSocketChannel) channel).peerCredentials()).isInstanceOf(PeerCredentials.class);
        } finally {
            channel.close().sync();
            pair.close();
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
