package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Buffers that an event loop uses again, and those it must not. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class SpareBuffersTest {
    private static final UnpooledByteBufAllocator ALLOCATOR = UnpooledByteBufAllocator.DEFAULT;

    private static void onALoop(Callable<Void> test) {
        Loops.KQUEUE_OVER_POLL.group().next().submit(() -> {
            SpareBuffers.TO_READ.remove();
            try {
                return test.call();
            } finally {
                SpareBuffers.TO_READ.remove();
            }
        }).syncUninterruptibly();
    }

    @Test
    void a_buffer_that_everybody_released_is_taken_again() {
        onALoop(() -> {
            SpareBuffers spare = SpareBuffers.TO_READ.get();
            ByteBuf first = spare.take(ALLOCATOR, 1000).writeLong(1).skipBytes(3).markReaderIndex().markWriterIndex();
            spare.share(first);
            first.release();
            ByteBuf second = spare.take(ALLOCATOR, 900);
            assertThat(second).isSameAs(first);
            assertThat(second.refCnt()).isEqualTo(1);
            assertThat(second.writerIndex()).isZero();
            assertThat(second.resetReaderIndex().resetWriterIndex().writerIndex()).isZero();
            assertThat(second.release()).isTrue();
            return null;
        });
    }

    @Test
    void one_that_somebody_keeps_is_not() {
        onALoop(() -> {
            SpareBuffers spare = SpareBuffers.TO_READ.get();
            ByteBuf first = spare.take(ALLOCATOR, 1000);
            spare.share(first);
            ByteBuf second = spare.take(ALLOCATOR, 1000);
            assertThat(second).isNotSameAs(first);
            assertThat(first.refCnt()).isEqualTo(2);
            first.release();
            assertThat(second.release()).isTrue();
            return null;
        });
    }

    @Test
    void of_more_than_a_few_the_oldest_is_let_go() {
        onALoop(() -> {
            SpareBuffers spare = SpareBuffers.TO_READ.get();
            List<ByteBuf> kept = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                kept.add(spare.take(ALLOCATOR, 1000));
                spare.share(kept.getLast());
            }
            assertThat(kept).extracting(ByteBuf::refCnt).containsExactly(1, 1, 1, 1, 1, 1, 2, 2,
                    2, 2);
            SpareBuffers.TO_READ.remove();
            assertThat(kept).extracting(ByteBuf::refCnt).containsOnly(1);
            kept.forEach(ByteBuf::release);
            return null;
        });
    }

    @Test
    void one_that_is_too_small_or_much_too_large_or_of_another_allocator_is_not() {
        onALoop(() -> {
            SpareBuffers spare = SpareBuffers.TO_READ.get();
            for (int size : new int[]{1001, 249}) {
                ByteBuf first = spare.take(ALLOCATOR, 1000);
                spare.share(first);
                first.release();
                ByteBuf second = spare.take(ALLOCATOR, size);
                assertThat(second.capacity()).isEqualTo(size);
                assertThat(second).isNotSameAs(first);
                second.release();
            }
            ByteBuf first = spare.take(ALLOCATOR, 1000);
            spare.share(first);
            first.release();
            UnpooledByteBufAllocator other = new UnpooledByteBufAllocator(true);
            ByteBuf second = spare.take(other, 1000);
            assertThat(second.alloc()).isSameAs(other);
            second.release();
            return null;
        });
    }

    @Test
    void a_huge_one_is_not_kept() {
        onALoop(() -> {
            SpareBuffers spare = SpareBuffers.TO_READ.get();
            ByteBuf huge = spare.take(ALLOCATOR, (1 << 20) + 1);
            spare.share(huge);
            assertThat(huge.release()).isTrue();
            return null;
        });
    }

    @Test
    void what_a_loop_has_kept_is_freed_with_it() {
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory("ends", true),
                PollIoHandler.FACTORY);
        List<ByteBuf> kept = new ArrayList<>();
        group.submit(() -> {
            for (SpareBuffers spare : List.of(SpareBuffers.TO_READ.get(), SpareBuffers.TO_WRITE.get())) {
                ByteBuf buffer = spare.take(ALLOCATOR, 1000);
                spare.share(buffer);
                buffer.release();
                kept.add(buffer);
            }
        }).syncUninterruptibly();
        assertThat(kept).extracting(ByteBuf::refCnt).containsExactly(1, 1);
        group.shutdownGracefully(0, 0, TimeUnit.SECONDS).syncUninterruptibly();
        assertThat(kept).extracting(ByteBuf::refCnt).containsExactly(0, 0);
    }

    @Test
    void what_is_composed_goes_into_a_buffer_that_was_sent_and_none_that_waits() {
        onALoop(() -> {
            ImsgCodec codec = new ImsgCodec().format(WireFormat.MODERN);
            EmbeddedChannel channel = new EmbeddedChannel(codec);
            ByteBuf waiting = composed(channel, codec);
            ByteBuf other = composed(channel, codec);
            assertThat(other).isNotSameAs(waiting);
            waiting.release();
            ByteBuf again = composed(channel, codec);
            assertThat(again).isSameAs(waiting);
            other.release();
            again.release();
            channel.finishAndReleaseAll();
            return null;
        });
    }

    private static ByteBuf composed(EmbeddedChannel channel, ImsgCodec codec) {
        codec.compose(1, 0, 0, null, new byte[100]);
        channel.flush();
        return channel.readOutbound();
    }

    @Test
    void where_a_cut_message_was_joined_the_next_one_is_unless_somebody_keeps_it() {
        onALoop(() -> {
            List<ByteBuf> joined = new ArrayList<>();
            List<ImsgMessage> kept = new ArrayList<>();
            EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec().format(WireFormat.MODERN).batched(),
                    new ChannelInboundHandlerAdapter() {
                        @Override
                        public void channelRead(ChannelHandlerContext ctx, Object message) {
                            ImsgBatch batch = (ImsgBatch) message;
                            while (batch.next()) {
                                joined.add(batch.buffer());
                                if (batch.type() == 2)
                                    kept.add(batch.toMessage());
                            }
                        }
                    });
            for (int type : new int[]{1, 2, 3, 4}) {
                byte[] message = Messages.plain(type, 0, "message " + type);
                channel.writeInbound(Unpooled.copiedBuffer(message, 0, 20));
                channel.writeInbound(Unpooled.copiedBuffer(message, 20, message.length - 20));
            }
            assertThat(joined.get(1)).isSameAs(joined.get(0));
            assertThat(joined.get(2)).isNotSameAs(joined.get(1));
            assertThat(joined.get(3)).isSameAs(joined.get(2));
            assertThat(kept).extracting(Messages::text).containsExactly("message 2");
            kept.forEach(ImsgMessage::release);
            channel.finishAndReleaseAll();
            return null;
        });
    }

    @Test
    void a_thread_that_does_not_say_when_it_ends_keeps_none() {
        SpareBuffers spare = SpareBuffers.TO_READ.get();
        ByteBuf buffer = spare.take(ALLOCATOR, 100);
        spare.share(buffer);
        assertThat(buffer.release()).isTrue();
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_read_that_was_released_lends_its_buffer_to_the_next(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        BlockingQueue<ByteBuf> read = new LinkedBlockingQueue<>();
        Channel channel = Wire.open(loops.group(), pair.first(),
                Map.of(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(5)),
                new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext ctx, Object message) {
                        ((ByteBuf) message).release();
                        read.add((ByteBuf) message);
                    }
                });
        try (Wire peer = new Wire(pair.second())) {
            peer.send("a");
            ByteBuf first = read.take();
            peer.send("bc");
            assertThat(read.take()).isSameAs(first);
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void what_a_handler_keeps_of_a_read_is_not_read_over(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(),
                Map.of(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(5)), events);
        try (Wire peer = new Wire(pair.second())) {
            List<ByteBuf> kept = new ArrayList<>();
            StringBuilder text = new StringBuilder();
            peer.send("onetwothreefourfivesixseveneightnineten");
            while (text.length() < 39) {
                ByteBuf bytes = events.next(ByteBuf.class);
                assertThat(bytes.readableBytes()).isLessThanOrEqualTo(5);
                text.append(bytes.toString(StandardCharsets.ISO_8859_1));
                kept.add(bytes);
            }
            StringBuilder later = new StringBuilder();
            for (ByteBuf bytes : kept) {
                later.append(bytes.toString(StandardCharsets.ISO_8859_1));
                bytes.release();
            }
            assertThat(later).hasToString(text.toString()).hasToString("onetwothreefourfivesixseveneightnineten");
        } finally {
            channel.close().sync();
        }
    }
}
