package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.imsg.netty.Messages.join;
import static org.imsg.netty.Messages.marked;
import static org.imsg.netty.Messages.plain;
import static org.imsg.netty.Messages.text;
import static org.imsg.netty.Wire.pipeSaying;
import static org.imsg.netty.Wire.say;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayList;
import java.util.List;
import org.imsg.DescriptorState;
import org.imsg.WireFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** A pipeline that changes while a stream is read loses nothing of it, and keeps its order. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class CodecSwapTest {
    private static ImsgCodec codec() {
        return new ImsgCodec().format(WireFormat.MODERN);
    }

    @Test
    void a_codec_that_takes_over_in_the_middle_of_a_read_has_its_descriptor() throws Exception {
        ImsgCodec first = codec();
        EmbeddedChannel channel = new EmbeddedChannel(first, new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object message) {
                if (((ImsgMessage) message).type() == 1)
                    ctx.pipeline().replace(first, "second", codec());
                ctx.fireChannelRead(message);
            }
        });
        channel.writeInbound(
                new FdBuf(join(plain(1, 0, "from here on"), marked(2, 0, "another")), pipeSaying("handed on")));
        channel.<ImsgMessage>readInbound().release();
        ImsgMessage another = channel.readInbound();
        assertThat(text(another)).isEqualTo("another");
        assertThat(say(another.takeFd())).isEqualTo("handed on");
        assertThat(first.surplusDescriptors()).isZero();
        another.release();
        channel.finishAndReleaseAll();
    }

    @Test
    void so_has_one_that_takes_over_from_a_batch_of_which_no_message_was_looked_at() throws Exception {
        ImsgCodec first = codec().batched();
        EmbeddedChannel channel = new EmbeddedChannel(first, new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object message) {
                if (message instanceof ImsgBatch)
                    ctx.pipeline().replace(first, "second", codec());
                else
                    ctx.fireChannelRead(message);
            }
        });
        channel.writeInbound(new FdBuf(join(marked(1, 0, "one"), plain(2, 0, "two")), pipeSaying("handed on")));
        ImsgMessage one = channel.readInbound();
        assertThat(text(one)).isEqualTo("one");
        assertThat(say(one.takeFd())).isEqualTo("handed on");
        ImsgMessage two = channel.readInbound();
        assertThat(text(two)).isEqualTo("two");
        one.release();
        two.release();
        channel.finishAndReleaseAll();
    }

    @Test
    void so_has_one_that_takes_over_between_the_parts_of_a_message() throws Exception {
        byte[] whole = marked(2, 0, "in parts");
        for (int cut : new int[]{5, 18}) {
            ImsgCodec first = codec();
            int[] completed = new int[1];
            EmbeddedChannel channel = new EmbeddedChannel(first, new ChannelInboundHandlerAdapter() {
                @Override
                public void channelReadComplete(ChannelHandlerContext ctx) {
                    completed[0]++;
                }
            });
            channel.writeInbound(new FdBuf(join(whole).slice(0, cut), pipeSaying("handed on")));
            channel.pipeline().replace(first, "second", codec());
            assertThat(completed[0]).as("reads that the next handler was told the ends of").isEqualTo(2);
            channel.writeInbound(join(whole).slice(cut, whole.length - cut));
            ImsgMessage message = channel.readInbound();
            assertThat(text(message)).isEqualTo("in parts");
            assertThat(say(message.takeFd())).isEqualTo("handed on");
            message.release();
            channel.finishAndReleaseAll();
        }
    }

    @Test
    void a_descriptor_that_was_lost_on_the_way_to_one_codec_is_lost_for_the_next() {
        ImsgCodec first = codec();
        EmbeddedChannel channel = new EmbeddedChannel(first);
        byte[] whole = marked(2, 0, "in parts");
        channel.writeInbound(new FdBuf(join(whole).slice(0, 18), null, true));
        channel.pipeline().replace(first, "second", codec());
        channel.writeInbound(join(whole).slice(18, whole.length - 18));
        ImsgMessage message = channel.readInbound();
        assertThat(message.descriptor()).isEqualTo(DescriptorState.LOST);
        message.release();
        channel.finishAndReleaseAll();
    }

    /** Such as by a handler in front that keeps reads until they are asked for. */
    @Test
    void a_read_that_is_fired_while_another_is_decoded_comes_behind_it() {
        for (boolean batched : new boolean[]{false, true}) {
            List<Integer> types = new ArrayList<>();
            EmbeddedChannel channel = new EmbeddedChannel(batched ? codec().batched() : codec(),
                    new ChannelInboundHandlerAdapter() {
                        @Override
                        public void channelRead(ChannelHandlerContext ctx, Object message) {
                            if (message instanceof ImsgBatch batch) {
                                while (batch.next())
                                    saw(ctx, batch.type());
                            } else {
                                saw(ctx, ((ImsgMessage) message).type());
                                ((ImsgMessage) message).release();
                            }
                        }

                        private void saw(ChannelHandlerContext ctx, int type) {
                            types.add(type);
                            if (type == 1)
                                ctx.pipeline().fireChannelRead(join(plain(3, 0, "c"), plain(4, 0, "d")));
                        }
                    });
            ByteBuf both = join(plain(1, 0, "a"), plain(2, 0, "b"));
            channel.writeInbound(both);
            assertThat(types).containsExactly(1, 2, 3, 4);
            assertThat(both.refCnt()).isZero();
            channel.finishAndReleaseAll();
        }
    }
}
