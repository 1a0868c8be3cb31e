package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.netty.Wire.bytes;
import static org.imsg.netty.Wire.pipeSaying;
import static org.imsg.netty.Wire.say;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultSelectStrategyFactory;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SelectStrategy;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.WireFormat;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What goes wrong first when somebody writes such a channel: each of these fails without the line that guards against it. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class TrapsTest {
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void each_sendmsg_carries_one_descriptor_and_with_its_first_byte(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        try (Wire peer = new Wire(pair.second())) {
            channel.write(bytes("plain,"));
            channel.write(new FdBuf(bytes("first,"), pipeSaying("1")));
            channel.write(new FdBuf(bytes("second,"), pipeSaying("2")));
            channel.write(bytes("more,"));
            channel.writeAndFlush(new FdBuf(bytes("third."), pipeSaying("3"))).sync();
            // Linux ends a recvmsg after the bytes that a descriptor came with.
            StringBuilder text = new StringBuilder();
            for (int expected = 1; expected <= 3; expected++) {
                Wire.Received received = peer.receive();
                assertThat(received.descriptors()).isEqualTo(1);
                assertThat(say(received.fd())).isEqualTo("" + expected);
                text.append(received.text()).append('|');
            }
            assertThat(text.toString()).isEqualTo("plain,first,|second,|more,third.|");
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void who_reads_one_byte_has_the_descriptor_already(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        try (Wire peer = new Wire(pair.second())) {
            channel.writeAndFlush(new FdBuf(bytes("message"), pipeSaying("with the first byte"))).sync();
            Wire.Received first = peer.receive(1);
            assertThat(first.text()).isEqualTo("m");
            assertThat(say(first.fd())).isEqualTo("with the first byte");
            assertThat(peer.text(6)).isEqualTo("essage");
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_read_that_a_descriptor_cut_short_is_not_the_last_of_its_loop(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events(true);
        Channel channel = Wire.open(loops.group(), pair.first(), Map.of(ChannelOption.AUTO_READ, false), events);
        try (Wire peer = new Wire(pair.second())) {
            for (int i = 0; i < 5; i++)
                peer.send("message " + i, pipeSaying("" + i));
            channel.config().setAutoRead(true);
            for (int i = 0; i < 5; i++) {
                FdBuf received = events.next(FdBuf.class);
                assertThat(say(received.takeFd())).isEqualTo("" + i);
                received.release();
            }
            events.expect(Events.READ_COMPLETE);
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_descriptor_waits_until_its_header_is_whole(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), new ImsgCodec().format(WireFormat.MODERN), events);
        try (Wire peer = new Wire(pair.second())) {
            byte[] message = Messages.marked(7, 1, "payload");
            for (int i = 0; i < message.length; i++) {
                if (i == 0)
                    peer.send(new byte[]{message[0]}, pipeSaying("I waited"));
                else
                    peer.send(new byte[]{message[i]});
                channel.eventLoop().submit(() -> {}).sync();
            }
            ImsgMessage received = events.next(ImsgMessage.class);
            assertThat(received.type()).isEqualTo(7);
            assertThat(say(received.takeFd())).isEqualTo("I waited");
            received.release();
        } finally {
            channel.close().sync();
        }
    }

    @Test
    void a_dead_peer_does_not_keep_the_loop_of_an_idle_channel_awake() throws Exception {
        AtomicInteger turns = new AtomicInteger();
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1,
                EpollIoHandler.newFactory(0, () -> counting(turns)));
        try {
            Fd.Pair pair = Fd.socketpair();
            Events events = new Events();
            Channel channel = Wire.open(group, pair.first(), Map.of(ChannelOption.ALLOW_HALF_CLOSURE, true), events);
            EventLoop loop = channel.eventLoop();
            channel.config().setAutoRead(false);
            loop.submit(() -> {}).sync();
            pair.second().close();
            events.expect(ChannelInputShutdownEvent.INSTANCE);
            events.expect(ChannelInputShutdownReadComplete.INSTANCE);
            turns.set(0);
            loop.schedule(() -> {}, 200, TimeUnit.MILLISECONDS).sync();
            assertThat(turns.get()).as("turns of the loop in 200 ms").isLessThan(20);
            assertThat(events.isEmpty()).isTrue();
            channel.close().sync();
            events.expect(Events.INACTIVE);
        } finally {
            group.shutdownGracefully(0, 10, TimeUnit.SECONDS).sync();
        }
    }

    @Test
    void an_input_that_was_shut_down_does_not_keep_the_loop_of_a_channel_that_waits_for_room_awake() throws Exception {
        AtomicInteger turns = new AtomicInteger();
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1,
                EpollIoHandler.newFactory(0, () -> counting(turns)));
        try {
            Fd.Pair pair = Fd.socketpair();
            ImsgSocketChannel channel = (ImsgSocketChannel) Wire.open(group, pair.first(),
                    Map.of(ChannelOption.AUTO_READ, false));
            try (Wire peer = new Wire(pair.second())) {
                String much = "x".repeat(1_000_000);
                ChannelFuture sent = channel.writeAndFlush(Wire.bytes(much));
                channel.shutdownInput().sync();
                turns.set(0);
                channel.eventLoop().schedule(() -> {}, 200, TimeUnit.MILLISECONDS).sync();
                assertThat(turns.get()).as("turns of the loop in 200 ms").isLessThan(20);
                assertThat(peer.text(much.length())).isEqualTo(much);
                sent.sync();
            } finally {
                channel.close().sync();
            }
        } finally {
            group.shutdownGracefully(0, 10, TimeUnit.SECONDS).sync();
        }
    }

    private static SelectStrategy counting(AtomicInteger turns) {
        SelectStrategy usual = DefaultSelectStrategyFactory.INSTANCE.newSelectStrategy();
        return (supplier, hasTasks) -> {
            turns.incrementAndGet();
            return usual.calculateStrategy(supplier, hasTasks);
        };
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_channel_that_was_idle_reads_again(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), events);
        try (Wire peer = new Wire(pair.second())) {
            for (int i = 0; i < 3; i++) {
                channel.config().setAutoRead(false);
                channel.eventLoop().submit(() -> {}).sync();
                peer.send("while idle");
                channel.config().setAutoRead(true);
                assertThat(events.text(10)).isEqualTo("while idle");
            }
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_blocking_socket_does_not_block_the_loop(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair(); // blocking, as an inherited one may be
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), events);
        try (Wire peer = new Wire(pair.second())) {
            String much = "0123456789".repeat(200_000);
            ChannelFuture sent = channel.writeAndFlush(bytes(much));
            peer.send("x");
            assertThat(events.text(1)).isEqualTo("x");
            channel.eventLoop().submit(() -> {}).get(20, TimeUnit.SECONDS);
            assertThat(peer.text(much.length())).isEqualTo(much);
            sent.sync();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_bad_descriptor_fails_its_own_write_and_no_other(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), events);
        try (Wire peer = new Wire(pair.second())) {
            ChannelFuture before = channel.write(bytes("before "));
            ChannelFuture bad = channel.write(new FdBuf(bytes("bad "), Fd.of(19_999)));
            ChannelFuture good = channel.write(new FdBuf(bytes("good "), pipeSaying("good")));
            ChannelFuture after = channel.writeAndFlush(bytes("after"));
            before.sync();
            good.sync();
            after.sync();
            assertThatThrownBy(bad::sync).isInstanceOf(ErrnoException.class).hasMessageContaining("EBADF");
            assertThat(peer.text(17)).isEqualTo("before good after");
            assertThat(channel.isActive()).isTrue();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void what_a_short_write_leaves_follows_without_a_second_descriptor(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first(), Map.of(ChannelOption.SO_SNDBUF, 8192));
        try (Wire peer = new Wire(pair.second())) {
            String much = "0123456789".repeat(100_000);
            ChannelFuture sent = channel.write(new FdBuf(bytes(much), pipeSaying("once")));
            channel.writeAndFlush(bytes("end"));
            StringBuilder text = new StringBuilder();
            int descriptors = 0;
            while (text.length() < much.length() + 3) {
                Wire.Received received = peer.receive();
                text.append(received.text());
                descriptors += received.descriptors();
                if (received.fd() != null)
                    assertThat(say(received.fd())).isEqualTo("once");
            }
            sent.sync();
            assertThat(text.toString()).isEqualTo(much + "end");
            assertThat(descriptors).isEqualTo(1);
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_cancelled_write_leaves_nothing_and_stops_nothing(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        try (Wire peer = new Wire(pair.second())) {
            channel.write(bytes("one "));
            FdBuf unwanted = new FdBuf(bytes("two "), pipeSaying("two"));
            ChannelFuture cancelled = channel.write(unwanted);
            ByteBuf alsoUnwanted = bytes("three ");
            ChannelFuture alsoCancelled = channel.write(alsoUnwanted);
            channel.eventLoop().submit(() -> {}).sync();
            assertThat(cancelled.cancel(false)).isTrue();
            assertThat(alsoCancelled.cancel(false)).isTrue();
            channel.writeAndFlush(bytes("four")).sync();
            assertThat(peer.text(8)).isEqualTo("one four");
            assertThat(unwanted.refCnt()).isZero();
            assertThat(unwanted.hasFd()).isFalse();
            assertThatThrownBy(cancelled::sync).isInstanceOf(CancellationException.class);
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_many_times_full_socket_loses_nothing(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), Map.of(ChannelOption.SO_SNDBUF, 4608), events);
        try (Wire peer = new Wire(pair.second())) {
            StringBuilder expected = new StringBuilder();
            for (int i = 0; i < 2000; i++) {
                String text = "message " + i + ' ' + "x".repeat(i % 700) + '\n';
                expected.append(text);
                channel.write(i % 50 == 0 ? new FdBuf(bytes(text), pipeSaying("")) : bytes(text));
                if (i % 10 == 0)
                    channel.flush();
            }
            ChannelFuture last = channel.writeAndFlush(bytes("end"));
            assertThat(peer.text(expected.length() + 3)).isEqualTo(expected + "end");
            last.sync();
        } finally {
            channel.close().sync();
        }
    }
}
