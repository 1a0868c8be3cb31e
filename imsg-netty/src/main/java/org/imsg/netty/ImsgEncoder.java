package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.imsg.ImsgTooLargeException;
import org.imsg.sys.Memory;
import org.imsg.unix.Fd;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;

/**
 * The writing half of {@link ImsgCodec}: messages to bytes and descriptors. Messages without a descriptor are gathered in one
 * buffer until a flush, until it is full, or until something else is written; a message with a descriptor begins a write of
 * its own, so that the descriptor goes with its first byte and fails nobody else's.
 */
final class ImsgEncoder extends ChannelOutboundHandlerAdapter {
    private static final int GATHERED = 32768;
    private static final int FIRST_CAPACITY = 512;
    private static final int OWN_PID = (int) ProcessHandle.current().pid();

    private final Supplier<Dialect> dialect;
    private final int limit;
    private ByteBuf gathered;
    /** As much as was gathered the last time: growing copies. */
    private int expected = FIRST_CAPACITY;
    private List<ChannelPromise> promises = new ArrayList<>();

    ImsgEncoder(Supplier<Dialect> dialect, int limit) {
        this.dialect = dialect;
        this.limit = limit;
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        if (!(message instanceof ImsgMessage imsg)) {
            pass(ctx);
            ctx.write(message, promise);
            return;
        }
        try {
            encode(ctx, imsg, promise);
        } catch (RuntimeException e) {
            promise.tryFailure(e);
        } finally {
            imsg.release();
        }
    }

    private void encode(ChannelHandlerContext ctx, ImsgMessage message, ChannelPromise promise) {
        long length = (long) ImsgHeader.SIZE + message.content().readableBytes();
        if (length > limit)
            throw new ImsgTooLargeException(length - ImsgHeader.SIZE, limit - ImsgHeader.SIZE);
        // The bytes may be on their way before the whole buffer is: from here on there is no taking back.
        if (!promise.setUncancellable())
            return;
        if (message.hasFd()) {
            pass(ctx);
            ByteBuf bytes = ctx.alloc().directBuffer((int) length);
            append(bytes, message, (int) length, true);
            Fd fd = message.takeFd();
            ctx.write(new FdBuf(bytes, fd, false), promise);
            return;
        }
        if (gathered != null && gathered.readableBytes() + length > GATHERED)
            pass(ctx);
        if (gathered == null)
            gathered = ctx.alloc().directBuffer(Math.max(expected, (int) length));
        append(gathered, message, (int) length, false);
        if (!promise.isVoid())
            promises.add(promise);
    }

    private void append(ByteBuf bytes, ImsgMessage message, int length, boolean marked) {
        bytes.ensureWritable(length);
        int at = bytes.writerIndex();
        int pid = message.pid() == 0 ? OWN_PID : message.pid();
        if (bytes.hasMemoryAddress())
            ImsgHeader.write(Memory.ALL, bytes.memoryAddress() + at, dialect.get(), message.type(), length, marked,
                    message.id(), pid);
        else
            ImsgHeader.write(MemorySegment.ofBuffer(bytes.internalNioBuffer(at, ImsgHeader.SIZE)), 0, dialect.get(),
                    message.type(), length, marked, message.id(), pid);
        bytes.writerIndex(at + ImsgHeader.SIZE);
        ByteBuf payload = message.content();
        bytes.writeBytes(payload, payload.readerIndex(), payload.readableBytes());
    }

    /** Passes on what is gathered. */
    private void pass(ChannelHandlerContext ctx) {
        if (gathered == null)
            return;
        ByteBuf bytes = gathered;
        List<ChannelPromise> waiting = promises;
        gathered = null;
        expected = Math.max(FIRST_CAPACITY, bytes.readableBytes());
        if (waiting.isEmpty()) {
            ctx.write(bytes, ctx.voidPromise());
            return;
        }
        promises = new ArrayList<>();
        if (waiting.size() == 1)
            ctx.write(bytes, waiting.getFirst());
        else
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
        pass(ctx);
    }
}
