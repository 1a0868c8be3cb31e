package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufHolder;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.ReferenceCountUtil;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The last handler of a pipeline under test: what arrives there is waited for, one by one. */
final class Events extends ChannelInboundHandlerAdapter {
    static final String READ_COMPLETE = "channelReadComplete";
    static final String INACTIVE = "channelInactive";
    static final String ACTIVE = "channelActive";

    /** Reads, exceptions, user events, and the names of the calls above, in the order in which they came. */
    private final BlockingQueue<Object> all = new LinkedBlockingQueue<>();
    private final boolean completions;

    Events() {
        this(false);
    }

    /** Whether the ends of read loops are wanted too. */
    Events(boolean completions) {
        this.completions = completions;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        all.add(ACTIVE);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        all.add(ReferenceCountUtil.touch(message, "in the test's queue"));
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        if (completions)
            all.add(READ_COMPLETE);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        all.add(INACTIVE);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        all.add(event);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        all.add(cause);
    }

    Object next() throws InterruptedException {
        Object event = all.poll(20, TimeUnit.SECONDS);
        assertThat(event).as("an event within 20 seconds").isNotNull();
        return event;
    }

    <T> T next(Class<T> type) throws InterruptedException {
        Object event;
        do {
            event = next();
        } while (event.equals(ACTIVE));
        if (event instanceof Throwable cause && !type.isInstance(event))
            throw new AssertionError("not a " + type.getSimpleName() + " but an exception", cause);
        assertThat(event).isInstanceOf(type);
        return type.cast(event);
    }

    void expect(Object event) throws InterruptedException {
        Object next;
        do {
            next = next();
        } while (next.equals(ACTIVE) && !event.equals(ACTIVE));
        assertThat(next).isEqualTo(event);
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    /** The next so many bytes as a string, however they were cut; descriptors among them are closed. */
    String text(int length) throws InterruptedException {
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            Object event = next(Object.class);
            ByteBuf bytes = event instanceof ByteBufHolder holder ? holder.content() : (ByteBuf) event;
            text.append(bytes.toString(StandardCharsets.ISO_8859_1));
            ReferenceCountUtil.release(event);
        }
        return text.toString();
    }

    void releaseAll() {
        for (Object event; (event = all.poll()) != null;)
            ReferenceCountUtil.release(event);
    }
}
