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
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.EventLoop;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.imsg.sys.Constants;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Which calls a channel sends with, and what it makes of a kernel that has no room. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class SendingTest {
    /** The real call, written down; or one that fails as that of a kernel without buffers does. */
    private static final class Recorded extends Sendmsg {
        final List<String> calls = new ArrayList<>();
        /** The errno of what the kernel is short of, or 0. */
        int shortage;

        @Override
        int send(int fd, ByteBuf bytes, int descriptor) {
            return result("one" + (descriptor < 0 ? "" : " with a descriptor"),
                    shortage != 0 ? -shortage : super.send(fd, bytes, descriptor));
        }

        @Override
        int send(int fd, ChannelOutboundBuffer queue) throws IOException {
            return result("gathered", shortage != 0 ? -shortage : super.send(fd, queue));
        }

        private int result(String call, int n) {
            calls.add(call + ": " + n);
            return n;
        }

        void on(EventLoop loop) {
            loop.submit(() -> OF_LOOP.set(this)).syncUninterruptibly();
        }

        static void off(EventLoop loop) {
            loop.submit(() -> OF_LOOP.remove()).syncUninterruptibly();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void neighbours_without_a_descriptor_go_with_one_call(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        Recorded sendmsg = new Recorded();
        sendmsg.on(channel.eventLoop());
        try (Wire peer = new Wire(pair.second())) {
            channel.write(bytes("a"));
            channel.write(bytes("bc"));
            ChannelFuture cancelled = channel.write(bytes("never sent"));
            channel.write(bytes("def"));
            channel.write(new FdBuf(bytes("first"), pipeSaying("")));
            channel.write(new FdBuf(bytes("second"), pipeSaying("")));
            channel.write(bytes("g"));
            ChannelFuture last = channel.write(bytes("hi"));
            channel.eventLoop().submit(() -> {}).sync();
            assertThat(cancelled.cancel(false)).isTrue();
            channel.flush();
            last.sync();
            assertThat(peer.text(20)).isEqualTo("abcdeffirstsecondghi");
            assertThat(sendmsg.calls).containsExactly("gathered: 6", "one with a descriptor: 5",
                    "one with a descriptor: 6", "gathered: 3");
        } finally {
            Recorded.off(channel.eventLoop());
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void gathered_writes_that_the_socket_takes_in_pieces_arrive_whole(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first(), Map.of(ChannelOption.SO_SNDBUF, 4608));
        try (Wire peer = new Wire(pair.second())) {
            StringBuilder expected = new StringBuilder();
            List<ChannelFuture> written = new ArrayList<>();
            for (int i = 0; i < 3000; i++) {
                String text = i + "," + "x".repeat(i % 97);
                expected.append(text);
                written.add(channel.write(bytes(text)));
            }
            channel.flush();
            assertThat(peer.text(expected.length())).isEqualTo(expected.toString());
            for (ChannelFuture each : written)
                each.sync();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_kernel_without_buffers_or_memory_is_asked_again_and_nothing_is_lost(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        EventLoop loop = channel.eventLoop();
        Recorded sendmsg = new Recorded();
        sendmsg.on(loop);
        try (Wire peer = new Wire(pair.second())) {
            for (int shortage : new int[]{Constants.ENOBUFS, Constants.ENOMEM, Constants.EMSGSIZE}) {
                loop.submit(() -> {
                    sendmsg.calls.clear();
                    sendmsg.shortage = shortage;
                }).sync();
                ChannelFuture first = channel.write(new FdBuf(bytes("first"), pipeSaying("still here")));
                ChannelFuture last = channel.writeAndFlush(bytes("last"));
                while (loop.submit(() -> sendmsg.calls.size()).get() < 3)
                    Thread.onSpinWait();
                assertThat(first.isDone()).isFalse();
                assertThat(last.isDone()).isFalse();
                loop.submit(() -> {
                    assertThat(sendmsg.calls).containsOnly("one with a descriptor: " + -shortage);
                    sendmsg.shortage = 0;
                }).sync();
                last.sync();
                Wire.Received received = peer.receive(5);
                assertThat(received.text()).isEqualTo("first");
                assertThat(say(received.fd())).isEqualTo("still here");
                assertThat(peer.text(4)).isEqualTo("last");
                assertThat(first.isSuccess()).isTrue();
            }
        } finally {
            Recorded.off(loop);
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void however_many_flushes_find_no_buffers_the_kernel_is_asked_again_once_a_pause(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        EventLoop loop = channel.eventLoop();
        Recorded sendmsg = new Recorded();
        sendmsg.shortage = Constants.ENOBUFS;
        sendmsg.on(loop);
        try (Wire peer = new Wire(pair.second())) {
            ChannelFuture written = channel.write(bytes("patient"));
            for (int i = 0; i < 100; i++)
                channel.flush();
            int before = loop.submit(() -> sendmsg.calls.size()).get();
            long start = System.nanoTime();
            while (loop.submit(() -> sendmsg.calls.size()).get() < before + 10)
                Thread.onSpinWait();
            // Of ten attempts the first may have been due at once; on a slow machine this only takes longer.
            assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(9 * 5));
            loop.submit(() -> sendmsg.shortage = 0).sync();
            written.sync();
            assertThat(peer.text(7)).isEqualTo("patient");
        } finally {
            Recorded.off(loop);
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void closing_while_the_kernel_has_no_buffers_fails_the_writes_and_closes_their_descriptors(
            Loops loops)
            throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        EventLoop loop = channel.eventLoop();
        Recorded sendmsg = new Recorded();
        sendmsg.shortage = Constants.ENOBUFS;
        sendmsg.on(loop);
        try (Wire peer = new Wire(pair.second())) {
            FdBuf waiting = new FdBuf(bytes("waiting"), pipeSaying("unheard"));
            ChannelFuture written = channel.writeAndFlush(waiting);
            loop.submit(() -> {}).sync();
            assertThat(written.isDone()).isFalse();
            channel.close().sync();
            assertThatThrownBy(written::sync).isInstanceOf(ClosedChannelException.class);
            assertThat(waiting.refCnt()).isZero();
            assertThat(waiting.hasFd()).isFalse();
            assertThat(peer.receive().text()).isNull();
        } finally {
            Recorded.off(loop);
        }
    }

    @Test
    void too_many_descriptors_on_the_way_fail_their_writes_until_somebody_reads() throws Exception {
        assertThat(ChildJvm.runUnprivileged(ManyInFlight.class, ManyInFlight.LIMIT).lines()).containsExactly(
                "refused: ETOOMANYREFS, and the descriptor is still with who retained it",
                "refused: ETOOMANYREFS, and the descriptor nobody retained is closed", "the channel goes on",
                "read: all that had been sent", "sent at last: with its descriptor");
    }
}
