package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.netty.Messages.join;
import static org.imsg.netty.Messages.marked;
import static org.imsg.netty.Messages.plain;
import static org.imsg.netty.Wire.pipeSaying;
import static org.imsg.netty.Wire.say;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledDirectByteBuf;
import io.netty.buffer.UnpooledHeapByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.IllegalReferenceCountException;
import io.netty.util.concurrent.DefaultEventExecutorGroup;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.imsg.WireFormat;
import org.imsg.testing.CapturedLog;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** An exception between two owners of a message leaves neither its memory nor its descriptor behind, and is told. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class ThrownOnTheWayTest {
    private static ImsgCodec codec() {
        return new ImsgCodec().format(WireFormat.MODERN);
    }

    /** A handler's mistake: the payload is a part of the read, whose other messages are lost with it. */
    private static final class ReleasesTwice extends ChannelInboundHandlerAdapter {
        private final Object[] meanwhile;

        ReleasesTwice(Object... meanwhile) {
            this.meanwhile = meanwhile;
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            for (Object each : meanwhile)
                ctx.pipeline().fireChannelRead(each);
            ((ImsgMessage) message).content().release();
            ((ImsgMessage) message).release();
        }
    }

    @Test
    void reads_behind_one_that_fails_are_released_with_their_descriptors() throws Exception {
        FdBuf first = new FdBuf(join(plain(1, 0, "released twice"), marked(2, 0, "lost")), pipeSaying(""));
        FdBuf second = new FdBuf(join(marked(3, 0, "never read")), pipeSaying(""));
        ByteBuf third = join(plain(4, 0, "never read"));
        Events events = new Events();
        EmbeddedChannel channel = new EmbeddedChannel(codec(), new ReleasesTwice(second, third), events);
        channel.writeInbound(first);
        events.next(IllegalReferenceCountException.class);
        assertThat(channel.isOpen()).isFalse();
        for (FdBuf each : new FdBuf[]{first, second}) {
            assertThat(each.refCnt()).isZero();
            assertThat(each.content().refCnt()).isZero();
        }
        assertThat(third.refCnt()).isZero();
        events.expect(Events.INACTIVE);
        assertThat(events.isEmpty()).isTrue();
    }

    @Test
    void bytes_that_were_released_close_the_descriptor_that_came_with_them() throws Exception {
        FdBuf released = new FdBuf(join(marked(1, 0, "gone")), pipeSaying(""));
        released.content().release();
        Events events = new Events();
        EmbeddedChannel channel = new EmbeddedChannel(codec(), events);
        channel.writeInbound(released);
        events.next(IllegalReferenceCountException.class);
        assertThat(channel.isOpen()).isFalse();
        assertThat(released.hasFd()).isFalse();
    }

    /** As where memory is short: something throws in the moment in which a descriptor is given an owner. */
    @Test
    void a_part_of_a_message_that_cannot_be_handed_on_leaves_no_descriptor_and_no_memory() throws Exception {
        Nameless bytes = new Nameless(100);
        bytes.writeBytes(join(marked(1, 0, "never made")), 20);
        ImsgCodec codec = codec();
        EmbeddedChannel channel = new EmbeddedChannel(codec);
        try (Fd.Pair pipe = Fd.pipe()) {
            channel.writeInbound(new FdBuf(bytes, pipe.first()));
            bytes.fails = true;
            channel.pipeline().remove(codec);
            assertNoReader(pipe.second());
            assertThatThrownBy(channel::checkException).hasStackTraceContaining("no memory");
        }
        channel.finishAndReleaseAll();
        assertThat(bytes.refCnt()).isZero();
    }

    private static void assertNoReader(Fd pipe) throws Exception {
        try (FdChannel in = new FdChannel(pipe)) {
            assertThatThrownBy(() -> in.write(ByteBuffer.allocate(1))).hasMessageContaining("EPIPE");
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_read_that_cannot_be_handed_on_leaves_no_descriptor_and_no_memory(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Nameless memory = new Nameless(100);
        memory.fails = true;
        Channel channel = Wire.open(loops.group(), pair.first(), Map.of(ChannelOption.RECVBUF_ALLOCATOR,
                new DefaultMaxMessagesRecvByteBufAllocator() {
                    @Override
                    public ExtendedHandle newHandle() {
                        return new MaxMessageHandle() {
                            @Override
                            public int guess() {
                                return 100;
                            }

                            @Override
                            public ByteBuf allocate(ByteBufAllocator allocator) {
                                return memory;
                            }
                        };
                    }
                }), events);
        try (Wire peer = new Wire(pair.second()); Fd.Pair pipe = Fd.pipe()) {
            peer.send("lost", pipe.first());
            assertThat(events.next(AssertionError.class)).hasMessage("no memory");
            assertNoReader(pipe.second());
            events.expect(Events.INACTIVE);
            assertThat(memory.refCnt()).isZero();
        } finally {
            channel.close().sync();
        }
    }

    /** Memory that a report of leaks asks for its name, in vain. */
    private static final class Nameless extends UnpooledDirectByteBuf {
        private boolean fails;

        Nameless(int size) {
            super(UnpooledByteBufAllocator.DEFAULT, size, size);
        }

        @Override
        public String toString() {
            if (fails)
                throw new AssertionError("no memory");
            return super.toString();
        }
    }

    @Test
    @SuppressWarnings("deprecation") // Netty advises against an executor of a handler's own, and has it
    void a_message_to_a_handler_whose_executor_has_ended_is_released_and_its_stream_ends() throws Exception {
        DefaultEventExecutorGroup executor = new DefaultEventExecutorGroup(1);
        EmbeddedChannel channel = new EmbeddedChannel(codec());
        channel.pipeline().addLast(executor, new Events());
        executor.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
        FdBuf read = new FdBuf(Unpooled.copiedBuffer(marked(1, 0, "for no one"), plain(2, 0, "for no one")),
                pipeSaying(""));
        try (CapturedLog log = new CapturedLog(Class.forName("io.netty.channel.AbstractChannelHandlerContext"))) {
            channel.writeInbound(read);
            assertThat(log.lines()).isNotEmpty().allMatch(line -> line.contains("exceptionCaught()"));
        }
        assertThat(channel.isOpen()).isFalse();
        assertThat(read.content().refCnt()).isZero();
    }

    @Test
    void a_codec_that_is_removed_while_something_else_passes_hands_on_its_part_of_a_message() throws Exception {
        ImsgCodec first = codec();
        EmbeddedChannel channel = new EmbeddedChannel(first, new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object message) {
                if (message instanceof String)
                    ctx.pipeline().replace(first, "second", codec());
                ctx.fireChannelRead(message);
            }
        });
        byte[] whole = marked(2, 0, "in parts");
        channel.writeInbound(new FdBuf(join(whole).slice(0, 18), pipeSaying("handed on")));
        channel.writeInbound("not of the stream");
        channel.writeInbound(join(whole).slice(18, whole.length - 18));
        assertThat(channel.<Object>readInbound()).isEqualTo("not of the stream");
        ImsgMessage message = channel.readInbound();
        assertThat(say(message.takeFd())).isEqualTo("handed on");
        message.release();
        channel.finishAndReleaseAll();
    }

    /** Netty's own goes on without the bytes. */
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_read_whose_size_an_allocator_does_not_take_ends_the_stream(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(),
                Map.of(ChannelOption.RECVBUF_ALLOCATOR, new Failing("lastBytesRead")), events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send("lost", pipeSaying(""));
            assertThat(events.next(AssertionError.class)).hasMessage("lastBytesRead");
            events.expect(Events.INACTIVE);
            assertThat(events.isEmpty()).isTrue();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void what_an_allocator_throws_beside_a_read_is_told_to_the_handlers(Loops loops) throws Exception {
        for (String when : new String[]{"reset", "readComplete"}) {
            Fd.Pair pair = Fd.socketpair();
            Events events = new Events();
            Channel channel = Wire.open(loops.group(), pair.first(),
                    Map.of(ChannelOption.RECVBUF_ALLOCATOR, new Failing(when)), events);
            try (Wire peer = new Wire(pair.second())) {
                peer.send("read");
                if (when.equals("readComplete"))
                    assertThat(events.text(4)).isEqualTo("read");
                assertThat(events.next(AssertionError.class)).hasMessage(when);
                if (when.equals("reset"))
                    assertThat(events.text(4)).isEqualTo("read");
            } finally {
                channel.close().sync();
            }
        }
    }

    /** Throws once, in one of its methods. */
    private static final class Failing extends DefaultMaxMessagesRecvByteBufAllocator {
        private String when;

        Failing(String when) {
            this.when = when;
        }

        private void may(String fail) {
            if (!when.equals(fail))
                return;
            when = "";
            throw new AssertionError(fail);
        }

        @Override
        public ExtendedHandle newHandle() {
            return new MaxMessageHandle() {
                @Override
                public int guess() {
                    return 100;
                }

                @Override
                public void reset(io.netty.channel.ChannelConfig config) {
                    may("reset");
                    super.reset(config);
                }

                @Override
                public void lastBytesRead(int bytes) {
                    if (bytes > 0)
                        may("lastBytesRead");
                    super.lastBytesRead(bytes);
                }

                @Override
                public void readComplete() {
                    may("readComplete");
                }
            };
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_payload_that_cannot_be_read_leaves_no_header_and_no_memory(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        ImsgCodec codec = codec();
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
        Channel channel = Wire.open(loops.group(), pair.first(), Map.of(ChannelOption.ALLOCATOR, allocator), codec);
        try (Wire peer = new Wire(pair.second()); Fd kept = pipeSaying("")) {
            channel.eventLoop().submit(() -> {
                ByteBuf payload = new Unreadable();
                codec.compose(1, 0, 0, null, new byte[0]);
                assertThatThrownBy(() -> codec.compose(2, 0, 0, null, payload)).isInstanceOf(AssertionError.class);
                long before = allocator.metric().usedDirectMemory();
                assertThatThrownBy(() -> codec.compose(3, 0, 0, kept, payload)).isInstanceOf(AssertionError.class);
                assertThat(allocator.metric().usedDirectMemory()).isEqualTo(before);
                assertThat(channel.write(new ImsgMessage(4, 0, 0, payload)).cause())
                        .isInstanceOf(AssertionError.class);
                assertThat(payload.refCnt()).isZero();
                FdBuf heap = new FdBuf(new Unreadable(), pipeSaying(""));
                assertThat(channel.pipeline().firstContext().write(heap).cause()).isInstanceOf(AssertionError.class);
                assertThat(heap.refCnt()).isZero();
                assertThat(allocator.metric().usedDirectMemory()).isEqualTo(before);
                codec.compose(5, 0, 0, null, new byte[0]);
                channel.flush();
                return null;
            }).sync();
            assertThat(kept.isOpen()).isTrue();
            String both = peer.text(32);
            assertThat(both.charAt(0)).isEqualTo((char) 1);
            assertThat(both.charAt(16)).isEqualTo((char) 5);
        } finally {
            channel.close().sync();
        }
    }

    /** A buffer of a program's own whose memory is gone, say. */
    private static final class Unreadable extends UnpooledHeapByteBuf {
        Unreadable() {
            super(UnpooledByteBufAllocator.DEFAULT, 10, 10);
            writerIndex(10);
        }

        @Override
        public ByteBuf getBytes(int index, ByteBuf target, int at, int length) {
            throw new AssertionError("not readable");
        }

        @Override
        public boolean hasArray() {
            throw new AssertionError("not readable");
        }
    }
}
