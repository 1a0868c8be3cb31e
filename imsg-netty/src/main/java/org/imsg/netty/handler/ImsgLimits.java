package org.imsg.netty.handler;

import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Closes channels whose peer is of no use: one that has been silent for too long, or one that does not read what is sent to it.
 * {@code exceptionCaught} is called once with a {@link PeerLimitException}, then the channel is closed. While nothing is read,
 * with auto-read off and no read asked for, silence is not counted.
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
    /** Whether a read was asked for with auto-read off, and not answered. */
    private boolean asked;
    private long stalledAt;
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
        if (ctx.channel().isActive()) {
            begin(ctx);
            watchWritability(ctx);
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        begin(ctx);
        ctx.fireChannelActive();
    }

    private void begin(ChannelHandlerContext ctx) {
        if (silence == null || silenceCheck != null)
            return;
        lastRead = now(ctx);
        check(ctx, nanos(silence));
    }

    private static long now(ChannelHandlerContext ctx) {
        return ctx.executor().ticker().nanoTime();
    }

    /** The timers of a loop that the channel has left do nothing, and may never run. */
    @Override
    public void channelRegistered(ChannelHandlerContext ctx) {
        if (silenceCheck != null && !over) {
            silenceCheck.cancel(false);
            check(ctx, nanos(silence) - (now(ctx) - lastRead));
        }
        if (stallCheck != null && !over) {
            stallCheck.cancel(false);
            checkStall(ctx);
        }
        ctx.fireChannelRegistered();
    }

    @Override
    public void read(ChannelHandlerContext ctx) {
        asked = !ctx.channel().config().isAutoRead();
        lastRead = now(ctx);
        ctx.read();
    }

    /** One timer that looks at the time of the last read is cheaper than one moved at every read. */
    private void check(ChannelHandlerContext ctx, long nanos) {
        EventExecutor loop = ctx.executor();
        silenceCheck = loop.schedule(() -> {
            if (ctx.executor() != loop)
                return;
            if (reading || !asked && !ctx.channel().config().isAutoRead())
                lastRead = now(ctx);
            long left = nanos(silence) - (now(ctx) - lastRead);
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
        if (reading) {
            lastRead = now(ctx);
            asked = false;
        }
        reading = false;
        ctx.fireChannelReadComplete();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        watchWritability(ctx);
        ctx.fireChannelWritabilityChanged();
    }

    private void watchWritability(ChannelHandlerContext ctx) {
        if (stall == null || over)
            return;
        boolean stalled = isStalled(ctx.channel());
        if (stalled && stallCheck == null) {
            stalledAt = now(ctx);
            checkStall(ctx);
        } else if (!stalled && stallCheck != null) {
            stallCheck.cancel(false);
            stallCheck = null;
        }
    }

    /** A channel whose output was shut down is not writable either, but has dropped what it had for the peer. */
    private static boolean isStalled(Channel channel) {
        return !channel.isWritable() && !(channel instanceof DuplexChannel duplex && duplex.isOutputShutdown());
    }

    private void checkStall(ChannelHandlerContext ctx) {
        EventExecutor loop = ctx.executor();
        stallCheck = loop.schedule(() -> {
            if (ctx.executor() == loop && isStalled(ctx.channel()))
                end(ctx, "the peer took too little for " + stall.toMillis() + " ms");
        }, nanos(stall) - (now(ctx) - stalledAt), TimeUnit.NANOSECONDS);
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
