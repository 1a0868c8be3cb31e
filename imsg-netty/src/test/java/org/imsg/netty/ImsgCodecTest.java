package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.imsg.netty.Messages.join;
import static org.imsg.netty.Messages.marked;
import static org.imsg.netty.Messages.plain;
import static org.imsg.netty.Messages.text;
import static org.imsg.netty.Wire.bytes;
import static org.imsg.netty.Wire.pipeSaying;
import static org.imsg.netty.Wire.say;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert;
import org.imsg.DescriptorState;
import org.imsg.ImsgEofException;
import org.imsg.ImsgProtocolException;
import org.imsg.ImsgTooLargeException;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Messages out of bytes and descriptors, and back. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class ImsgCodecTest {
    @Test
    void a_header_that_announces_256_mib_takes_memory_for_what_has_come() {
        UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(true);
        EmbeddedChannel channel = new EmbeddedChannel(
                new ImsgCodec().format(WireFormat.MODERN).maxSize((1 << 28) - ImsgHeader.SIZE));
        channel.config().setAllocator(allocator);
        byte[] header = new byte[ImsgHeader.SIZE];
        ImsgHeader.write(MemorySegment.ofArray(header), 0, Dialect.MODERN, 1, 1 << 28, false, 0, Messages.PID);
        channel.writeInbound(join(header));
        for (int i = 0; i < 100; i++)
            channel.writeInbound(join(new byte[10_000]));
        assertThat(allocator.metric().usedDirectMemory()).isBetween(1_000_000L, 4_000_000L);
        assertThatThrownBy(channel::finish).isInstanceOf(ImsgEofException.class);
        assertThat(allocator.metric().usedDirectMemory()).isZero();
    }

    @Test
    void every_whole_message_of_a_read_is_an_event_of_its_own() {
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec());
        channel.writeInbound(join(plain(1, 10, "one"), plain(2, 20, ""), plain(3, 30, "three")));
        ImsgMessage one = channel.readInbound();
        assertThat(one.type()).isEqualTo(1);
        assertThat(one.id()).isEqualTo(10);
        assertThat(one.pid()).isEqualTo(Messages.PID);
        assertThat(one.descriptor()).isEqualTo(DescriptorState.NONE);
        assertThat(text(one)).isEqualTo("one");
        assertThat(one.toString()).isEqualTo("imsg type 1 id 10 pid 4711, 3 bytes");
        ImsgMessage two = channel.readInbound();
        ImsgMessage three = channel.readInbound();
        assertThat(two.content().isReadable()).isFalse();
        assertThat(text(three)).isEqualTo("three");
        one.release();
        two.release();
        three.release();
        assertThat(channel.finishAndReleaseAll()).isFalse();
    }

    @Test
    void how_the_stream_is_cut_does_not_matter() {
        long seed = System.nanoTime();
        System.out.println("ImsgCodecTest.how_the_stream_is_cut_does_not_matter: seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            List<String> expected = new ArrayList<>();
            ByteBuf stream = Unpooled.buffer();
            for (int i = 0; i < 40; i++) {
                String payload = "x".repeat(random.nextInt(10) == 0 ? random.nextInt(16_000) : random.nextInt(60));
                expected.add(payload);
                stream.writeBytes(plain(i, i, payload));
            }
            EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec());
            List<ImsgMessage> received = new ArrayList<>();
            while (stream.isReadable()) {
                channel.writeInbound(
                        stream.readRetainedSlice(1 + random.nextInt(Math.min(3000, stream.readableBytes()))));
                for (ImsgMessage message; (message = channel.readInbound()) != null;)
                    received.add(message);
            }
            stream.release();
            // Compared at the end: a later read must not have changed the memory of an earlier message.
            assertThat(received.stream().map(Messages::text)).isEqualTo(expected);
            received.forEach(ImsgMessage::release);
            assertThat(channel.finishAndReleaseAll()).isFalse();
        }
    }

    @Test
    void a_descriptor_goes_to_the_marked_message_and_no_other() throws Exception {
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec());
        channel.writeInbound(
                new FdBuf(join(plain(1, 0, "before"), marked(2, 0, "mine"), plain(3, 0, "behind")),
                        pipeSaying("hello")));
        ImsgMessage before = channel.readInbound();
        ImsgMessage mine = channel.readInbound();
        ImsgMessage behind = channel.readInbound();
        assertThat(before.hasFd()).isFalse();
        assertThat(behind.hasFd()).isFalse();
        assertThat(mine.descriptor()).isEqualTo(DescriptorState.PRESENT);
        assertThat(say(mine.takeFd())).isEqualTo("hello");
        assertThat(mine.descriptor()).isEqualTo(DescriptorState.TAKEN);
        before.release();
        mine.release();
        behind.release();
        channel.finishAndReleaseAll();
    }

    @Test
    void descriptors_that_no_message_claims_are_closed_and_marks_without_one_are_reported() throws Exception {
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec());
        channel.writeInbound(new FdBuf(join(plain(1, 0, "unmarked")), pipeSaying("closed")));
        channel.writeInbound(new FdBuf(join(marked(2, 0, "lost")), null, true));
        channel.writeInbound(join(marked(3, 0, "missing")));
        ImsgMessage unmarked = channel.readInbound();
        ImsgMessage lost = channel.readInbound();
        ImsgMessage missing = channel.readInbound();
        assertThat(unmarked.descriptor()).isEqualTo(DescriptorState.NONE);
        assertThat(lost.descriptor()).isEqualTo(DescriptorState.LOST);
        assertThat(missing.descriptor()).isEqualTo(DescriptorState.MISSING);
        assertThat(lost.toString()).endsWith(", descriptor lost");
        unmarked.release();
        lost.release();
        missing.release();
        channel.finishAndReleaseAll();
    }

    @Test
    void a_released_message_closes_its_descriptor_and_a_retained_one_keeps_it() throws Exception {
        ImsgMessage message = new ImsgMessage(1, 2, 3, bytes("payload"), pipeSaying("kept"));
        message.retain().touch("seen by the test");
        assertThat(message.release()).isFalse();
        assertThat(message.hasFd()).isTrue();
        ImsgMessage renamed = message.withId(9);
        assertThat(message.refCnt()).isZero();
        assertThat(renamed.id()).isEqualTo(9);
        ImsgMessage copy = renamed.copy();
        assertThat(copy.descriptor()).isEqualTo(DescriptorState.NONE);
        assertThat(text(copy)).isEqualTo("payload");
        copy.release();
        ImsgMessage duplicate = renamed.retainedDuplicate();
        ImsgMessage replaced = renamed.replace(bytes("other"));
        assertThat(say(replaced.takeFd())).isEqualTo("kept");
        renamed.release();
        assertThat(text(duplicate)).isEqualTo("payload");
        duplicate.release();
        replaced.release();
        assertThat(duplicate.content().refCnt()).isZero();
    }

    /** As of every holder: Netty's handlers duplicate and retain one to keep its bytes beside who has the message. */
    @Test
    void a_duplicate_has_no_count_of_its_own() throws Exception {
        ImsgMessage message = new ImsgMessage(1, 2, 3, bytes("payload"), pipeSaying("kept"));
        ImsgMessage twin = message.duplicate().duplicate().retain();
        assertThat(message.refCnt()).isEqualTo(2);
        assertThat(message.release()).isFalse();
        assertThat(text(twin)).isEqualTo("payload");
        assertThat(message.hasFd()).isTrue();
        assertThat(twin.release()).isTrue();
        assertThat(message.hasFd()).isFalse();
        assertThat(message.content().refCnt()).isZero();
    }

    @Test
    void a_batch_is_one_event_whose_cursor_allocates_nothing() {
        com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().threadId();
        int[] seen = new int[2];
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec().batched(), new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object message) {
                // @start region=batch
                ImsgBatch batch = (ImsgBatch) message;
                while (batch.next()) {
                    seen[0]++;
                    seen[1] += batch.type() + batch.id() + batch.pid() + batch.buffer().getByte(batch.index())
                            + batch.length() + batch.descriptor().ordinal();
                }
                // @end
            }
        });
        long few = 0;
        long many = 0;
        for (int warm = 0; warm < 200; warm++) {
            few = allocatedBy(threads, thread, channel, 1);
            many = allocatedBy(threads, thread, channel, 1000);
        }
        assertThat(seen[0]).isEqualTo(200 * 1001);
        assertThat(many).as("bytes allocated for 1000 messages, " + few + " for 1").isLessThanOrEqualTo(few + 64);
        channel.finishAndReleaseAll();
    }

    private static long allocatedBy(com.sun.management.ThreadMXBean threads, long thread, EmbeddedChannel channel,
            int count) {
        byte[] message = plain(1, 2, "payload");
        // The leak detector's records would be counted too.
        ByteBuf stream = new UnpooledByteBufAllocator(true, true).directBuffer(count * message.length);
        for (int i = 0; i < count; i++)
            stream.writeBytes(message);
        long before = threads.getThreadAllocatedBytes(thread);
        channel.pipeline().fireChannelRead(stream);
        return threads.getThreadAllocatedBytes(thread) - before;
    }

    @Test
    void a_batch_is_refused_outside_of_its_read_and_on_another_thread() {
        List<ImsgBatch> kept = new ArrayList<>();
        List<Throwable> elsewhere = new ArrayList<>();
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec().batched(), new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object message) throws InterruptedException {
                ImsgBatch batch = (ImsgBatch) message;
                assertThat(batch.next()).isTrue();
                Thread other = Thread.ofPlatform()
                        .start(() -> uses(batch).forEach(use -> elsewhere.add(catchThrowable(use))));
                other.join();
                kept.add(batch);
            }
        });
        channel.writeInbound(Unpooled.directBuffer().writeBytes(plain(1, 7, "payload")));
        assertThat(elsewhere).hasSize(9).allSatisfy(thrown -> assertThat(thrown)
                .isInstanceOf(IllegalStateException.class).hasMessageContaining("the thread of its read"));
        uses(kept.getFirst()).forEach(use -> assertThatIllegalStateException().isThrownBy(use)
                .withMessageContaining("valid only inside the channelRead"));
        channel.finishAndReleaseAll();
    }

    private static List<ThrowableAssert.ThrowingCallable> uses(ImsgBatch batch) {
        return List.of(batch::next, batch::type, batch::id, batch::pid, batch::buffer, batch::index, batch::length,
                batch::descriptor, batch::takeFd);
    }

    @Test
    void what_a_batch_handler_leaves_is_dropped_and_what_it_keeps_outlives_the_read() throws Exception {
        List<ImsgMessage> kept = new ArrayList<>();
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec().batched(), new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object message) {
                ImsgBatch batch = (ImsgBatch) message;
                if (batch.next())
                    kept.add(batch.toMessage());
            }
        });
        byte[] cut = plain(3, 0, "in two parts");
        channel.writeInbound(new FdBuf(join(marked(1, 0, "first"), marked(2, 0, "left")), pipeSaying("taken along")));
        channel.writeInbound(Unpooled.wrappedBuffer(cut, 0, 20));
        channel.writeInbound(Unpooled.wrappedBuffer(cut, 20, cut.length - 20));
        assertThat(kept.stream().map(Messages::text)).containsExactly("first", "in two parts");
        assertThat(say(kept.get(0).takeFd())).isEqualTo("taken along");
        kept.forEach(ImsgMessage::release);
        channel.finishAndReleaseAll();
    }

    @Test
    void small_messages_leave_in_one_buffer_at_the_flush_and_ones_with_a_descriptor_in_their_own() throws Exception {
        EmbeddedChannel channel = new EmbeddedChannel(
                new ImsgCodec().format(WireFormat.MODERN).format(WireFormat.MODERN));
        ChannelFuture one = channel.write(new ImsgMessage(1, 0, 0, bytes("one")));
        ChannelFuture two = channel.write(new ImsgMessage(2, 0, 0, bytes("two")));
        ChannelFuture three = channel.write(new ImsgMessage(3, 0, 0, bytes("three"), pipeSaying("3")));
        ChannelFuture four = channel.write(new ImsgMessage(4, 7, 4711, bytes("four")));
        ChannelFuture five = channel.write(new ImsgMessage(5, 0, 0, bytes("five")), channel.voidPromise());
        assertThat(channel.<Object>readOutbound()).isNull();
        channel.flush();
        ByteBuf gathered = channel.readOutbound();
        FdBuf withFd = channel.readOutbound();
        ByteBuf behind = channel.readOutbound();
        assertThat(gathered.readableBytes()).isEqualTo(16 + 3 + 16 + 3);
        assertThat(withFd.content().readableBytes()).isEqualTo(16 + 5);
        assertThat(say(withFd.takeFd())).isEqualTo("3");
        byte[] four16 = new byte[20];
        behind.readBytes(four16);
        assertThat(four16).isEqualTo(plain(4, 7, "four"));
        for (ChannelFuture written : List.of(one, two, three, four))
            assertThat(written.isSuccess()).isTrue();
        assertThat(five.isVoid()).isTrue();
        gathered.release();
        withFd.release();
        behind.release();
        assertThat(channel.<Object>readOutbound()).isNull();
        channel.finishAndReleaseAll();
    }

    @Test
    void the_own_pid_stands_where_none_was_given() {
        EmbeddedChannel sender = new EmbeddedChannel(new ImsgCodec());
        EmbeddedChannel receiver = new EmbeddedChannel(new ImsgCodec());
        sender.writeOutbound(ImsgMessage.of(-1));
        receiver.writeInbound((ByteBuf) sender.readOutbound());
        ImsgMessage received = receiver.readInbound();
        assertThat(received.pid()).isEqualTo((int) ProcessHandle.current().pid());
        assertThat(received.type()).isEqualTo(-1);
        received.release();
        sender.finishAndReleaseAll();
        receiver.finishAndReleaseAll();
    }

    @Test
    void much_is_passed_on_before_the_flush() {
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec());
        for (int i = 0; i < 10; i++)
            channel.write(new ImsgMessage(i, 0, 0, bytes("x".repeat(10_000))));
        assertThat(channel.unsafe().outboundBuffer().totalPendingWriteBytes()).isGreaterThan(50_000);
        channel.flush();
        int bytes = 0;
        for (ByteBuf buffer; (buffer = channel.readOutbound()) != null; buffer.release())
            bytes += buffer.readableBytes();
        assertThat(bytes).isEqualTo(10 * 10_016);
        channel.finishAndReleaseAll();
    }

    @Test
    void what_is_gathered_and_never_flushed_fails_with_the_channel() {
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec());
        ChannelFuture one = channel.write(new ImsgMessage(1, 0, 0, bytes("one")));
        ChannelFuture two = channel.write(new ImsgMessage(2, 0, 0, bytes("two")));
        channel.close();
        assertThat(one.cause()).isInstanceOf(java.nio.channels.ClosedChannelException.class);
        assertThat(two.cause()).isInstanceOf(java.nio.channels.ClosedChannelException.class);
        channel.finishAndReleaseAll();
    }

    @Test
    void a_message_over_the_limit_fails_its_write_only() throws Exception {
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec().maxSize(100));
        ImsgMessage tooLong = new ImsgMessage(1, 0, 0, bytes("x".repeat(101)), pipeSaying(""));
        ChannelFuture failed = channel.writeOneOutbound(tooLong);
        assertThat(failed.cause()).isInstanceOf(ImsgTooLargeException.class).hasMessageContaining("101");
        assertThat(tooLong.refCnt()).isZero();
        channel.writeOutbound(new ImsgMessage(1, 0, 0, bytes("x".repeat(100))));
        ByteBuf sent = channel.readOutbound();
        assertThat(sent.readableBytes()).isEqualTo(116);
        sent.release();
        channel.finishAndReleaseAll();
    }

    @Test
    void a_header_that_cannot_be_one_is_told_once_and_closes_the_channel() throws Exception {
        Events events = new Events();
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec(), events);
        byte[] bad = plain(3, 0, "");
        bad[4] = 15;
        channel.writeInbound(new FdBuf(join(plain(1, 0, "good"), bad, plain(2, 0, "unheard")), pipeSaying("closed")));
        channel.pipeline().fireChannelRead(new FdBuf(join(plain(4, 0, "after")), pipeSaying("closed too")));
        ImsgMessage good = events.next(ImsgMessage.class);
        good.release();
        ImsgProtocolException cause = events.next(ImsgProtocolException.class);
        assertThat(cause.length()).isEqualTo(15);
        assertThat(cause).hasMessageContaining("type 3");
        events.expect(Events.INACTIVE);
        assertThat(channel.isOpen()).isFalse();
        assertThat(events.isEmpty()).isTrue();
        channel.finishAndReleaseAll();
    }

    @Test
    void an_end_inside_a_message_is_told_with_its_numbers_and_a_clean_end_is_not() throws Exception {
        Events events = new Events();
        EmbeddedChannel cut = new EmbeddedChannel(new ImsgCodec(), events);
        cut.writeInbound(
                new FdBuf(Unpooled.wrappedBuffer(marked(1, 0, "a long payload"), 0, 20), pipeSaying("closed")));
        cut.close();
        ImsgEofException cause = events.next(ImsgEofException.class);
        assertThat(cause.received()).isEqualTo(20);
        assertThat(cause.expected()).isEqualTo(30);
        events.expect(Events.INACTIVE);
        cut.finishAndReleaseAll();

        Events cleanEvents = new Events();
        EmbeddedChannel clean = new EmbeddedChannel(new ImsgCodec(), cleanEvents);
        clean.writeInbound(join(plain(1, 0, "whole")));
        clean.close();
        cleanEvents.next(ImsgMessage.class).release();
        cleanEvents.expect(Events.INACTIVE);
        clean.finishAndReleaseAll();
    }

    @ParameterizedTest
    @EnumSource(names = {"CLASSIC", "MODERN"})
    void replies_in_the_format_the_peer_marks_in_and_refuses_a_descriptor_before(Dialect spoken) throws Exception {
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec());
        Fd refused = pipeSaying("");
        ChannelFuture write = channel.write(new ImsgMessage(1, 0, 0, bytes("x"), refused));
        assertThat(write.cause()).isInstanceOf(IllegalStateException.class).hasMessageContaining("format(")
                .hasMessageContaining("assume(");
        channel.writeInbound(join(Messages.encoded(spoken, 1, 0, "x", true)));
        ((ImsgMessage) channel.readInbound()).release();
        assertThat(formatOfWhatItWrites(channel)).isEqualTo(spoken);
        channel.finishAndReleaseAll();
    }

    @Test
    void marks_that_change_their_format_end_the_stream() throws Exception {
        Events events = new Events();
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec(), events);
        channel.writeInbound(join(Messages.encoded(Dialect.CLASSIC, 1, 0, "x", true)));
        channel.writeInbound(join(Messages.encoded(Dialect.MODERN, 2, 0, "x", true)));
        events.next(ImsgMessage.class).release();
        assertThat(events.next(ImsgProtocolException.class)).hasMessageContaining("another format");
        assertThat(channel.isOpen()).isFalse();
        channel.finishAndReleaseAll();
    }

    @Test
    void writes_in_the_format_that_is_assumed_or_named() throws Exception {
        EmbeddedChannel assumed = new EmbeddedChannel(new ImsgCodec().assume(WireFormat.CLASSIC));
        assertThat(formatOfWhatItWrites(assumed)).isEqualTo(Dialect.CLASSIC);
        assumed.finishAndReleaseAll();
        EmbeddedChannel named = new EmbeddedChannel(new ImsgCodec().format(WireFormat.CLASSIC));
        assertThat(formatOfWhatItWrites(named)).isEqualTo(Dialect.CLASSIC);
        named.finishAndReleaseAll();
    }

    private static Dialect formatOfWhatItWrites(EmbeddedChannel channel) throws Exception {
        channel.writeOutbound(new ImsgMessage(1, 0, 0, bytes("x"), pipeSaying("")));
        FdBuf sent = channel.readOutbound();
        int word = sent.content().nioBuffer().order(ByteOrder.nativeOrder()).getInt(4);
        sent.release();
        return Dialect.AUTO.of(word, ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN);
    }

    @Test
    void settings_that_cannot_be_are_refused() {
        assertThatThrownBy(() -> new ImsgCodec().maxSize(65_520)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("must be named");
        assertThatThrownBy(() -> new ImsgCodec().maxSize(-1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new ImsgCodec().assume(WireFormat.AUTO)).isInstanceOf(IllegalArgumentException.class);
        ImsgCodec large = new ImsgCodec().format(WireFormat.MODERN).maxSize(131_072);
        assertThatThrownBy(() -> large.format(WireFormat.AUTO)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void large_messages_pass_where_the_format_is_named() {
        EmbeddedChannel sender = new EmbeddedChannel(new ImsgCodec().format(WireFormat.MODERN).maxSize(1_000_000));
        EmbeddedChannel receiver = new EmbeddedChannel(new ImsgCodec().format(WireFormat.MODERN).maxSize(1_000_000));
        String payload = "0123456789".repeat(100_000);
        sender.writeOutbound(new ImsgMessage(1, 0, 0, bytes(payload)));
        ByteBuf sent = sender.readOutbound();
        while (sent.isReadable())
            receiver.writeInbound(sent.readRetainedSlice(Math.min(7777, sent.readableBytes())));
        sent.release();
        ImsgMessage received = receiver.readInbound();
        assertThat(received.content().toString(StandardCharsets.ISO_8859_1)).isEqualTo(payload);
        received.release();
        sender.finishAndReleaseAll();
        receiver.finishAndReleaseAll();
    }

    @Test
    void a_program_that_reads_by_hand_and_got_something_else_is_not_read_for_again() {
        List<String> reads = new ArrayList<>();
        EmbeddedChannel channel = new EmbeddedChannel(new ChannelOutboundHandlerAdapter() {
            @Override
            public void read(ChannelHandlerContext ctx) {
                reads.add("read");
            }
        }, new ImsgCodec());
        channel.config().setAutoRead(false);
        reads.clear();
        channel.writeInbound("something else");
        assertThat(reads).isEmpty();
        channel.writeInbound(join(new byte[1]));
        assertThat(reads).hasSize(1);
        channel.pipeline().removeLast();
        channel.finishAndReleaseAll();
    }

    @Test
    void what_follows_after_the_codec_is_removed_is_bytes_again() {
        EmbeddedChannel channel = new EmbeddedChannel();
        ImsgCodec codec = new ImsgCodec();
        channel.pipeline().addLast(codec, new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object message) {
                if (message instanceof ImsgMessage)
                    ctx.pipeline().remove(codec);
                ctx.fireChannelRead(message);
            }
        });
        channel.writeInbound(join(plain(1, 0, "upgrade"), "raw".getBytes(StandardCharsets.ISO_8859_1)));
        ((ImsgMessage) channel.readInbound()).release();
        ByteBuf raw = channel.readInbound();
        assertThat(raw.toString(StandardCharsets.ISO_8859_1)).isEqualTo("raw");
        raw.release();
        channel.finishAndReleaseAll();
    }

    @Test
    void without_descriptors_the_same_codec_serves_nettys_own_domain_sockets() throws Exception {
        Fd.Pair pair = Fd.socketpair();
        SocketCalls.nonBlocking(pair.first());
        Events events = new Events();
        Channel channel = new EpollDomainSocketChannel(pair.first().release());
        channel.pipeline().addLast(new ImsgCodec(), events);
        Loops.EPOLL.group().register(channel).sync();
        try (Wire peer = new Wire(pair.second())) {
            peer.send(plain(1, 2, "hello"));
            ImsgMessage hello = events.next(ImsgMessage.class);
            assertThat(text(hello)).isEqualTo("hello");
            hello.release();
            peer.send(marked(3, 4, "a descriptor that Netty's channel does not receive"), pipeSaying(""));
            ImsgMessage without = events.next(ImsgMessage.class);
            assertThat(without.descriptor()).isEqualTo(DescriptorState.MISSING);
            without.release();
            ChannelFuture refused = channel.writeAndFlush(new ImsgMessage(5, 6, 0, bytes("no"), pipeSaying("")));
            assertThatThrownBy(refused::sync).isInstanceOf(UnsupportedOperationException.class);
            channel.writeAndFlush(new ImsgMessage(7, 8, Messages.PID, bytes("yes"))).sync();
            assertThat(peer.text(19)).isEqualTo(new String(plain(7, 8, "yes"), StandardCharsets.ISO_8859_1));
        } finally {
            channel.close().sync();
        }
    }

    /** An allocator that may have no direct memory left, and knows how much it was asked for then. */
    private static final class Allocator extends AbstractByteBufAllocator {
        boolean exhausted;
        int asked;

        Allocator() {
            super(true);
        }

        @Override
        public boolean isDirectBufferPooled() {
            return false;
        }

        @Override
        protected ByteBuf newHeapBuffer(int initial, int most) {
            return Unpooled.buffer(initial, most);
        }

        @Override
        protected ByteBuf newDirectBuffer(int initial, int most) {
            if (!exhausted)
                return Unpooled.directBuffer(initial, most);
            asked = initial;
            throw new OutOfMemoryError("no direct memory left");
        }
    }

    /** Else each read would copy the gigabyte before it. */
    @Test
    void a_part_that_is_longer_than_a_gigabyte_grows_by_as_much_as_a_short_one_does(@TempDir Path directory)
            throws Exception {
        Allocator allocator = new Allocator();
        EmbeddedChannel channel = new EmbeddedChannel(
                new ImsgCodec().format(WireFormat.MODERN).maxSize(2_000_000_000 - ImsgHeader.SIZE), new Events());
        channel.config().setAllocator(allocator);
        try (FileChannel sparse = FileChannel.open(directory.resolve("sparse"), StandardOpenOption.CREATE_NEW,
                StandardOpenOption.READ, StandardOpenOption.WRITE); Arena arena = Arena.ofConfined()) {
            MemorySegment part = sparse.map(FileChannel.MapMode.READ_WRITE, 0, 1_200_000_000, arena);
            ImsgHeader.write(part, 0, Dialect.MODERN, 1, 2_000_000_000, false, 0, Messages.PID);
            channel.writeInbound(Unpooled.wrappedBuffer(part.asByteBuffer()));
            allocator.exhausted = true;
            channel.writeInbound(join(new byte[1]));
            assertThat(allocator.asked).isEqualTo(2_000_000_000);
        }
    }

    /** Bytes that were lost on the way must not be taken for others. */
    @Test
    void memory_that_runs_out_inside_a_message_ends_the_stream() throws Exception {
        Allocator allocator = new Allocator();
        Events events = new Events();
        EmbeddedChannel channel = new EmbeddedChannel(new ImsgCodec().format(WireFormat.MODERN), events);
        channel.config().setAllocator(allocator);
        byte[] message = Messages.plain(1, 0, "a message in two parts");
        ByteBuf first = Unpooled.wrappedBuffer(message, 0, 20);
        ByteBuf second = Unpooled.wrappedBuffer(message, 20, message.length - 20);
        channel.writeInbound(first.asReadOnly());
        allocator.exhausted = true;
        channel.writeInbound(second);
        assertThat(events.next(OutOfMemoryError.class)).hasMessageContaining("no direct memory left");
        assertThat(channel.isOpen()).isFalse();
        assertThat(first.refCnt()).isZero();
        assertThat(second.refCnt()).isZero();
        events.expect(Events.INACTIVE);
        assertThat(events.isEmpty()).isTrue();
    }
}
