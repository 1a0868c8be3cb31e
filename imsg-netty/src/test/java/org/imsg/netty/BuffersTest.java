package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.netty.Wire.bytes;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.util.IllegalReferenceCountException;
import io.netty.util.ReferenceCounted;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whose the buffers are that are read and written: each has one owner, and its count is right. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class BuffersTest {
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_second_release_of_what_was_read_fails_where_it_happens(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        BlockingQueue<Object> counts = new LinkedBlockingQueue<>();
        Channel channel = Wire.open(loops.group(), pair.first(), new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object message) {
                ByteBuf bytes = (ByteBuf) message;
                counts.add(bytes.refCnt());
                bytes.release();
                assertThatThrownBy(bytes::release).isInstanceOf(IllegalReferenceCountException.class);
                counts.add(bytes.refCnt());
            }
        });
        try (Wire peer = new Wire(pair.second())) {
            for (int i = 0; i < 3; i++) {
                peer.send("x");
                assertThat(counts.take()).isEqualTo(1);
                assertThat(counts.take()).isEqualTo(0);
            }
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void so_does_one_of_what_the_codec_wrote(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        BlockingQueue<Integer> counts = new LinkedBlockingQueue<>();
        ImsgCodec codec = new ImsgCodec().format(WireFormat.MODERN);
        Channel channel = Wire.open(loops.group(), pair.first(), new ChannelOutboundHandlerAdapter() {
            @Override
            public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
                counts.add(((ByteBuf) message).refCnt());
                ctx.write(message, promise);
            }
        }, codec);
        try (Wire peer = new Wire(pair.second())) {
            for (int i = 0; i < 3; i++) {
                channel.writeAndFlush(ImsgMessage.of(i)).sync();
                assertThat(counts.take()).isEqualTo(1);
                assertThat(peer.text(16)).hasSize(16);
            }
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void the_allocator_of_reads_is_asked_for_each_of_them(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        List<ByteBuf> made = new ArrayList<>();
        DefaultMaxMessagesRecvByteBufAllocator three = new DefaultMaxMessagesRecvByteBufAllocator() {
            @Override
            public ExtendedHandle newHandle() {
                return new MaxMessageHandle() {
                    @Override
                    public int guess() {
                        return 3;
                    }

                    @Override
                    public ByteBuf allocate(ByteBufAllocator unused) {
                        // A heap buffer, of which the kernel cannot make use.
                        made.add(UnpooledByteBufAllocator.DEFAULT.heapBuffer(3));
                        return made.getLast();
                    }
                };
            }
        };
        Events events = new Events();
        Channel channel = Wire.open(loops.group(), pair.first(), Map.of(ChannelOption.RECVBUF_ALLOCATOR, three),
                events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send("abcdefg");
            assertThat(events.text(7)).isEqualTo("abcdefg");
            channel.eventLoop().submit(() -> {
                assertThat(made).hasSizeGreaterThanOrEqualTo(3).extracting(ByteBuf::refCnt).containsOnly(0);
            }).sync();
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

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void what_an_allocator_has_written_before_a_read_stays_in_front_of_it(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        DefaultMaxMessagesRecvByteBufAllocator withPrefix = new DefaultMaxMessagesRecvByteBufAllocator() {
            @Override
            public ExtendedHandle newHandle() {
                return new MaxMessageHandle() {
                    @Override
                    public int guess() {
                        return 100;
                    }

                    @Override
                    public ByteBuf allocate(ByteBufAllocator unused) {
                        return Unpooled.directBuffer(100).writeBytes(new byte[]{'>', ' '});
                    }
                };
            }
        };
        Events events = new Events();
        Channel channel = Wire.open(loops, pair.first(), Map.of(ChannelOption.RECVBUF_ALLOCATOR, withPrefix), events);
        try (Wire peer = new Wire(pair.second())) {
            peer.send("read");
            assertThat(events.text(6)).isEqualTo("> read");
        } finally {
            channel.close().sync();
        }
    }

    /** The copy that the kernel needs of bytes on the heap, or of a composite with a descriptor, was left behind. */
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_write_of_what_was_released_fails_by_itself_and_leaves_no_memory(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
        Channel channel = Wire.open(loops.group(), pair.first(), Map.of(ChannelOption.ALLOCATOR, allocator));
        try (Wire peer = new Wire(pair.second())) {
            ByteBuf heap = bytes("released");
            CompositeByteBuf composite = Unpooled.compositeBuffer().addComponent(true, bytes("a"))
                    .addComponent(true, bytes("b"));
            FdBuf withDescriptor = new FdBuf(composite, Wire.pipeSaying(""));
            heap.release();
            composite.release();
            long taken = channel.eventLoop().submit(() -> {
                long before = allocator.metric().usedDirectMemory();
                assertThat(channel.write(heap).cause()).isInstanceOf(RuntimeException.class);
                assertThat(channel.write(withDescriptor).cause()).isInstanceOf(RuntimeException.class);
                return allocator.metric().usedDirectMemory() - before;
            }).get();
            assertThat(taken).isZero();
            channel.writeAndFlush(bytes("served on")).sync();
            assertThat(peer.text(9)).isEqualTo("served on");
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_write_for_which_there_is_no_memory_leaves_none(Loops loops) throws Exception {
        ByteBufAllocator none = new AbstractByteBufAllocator(true) {
            @Override
            public boolean isDirectBufferPooled() {
                return false;
            }

            @Override
            protected ByteBuf newHeapBuffer(int initial, int most) {
                return UnpooledByteBufAllocator.DEFAULT.heapBuffer(initial, most);
            }

            @Override
            protected ByteBuf newDirectBuffer(int initial, int most) {
                throw new OutOfMemoryError("no direct memory left");
            }
        };
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops.group(), pair.first(),
                Map.of(ChannelOption.AUTO_READ, false, ChannelOption.ALLOCATOR, none));
        try (pair) {
            FdBuf withFd = new FdBuf(bytes("with a descriptor"), Wire.pipeSaying(""));
            FdBuf without = new FdBuf(bytes("its descriptor was taken"), Wire.pipeSaying(""));
            without.takeFd().close();
            ByteBuf alone = bytes("alone");
            for (ReferenceCounted message : List.of(withFd, without, alone)) {
                ChannelFuture written = channel.writeAndFlush(message).await();
                assertThat(written.cause()).isInstanceOf(OutOfMemoryError.class);
                assertThat(message.refCnt()).isZero();
            }
            assertThat(withFd.content().refCnt()).isZero();
            assertThat(without.content().refCnt()).isZero();
            assertThat(channel.isOpen()).isTrue();
        } finally {
            channel.close().sync();
        }
    }
}
