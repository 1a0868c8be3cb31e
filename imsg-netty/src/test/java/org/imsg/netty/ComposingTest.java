package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.imsg.netty.Messages.join;
import static org.imsg.netty.Messages.plain;
import static org.imsg.netty.Messages.text;
import static org.imsg.netty.Wire.bytes;
import static org.imsg.netty.Wire.pipeSaying;
import static org.imsg.netty.Wire.say;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.IllegalReferenceCountException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.imsg.DescriptorState;
import org.imsg.ImsgTooLargeException;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Messages that are composed into the codec instead of written as objects. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class ComposingTest {
    // @start region="compose"
    /** Answers every request with the numbers under it, each in a message of its own, and sends what was read at once together. */
    static final class Counting extends ChannelInboundHandlerAdapter {
        private final ImsgCodec codec;
        private final ByteBuf scratch = Unpooled.buffer();

        /** Behind that codec, which is {@code batched()}. */
        Counting(ImsgCodec codec) {
            this.codec = codec;
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            ImsgBatch requests = (ImsgBatch) message;
            while (requests.next()) {
                int upTo = requests.buffer().getIntLE(requests.index());
                for (int number = 0; number < upTo; number++)
                    codec.compose(requests.type(), requests.id(), 0, null, scratch.clear().writeIntLE(number));
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext ctx) {
            ctx.flush();
        }
    }
    // @end

    private final ImsgCodec codec = new ImsgCodec().format(WireFormat.MODERN);
    private final EmbeddedChannel channel = new EmbeddedChannel(codec);

    /** What went out, read again by another codec. */
    private List<ImsgMessage> sent() {
        EmbeddedChannel reader = new EmbeddedChannel(new ImsgCodec().format(WireFormat.MODERN));
        for (Object out; (out = channel.readOutbound()) != null;)
            reader.writeInbound(out);
        List<ImsgMessage> messages = new ArrayList<>();
        for (ImsgMessage message; (message = reader.readInbound()) != null;)
            messages.add(message);
        reader.finishAndReleaseAll();
        return messages;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Test
    void composed_messages_go_out_with_a_flush_as_one_buffer() {
        codec.compose(1, 10, 7, null, ascii("array"));
        codec.compose(2, 20, 0, null, ascii("a part of it"), 2, 4);
        ByteBuf payload = bytes("buffer").skipBytes(1);
        codec.compose(3, -1, 0, null, payload);
        codec.compose(4, 0, 0, null, new byte[0]);
        assertThat(channel.outboundMessages()).isEmpty();
        channel.flush();
        assertThat(channel.outboundMessages()).hasSize(1);
        List<ImsgMessage> sent = sent();
        assertThat(sent).extracting(Messages::text).containsExactly("array", "part", "uffer", "");
        assertThat(sent).extracting(ImsgMessage::type).containsExactly(1, 2, 3, 4);
        assertThat(sent).extracting(ImsgMessage::id).containsExactly(10, 20, -1, 0);
        int own = (int) ProcessHandle.current().pid();
        assertThat(sent).extracting(ImsgMessage::pid).containsExactly(7, own, own, own);
        sent.forEach(ImsgMessage::release);
        // Still the caller's, as it was.
        assertThat(payload.readerIndex()).isEqualTo(1);
        assertThat(payload.release()).isTrue();
        channel.finishAndReleaseAll();
    }

    @Test
    void they_go_out_whatever_becomes_of_a_written_ones_promise() {
        for (boolean succeeds : new boolean[]{true, false}) {
            codec.compose(1, 0, 0, null, ascii("composed"));
            ChannelPromise promise = channel.newPromise();
            channel.write(new ImsgMessage(2, 0, 0, bytes("written")), promise);
            if (succeeds)
                promise.setSuccess();
            else
                promise.setFailure(new IllegalStateException("the program's own"));
            codec.compose(3, 0, 0, null, ascii("composed"));
            channel.flush();
            List<ImsgMessage> sent = sent();
            assertThat(sent).extracting(ImsgMessage::type).containsExactly(1, 2, 3);
            sent.forEach(ImsgMessage::release);
        }
        channel.finishAndReleaseAll();
    }

    @Test
    void they_keep_their_place_among_written_messages_and_descriptors() throws Exception {
        codec.compose(1, 0, 0, null, ascii("first"));
        channel.write(new ImsgMessage(2, 0, 0, bytes("second")));
        Fd fd = pipeSaying("hello");
        codec.compose(3, 0, 0, fd, ascii("third"));
        assertThat(fd.isOpen()).as("the caller's").isFalse();
        codec.compose(4, 0, 0, pipeSaying("closed"), bytes("fourth"));
        codec.compose(5, 0, 0, null, ascii("fifth"));
        channel.write(join(plain(6, 0, "raw")));
        codec.compose(7, 0, 0, null, ascii("seventh"));
        channel.flush();
        List<ImsgMessage> sent = sent();
        assertThat(sent).extracting(ImsgMessage::type).containsExactly(1, 2, 3, 4, 5, 6, 7);
        assertThat(sent).extracting(Messages::text).containsExactly("first", "second", "third", "fourth", "fifth",
                "raw", "seventh");
        assertThat(sent).extracting(ImsgMessage::descriptor).containsExactly(DescriptorState.NONE, DescriptorState.NONE,
                DescriptorState.PRESENT, DescriptorState.PRESENT, DescriptorState.NONE, DescriptorState.NONE,
                DescriptorState.NONE);
        assertThat(say(sent.get(2).takeFd())).isEqualTo("hello");
        sent.forEach(ImsgMessage::release);
        channel.finishAndReleaseAll();
    }

    @Test
    void more_than_one_buffer_holds_goes_out_in_several_and_whole() {
        byte[] payload = new byte[16368];
        for (int i = 0; i < 40; i++) {
            payload[16367] = (byte) i;
            codec.compose(i, 0, 0, null, payload, i, 16368 - i);
        }
        channel.flush();
        assertThat(channel.outboundMessages().size()).isBetween(10, 14);
        List<ImsgMessage> sent = sent();
        assertThat(sent).hasSize(40);
        for (int i = 0; i < 40; i++) {
            assertThat(sent.get(i).content().readableBytes()).isEqualTo(16368 - i);
            assertThat(sent.get(i).content().getByte(16367 - i)).isEqualTo((byte) i);
        }
        sent.forEach(ImsgMessage::release);
        channel.finishAndReleaseAll();
    }

    @Test
    void what_cannot_be_composed_leaves_no_trace_and_its_descriptor_with_the_caller() throws Exception {
        codec.compose(1, 0, 0, null, ascii("before"));
        ByteBuf released = bytes("released");
        released.release();
        ByteBuf tooLong = Unpooled.wrappedBuffer(new byte[16369]);
        Fd closed = pipeSaying("");
        closed.close();
        try (Fd fd = pipeSaying("")) {
            assertThatThrownBy(() -> codec.compose(2, 0, 0, fd, new byte[16369]))
                    .isInstanceOf(ImsgTooLargeException.class);
            assertThatThrownBy(() -> codec.compose(2, 0, 0, fd, tooLong)).isInstanceOf(ImsgTooLargeException.class);
            assertThatThrownBy(() -> codec.compose(2, 0, 0, fd, new byte[9], 5, 5))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> codec.compose(2, 0, 0, null, new byte[9], -1, 5))
                    .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> codec.compose(2, 0, 0, null, released))
                    .isInstanceOf(IllegalReferenceCountException.class);
            assertThatThrownBy(() -> codec.compose(2, 0, 0, fd, released))
                    .isInstanceOf(IllegalReferenceCountException.class);
            assertThatThrownBy(() -> codec.compose(2, 0, 0, closed, ascii("x")))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(fd.isOpen()).isTrue();
        }
        codec.compose(3, 0, 0, null, ascii("behind"));
        channel.flush();
        List<ImsgMessage> sent = sent();
        assertThat(sent).extracting(Messages::text).containsExactly("before", "behind");
        sent.forEach(ImsgMessage::release);
        channel.finishAndReleaseAll();
    }

    @Test
    void a_long_message_has_a_buffer_of_its_own_and_what_follows_a_small_one_again() {
        ImsgCodec large = new ImsgCodec().format(WireFormat.MODERN).maxSize(1_000_000);
        EmbeddedChannel sender = new EmbeddedChannel(large);
        large.compose(1, 0, 0, null, ascii("before"));
        large.compose(2, 0, 0, null, new byte[1_000_000]);
        large.compose(3, 0, 0, null, ascii("behind"));
        sender.flush();
        large.compose(4, 0, 0, null, new byte[1_000_000]);
        sender.flush();
        large.compose(5, 0, 0, null, ascii("small"));
        sender.flush();
        List<ByteBuf> sent = new ArrayList<>();
        for (ByteBuf out; (out = sender.readOutbound()) != null;)
            sent.add(out);
        assertThat(sent).extracting(ByteBuf::readableBytes).containsExactly(22, 1_000_016, 22, 1_000_016, 21);
        assertThat(sent.getLast().capacity()).isLessThanOrEqualTo(65536);
        sent.forEach(ByteBuf::release);
        sender.finishAndReleaseAll();
    }

    @Test
    void what_is_composed_and_never_flushed_goes_with_the_channel_and_is_told() throws Exception {
        Events events = new Events();
        channel.pipeline().addLast(events);
        codec.compose(1, 0, 0, null, ascii("first"));
        codec.compose(2, 0, 0, pipeSaying(""), ascii("second"));
        codec.compose(3, 0, 0, null, ascii("third"));
        channel.pipeline().fireUserEventTriggered("closing");
        events.expect("closing");
        channel.close();
        for (int buffer = 0; buffer < 3; buffer++)
            assertThat(events.next()).isInstanceOf(ClosedChannelException.class);
        assertThat(channel.outboundMessages()).isEmpty();
        events.expect(Events.INACTIVE);
        assertThat(events.isEmpty()).isTrue();
    }

    @Test
    void what_is_composed_between_the_end_of_the_channel_and_that_of_the_pipeline_is_dropped() throws Exception {
        boolean[] ended = new boolean[1];
        channel.pipeline().addLast(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelInactive(ChannelHandlerContext ctx) throws Exception {
                codec.compose(1, 0, 0, null, ascii("late"));
                Fd fd = pipeSaying("");
                codec.compose(2, 0, 0, fd, ascii("later"));
                assertThat(fd.isOpen()).isFalse();
                codec.compose(3, 0, 0, null, ascii("gathered when the codec is removed"));
                ended[0] = true;
            }
        });
        channel.close();
        channel.checkException();
        assertThat(ended).containsExactly(true);
        assertThat(channel.outboundMessages()).isEmpty();
        try (Fd fd = pipeSaying("")) {
            assertThatThrownBy(() -> codec.compose(4, 0, 0, fd, ascii("too late")))
                    .isInstanceOf(IllegalStateException.class).hasMessageContaining("in no pipeline");
            assertThat(fd.isOpen()).as("the caller's still").isTrue();
        }
    }

    @Test
    void a_handler_may_close_the_channel_while_something_is_composed_for_a_slow_peer() {
        channel.config().setWriteBufferWaterMark(new WriteBufferWaterMark(1, 100_000));
        channel.pipeline().addLast(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelWritabilityChanged(ChannelHandlerContext ctx) {
                ctx.close();
            }
        });
        byte[] payload = new byte[10_000];
        Throwable refused = null;
        for (int i = 0; i < 100 && refused == null; i++)
            refused = catchThrowable(() -> codec.compose(1, 0, 0, null, payload));
        assertThat(channel.isOpen()).isFalse();
        assertThat(refused).isInstanceOf(IllegalStateException.class).hasMessageContaining("in no pipeline");
        assertThat(channel.outboundMessages()).isEmpty();
    }

    @Test
    void a_codec_that_is_being_removed_composes_no_more() {
        List<Throwable> refused = new ArrayList<>();
        channel.config().setWriteBufferWaterMark(new WriteBufferWaterMark(1, 1));
        channel.pipeline().addLast(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelWritabilityChanged(ChannelHandlerContext ctx) {
                if (!ctx.channel().isWritable())
                    refused.add(catchThrowable(() -> codec.compose(2, 0, 0, null, ascii("nobody would send it"))));
            }
        });
        codec.compose(1, 0, 0, null, ascii("gathered"));
        channel.pipeline().remove(codec);
        assertThat(refused).singleElement().isInstanceOf(IllegalStateException.class);
        channel.flush();
        List<ImsgMessage> sent = sent();
        assertThat(sent).extracting(Messages::text).containsExactly("gathered");
        sent.forEach(ImsgMessage::release);
        channel.finishAndReleaseAll();
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_descriptor_that_may_not_pass_is_closed_and_told_and_the_others_go_on(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        ImsgCodec onLoop = new ImsgCodec().format(WireFormat.MODERN);
        Events events = new Events();
        Channel open = Wire.open(loops.group(), pair.first(), Map.of(ImsgChannelOption.ALLOW_FD_PASSING, false), onLoop,
                events);
        Fd fd = pipeSaying("");
        int number = fd.intValue();
        try (Wire peer = new Wire(pair.second())) {
            open.eventLoop().submit(() -> {
                onLoop.compose(1, 0, Messages.PID, null, ascii("before"));
                onLoop.compose(2, 0, Messages.PID, fd, ascii("refused"));
                onLoop.compose(3, 0, Messages.PID, null, ascii("behind"));
                open.flush();
            }).sync();
            assertThat(events.next(IllegalStateException.class)).hasMessageContaining("ALLOW_FD_PASSING");
            assertThat(Files.exists(Path.of("/proc/self/fd/" + number))).isFalse();
            assertThat(peer.text(44)).isEqualTo(
                    new String(plain(1, 0, "before"), StandardCharsets.ISO_8859_1)
                            + new String(plain(3, 0, "behind"), StandardCharsets.ISO_8859_1));
        } finally {
            open.close().sync();
        }
    }

    @Test
    void only_the_codec_that_is_in_the_pipeline_composes() {
        assertThatThrownBy(() -> new ImsgCodec().compose(1, 0, 0, null, new byte[0]))
                .isInstanceOf(IllegalStateException.class).hasMessageContaining("in no pipeline");
        codec.compose(1, 0, 0, null, ascii("gathered"));
        channel.pipeline().remove(codec);
        assertThatThrownBy(() -> codec.compose(1, 0, 0, null, new byte[0])).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("in no pipeline");
        channel.flush();
        List<ImsgMessage> sent = sent();
        assertThat(sent).extracting(Messages::text).containsExactly("gathered");
        sent.forEach(ImsgMessage::release);
        channel.finishAndReleaseAll();
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void another_thread_than_the_loop_is_refused(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        ImsgCodec onLoop = new ImsgCodec().format(WireFormat.MODERN);
        Channel open = Wire.open(loops.group(), pair.first(), onLoop);
        try {
            assertThatThrownBy(() -> onLoop.compose(1, 0, 0, null, new byte[0]))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("event loop, not on " + Thread.currentThread().getName());
        } finally {
            pair.second().close();
            open.close().sync();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_whole_exchange_runs_on_batches_alone(Loops loops) throws Exception {
        Fd.Pair pair = Fd.socketpair();
        ImsgCodec answering = new ImsgCodec().format(WireFormat.MODERN).batched();
        Channel server = Wire.open(loops.group(), pair.first(), answering, new Counting(answering));
        Events events = new Events();
        Channel client = Wire.open(loops.group(), pair.second(), new ImsgCodec().format(WireFormat.MODERN), events);
        try {
            // More than the kernel takes at once, so that buffers wait and the next ones must be others.
            for (int id = 0; id < 4; id++)
                client.write(new ImsgMessage(9, id, 0, Unpooled.buffer().writeIntLE(20_000)));
            client.flush();
            for (int id = 0; id < 4; id++) {
                for (int number = 0; number < 20_000; number++) {
                    ImsgMessage answer = events.next(ImsgMessage.class);
                    assertThat(answer.id()).isEqualTo(id);
                    assertThat(answer.content().readIntLE()).isEqualTo(number);
                    answer.release();
                }
            }
        } finally {
            client.close().sync();
            server.close().sync();
        }
    }
}
