package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.imsg.ImsgTooLargeException;
import org.imsg.unix.Fd;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;
import org.jspecify.annotations.Nullable;

/**
 * The writing half of {@link ImsgCodec}: messages to bytes and descriptors. Messages without a descriptor are gathered in one
 * buffer until a flush, until it is full, or until something else is written; a message with a descriptor begins a write of
 * its own, so that the descriptor goes with its first byte and fails no other message's.
 */
final class ImsgEncoder extends ChannelOutboundHandlerAdapter {
    private static final int GATHERED = 65536;
    private static final int FIRST_CAPACITY = 512;
    private static final int OWN_PID = (int) ProcessHandle.current().pid();

    /** How headers are written; null while that is unknown, which matters only to one with a descriptor. */
    private final Supplier<Dialect> dialect;
    private final int limit;
    private final Gathering gathered = new Gathering();
    /** As much as was gathered the last time: growing copies. */
    private int expected = FIRST_CAPACITY;
    private List<ChannelPromise> promises = new ArrayList<>();
    /** Null outside of a pipeline. */
    private @Nullable ChannelHandlerContext context;

    ImsgEncoder(Supplier<Dialect> dialect, int limit) {
        this.dialect = dialect;
        this.limit = limit;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        context = ctx;
    }

    // Composing

    void compose(int type, int id, int pid, Fd fd, byte[] payload, int from, int count) {
        ChannelHandlerContext ctx = onLoop();
        Objects.checkFromIndexSize(from, count, payload.length);
        int length = length(count);
        if (fd == null) {
            begin(ctx, type, id, pid, length);
            gathered.payload(payload, from, count);
        } else {
            compose(ctx, type, id, pid, fd, Unpooled.wrappedBuffer(payload, from, count));
        }
    }

    void compose(int type, int id, int pid, Fd fd, ByteBuf payload) {
        ChannelHandlerContext ctx = onLoop();
        int length = length(payload.readableBytes());
        if (fd != null) {
            compose(ctx, type, id, pid, fd, payload);
            return;
        }
        begin(ctx, type, id, pid, length);
        copy(payload);
    }

    private void compose(ChannelHandlerContext ctx, int type, int id, int pid, Fd fd, ByteBuf payload) {
        ByteBuf bytes = marked(ctx, type, id, pid, payload);
        FdBuf message;
        try {
            message = new FdBuf(bytes, fd);
        } catch (RuntimeException | Error e) {
            bytes.release();
            throw e;
        }
        pass(ctx);
        // What an open channel refuses to queue, such as a descriptor, it does not tell a void promise.
        boolean ended = ctx.channel().unsafe().outboundBuffer() == null;
        ctx.write(message, ended ? ctx.voidPromise() : ctx.voidPromise().unvoid());
    }

    private ChannelHandlerContext onLoop() {
        ChannelHandlerContext ctx = context;
        if (ctx == null)
            throw new IllegalStateException("this codec is in no pipeline");
        if (!ctx.executor().inEventLoop())
            throw new IllegalStateException("messages are composed on the channel's event loop, not on "
                    + Thread.currentThread().getName());
        return ctx;
    }

    private int length(int payload) {
        if (payload > limit - ImsgHeader.SIZE)
            throw new ImsgTooLargeException(payload, limit - ImsgHeader.SIZE);
        return ImsgHeader.SIZE + payload;
    }

    /** Writes the header of a message among those that are gathered, with room for its payload. */
    private void begin(ChannelHandlerContext ctx, int type, int id, int pid, int length) {
        if (!gathered.isEmpty() && length > GATHERED - gathered.size()) {
            pass(ctx);
            // The write may have called a handler that removed this one, which gathers nothing then.
            onLoop();
        }
        if (gathered.isEmpty())
            gathered.begin(ctx.alloc().directBuffer(Math.max(expected, length)));
        gathered.reserve(length);
        Dialect known = dialect.get();
        gathered.header(known == null ? Dialect.MODERN : known, type, length, false, id, pid == 0 ? OWN_PID : pid);
    }

    private void copy(ByteBuf payload) {
        int before = gathered.size() - ImsgHeader.SIZE;
        try {
            gathered.payload(payload);
        } catch (RuntimeException | Error e) {
            // Such as one that was released already; a header without its payload must not go out.
            gathered.truncate(before);
            throw e;
        }
    }

    /** A message that a descriptor goes with, in a buffer of its own. */
    private ByteBuf marked(ChannelHandlerContext ctx, int type, int id, int pid, ByteBuf payload) {
        Dialect known = dialect.get();
        if (known == null)
            throw new IllegalStateException(Dialect.UNKNOWN);
        int length = ImsgHeader.SIZE + payload.readableBytes();
        Gathering alone = new Gathering();
        alone.begin(ctx.alloc().directBuffer(length));
        alone.header(known, type, length, true, id, pid == 0 ? OWN_PID : pid);
        try {
            alone.payload(payload);
        } catch (RuntimeException | Error e) {
            alone.end().release();
            throw e;
        }
        return alone.end();
    }

    // Writing

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        if (!(message instanceof ImsgMessage imsg)) {
            pass(ctx);
            ctx.write(message, promise);
            return;
        }
        try {
            encode(ctx, imsg, promise);
        } catch (RuntimeException | Error e) {
            promise.tryFailure(e);
        } finally {
            imsg.release();
        }
    }

    private void encode(ChannelHandlerContext ctx, ImsgMessage message, ChannelPromise promise) {
        ByteBuf payload = message.content();
        int length = length(payload.readableBytes());
        // The bytes may be on their way before the whole buffer is: from here on there is no taking back.
        if (!promise.setUncancellable())
            return;
        if (message.hasFd()) {
            ByteBuf bytes = marked(ctx, message.type(), message.id(), message.pid(), payload);
            pass(ctx);
            ctx.write(new FdBuf(bytes, message.takeFd(), false), promise);
            return;
        }
        begin(ctx, message.type(), message.id(), message.pid(), length);
        copy(payload);
        if (!promise.isVoid())
            promises.add(promise);
    }

    /** Passes on what is gathered. */
    private void pass(ChannelHandlerContext ctx) {
        if (gathered.isEmpty())
            return;
        ByteBuf bytes = gathered.end();
        List<ChannelPromise> waiting = promises;
        expected = Math.clamp(bytes.readableBytes(), FIRST_CAPACITY, GATHERED);
        if (waiting.isEmpty()) {
            ctx.write(bytes, ctx.voidPromise());
            return;
        }
        promises = new ArrayList<>();
        // A promise of its own: a message whose promise is completed before its time must not take along what was composed.
        ctx.write(bytes).addListener((ChannelFuture written) -> tell(waiting, written));
    }

    private static void tell(List<ChannelPromise> waiting, ChannelFuture written) {
        for (ChannelPromise promise : waiting)
            if (written.isSuccess())
                promise.trySuccess();
            else
                promise.tryFailure(written.cause());
    }

    @Override
    public void flush(ChannelHandlerContext ctx) {
        pass(ctx);
        ctx.flush();
    }

    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
        // Not flushed, so not sent; but passed on, so that the promises fail as any unflushed write's do.
        pass(ctx);
        ctx.close(promise);
    }

    @Override
    public void disconnect(ChannelHandlerContext ctx, ChannelPromise promise) {
        pass(ctx);
        ctx.disconnect(promise);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        // First of all: the write may call a handler that composes, and no handler would pass that on.
        context = null;
        pass(ctx);
    }
}
