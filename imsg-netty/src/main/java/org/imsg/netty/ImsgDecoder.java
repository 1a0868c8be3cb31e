package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Queue;
import org.imsg.ImsgEofException;
import org.imsg.ImsgProtocolException;
import org.imsg.unix.Fd;
import org.imsg.wire.Dialect;
import org.imsg.wire.Framer;
import org.imsg.wire.ImsgHeader;
import org.jspecify.annotations.Nullable;

/**
 * The reading half of {@link ImsgCodec}: bytes and descriptors to messages. Whole messages are slices of what was read; only the
 * tail of an incomplete one is ever copied.
 */
final class ImsgDecoder extends ChannelInboundHandlerAdapter {
    /** Bytes set aside at once for a message of which only the header is known; more follow as more arrives. */
    private static final int LARGEST_ADVANCE = 65536;

    private final Framer framer;
    private final ImsgBatch batch;
    private final boolean batched;
    /** The part of a message that has arrived, or null. */
    private @Nullable ByteBuf tail;
    private boolean reading;
    /** Reads that were fired while another was decoded: a handler in front may have the next one ready when it is asked for it. */
    private final Queue<Object> fired = new ArrayDeque<>(0);
    private boolean dead;
    private boolean delivered;
    /** Written on the event loop only. */
    private volatile long surplus;

    ImsgDecoder(Dialect dialect, int limit, boolean batched) {
        framer = new Framer(dialect, limit, this::closeUnclaimed);
        batch = new ImsgBatch(framer);
        this.batched = batched;
    }

    private void closeUnclaimed(int descriptor) {
        surplus++;
        Fd.of(descriptor).close();
    }

    /** How many descriptors no message claimed. From any thread. */
    long surplus() {
        return surplus;
    }

    /** The format of the last marked message, or null. */
    @Nullable
    Dialect lastMarked() {
        return framer.lastMarked();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        fired.add(message);
        if (reading)
            return;
        reading = true;
        try {
            for (Object next; (next = fired.poll()) != null;)
                if (ctx.isRemoved())
                    ctx.fireChannelRead(next);
                else
                    take(ctx, next);
        } finally {
            reading = false;
        }
    }

    private void take(ChannelHandlerContext ctx, Object message) {
        if (message instanceof ByteBuf bytes) {
            read(ctx, bytes, -1, false);
        } else if (message instanceof FdBuf withFd) {
            Fd fd = withFd.takeFd();
            boolean lost = withFd.isLost();
            ByteBuf bytes = withFd.content().retain();
            withFd.release();
            read(ctx, bytes, fd == null ? -1 : fd.release(), lost);
        } else {
            ctx.fireChannelRead(message);
        }
    }

    private void read(ChannelHandlerContext ctx, ByteBuf bytes, int fd, boolean lost) {
        if (dead || !bytes.isReadable()) {
            bytes.release();
            if (fd >= 0)
                closeUnclaimed(fd);
            return;
        }
        framer.arrived(bytes.readableBytes(), fd, lost);
        ByteBuf stream = null;
        boolean intact;
        try {
            stream = join(ctx, bytes);
            tail = null;
            intact = decode(ctx, stream);
        } catch (RuntimeException | Error e) {
            // Memory ran out, say. With a part of the stream missing, the rest would be taken for something else.
            die(ctx, stream == null ? tail : stream, e);
            ctx.close();
            return;
        }
        if (!intact)
            fail(ctx, stream);
        else
            keep(ctx, stream);
    }

    /** Whether descriptors can come. On a channel of Netty's own they never do, and nothing tells whether one was sent. */
    private static boolean passes(Channel channel) {
        return !(channel instanceof ImsgSocketChannel own) || own.config().isAllowFdPassing();
    }

    /** Hands on every whole message; false if what comes behind them is none. */
    private boolean decode(ChannelHandlerContext ctx, ByteBuf stream) {
        if (batch.begin(stream, passes(ctx.channel()))) {
            delivered = true;
            if (batched)
                ctx.fireChannelRead(batch);
            else
                while (!ctx.isRemoved() && batch.next())
                    ctx.fireChannelRead(batch.toMessage());
        }
        batch.end(!ctx.isRemoved());
        return !batch.isBroken();
    }

    private void keep(ChannelHandlerContext ctx, ByteBuf stream) {
        if (ctx.isRemoved())
            handOn(ctx, stream);
        else if (stream.isReadable())
            tail = stream;
        else
            stream.release();
    }

    /** The bytes of which no message was made go to the next handler as they came, with their descriptor. */
    private void handOn(ChannelHandlerContext ctx, ByteBuf left) {
        if (left.isReadable()) {
            int fd = framer.giveUp();
            ctx.fireChannelRead(
                    fd == Framer.NONE ? left : new FdBuf(left, fd < 0 ? null : Fd.of(fd), fd == Framer.LOST));
        } else {
            left.release();
        }
        framer.close();
    }

    /** One contiguous buffer of the stream: the new bytes, behind the tail if there is one. */
    private ByteBuf join(ChannelHandlerContext ctx, ByteBuf bytes) {
        if (tail == null && bytes.nioBufferCount() == 1)
            return bytes;
        int have = tail == null ? 0 : tail.readableBytes();
        int all = have + bytes.readableBytes();
        ByteBuf joined = tail;
        // Appending is safe though messages may still be looking at the memory: theirs lies before the tail.
        if (joined == null || joined.isReadOnly() || joined.writableBytes() < bytes.readableBytes()) {
            int advance = Math.min(framer.needed(), Math.max(LARGEST_ADVANCE, 2 * have));
            try {
                joined = ctx.alloc().directBuffer(Math.max(all, advance));
            } catch (RuntimeException | Error e) {
                bytes.release();
                throw e;
            }
            if (tail != null) {
                joined.writeBytes(tail);
                tail.release();
            }
        }
        joined.writeBytes(bytes);
        bytes.release();
        return joined;
    }

    private void fail(ChannelHandlerContext ctx, ByteBuf stream) {
        MemorySegment header = MemorySegment.ofBuffer(stream.internalNioBuffer(stream.readerIndex(), ImsgHeader.SIZE));
        die(ctx, stream,
                new ImsgProtocolException(ImsgHeader.type(header, 0), framer.saidLength(header, 0), framer.limit(),
                        ImsgHeader.word(header, 0)));
        ctx.close();
    }

    /** Says once why nothing more can come. */
    private void die(ChannelHandlerContext ctx, @Nullable ByteBuf stream, Throwable cause) {
        dead = true;
        tail = null;
        if (stream != null)
            stream.release();
        framer.close();
        ctx.fireExceptionCaught(cause);
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        ctx.fireChannelReadComplete();
        // A program that reads by hand has asked for a message and got only a part of one.
        if (!delivered && !dead && !ctx.channel().config().isAutoRead())
            ctx.read();
        delivered = false;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof ChannelInputShutdownEvent)
            end(ctx);
        ctx.fireUserEventTriggered(event);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        end(ctx);
        ctx.fireChannelInactive();
    }

    /** The stream has ended. */
    private void end(ChannelHandlerContext ctx) {
        if (tail != null)
            die(ctx, tail, new ImsgEofException(tail.readableBytes(), framer.needed()));
        framer.close();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (reading)
            return; // by a handler that was given a message: the rest goes when it returns
        ByteBuf left = tail;
        tail = null;
        if (left != null && ctx.channel().isActive()) {
            handOn(ctx, left);
            ctx.fireChannelReadComplete();
            return;
        }
        framer.close();
        if (left != null)
            left.release();
    }
}
