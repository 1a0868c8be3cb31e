package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.unix.UnixChannel;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.function.BiConsumer;
import org.imsg.unix.Fd;

/** Answers each line with the pid of the process and the line; gives the connection away after so many. */
final class LineAnswers extends ChannelInboundHandlerAdapter {
    private final ByteBuf unanswered = Unpooled.buffer();
    private final int linesToAnswer;
    private final BiConsumer<ByteBuf, Fd> successor;
    private int answered;

    LineAnswers() {
        this(Integer.MAX_VALUE, null);
    }

    LineAnswers(int linesToAnswer, BiConsumer<ByteBuf, Fd> successor) {
        this.linesToAnswer = linesToAnswer;
        this.successor = successor;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        unanswered.writeBytes(bytes);
        bytes.release();
        if (answered == linesToAnswer)
            return; // on its way to the successor, who gets these bytes too
        ChannelFuture last = null;
        for (int end; answered < linesToAnswer && (end = unanswered.bytesBefore((byte) '\n')) >= 0; answered++) {
            String line = unanswered.readCharSequence(end + 1, StandardCharsets.US_ASCII).toString();
            last = ctx.write(
                    Unpooled.copiedBuffer(ProcessHandle.current().pid() + " " + line, StandardCharsets.US_ASCII));
        }
        ctx.flush();
        if (answered == linesToAnswer && last != null)
            last.addListener(_ -> giveAway(ctx));
    }

    // @start region=away
    /** Everything answered so far has been sent. From here on the successor reads, and it begins with what is unanswered. */
    private void giveAway(ChannelHandlerContext ctx) {
        ctx.channel().config().setAutoRead(false);
        ctx.channel().deregister().addListener(_ -> {
            try {
                successor.accept(unanswered.copy(), Handover.descriptorOf((UnixChannel) ctx.channel()));
            } catch (IOException e) {
                ctx.fireExceptionCaught(e);
            } finally {
                ctx.channel().unsafe().closeForcibly(); // this descriptor of it; the connection stays open
            }
        });
    }
    // @end
}
