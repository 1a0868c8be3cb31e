package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.util.ReferenceCountUtil;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Queue;
import org.imsg.ImsgEofException;
import org.imsg.ImsgProtocolException;
import org.imsg.sys.Descriptors;
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
        Descriptors.close(descriptor);
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
        if (reading) {
            fired.add(message);
            return;
        }
        reading = true;
        try {
            for (Object next = message; next != null; next = fired.poll())
                readWhole(ctx, next);
        } finally {
            reading = false;
        }
    }

    private void readWhole(ChannelHandlerContext ctx, Object message) {
        try {
            if (ctx.isRemoved() && !dead)
                fire(ctx, message);
            else
                take(ctx, message);
            if (ctx.isRemoved())
                handOn(ctx);
        } catch (Throwable e) {
            // Memory ran out, say. With a part of the stream missing, the rest would be taken for something else.
            batch.abandon();
            die(ctx, e);
            ctx.close();
        }
    }

    /** Gives a message on; where that fails, as with a handler whose executor has ended, it is released. */
    private static void fire(ChannelHandlerContext ctx, Object message) {
        try {
            ctx.fireChannelRead(message);
        } catch (Throwable e) {
            ReferenceCountUtil.safeRelease(message);
            throw e;
        }
    }

    private void take(ChannelHandlerContext ctx, Object message) throws ImsgProtocolException {
        if (message instanceof ByteBuf bytes) {
            read(ctx, bytes, -1, false);
        } else if (message instanceof FdBuf withFd) {
            ByteBuf bytes;
            Fd fd;
            try {
                framer.makeRoom();
                bytes = withFd.content().retain();
                fd = withFd.takeFd();
            } finally {
                withFd.release();
            }
            read(ctx, bytes, fd == null ? -1 : fd.release(), withFd.isLost());
        } else {
            delivered = true;
            fire(ctx, message);
        }
    }

    private void read(ChannelHandlerContext ctx, ByteBuf bytes, int fd, boolean lost) throws ImsgProtocolException {
        if (dead || !bytes.isReadable()) {
            if (fd >= 0)
                closeUnclaimed(fd);
            bytes.release();
            return;
        }
        framer.arrived(bytes.readableBytes(), fd, lost);
        ByteBuf stream = join(ctx, bytes);
        tail = null;
        try {
            decode(ctx, stream);
            if (stream.isReadable())
                tail = stream;
        } finally {
            if (tail == null)
                stream.release();
        }
    }

    /** Whether descriptors can come. On a channel of Netty's own they never do, and nothing tells whether one was sent. */
    private static boolean passes(Channel channel) {
        return !(channel instanceof ImsgSocketChannel own) || own.config().isAllowFdPassing();
    }

    /** Hands on every whole message; throws if what comes behind them is none. */
    private void decode(ChannelHandlerContext ctx, ByteBuf stream) throws ImsgProtocolException {
        if (batch.begin(stream, passes(ctx.channel()))) {
            delivered = true;
            if (batched)
                ctx.fireChannelRead(batch);
            else
                while (!ctx.isRemoved() && batch.next())
                    fire(ctx, batch.toMessage());
        }
        batch.end(!ctx.isRemoved());
        if (batch.isBroken()) {
            MemorySegment header = MemorySegment
                    .ofBuffer(stream.internalNioBuffer(stream.readerIndex(), ImsgHeader.SIZE));
            throw new ImsgProtocolException(ImsgHeader.type(header, 0), framer.saidLength(header, 0), framer.limit(),
                    ImsgHeader.word(header, 0));
        }
    }

    /** The bytes of which no message was made go to the next handler as they came, with their descriptor. */
    private void handOn(ChannelHandlerContext ctx) {
        ByteBuf left = tail;
        tail = null;
        if (left != null) {
            int fd = framer.giveUp();
            fire(ctx, fd == Framer.NONE ? left : handedOn(left, fd));
        }
        framer.close();
    }

    private static FdBuf handedOn(ByteBuf left, int fd) {
        try {
            return FdBuf.received(left, fd, fd == Framer.LOST);
        } catch (RuntimeException | Error e) {
            left.release();
            throw e;
        }
    }

    /** One contiguous buffer of the stream: the new bytes, behind the tail if there is one. */
    private ByteBuf join(ChannelHandlerContext ctx, ByteBuf bytes) {
        if (tail == null && bytes.nioBufferCount() == 1)
            return bytes;
        try {
            // Appending is safe though messages may still be looking at the memory: theirs lies before the tail.
            if (tail == null || tail.isReadOnly() || tail.writableBytes() < bytes.readableBytes())
                grow(ctx, bytes.readableBytes());
            return tail.writeBytes(bytes);
        } finally {
            bytes.release();
        }
    }

    /** Gives the tail other memory, with room for so many bytes. */
    private void grow(ChannelHandlerContext ctx, int more) {
        ByteBuf before = tail;
        int have = before == null ? 0 : before.readableBytes();
        int advance = (int) Math.min(framer.needed(), Math.max(LARGEST_ADVANCE, 2L * have));
        tail = ctx.alloc().directBuffer(Math.max(have + more, advance));
        if (before == null)
            return;
        try {
            tail.writeBytes(before);
        } finally {
            before.release();
        }
    }

    /** Says once why nothing more can come. */
    private void die(ChannelHandlerContext ctx, Throwable cause) {
        boolean first = !dead;
        dead = true;
        framer.close();
        ReferenceCountUtil.safeRelease(tail);
        tail = null;
        if (first)
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
            die(ctx, new ImsgEofException(tail.readableBytes(), framer.needed()));
        framer.close();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext ctx) {
        if (reading)
            return; // by a handler that was given a message: the rest goes when it returns
        if (tail != null && ctx.channel().isActive()) {
            handOn(ctx);
            ctx.fireChannelReadComplete();
            return;
        }
        framer.close();
        ReferenceCountUtil.release(tail);
        tail = null;
    }
}
