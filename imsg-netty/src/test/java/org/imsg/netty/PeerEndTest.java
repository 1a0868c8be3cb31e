package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.imsg.netty.Wire.bytes;
import static org.imsg.netty.Wire.pipeSaying;
import static org.imsg.netty.Wire.say;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultMaxBytesRecvByteBufAllocator;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.imsg.sys.Constants;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The end of a peer is noticed by a channel that does not read, as one that holds back its peer does not. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class PeerEndTest {
    private static final Map<ChannelOption<?>, Object> IDLE = Map.of(ChannelOption.AUTO_READ, false);

    @TempDir
    private Path directory;

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_channel_that_never_read_closes_when_its_peer_does(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), IDLE, events);
        events.expect(Events.ACTIVE);
        pair.second().close();
        events.expect(Events.INACTIVE);
        assertThat(channel.isOpen()).isFalse();
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void so_does_one_whose_peer_was_gone_before_it_was_registered(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        pair.second().close();
        Events events = new Events();
        Wire.open(loops, pair.first(), IDLE, events);
        events.expect(Events.INACTIVE);
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void so_does_a_client_that_stopped_reading(Loops loops) throws Exception {
        Path path = directory.resolve("socket");
        try (UnixListener listener = UnixListener.at(UnixAddress.of(path)).backlog(5).listen()) {
            Events events = new Events();
            Channel channel = new Bootstrap().group(loops.group()).channel(loops.channelType()).handler(events)
                    .connect(new DomainSocketAddress(path.toFile())).sync().channel();
            try (Wire peer = new Wire(listener.accept())) {
                peer.send("read");
                assertThat(events.text(4)).isEqualTo("read");
                channel.config().setAutoRead(false);
                channel.eventLoop().submit(() -> {}).sync();
            }
            events.expect(Events.INACTIVE);
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void what_the_peer_sent_before_its_end_is_delivered_first(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), IDLE, events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send("x".repeat(100_000));
            peer.send("with", pipeSaying("a descriptor"));
            channel.eventLoop().submit(() -> {}).sync();
            events.expect(Events.ACTIVE);
            assertThat(events.isEmpty()).as("nothing is read before the peer's end").isTrue();
        }
        StringBuilder text = new StringBuilder();
        for (Object event; (event = events.next()) != Events.INACTIVE;) {
            if (event instanceof FdBuf withFd) {
                assertThat(say(withFd.takeFd())).isEqualTo("a descriptor");
                assertThat(withFd.content().toString(StandardCharsets.ISO_8859_1)).endsWith("with");
                text.append(withFd.content().toString(StandardCharsets.ISO_8859_1));
            } else {
                text.append(((ByteBuf) event).toString(StandardCharsets.ISO_8859_1));
            }
            ReferenceCountUtil.release(event);
        }
        assertThat(text.length()).isEqualTo(100_004);
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void all_of_it_is_although_the_allocator_allows_so_many_bytes_a_turn(Loops loops) throws Exception {
        for (boolean autoRead : new boolean[]{false, true}) {
            Fd.Pair pair = Fd.socketpair();
            Events events = new Events();
            try (Wire peer = new Wire(pair.second())) {
                peer.send("x".repeat(100_000));
            }
            Wire.open(loops, pair.first(), Map.of(ChannelOption.AUTO_READ, autoRead,
                    ChannelOption.RECVBUF_ALLOCATOR, new DefaultMaxBytesRecvByteBufAllocator(1000, 1000)), events);
            assertThat(events.text(100_000)).hasSize(100_000);
            events.expect(Events.INACTIVE);
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void it_is_noticed_although_the_allocator_fails_at_first(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        var failing = new DefaultMaxMessagesRecvByteBufAllocator() {
            private boolean failed;

            @Override
            public ExtendedHandle newHandle() {
                return new MaxMessageHandle() {
                    @Override
                    public int guess() {
                        if (failed)
                            return 1000;
                        failed = true;
                        throw new IllegalStateException("not now");
                    }
                };
            }
        };
        Wire.open(loops, pair.first(),
                Map.of(ChannelOption.AUTO_READ, false, ChannelOption.RECVBUF_ALLOCATOR, failing), events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send("last");
        }
        events.expect(Events.ACTIVE);
        assertThat(events.next(IllegalStateException.class)).hasMessage("not now");
        assertThat(events.text(4)).isEqualTo("last");
        events.expect(Events.INACTIVE);
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void one_that_waits_for_room_to_write_notices_too(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), IDLE, events);
        ChannelFuture never = channel.writeAndFlush(bytes("x".repeat(1_000_000)));
        channel.eventLoop().submit(() -> {}).sync();
        pair.second().close();
        events.expect(Events.ACTIVE);
        assertThat(never.await().isSuccess()).isFalse();
        channel.closeFuture().sync();
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void with_half_closure_it_is_told_of_the_end_of_the_input_once_and_goes_on_writing(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(),
                Map.of(ChannelOption.AUTO_READ, false, ChannelOption.ALLOW_HALF_CLOSURE, true), events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send("last");
            SocketCalls.shutdown(peer.socket(), Constants.SHUT_WR);
            assertThat(events.text(4)).isEqualTo("last");
            events.expect(ChannelInputShutdownEvent.INSTANCE);
            events.expect(ChannelInputShutdownReadComplete.INSTANCE);
            assertThat(((DuplexChannel) channel).isInputShutdown()).isTrue();
            ChannelFuture sent = channel.writeAndFlush(bytes("x".repeat(1_000_000)));
            assertThat(peer.text(1_000_000)).isEqualTo("x".repeat(1_000_000));
            sent.sync();
            channel.read();
            channel.eventLoop().submit(() -> {}).sync();
            assertThat(events.isEmpty()).as("no second event").isTrue();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void it_is_noticed_on_the_loop_that_the_channel_moved_to(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), IDLE, events);
        channel.deregister().sync();
        loops.other().group().next().register(channel).sync();
        pair.second().close();
        events.expect(Events.INACTIVE);
    }
}
