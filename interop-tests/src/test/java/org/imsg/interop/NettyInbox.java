package org.imsg.interop;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The last handler of a pipeline: hands what the event loop reports to the thread that waits for it. */
final class NettyInbox extends ChannelInboundHandlerAdapter {
    /** The end of what one turn of reading brought. */
    static final Object READ_COMPLETE = "channelReadComplete";
    static final Object INACTIVE = "channelInactive";

    /** Messages, exceptions, and the two above. */
    private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();
    private final CountDownLatch gone = new CountDownLatch(1);

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        events.add(ReferenceCountUtil.touch(message, "in the inbox"));
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        events.add(READ_COMPLETE);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        events.add(cause);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        events.add(INACTIVE);
    }

    @Override
    public void channelUnregistered(ChannelHandlerContext ctx) {
        gone.countDown();
    }

    Object next() throws IOException {
        return NettyTransport.await(events, "message");
    }

    /**
     * Waits until the closed channel has said its last word, and drops what nobody has asked for. {@return the exception
     * among it that a peer cannot have caused, or null}
     */
    Throwable end() throws IOException, InterruptedException {
        if (!gone.await(NettyTransport.PATIENCE.toMillis(), TimeUnit.MILLISECONDS))
            throw new IOException("the channel is closed and still registered");
        Throwable wrong = null;
        for (Object left; (left = events.poll()) != null;) {
            if (left instanceof RuntimeException || left instanceof Error)
                wrong = (Throwable) left;
            ReferenceCountUtil.release(left);
        }
        return wrong;
    }
}
