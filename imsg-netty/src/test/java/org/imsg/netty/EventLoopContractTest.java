package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.netty.Wire.bytes;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.channel.socket.ChannelOutputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NotYetConnectedException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.imsg.sys.Constants;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What an event loop promises the handlers of a channel: the same on every kind of loop as of Netty's own channel, which is the
 * reference, except where the socket is full: there the reference stopped sending once, on a busy machine. {@link PeerEndTest} and
 * {@link WritingTest} are parts of it.
 */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class EventLoopContractTest {
    private static final Map<ChannelOption<?>, Object> NO_AUTO_READ = Map.of(ChannelOption.AUTO_READ, false);

    @TempDir
    private Path directory;

    /** Everything that was to be done on the loop before this is done. */
    private static void settle(Channel channel) throws InterruptedException {
        channel.eventLoop().submit(() -> {}).sync();
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void bytes_go_both_ways(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send("hello from the peer");
            assertThat(events.text(19)).isEqualTo("hello from the peer");
            channel.writeAndFlush(bytes("hello from the channel")).sync();
            assertThat(peer.receive().text()).isEqualTo("hello from the channel");
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void closing_the_channel_is_the_end_of_the_peers_stream(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops, pair.first(), new Events());
        try (Wire peer = new Wire(pair.second())) {
            channel.writeAndFlush(bytes("last"));
            channel.close().sync();
            assertThat(peer.receive().text()).isEqualTo("last");
            assertThat(peer.receive().text()).isNull();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_half_closed_channel_goes_on_writing(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), Map.of(ChannelOption.ALLOW_HALF_CLOSURE, true),
                events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send("question");
            SocketCalls.shutdown(peer.socket(), Constants.SHUT_WR);
            assertThat(events.text(8)).isEqualTo("question");
            events.expect(ChannelInputShutdownEvent.INSTANCE);
            events.expect(ChannelInputShutdownReadComplete.INSTANCE);
            assertThat(((DuplexChannel) channel).isInputShutdown()).isTrue();
            channel.writeAndFlush(bytes("answer")).sync();
            ((DuplexChannel) channel).shutdownOutput().sync();
            assertThat(peer.receive().text()).isEqualTo("answer");
            assertThat(peer.receive().text()).isNull();
            assertThat(channel.isOpen()).isTrue();
            assertThat(((DuplexChannel) channel).isShutdown()).isTrue();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void shutting_down_the_output_leaves_the_input(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), events);
        try (Wire peer = new Wire(pair.second())) {
            ((DuplexChannel) channel).shutdownOutput().sync();
            assertThat(peer.receive().text()).isNull();
            peer.send("still heard");
            events.expect(ChannelOutputShutdownEvent.INSTANCE);
            assertThat(events.text(11)).isEqualTo("still heard");
            assertThatThrownBy(channel.writeAndFlush(bytes("too late"))::sync).isInstanceOf(Exception.class);
        } finally {
            ((DuplexChannel) channel).shutdown();
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void without_auto_read_nothing_is_read_until_asked_for(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), Map.of(ChannelOption.AUTO_READ, false), events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send("one");
            channel.eventLoop().submit(() -> {}).sync();
            events.expect(Events.ACTIVE);
            assertThat(events.isEmpty()).isTrue();
            channel.read();
            assertThat(events.text(3)).isEqualTo("one");
            peer.send("two");
            channel.eventLoop().submit(() -> {}).sync();
            assertThat(events.isEmpty()).isTrue();
            channel.config().setAutoRead(true);
            assertThat(events.text(3)).isEqualTo("two");
            channel.eventLoop().submit(() -> channel.config().setAutoRead(false)).sync();
            peer.send("three");
            channel.eventLoop().submit(() -> {}).sync();
            assertThat(events.isEmpty()).isTrue();
            channel.config().setAutoRead(true);
            assertThat(events.text(5)).isEqualTo("three");
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_channel_moves_to_another_loop_with_all_it_has_to_send(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), Map.of(ChannelOption.SO_SNDBUF, 8192), events);
        try (Wire peer = new Wire(pair.second())) {
            String much = "abcdefghij".repeat(50_000);
            ChannelFuture sent = channel.writeAndFlush(bytes(much));
            channel.deregister().sync();
            loops.other().group().next().register(channel).sync();
            assertThat(peer.text(much.length())).isEqualTo(much);
            sent.sync();
            peer.send("heard on the new loop");
            assertThat(events.text(21)).isEqualTo("heard on the new loop");
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_read_that_was_asked_for_before_the_channel_moved_is_to_be_asked_for_again(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), NO_AUTO_READ, events);
        try (Wire peer = new Wire(pair.second())) {
            events.expect(Events.ACTIVE);
            channel.read();
            settle(channel);
            channel.deregister().sync();
            peer.send("asked for before");
            loops.other().group().next().register(channel).sync();
            settle(channel);
            assertThat(events.isEmpty()).isTrue();
            channel.read();
            assertThat(events.text(16)).isEqualTo("asked for before");
        } finally {
            channel.close().sync();
        }
    }

    /** What switches it off waits for the loop, and must not take back what was asked for meanwhile. */
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_read_that_is_asked_for_after_auto_read_was_switched_off_by_another_thread_is_answered(Loops loops)
            throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), events);
        try (Wire peer = new Wire(pair.second())) {
            events.expect(Events.ACTIVE);
            CountDownLatch switchedOff = new CountDownLatch(1);
            Future<?> asked = channel.eventLoop().submit(() -> {
                switchedOff.await();
                return channel.read();
            });
            channel.config().setAutoRead(false);
            switchedOff.countDown();
            asked.sync();
            settle(channel);
            peer.send("asked for");
            assertThat(events.text(9)).isEqualTo("asked for");
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_channel_that_was_not_asked_to_read_does_not_on_the_loop_that_it_moved_to(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), NO_AUTO_READ, events);
        try (Wire peer = new Wire(pair.second())) {
            channel.read();
            peer.send("asked for");
            assertThat(events.text(9)).isEqualTo("asked for");
            channel.deregister().sync();
            peer.send("not asked for");
            loops.other().group().next().register(channel).sync();
            settle(channel);
            assertThat(events.isEmpty()).isTrue();
            channel.read();
            assertThat(events.text(13)).isEqualTo("not asked for");
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void auto_read_switched_off_by_a_handler_holds_from_the_next_read_on(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), Map.of(ChannelOption.AUTO_READ, false,
                ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(4).maxMessagesPerRead(1)),
                new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext ctx, Object message) {
                        ctx.channel().config().setAutoRead(false);
                        ctx.fireChannelRead(message);
                    }
                }, events);
        try (Wire peer = new Wire(pair.second())) {
            events.expect(Events.ACTIVE);
            peer.send("one two thre");
            for (String part : List.of("one ", "two ", "thre")) {
                channel.config().setAutoRead(true);
                assertThat(events.text(4)).isEqualTo(part);
                settle(channel);
                assertThat(events.isEmpty()).as("nothing more than " + part).isTrue();
            }
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void each_loop_of_reads_ends_with_one_completion_and_an_allocator_says_how_many_it_has(Loops loops)
            throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events(true);
        Channel channel = Wire.open(loops, pair.first(), Map.of(ChannelOption.AUTO_READ, false,
                ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(2).maxMessagesPerRead(3)), events);
        try (Wire peer = new Wire(pair.second())) {
            events.expect(Events.ACTIVE);
            peer.send("0123456789");
            channel.config().setAutoRead(true);
            assertThat(events.text(6)).isEqualTo("012345");
            events.expect(Events.READ_COMPLETE);
            assertThat(events.text(4)).isEqualTo("6789");
            events.expect(Events.READ_COMPLETE);
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_channel_that_its_handler_closes_reads_no_more(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Wire.open(loops, pair.first(),
                Map.of(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(1)),
                new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext ctx, Object message) {
                        ctx.fireChannelRead(message);
                        ctx.close();
                    }
                }, events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send("xyz");
            assertThat(events.text(1)).isEqualTo("x");
            events.expect(Events.INACTIVE);
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void what_a_handler_throws_is_told_to_it_and_the_channel_goes_on(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        IllegalStateException thrown = new IllegalStateException("the handler's own");
        Channel channel = Wire.open(loops, pair.first(), new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object message) {
                ReferenceCountUtil.release(message);
                throw thrown;
            }
        }, events);
        try (Wire peer = new Wire(pair.second())) {
            for (int i = 0; i < 2; i++) {
                peer.send("x");
                assertThat(events.next(IllegalStateException.class)).isSameAs(thrown);
            }
            channel.writeAndFlush(bytes("still here")).sync();
            assertThat(peer.text(10)).isEqualTo("still here");
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_write_before_the_channel_is_connected_fails_and_is_released(Loops loops) throws Exception {
        Path path = directory.resolve("socket");
        BlockingQueue<ChannelFuture> early = new LinkedBlockingQueue<>();
        ByteBuf message = bytes("too early");
        try (UnixListener listener = UnixListener.at(UnixAddress.of(path)).backlog(5).listen()) {
            Channel channel = new Bootstrap().group(loops.group()).channel(loops.channelType())
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel registering) {
                            early.add(registering.writeAndFlush(message));
                        }
                    }).connect(new DomainSocketAddress(path.toFile())).sync().channel();
            try (Wire peer = new Wire(listener.accept())) {
                assertThatThrownBy(early.take()::sync).isInstanceOf(NotYetConnectedException.class);
                assertThat(message.refCnt()).isZero();
                channel.writeAndFlush(bytes("in time")).sync();
                assertThat(peer.text(7)).isEqualTo("in time");
            } finally {
                channel.close().sync();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_refused_connection_fails_in_the_same_types_and_closes(Loops loops) throws Exception {
        Path dead = directory.resolve("dead");
        UnixListener.at(UnixAddress.of(dead)).backlog(5).listen().handOn().close();
        Bootstrap bootstrap = new Bootstrap().group(loops.group()).channel(loops.channelType())
                .handler(new ChannelInboundHandlerAdapter() {
                    @Override
                    public boolean isSharable() {
                        return true;
                    }
                });
        ChannelFuture refused = bootstrap.connect(new DomainSocketAddress(dead.toFile()));
        assertThatThrownBy(refused::sync).isInstanceOf(ConnectException.class);
        refused.channel().closeFuture().sync();
        ChannelFuture absent = bootstrap.connect(new DomainSocketAddress(directory.resolve("absent").toFile()));
        assertThatThrownBy(absent::sync).isInstanceOf(FileNotFoundException.class);
        absent.channel().closeFuture().sync();
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_connect_that_was_cancelled_before_it_began_closes_the_channel(Loops loops) throws Exception {
        Path path = directory.resolve("socket");
        try (UnixListener listener = UnixListener.at(UnixAddress.of(path)).backlog(5).listen()) {
            Channel channel = new Bootstrap().group(loops.group()).channel(loops.channelType())
                    .handler(new Events()).register().sync().channel();
            ChannelFuture cancelled = channel.eventLoop().submit(() -> {
                var promise = channel.newPromise();
                promise.cancel(false);
                return channel.connect(new DomainSocketAddress(path.toFile()), promise);
            }).get();
            assertThat(cancelled.isCancelled()).isTrue();
            settle(channel);
            assertThat(channel.isActive()).isFalse();
            channel.close().sync();
            assertThat(listener.isOpen()).isTrue();
        }
    }

    /** On a Unix socket that is what the other side sees of a close with unread bytes, SO_LINGER or not. */
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_connection_that_its_peer_resets_is_an_io_exception_and_then_closed(Loops loops) throws Exception {
        for (boolean reading : new boolean[]{true, false}) {
            Fd.Pair pair = Fd.socketpair();
            Events events = new Events();
            Channel channel = Wire.open(loops, pair.first(), Map.of(ChannelOption.AUTO_READ, reading), events);
            events.expect(Events.ACTIVE);
            channel.writeAndFlush(bytes("never read")).sync();
            pair.second().close();
            assertThat(events.next(IOException.class)).hasMessageMatching("(?i).*(ECONNRESET|connection reset).*");
            events.expect(Events.INACTIVE);
            assertThat(channel.isOpen()).isFalse();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_write_to_a_peer_that_is_gone_fails_with_an_io_exception_and_closes(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), NO_AUTO_READ, events);
        ByteBuf message = bytes("to no one");
        ChannelFuture written = channel.eventLoop().submit(() -> {
            pair.second().close();
            return channel.writeAndFlush(message);
        }).get();
        assertThatThrownBy(written::sync).isInstanceOf(IOException.class);
        events.expect(Events.ACTIVE);
        events.expect(Events.INACTIVE);
        assertThat(message.refCnt()).isZero();
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void writes_go_out_in_their_order_and_their_promises_are_told_in_it(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops, pair.first(), Map.of(ChannelOption.SO_SNDBUF, 4608));
        try (Wire peer = new Wire(pair.second())) {
            List<Integer> told = new ArrayList<>();
            StringBuilder all = new StringBuilder();
            ChannelFuture last = null;
            for (int i = 0; i < 500; i++) {
                String text = (i + " ").repeat(1 + i % 50);
                all.append(text);
                int number = i;
                last = i % 3 == 0 ? channel.writeAndFlush(bytes(text)) : channel.write(bytes(text));
                last.addListener(written -> told.add(written.isSuccess() ? number : -1));
            }
            channel.flush();
            assertThat(peer.text(all.length()).contentEquals(all)).isTrue();
            last.sync();
            settle(channel);
            assertThat(told).hasSize(500).isSorted().doesNotHaveDuplicates();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void what_was_not_flushed_when_the_channel_closes_fails_and_is_released(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops, pair.first(), new Events());
        try (Wire peer = new Wire(pair.second())) {
            ByteBuf message = bytes("never flushed");
            ChannelFuture unflushed = channel.write(message);
            channel.close().sync();
            assertThatThrownBy(unflushed::sync).isInstanceOf(ClosedChannelException.class);
            assertThat(message.refCnt()).isZero();
            ChannelFuture late = channel.writeAndFlush(Unpooled.buffer().writeByte(1));
            assertThatThrownBy(late::sync).isInstanceOf(ClosedChannelException.class);
            assertThat(peer.receive().text()).isNull();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void writability_ends_above_the_high_mark_and_comes_back_below_the_low_one(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        BlockingQueue<Boolean> changes = new LinkedBlockingQueue<>();
        Channel channel = Wire.open(loops, pair.first(),
                Map.of(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(10_000, 20_000)),
                new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
                        changes.add(ctx.channel().isWritable());
                    }
                });
        try (Wire peer = new Wire(pair.second())) {
            // Of another thread's writes the waiting task counts too, so that there are more changes.
            ChannelFuture sent = channel.eventLoop().submit(() -> channel.writeAndFlush(bytes("x".repeat(1_000_000))))
                    .get();
            assertThat(changes.take()).isFalse();
            assertThat(channel.bytesBeforeWritable()).isPositive();
            assertThat(peer.text(1_000_000)).hasSize(1_000_000);
            assertThat(changes.take()).isTrue();
            sent.sync();
            assertThat(channel.isWritable()).isTrue();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void the_end_of_its_loop_closes_a_channel_and_fails_what_it_had_to_send(Loops loops) throws Exception {
        EventLoopGroup loop = loops.newGroup(1);
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops, loop, pair.first(), NO_AUTO_READ, events);
        try (Wire peer = new Wire(pair.second())) {
            ChannelFuture flushed = channel.writeAndFlush(bytes("x".repeat(1_000_000)));
            ChannelFuture unflushed = channel.write(loops == Loops.NETTYS_OWN
                    ? bytes("y")
                    : new FdBuf(bytes("y"), Wire.pipeSaying("")));
            settle(channel);
            Loops.end(loop);
            channel.closeFuture().sync();
            assertThatThrownBy(flushed::sync).isInstanceOf(ClosedChannelException.class);
            assertThatThrownBy(unflushed::sync).isInstanceOf(ClosedChannelException.class);
            events.expect(Events.INACTIVE);
            assertThat(peer.socket().isOpen()).isTrue();
        }
    }
}
