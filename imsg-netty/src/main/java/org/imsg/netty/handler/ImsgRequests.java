package org.imsg.netty.handler;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.DefaultPromise;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.netty.util.concurrent.Promise;
import java.io.EOFException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.imsg.netty.ImsgMessage;
import org.imsg.sys.Recorder;
import org.jspecify.annotations.Nullable;

/**
 * Matches replies to requests by their id (peerid), as daemons do that relay each other's questions: one reply a request, or a
 * stream of replies until one of an end type. Every request has a deadline.
 *
 * <p>Goes behind an {@link org.imsg.netty.ImsgCodec} in the pipeline. Messages with an id that no request waits for, late replies
 * among them, go on to the next handler. When the channel closes, its peer ends its output, this handler is removed, or an
 * exception passes by, open requests fail at once; so do later ones, but for the exception.
 * Requests may be made by any thread; futures and consumers are called on the event loop. One for each channel.
 *
 * {@snippet file="org/imsg/netty/ServerTest.java" region="client"}
 */
public final class ImsgRequests extends ChannelDuplexHandler {
    private final Map<Integer, Waiting> waiting = new HashMap<>();
    private volatile @Nullable ChannelHandlerContext context;
    /** Why no reply can come any more, or null while one can. On the event loop. */
    private @Nullable Throwable ended;
    private int lastId;

    /** A handler that gives its requests the ids 1, 2, 3 and so on, without those still waited for. */
    public ImsgRequests() {}

    /**
     * A handler that gives its requests other ids.
     *
     * @param firstId the first, an unsigned 32-bit number; the next ones follow, 0 is left out
     */
    public ImsgRequests(int firstId) {
        lastId = firstId - 1;
    }

    /** One request that is still open. */
    private final class Waiting {
        final int id;
        final Promise<ImsgMessage> end;
        final IntPredicate isEnd;
        final Consumer<ImsgMessage> each;
        final Duration timeout;
        /** When the deadline is, by the clock of the event loops. */
        private long until;
        @Nullable
        Future<?> deadline;

        Waiting(int id, Promise<ImsgMessage> end, Duration timeout, IntPredicate isEnd, Consumer<ImsgMessage> each) {
            this.id = id;
            this.end = end;
            this.timeout = timeout;
            this.isEnd = isEnd;
            this.each = each;
        }

        /** Has the loop that the channel is on now watch the deadline; the one that it has left may end before. */
        void watch() {
            EventExecutor loop = context.executor();
            if (deadline == null)
                until = loop.ticker().nanoTime() + TimeUnit.NANOSECONDS.convert(timeout);
            else
                deadline.cancel(false);
            deadline = loop.schedule(() -> {
                if (context.executor() == loop)
                    timedOut();
            }, until - loop.ticker().nanoTime(), TimeUnit.NANOSECONDS);
        }

        private void timedOut() {
            if (Recorder.started())
                RequestEvents.timedOut(context.channel(), id, timeout);
            fail(new RequestTimeoutException(timeout));
        }

        void reply(ImsgMessage message) {
            boolean handedOver = false;
            try {
                if (isEnd.test(message.type())) {
                    close();
                    // A requester that has cancelled does not listen.
                    handedOver = end.trySuccess(message);
                } else {
                    each.accept(message);
                }
            } catch (Throwable e) {
                fail(e);
            } finally {
                if (!handedOver)
                    message.release();
            }
        }

        void fail(Throwable cause) {
            close();
            end.tryFailure(cause);
        }

        void close() {
            waiting.remove(id, this);
            if (deadline != null)
                deadline.cancel(false);
        }
    }

    /**
     * Sends a request that has one reply.
     *
     * @param request the request; taken over, and sent under an id of this handler's
     * @param timeout how long to wait for the reply
     * @return the reply, the caller's to release; or {@link RequestTimeoutException}, what the write failed with, what
     *     went by in exceptionCaught, {@link ClosedChannelException}, {@link RejectedExecutionException} when the loop has
     *     ended, or {@link EOFException} when the peer has ended its output. Cancelling it drops the reply. However it
     *     fails, the request and its descriptor are released.
     * @throws IllegalStateException if this handler was never in a pipeline; the request is released
     */
    public Future<ImsgMessage> request(ImsgMessage request, Duration timeout) {
        return requestAll(request, timeout, type -> true, message -> {});
    }

    /**
     * Sends a request that has any number of replies and an end.
     *
     * @param request the request; taken over, and sent under an id of this handler's
     * @param timeout how long to wait from here to the end
     * @param isEnd tells the type of the last reply; what it throws ends the request
     * @param each is handed every reply before the end; valid inside the call, unless it retains it; what it throws
     *     ends the request
     * @return the reply that was the end, the caller's to release; failures as of {@link #request(ImsgMessage, Duration)}
     * @throws IllegalStateException if this handler was never in a pipeline; the request is released
     */
    public Future<ImsgMessage> requestAll(ImsgMessage request, Duration timeout, IntPredicate isEnd,
            Consumer<ImsgMessage> each) {
        ChannelHandlerContext ctx = context;
        if (ctx == null) {
            request.release();
            throw new IllegalStateException("this handler is in no pipeline");
        }
        Promise<ImsgMessage> end = new DefaultPromise<>() {
            @Override
            protected EventExecutor executor() {
                return ctx.executor();
            }
        };
        send(request, timeout, end, isEnd, each);
        // A loop that has ended tells no listener.
        return end.cause() instanceof RejectedExecutionException e
                ? ImmediateEventExecutor.INSTANCE.newFailedFuture(e)
                : end;
    }

    private static void refuse(ImsgMessage request, Promise<ImsgMessage> end, Throwable why) {
        request.release();
        end.tryFailure(why);
    }

    /** On the event loop, which may be another one by the time that a task of the former runs. */
    private void send(ImsgMessage request, Duration timeout, Promise<ImsgMessage> end, IntPredicate isEnd,
            Consumer<ImsgMessage> each) {
        EventExecutor loop = context.executor();
        if (!loop.inEventLoop()) {
            try {
                loop.execute(() -> send(request, timeout, end, isEnd, each));
            } catch (RejectedExecutionException e) {
                refuse(request, end, e);
            }
            return;
        }
        if (ended != null) {
            refuse(request, end, ended);
            return;
        }
        Waiting open = new Waiting(nextId(), end, timeout, isEnd, each);
        ImsgMessage named;
        try {
            open.watch();
            named = request.withId(open.id);
        } catch (RuntimeException | Error e) {
            // The loop is about to end, say, or the request was released already.
            open.close();
            if (request.refCnt() > 0)
                request.release();
            end.tryFailure(e);
            return;
        }
        waiting.put(open.id, open);
        end.addListener(done -> {
            if (done.isCancelled())
                open.close();
        });
        context.writeAndFlush(named).addListener(written -> {
            if (!written.isSuccess())
                open.fail(written.cause());
        });
    }

    private int nextId() {
        do {
            lastId++;
        } while (lastId == 0 || waiting.containsKey(lastId));
        return lastId;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
        ended = ctx.channel() instanceof DuplexChannel duplex && duplex.isInputShutdown() ? noMoreReplies() : null;
    }

    @Override
    public void channelRegistered(ChannelHandlerContext ctx) {
        waiting.values().forEach(Waiting::watch);
        ctx.fireChannelRegistered();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        Waiting open = message instanceof ImsgMessage imsg ? waiting.get(imsg.id()) : null;
        if (open == null)
            ctx.fireChannelRead(message);
        else
            open.reply((ImsgMessage) ReferenceCountUtil.touch(message, this));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        failAll(cause);
        ctx.fireExceptionCaught(cause);
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof ChannelInputShutdownEvent)
            end(noMoreReplies());
        ctx.fireUserEventTriggered(event);
    }

    private static EOFException noMoreReplies() {
        return new EOFException("the peer has ended its output, so no reply can come");
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        end(new ClosedChannelException());
        ctx.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        end(new ClosedChannelException());
    }

    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
        failAll(new ClosedChannelException());
        ctx.close(promise);
    }

    private void end(Throwable cause) {
        ended = cause;
        failAll(cause);
    }

    private void failAll(Throwable cause) {
        List<Waiting> all = new ArrayList<>(waiting.values());
        all.forEach(open -> open.fail(cause));
    }
}
