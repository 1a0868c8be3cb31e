package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.netty.Wire.bytes;
import static org.imsg.netty.Wire.pipeSaying;
import static org.imsg.netty.Wire.say;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledHeapByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelOutputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.UnixChannel;
import io.netty.util.concurrent.Future;
import java.io.EOFException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NotYetConnectedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.imsg.DescriptorState;
import org.imsg.WireFormat;
import org.imsg.netty.handler.ImsgLimits;
import org.imsg.netty.handler.ImsgRequests;
import org.imsg.netty.handler.PeerLimitException;
import org.imsg.netty.handler.RequestTimeoutException;
import org.imsg.sys.Constants;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a daemon puts on its channels, on sockets and on every kind of loop: requests, limits, messages that are passed on. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class DaemonContractTest {
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final Duration SHORT = Duration.ofMillis(50);

    @TempDir
    private Path directory;

    private static ImsgCodec codec() {
        return new ImsgCodec().format(WireFormat.MODERN);
    }

    private static ImsgMessage message(int type, String text) {
        return new ImsgMessage(type, 0, 0, bytes(text));
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void ids_of_requests_wrap_leave_out_0_and_those_still_waited_for(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        ImsgRequests requests = new ImsgRequests(-2);
        Channel client = Wire.open(loops.group(), pair.first(), codec(), requests);
        List<Integer> ids = new ArrayList<>();
        Channel server = Wire.open(loops.group(), pair.second(), codec(),
                new SimpleChannelInboundHandler<ImsgMessage>() {
                    @Override
                    protected void channelRead0(ChannelHandlerContext ctx, ImsgMessage request) {
                        ids.add(request.id());
                        if (request.type() == 1)
                            ctx.writeAndFlush(new ImsgMessage(2, request.id(), 0, request.content().retain()));
                    }
                });
        try {
            Future<ImsgMessage> unanswered = requests.request(message(7, "keeps its id"), LONG);
            for (String text : List.of("a", "b", "c")) {
                ImsgMessage reply = requests.request(message(1, text), LONG).sync().getNow();
                assertThat(Messages.text(reply)).isEqualTo(text);
                reply.release();
            }
            assertThat(ids).containsExactly(-2, -1, 1, 2);
            client.close().sync();
            assertThatThrownBy(unanswered::sync).isInstanceOf(ClosedChannelException.class);
        } finally {
            client.close().sync();
            server.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_request_made_before_the_connection_fails_alone(Loops loops) throws Exception {
        UnixAddress address = UnixAddress.of(directory.resolve("socket"));
        ImsgRequests requests = new ImsgRequests();
        try (UnixListener listener = UnixListener.at(address).backlog(5).listen()) {
            Channel client = new Bootstrap().group(loops.group()).channel(ImsgSocketChannel.class)
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            channel.pipeline().addLast(codec(), requests);
                        }
                    }).register().sync().channel();
            ImsgMessage early = message(1, "early");
            assertThatThrownBy(requests.request(early, LONG)::sync).isInstanceOf(NotYetConnectedException.class);
            assertThat(early.refCnt()).isZero();
            client.connect(new DomainSocketAddress(address.path().toFile())).sync();
            try (Wire peer = new Wire(listener.accept())) {
                Future<ImsgMessage> reply = requests.request(message(1, "?"), LONG);
                assertThat(peer.text(17)).endsWith("?");
                peer.send(Messages.plain(2, 2, "!"));
                assertThat(Messages.text(reply.sync().getNow())).isEqualTo("!");
                reply.getNow().release();
            } finally {
                client.close().sync();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void requests_fail_at_once_when_the_peer_had_ended_its_output_before_their_handler_came(Loops loops)
            throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel client = Wire.open(loops.group(), pair.first(), Map.of(ChannelOption.ALLOW_HALF_CLOSURE, true), codec(),
                events);
        try (Wire peer = new Wire(pair.second())) {
            SocketCalls.shutdown(peer.socket(), Constants.SHUT_WR);
            events.expect(ChannelInputShutdownEvent.INSTANCE);
            ImsgRequests requests = new ImsgRequests();
            client.pipeline().addLast(requests);
            client.eventLoop().submit(() -> {}).sync();
            assertThatThrownBy(requests.request(message(1, "?"), LONG)::sync).isInstanceOf(EOFException.class);
        } finally {
            client.close().sync();
        }
    }

    /** The loop that a request began on need not be there at its deadline. */
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_request_meets_its_deadline_on_the_loop_that_the_channel_moved_to(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        ImsgRequests requests = new ImsgRequests();
        EventLoopGroup first = loops.newGroup(1);
        Channel client = Wire.open(first, pair.first(), codec(), requests);
        try (Wire peer = new Wire(pair.second())) {
            Future<ImsgMessage> unanswered = requests.request(message(1, "?"), Duration.ofMillis(300));
            CountDownLatch told = new CountDownLatch(1);
            unanswered.addListener(end -> told.countDown());
            assertThat(peer.text(17)).endsWith("?");
            client.deregister().sync();
            loops.group().next().register(client).sync();
            Loops.end(first);
            assertThat(told.await(20, TimeUnit.SECONDS)).isTrue();
            assertThat(unanswered.cause()).isInstanceOf(RequestTimeoutException.class);
        } finally {
            client.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_request_that_was_given_to_the_former_loop_is_sent_on_the_one_that_the_channel_moved_to(Loops loops)
            throws Exception {
        Fd.Pair pair = Fd.socketpair();
        ImsgRequests requests = new ImsgRequests();
        Channel client = Wire.open(loops.group(), pair.first(), codec(), requests);
        EventLoop former = client.eventLoop();
        EventLoop loop = loops.other().group().next();
        CompletableFuture<Boolean> sentOnLoop = new CompletableFuture<>();
        ByteBuf payload = new UnpooledHeapByteBuf(ByteBufAllocator.DEFAULT, 0, 0) {
            @Override
            public ByteBuf retain() {
                sentOnLoop.complete(loop.inEventLoop());
                return super.retain();
            }
        };
        CountDownLatch moving = new CountDownLatch(1);
        CountDownLatch requested = new CountDownLatch(1);
        try (Wire peer = new Wire(pair.second())) {
            former.submit(() -> {
                client.deregister();
                former.submit(() -> {
                    CountDownLatch moved = new CountDownLatch(1);
                    loop.register(client).addListener(_ -> moved.countDown());
                    moved.await();
                    return null;
                });
                moving.countDown();
                requested.await();
                return null;
            });
            moving.await();
            requests.request(new ImsgMessage(1, 0, 0, payload), LONG);
            requested.countDown();
            assertThat(sentOnLoop.get()).isTrue();
            assertThat(peer.text(16)).hasSize(16);
        } finally {
            client.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void limits_hold_on_the_loop_that_the_channel_moved_to(Loops loops) throws Exception {
        for (boolean silent : new boolean[]{true, false}) {
            Fd.Pair pair = Fd.socketpair();
            Events events = new Events();
            EventLoopGroup first = loops.newGroup(1);
            Channel channel = Wire.open(first, pair.first(),
                    silent
                            ? new ImsgLimits().silence(Duration.ofMillis(300))
                            : new ImsgLimits().stall(Duration.ofMillis(300)),
                    events);
            try (pair) {
                if (!silent)
                    channel.writeAndFlush(bytes("x".repeat(1_000_000)));
                channel.deregister().sync();
                loops.group().next().register(channel).sync();
                Loops.end(first);
                assertThat(events.next(PeerLimitException.class)).hasMessageContaining("300 ms");
                channel.closeFuture().sync();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_peer_that_sends_nothing_is_cut_off_while_it_is_listened_to(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), new ImsgLimits().silence(SHORT), events);
        try (Wire peer = new Wire(pair.second())) {
            assertThat(events.next(PeerLimitException.class)).hasMessageContaining("sent nothing for 50 ms");
            events.expect(Events.INACTIVE);
            assertThat(peer.receive().text()).isNull();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_peer_that_takes_nothing_is_cut_off_and_what_waited_for_it_fails(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(),
                Map.of(ChannelOption.WRITE_BUFFER_WATER_MARK, new WriteBufferWaterMark(10_000, 20_000)),
                new ImsgLimits().stall(SHORT), codec().maxSize(2_000_000), events);
        try (pair) {
            ChannelFuture bulk = channel.writeAndFlush(message(1, "x".repeat(1_000_000)));
            ChannelFuture last = channel
                    .writeAndFlush(new ImsgMessage(2, 0, 0, bytes("behind"), pipeSaying("closed")));
            assertThat(events.next(PeerLimitException.class)).hasMessageContaining("took too little for 50 ms");
            events.expect(Events.INACTIVE);
            assertThatThrownBy(bulk::sync).isInstanceOf(ClosedChannelException.class);
            assertThatThrownBy(last::sync).isInstanceOf(ClosedChannelException.class);
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void so_is_one_that_had_stopped_taking_before_the_limit_was_set(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), events);
        try (pair) {
            channel.writeAndFlush(bytes("x".repeat(1_000_000)));
            channel.pipeline().addFirst(new ImsgLimits().stall(SHORT));
            assertThat(events.next(PeerLimitException.class)).hasMessageContaining("took too little for 50 ms");
            events.expect(Events.INACTIVE);
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void one_that_is_not_sent_anything_any_more_is_not_cut_off_for_what_it_did_not_take(Loops loops)
            throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), new ImsgLimits().stall(SHORT), events);
        try (Wire peer = new Wire(pair.second())) {
            channel.writeAndFlush(bytes("x".repeat(1_000_000)));
            ((DuplexChannel) channel).shutdownOutput().sync();
            events.expect(ChannelOutputShutdownEvent.INSTANCE);
            // Due after the limit, which was set before it.
            channel.eventLoop().schedule(() -> {}, 2 * SHORT.toMillis(), TimeUnit.MILLISECONDS).sync();
            peer.send("still heard");
            assertThat(events.text(11)).isEqualTo("still heard");
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void copies_and_duplicates_of_a_message_leave_its_descriptor_and_a_replacement_takes_it(Loops loops)
            throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), codec(), events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send(Messages.marked(3, 9, "payload"), pipeSaying("along"));
            ImsgMessage original = events.next(ImsgMessage.class);
            ImsgMessage copy = original.copy();
            ImsgMessage duplicate = original.retainedDuplicate();
            for (ImsgMessage bare : List.of(copy, duplicate)) {
                assertThat(Messages.text(bare)).isEqualTo("payload");
                assertThat(bare.descriptor()).isEqualTo(DescriptorState.NONE);
                assertThat(bare.type()).isEqualTo(3);
                assertThat(bare.id()).isEqualTo(9);
                assertThat(bare.release()).isTrue();
            }
            assertThat(original.descriptor()).isEqualTo(DescriptorState.PRESENT);
            ImsgMessage replaced = original.replace(bytes("other"));
            assertThat(original.descriptor()).isEqualTo(DescriptorState.TAKEN);
            assertThat(original.release()).isTrue();
            channel.writeAndFlush(replaced).sync();
            Wire.Received received = peer.receive();
            assertThat(received.text()).endsWith("other");
            assertThat(say(received.fd())).isEqualTo("along");
            assertThat(replaced.refCnt()).isZero();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void the_descriptor_of_an_open_channel_is_handed_over_and_of_a_closed_one_none(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first());
        try (Wire peer = new Wire(pair.second())) {
            try (Wire second = new Wire(Handover.descriptorOf((UnixChannel) channel))) {
                channel.close().sync();
                second.send("goes on");
                assertThat(peer.text(7)).isEqualTo("goes on");
            }
            // Its number is another file's by now.
            try (Fd other = Fd.open(Files.writeString(directory.resolve("secret"), "secret"))) {
                assertThat(other.isOpen()).isTrue();
                assertThatThrownBy(() -> Handover.descriptorOf((UnixChannel) channel))
                        .isInstanceOf(ClosedChannelException.class);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void what_is_no_socket_fails_its_registration_and_leaves_nothing_on_the_loop(Loops loops) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "text");
        for (int i = 0; i < 3; i++) {
            ImsgSocketChannel channel = new ImsgSocketChannel(Fd.open(file));
            ChannelFuture registered = loops.group().next().register(channel);
            registered.await();
            channel.close().await();
            assertThat(channel.isOpen()).isFalse();
            // The same number again, on the same loops.
            Fd.Pair pair = Fd.socketpair();
            Events events = new Events();
            Channel next = Wire.open(loops.group(), pair.first(), events);
            try (Wire peer = new Wire(pair.second())) {
                peer.send("served");
                assertThat(events.text(6)).isEqualTo("served");
            } finally {
                next.close().sync();
            }
        }
    }
}
