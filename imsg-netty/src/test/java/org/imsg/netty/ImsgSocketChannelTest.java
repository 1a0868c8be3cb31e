package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.imsg.netty.Wire.bytes;
import static org.imsg.netty.Wire.pipeSaying;
import static org.imsg.netty.Wire.say;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.channels.ClosedChannelException;
import java.util.stream.Stream;
import java.nio.file.Path;
import java.nio.file.Files;
import java.util.Map;
import org.imsg.DescriptorState;
import org.imsg.WireFormat;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every Netty channel does, and the descriptors that no other one carries. */
@ExtendWith(LeakDetection.class)
class ImsgSocketChannelTest {
    /** In Linux since 6.5. */
    private static final int SO_PASSPIDFD = 76;
    private static final int SO_PASSCRED = 16;

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_descriptor_comes_with_the_bytes_it_was_sent_with(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send("with", pipeSaying("read me"));
            FdBuf received = events.next(FdBuf.class);
            assertThat(received.hasFd()).isTrue();
            assertThat(received.isLost()).isFalse();
            assertThat(say(received.takeFd())).isEqualTo("read me");
            received.release();

            channel.writeAndFlush(new FdBuf(bytes("back"), pipeSaying("me too"))).sync();
            Wire.Received back = peer.receive();
            assertThat(back.text()).isEqualTo("back");
            assertThat(say(back.fd())).isEqualTo("me too");
        } finally {
            channel.close().sync();
        }
    }

    private static void set(Channel receiver, int option) {
        try (Arena arena = Arena.ofConfined()) {
            int result = Posix.setsockopt(((ImsgSocketChannel) receiver).fd().intValue(), Constants.SOL_SOCKET, option,
                    arena.allocateFrom(ValueLayout.JAVA_INT, 1).address(), 4);
            assumeThat(result).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void what_the_socket_adds_to_each_message_is_no_lost_descriptor(Loops loops) throws Exception {
        for (boolean allowed : new boolean[]{false, true}) {
            Fd.Pair pair = Fd.socketpair();
            Events events = new Events();
            Channel channel = Wire.open(loops.group(), pair.first(),
                    Map.of(ImsgChannelOption.ALLOW_FD_PASSING, allowed), events);
            try (Wire peer = new Wire(pair.second())) {
                set(channel, SO_PASSCRED);
                set(channel, SO_PASSPIDFD);
                long before = openPidfds();
                for (int i = 0; i < 3; i++) {
                    peer.send("plain");
                    ByteBuf received = events.next(ByteBuf.class);
                    assertThat(received.readableBytes()).isEqualTo(5);
                    received.release();
                }
                assertThat(openPidfds()).isEqualTo(before);
            } finally {
                channel.close().sync();
            }
        }
    }

    private static long openPidfds() throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.filter(descriptor -> {
                try {
                    return Files.readSymbolicLink(descriptor).toString().contains("pidfd");
                } catch (IOException closedMeanwhile) {
                    return false;
                }
            }).count();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_pidfd_that_the_socket_adds_to_each_message_is_closed_and_counted(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        ImsgCodec codec = new ImsgCodec().format(WireFormat.MODERN);
        Channel channel = Wire.open(loops.group(), pair.first(), codec, events);
        try (Wire peer = new Wire(pair.second())) {
            set(channel, SO_PASSPIDFD);
            long before = openPidfds();
            for (int i = 0; i < 20; i++) {
                if (i % 2 == 0)
                    peer.send(Messages.marked(1, i, "x"), pipeSaying("beside a pidfd"));
                else
                    peer.send(Messages.plain(1, i, "x"));
                ImsgMessage message = events.next(ImsgMessage.class);
                if (i % 2 == 0)
                    assertThat(say(message.takeFd())).isEqualTo("beside a pidfd");
                assertThat(message.hasFd()).isFalse();
                message.release();
            }
            assertThat(openPidfds()).isEqualTo(before);
            assertThat(((ImsgSocketChannel) channel).surplusDescriptors()).isEqualTo(20);
            assertThat(codec.surplusDescriptors()).isZero();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void descriptors_beside_the_first_and_those_no_message_claims_are_closed_and_counted(Loops loops)
            throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        ImsgCodec codec = new ImsgCodec().format(WireFormat.MODERN);
        Channel channel = Wire.open(loops.group(), pair.first(), codec, events);
        try (Wire peer = new Wire(pair.second()); Fd.Pair pipe = Fd.pipe()) {
            peer.sendKeeping(Messages.marked(1, 0, "three"), pipe.first(), pipe.first(), pipe.first());
            assertThat(events.next(ImsgMessage.class).release()).isTrue();
            peer.sendKeeping(Messages.plain(1, 0, "unclaimed"), pipe.first());
            assertThat(events.next(ImsgMessage.class).release()).isTrue();
            assertThat(((ImsgSocketChannel) channel).surplusDescriptors()).isEqualTo(2);
            peer.sendKeeping(Messages.plain(1, 0, "so that the one before is no message's for certain"));
            assertThat(events.next(ImsgMessage.class).release()).isTrue();
            assertThat(codec.surplusDescriptors()).isEqualTo(1);
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_descriptor_that_nobody_takes_is_closed_on_release(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), events);
        try (Wire peer = new Wire(pair.second()); Fd.Pair pipe = Fd.pipe()) {
            peer.send("x", pipe.first().move());
            FdBuf received = events.next(FdBuf.class);
            received.retain();
            assertThat(received.release()).isFalse();
            assertThat(received.hasFd()).isTrue();
            assertThat(received.release()).isTrue();
            assertThat(received.hasFd()).isFalse();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void without_permission_descriptors_are_lost_on_the_way_in_and_refused_on_the_way_out(Loops loops)
            throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), Map.of(ImsgChannelOption.ALLOW_FD_PASSING, false),
                new ImsgCodec().format(WireFormat.MODERN), events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send(Messages.marked(1, 7, "x"), pipeSaying("unheard"));
            ImsgMessage received = events.next(ImsgMessage.class);
            assertThat(received.hasFd()).isFalse();
            assertThat(received.descriptor()).isEqualTo(DescriptorState.LOST);
            received.release();

            ChannelFuture refused = channel.writeAndFlush(new FdBuf(bytes("y"), pipeSaying("unsaid")));
            assertThatThrownBy(refused::sync).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("ALLOW_FD_PASSING");
            channel.writeAndFlush(bytes("still here")).sync();
            assertThat(peer.receive().text()).isEqualTo("still here");
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void heap_and_composite_buffers_are_sent_too(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        try (Wire peer = new Wire(pair.second())) {
            CompositeByteBuf composite = Unpooled.compositeBuffer().addComponents(true, bytes("two "), bytes("parts"));
            channel.write(Unpooled.buffer().writeBytes("heap ".getBytes()));
            channel.write(composite);
            channel.write(new FdBuf(bytes(" and one"), pipeSaying("")));
            channel.writeAndFlush(Unpooled.EMPTY_BUFFER).sync();
            assertThat(peer.text(22)).isEqualTo("heap two parts and one");
            ChannelFuture refused = channel.writeAndFlush(ImsgMessage.of(1));
            assertThatThrownBy(refused::sync).isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("ImsgCodec");
            assertThatThrownBy(channel.writeAndFlush(new FdBuf(Unpooled.EMPTY_BUFFER, pipeSaying("")))::sync)
                    .isInstanceOf(IllegalArgumentException.class);
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void the_end_of_the_stream_closes_the_channel_and_queued_descriptors_with_it(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), events);
        ChannelFuture unflushed = channel.write(new FdBuf(bytes("never flushed"), pipeSaying("never read")));
        pair.second().close();
        events.expect(Events.INACTIVE);
        assertThatThrownBy(unflushed::sync).isInstanceOf(ClosedChannelException.class);
        assertThat(channel.isOpen()).isFalse();
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void descriptors_count_for_writability(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        try (Wire peer = new Wire(pair.second())) {
            int queued = 0;
            while (channel.isWritable()) {
                channel.write(new FdBuf(bytes("x"), pipeSaying("")));
                channel.eventLoop().submit(() -> {}).sync();
                queued++;
            }
            assertThat(queued).isLessThanOrEqualTo(64);
            channel.flush();
            assertThat(peer.text(queued)).isEqualTo("x".repeat(queued));
            channel.eventLoop().submit(() -> {}).sync();
            assertThat(channel.isWritable()).isTrue();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void the_peers_credentials_are_the_kernels(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        ImsgSocketChannel channel = (ImsgSocketChannel) Wire.open(loops.group(), pair.first());
        try {
            PeerCredentials peer = channel.peerCredentials();
            assertThat(peer.pid()).isEqualTo((int) ProcessHandle.current().pid());
        } finally {
            channel.close().sync();
            pair.close();
        }
        assertThatThrownBy(channel::peerCredentials).isInstanceOf(ClosedChannelException.class);
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void the_ends_of_a_socketpair_have_addresses_without_a_name(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        try {
            assertThat(channel.localAddress()).isEqualTo(new DomainSocketAddress(""));
            assertThat(channel.remoteAddress()).isEqualTo(new DomainSocketAddress(""));
        } finally {
            channel.close().sync();
            pair.close();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void its_options_are_read_back_as_they_were_set(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        try {
            assertThat(channel.config().setOption(ChannelOption.SO_SNDBUF, 10_000)).isTrue();
            assertThat(channel.config().getOption(ChannelOption.SO_SNDBUF)).isGreaterThanOrEqualTo(10_000);
            assertThat(channel.config().setOption(ChannelOption.SO_RCVBUF, 10_000)).isTrue();
            assertThat(channel.config().getOption(ChannelOption.SO_RCVBUF)).isGreaterThanOrEqualTo(10_000);
            assertThat(channel.config().getOption(ImsgChannelOption.ALLOW_FD_PASSING)).isTrue();
            assertThat(channel.config().getOptions()).containsKeys(ChannelOption.ALLOW_HALF_CLOSURE,
                    ImsgChannelOption.ALLOW_FD_PASSING, ChannelOption.SO_SNDBUF);
        } finally {
            channel.close().sync();
            pair.close();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void copies_of_bytes_with_a_descriptor_have_the_bytes_only_and_a_replacement_has_both(Loops loops)
            throws Exception {
        FdBuf original = new FdBuf(bytes("bytes"), pipeSaying("descriptor"));
        FdBuf copy = original.copy();
        FdBuf duplicate = original.retainedDuplicate();
        assertThat(copy.hasFd()).isFalse();
        assertThat(duplicate.hasFd()).isFalse();
        ByteBuf other = bytes("other bytes");
        FdBuf replaced = original.replace(other);
        assertThat(original.hasFd()).isFalse();
        assertThat(replaced.content()).isSameAs(other);
        assertThat(say(replaced.takeFd())).isEqualTo("descriptor");
        copy.release();
        duplicate.release();
        replaced.release();
        original.release();
    }
}
