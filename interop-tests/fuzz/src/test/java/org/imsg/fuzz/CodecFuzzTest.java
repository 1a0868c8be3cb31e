package org.imsg.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.imsg.ImsgProtocolException;
import org.imsg.WireFormat;
import org.imsg.netty.ImsgCodec;
import org.imsg.netty.ImsgMessage;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;

/** Netty's codec finds the messages that the C library finds, however the stream is cut, and releases every buffer. */
class CodecFuzzTest {
    @FuzzTest
    void the_codec_finds_what_C_finds_and_releases_every_buffer(byte[] input) {
        check(ReadScript.of(input, Dialect.MODERN), Dialect.MODERN);
        check(ReadScript.of(input, Dialect.CLASSIC), Dialect.CLASSIC);
    }

    private static void check(ReadScript script, Dialect dialect) {
        Outcome expected = CReader.read(script, dialect);
        List<ByteBuf> buffers = new ArrayList<>();
        List<Outcome.Message> messages = new ArrayList<>();
        EmbeddedChannel channel = new EmbeddedChannel(
                new ImsgCodec().format(WireFormat.valueOf(dialect.name())).maxSize(script.limit() - ImsgHeader.SIZE));
        boolean bad = false;
        int at = 0;
        for (ReadScript.Read read : script.reads()) {
            ByteBuf bytes = Unpooled.copiedBuffer(script.stream(), at, read.bytes());
            at += read.bytes();
            buffers.add(bytes);
            bad |= failure(() -> channel.writeInbound(bytes)) instanceof ImsgProtocolException;
            for (Object message; (message = channel.readInbound()) != null;)
                messages.add(taken(message));
            if (bad)
                break;
        }
        failure(channel::finishAndReleaseAll);
        assertThat(messages).isEqualTo(expected.withoutDescriptors());
        assertThat(bad).isEqualTo(expected.bad());
        assertThat(buffers).allMatch(buffer -> buffer.refCnt() == 0);
    }

    /** What an action throws by the pipeline: only what a peer may cause. */
    private static IOException failure(Runnable action) {
        try {
            action.run();
            return null;
        } catch (Throwable t) {
            if (t instanceof IOException expected)
                return expected;
            throw t;
        }
    }

    private static Outcome.Message taken(Object event) {
        try {
            ImsgMessage message = (ImsgMessage) event;
            ByteBuf payload = message.content();
            int sum = 0;
            for (int i = 0; i < payload.readableBytes(); i++)
                sum += (i + 1) * payload.getUnsignedByte(payload.readerIndex() + i);
            return new Outcome.Message(message.type(), ImsgHeader.SIZE + payload.readableBytes(), message.id(),
                    message.pid(), -1, sum);
        } finally {
            ReferenceCountUtil.release(event);
        }
    }
}
