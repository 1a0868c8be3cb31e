package org.imsg.netty.handler;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Closes channels whose peer is of no use: one that has been silent for too long, or one that does not read what is sent to it.
 * {@code exceptionCaught} is called once with a {@link PeerLimitException}, then the channel is closed.
 *
 * <p>A slow peer is told by the channel's writability, which counts queued descriptors too: it must become writable again in
 * time after it stopped. What the kernel still holds for the peer does not count. One for each channel; it goes in front of the
 * handlers that are to see the exception.
 */
public final class ImsgLimits extends ChannelDuplexHandler {
    private final Duration silence;
    private final Duration stall;
    private long lastRead;
    private @Nullable Future<?> silenceCheck;
    private @Nullable Future<?> stallCheck;
    private boolean reading;
    private boolean over;

    private ImsgLimits(@Nullable Duration silence, @Nullable Duration stall) {
        this.silence = silence;
        this.stall = stall;
    }

    /** No limits yet. */
    public ImsgLimits() {
        this(null, null);
    }

    /**
     * With a limit for how long the peer may send nothing.
     *
     * @param longest the time, 1 ms or more
     * @return a new handler
     */
    public ImsgLimits silence(Duration longest) {
        return new ImsgLimits(Objects.requireNonNull(longest), stall);
    }

    /**
     * With a limit for how long the channel may stay unwritable.
     *
     * @param longest the time, 1 ms or more
     * @return a new handler
     */
    public ImsgLimits stall(Duration longest) {
        return new ImsgLimits(silence, Objects.requireNonNull(longest));
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        if (ctx.channel().isActive())
            begin(ctx);
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        begin(ctx);
        ctx.fireChannelActive();
    }

    private void begin(ChannelHandlerContext ctx) {
        if (silence == null || silenceCheck != null)
            return;
        lastRead = ctx.executor().ticker().nanoTime();
        check(ctx, nanos(silence));
    }

    /** One timer that looks at the time of the last read is cheaper than one moved at every read. */
    private void check(ChannelHandlerContext ctx, long nanos) {
        silenceCheck = ctx.executor().schedule(() -> {
            long quiet = reading ? 0 : ctx.executor().ticker().nanoTime() - lastRead;
            long left = nanos(silence) - quiet;
            if (left > 0)
                check(ctx, left);
            else
                end(ctx, "the peer sent nothing for " + silence.toMillis() + " ms");
        }, nanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        reading = true;
        ctx.fireChannelRead(message);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        if (reading)
            lastRead = ctx.executor().ticker().nanoTime();
        reading = false;
        ctx.fireChannelReadComplete();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (stall != null && !over) {
            boolean writable = ctx.channel().isWritable();
            if (!writable && stallCheck == null) {
                stallCheck = ctx.executor().schedule(
                        () -> end(ctx, "the peer took too little for " + stall.toMillis() + " ms"), nanos(stall),
                        TimeUnit.NANOSECONDS);
            } else if (writable && stallCheck != null) {
                stallCheck.cancel(false);
                stallCheck = null;
            }
        }
        ctx.fireChannelWritabilityChanged();
    }

    /** The longest there is for one that is longer. */
    private static long nanos(Duration limit) {
        return TimeUnit.NANOSECONDS.convert(limit);
    }

    private void end(ChannelHandlerContext ctx, String reason) {
        if (over)
            return;
        stop();
        ctx.fireExceptionCaught(new PeerLimitException(reason));
        ctx.close();
    }

    private void stop() {
        over = true;
        if (silenceCheck != null)
            silenceCheck.cancel(false);
        if (stallCheck != null)
            stallCheck.cancel(false);
    }

    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
        stop();
        ctx.close(promise);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        stop();
        ctx.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        stop();
    }
}
