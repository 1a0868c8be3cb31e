package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.netty.Wire.bytes;
import static org.imsg.netty.Wire.pipeSaying;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultFileRegion;
import io.netty.channel.FileRegion;
import io.netty.util.AbstractReferenceCounted;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every kind of buffer and of file region arrives whole, however little the socket takes at a time. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class WritingTest {
    private static final String TEXT = "0123456789abcdef".repeat(4000);
    private static final Map<ChannelOption<?>, Object> SMALL = Map.of(ChannelOption.SO_SNDBUF, 4608);

    @TempDir
    private Path directory;

    private static ByteBuf direct(String text) {
        return Unpooled.directBuffer(text.length()).writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static CompositeByteBuf composite(boolean heapToo, String text) {
        CompositeByteBuf whole = ByteBufAllocator.DEFAULT.compositeBuffer(1000);
        for (int at = 0; at < text.length(); at += 100) {
            String part = text.substring(at, Math.min(text.length(), at + 100));
            whole.addComponent(true, heapToo && at % 300 == 0 ? bytes(part) : direct(part));
        }
        return whole;
    }

    /** Each a buffer whose readable bytes are the text. */
    private static Map<String, ByteBuf> kinds() {
        Map<String, ByteBuf> kinds = new LinkedHashMap<>();
        kinds.put("direct", direct(TEXT));
        kinds.put("heap", bytes(TEXT));
        kinds.put("slice of a direct one", direct("xx" + TEXT + "yy").slice(2, TEXT.length()));
        kinds.put("read-only direct", direct(TEXT).asReadOnly());
        kinds.put("read-only heap", bytes(TEXT).asReadOnly());
        kinds.put("read-only java.nio buffer", Unpooled.wrappedBuffer(ByteBuffer
                .allocateDirect(TEXT.length()).put(0, TEXT.getBytes(StandardCharsets.ISO_8859_1)).asReadOnlyBuffer()));
        kinds.put("composite of 640 direct parts", composite(false, TEXT));
        kinds.put("composite of direct and heap parts", composite(true, TEXT));
        kinds.put("composite within a composite", ByteBufAllocator.DEFAULT.compositeBuffer()
                .addComponent(true, composite(false, TEXT.substring(0, 30_000)))
                .addComponent(true, composite(false, TEXT.substring(30_000))));
        kinds.put("composite with empty parts", ByteBufAllocator.DEFAULT.compositeBuffer()
                .addComponent(true, direct("")).addComponent(true, direct(TEXT)).addComponent(true, direct("")));
        kinds.put("read-only composite", composite(false, TEXT).asReadOnly());
        return kinds;
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void every_kind_of_buffer_arrives_whole_alone_and_among_others(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops, pair.first(), SMALL);
        try (Wire peer = new Wire(pair.second())) {
            for (Map.Entry<String, ByteBuf> kind : kinds().entrySet()) {
                ByteBuf alone = kind.getValue().retain();
                ChannelFuture sent = channel.writeAndFlush(alone.duplicate());
                assertThat(peer.text(TEXT.length()).equals(TEXT)).as(kind.getKey() + " arrives whole").isTrue();
                sent.sync();
                channel.write(bytes("before"));
                channel.write(Unpooled.EMPTY_BUFFER);
                channel.write(kind.getValue().duplicate());
                channel.write(loops == Loops.NETTYS_OWN
                        ? bytes("descriptor")
                        : new FdBuf(bytes("descriptor"), pipeSaying("")));
                ChannelFuture last = channel.writeAndFlush(bytes("after"));
                assertThat(peer.text(TEXT.length() + 21).equals("before" + TEXT + "descriptor" + "after"))
                        .as(kind.getKey() + " arrives whole among others").isTrue();
                last.sync();
                assertThat(kind.getValue().refCnt()).as(kind.getKey()).isZero();
            }
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_composite_of_direct_parts_is_not_copied(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
        Channel channel = Wire.open(loops.group(), pair.first(), Map.of(ChannelOption.ALLOCATOR, allocator));
        try (Wire peer = new Wire(pair.second())) {
            CompositeByteBuf whole = composite(false, TEXT);
            long taken = channel.eventLoop().submit(() -> {
                long before = allocator.metric().usedDirectMemory();
                channel.write(whole);
                return allocator.metric().usedDirectMemory() - before;
            }).get();
            assertThat(taken).isZero();
            channel.flush();
            assertThat(peer.text(TEXT.length()).equals(TEXT)).isTrue();
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_part_of_a_file_is_sent_between_buffers(Loops loops) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "head" + TEXT + "tail");
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops, pair.first(), SMALL);
        try (Wire peer = new Wire(pair.second())) {
            channel.write(bytes("before"));
            DefaultFileRegion region = new DefaultFileRegion(file.toFile(), 4, TEXT.length());
            ChannelFuture sent = channel.write(region);
            channel.write(new DefaultFileRegion(file.toFile(), 4, 0));
            ChannelFuture last = channel.writeAndFlush(bytes("after"));
            assertThat(peer.text(TEXT.length() + 11).equals("before" + TEXT + "after")).isTrue();
            sent.sync();
            last.sync();
            assertThat(region.refCnt()).isZero();
            assertThat(region.transferred()).isEqualTo(TEXT.length());
        } finally {
            channel.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_region_beyond_the_end_of_its_file_fails_its_write(Loops loops) throws Exception {
        Path file = Files.writeString(directory.resolve("short"), "0123456789");
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops, pair.first());
        try (Wire peer = new Wire(pair.second())) {
            DefaultFileRegion region = new DefaultFileRegion(file.toFile(), 0, 11);
            ChannelFuture sent = channel.writeAndFlush(region);
            assertThatThrownBy(sent::sync).isInstanceOf(IOException.class).hasMessageContaining("size 10 smaller");
            assertThat(peer.text(10)).isEqualTo("0123456789");
            channel.closeFuture().sync();
            assertThat(region.refCnt()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#andNettysOwn")
    void a_region_of_a_programs_own_is_sent_from_either_kind_of_memory(Loops loops) throws Exception {
        byte[] text = TEXT.getBytes(StandardCharsets.ISO_8859_1);
        Fd.Pair pair = Fd.socketpair();
        Channel channel = Wire.open(loops, pair.first(), SMALL);
        try (Wire peer = new Wire(pair.second())) {
            for (ByteBuffer content : List.of(ByteBuffer.wrap(text),
                    ByteBuffer.allocateDirect(text.length).put(0, text),
                    ByteBuffer.wrap(text).asReadOnlyBuffer())) {
                OwnRegion region = new OwnRegion(content);
                ChannelFuture sent = channel.write(region);
                channel.writeAndFlush(bytes("after"));
                assertThat(peer.text(text.length + 5).equals(TEXT + "after")).isTrue();
                sent.sync();
                assertThat(region.refCnt()).isZero();
            }
        } finally {
            channel.close().sync();
        }
    }

    /** Bytes in memory, of which a call offers so many at most. */
    static class OwnRegion extends AbstractReferenceCounted implements FileRegion {
        private static final int AT_ONCE = 1000;

        private final ByteBuffer content;

        OwnRegion(ByteBuffer content) {
            this.content = content;
        }

        @Override
        public long transferTo(WritableByteChannel target, long position) throws IOException {
            assertThat(position).isEqualTo(content.position());
            int before = content.position();
            int limit = content.limit();
            content.limit(Math.min(limit, before + AT_ONCE));
            target.write(content);
            content.limit(limit);
            return content.position() - before;
        }

        @Override
        public long position() {
            return 0;
        }

        @Override
        public long transferred() {
            return content.position();
        }

        @Override
        @Deprecated
        public long transfered() {
            return transferred();
        }

        @Override
        public long count() {
            return content.limit();
        }

        @Override
        protected void deallocate() {
            // the collector's
        }

        @Override
        public FileRegion retain() {
            super.retain();
            return this;
        }

        @Override
        public FileRegion retain(int increment) {
            super.retain(increment);
            return this;
        }

        @Override
        public FileRegion touch() {
            return this;
        }

        @Override
        public FileRegion touch(Object hint) {
            return this;
        }
    }
}
