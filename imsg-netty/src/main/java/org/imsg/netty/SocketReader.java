package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoop;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.UncheckedBooleanSupplier;
import java.io.IOException;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Constants;
import org.imsg.sys.Msghdr;
import org.imsg.sys.Posix;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/** The receiving side of a channel: the read loop, one recvmsg(2) a turn, or recv(2) where no descriptor can pass. On the event loop only, unless said otherwise. */
final class SocketReader {
    private final ImsgSocketChannel channel;
    private final ImsgChannelConfig config;
    /** Whether a read() has not been answered with data yet. */
    private boolean pending;
    private boolean ended;
    /** Whether the system has reported the end: all that is left before it is read at once. */
    private boolean endReported;
    /** Whether the handlers know that nothing more will come. */
    private boolean over;
    /** A recvmsg that brings a descriptor ends where the descriptor's bytes end: a short read says nothing there. */
    private boolean filled;
    private boolean broughtDescriptor;
    /** Written on the event loop only. */
    private volatile long surplus;
    private final UncheckedBooleanSupplier maybeMore = () -> filled || broughtDescriptor;

    SocketReader(ImsgSocketChannel channel, ImsgChannelConfig config) {
        this.channel = channel;
        this.config = config;
    }

    void asked() {
        pending = true;
    }

    boolean isAsked() {
        return pending;
    }

    void forget() {
        pending = false;
        channel.waitForInput(false);
    }

    /** Whether nothing more is read: the end was seen, or the input was shut down on this side and there is no half-closure to tell it. */
    boolean isOver() {
        return over || channel.isInputShutdown() && !config.isAllowHalfClosure();
    }

    /** How many descriptors came beside the first of a read, and were closed. From any thread. */
    long surplus() {
        return surplus;
    }

    /** From any thread. */
    void stop() {
        if (!channel.isRegistered())
            return;
        EventLoop loop = channel.eventLoop();
        if (!loop.inEventLoop()) {
            // A read that is asked for, before or meanwhile, is answered.
            loop.execute(() -> {
                if (channel.isOnItsLoop() && !config.isAutoRead() && !pending)
                    channel.waitForInput(false);
            });
        } else {
            pending = false;
            channel.waitForInput(false);
        }
    }

    /** The input has ended: the bytes before its end are handed on without being asked for, so that the end is seen. */
    void readToEnd(ImsgSocketChannel.SocketUnsafe unsafe) {
        endReported = true;
        read(unsafe);
    }

    void read(ImsgSocketChannel.SocketUnsafe unsafe) {
        ChannelPipeline pipeline = channel.pipeline();
        Throwable failure = null;
        try {
            RecvByteBufAllocator.ExtendedHandle sizes = (RecvByteBufAllocator.ExtendedHandle) unsafe
                    .recvBufAllocHandle();
            sizes.reset(config);
            do {
                Object received = receive(sizes);
                if (received == null)
                    break;
                pending = false;
                pipeline.fireChannelRead(received);
                // A handler may have closed the channel, and the number may be another socket's by now.
            } while (channel.isActive() && !isOver()
                    && (sizes.continueReading(maybeMore) || endReported && anotherTurn(sizes)));
            sizes.readComplete();
        } catch (Throwable e) {
            // Whatever it is, an error of the allocator's too, must not end the loop of all the other channels.
            failure = e;
        }
        pipeline.fireChannelReadComplete();
        if (failure != null)
            pipeline.fireExceptionCaught(failure);
        if (ended || failure instanceof IOException || failure instanceof OutOfMemoryError)
            end(pipeline, unsafe);
        // Where something kept this from reading to an end that has been reported, nothing else would report it.
        if (!pending && !config.isAutoRead() && channel.isActive())
            channel.waitForInput(endReported && !isOver());
    }

    /** For what is left of a stream that has ended, however much an allocator allows at once. */
    private boolean anotherTurn(RecvByteBufAllocator.ExtendedHandle sizes) {
        sizes.readComplete();
        sizes.reset(config);
        return true;
    }

    /** One call: a message or bytes, or null if nothing came or the stream has ended. */
    private @Nullable Object receive(RecvByteBufAllocator.ExtendedHandle sizes) throws IOException {
        ByteBuf buffer = memory(sizes.allocate(config.getAllocator()));
        int room = buffer.writableBytes();
        Object message = buffer;
        boolean handedOn = false;
        try {
            sizes.attemptedBytesRead(room);
            boolean descriptors = config.isAllowFdPassing();
            Msghdr header = SocketCalls.toReceive();
            int n = receive(header, descriptors, buffer, room);
            filled = n == room;
            broughtDescriptor = false;
            // So it stays if the allocator's handle fails: bytes are missing then.
            ended = n >= 0;
            if (n > 0) {
                buffer.writerIndex(buffer.writerIndex() + n);
                if (descriptors)
                    message = withDescriptor(header, buffer);
            }
            sizes.lastBytesRead(n == 0 ? -1 : Math.max(n, 0));
            if (n > 0) {
                sizes.incMessagesRead(1);
                ended = false;
                handedOn = true;
                return message;
            }
            if (n < 0 && n != -Constants.EAGAIN && n != -Constants.ENOBUFS && n != -Constants.ENOMEM)
                throw new ErrnoException(descriptors ? "recvmsg" : "recv", channel.socket(), -n);
            return null;
        } finally {
            if (!handedOn)
                ReferenceCountUtil.release(message);
        }
    }

    /** An allocator's own choice may be a heap buffer, which the kernel cannot write to. */
    private ByteBuf memory(ByteBuf chosen) {
        if (chosen.isDirect() && chosen.nioBufferCount() == 1)
            return chosen;
        int size = chosen.writableBytes();
        chosen.release();
        return config.getAllocator().directBuffer(size);
    }

    private int receive(Msghdr header, boolean descriptors, ByteBuf buffer, int room) throws IOException {
        Fd socket = channel.socket();
        int fd = OpenDescriptor.of(socket).enter();
        try {
            long address = SocketCalls.address(buffer, buffer.writerIndex(), room);
            int n;
            do {
                // MSG_DONTWAIT whatever the socket's flags are: an inherited one may be blocking, and its flags are shared.
                n = descriptors
                        ? header.receive(fd, address, room, Constants.MSG_DONTWAIT)
                        : Posix.recv(header.errno(), fd, address, room, Constants.MSG_DONTWAIT);
            } while (n == -Constants.EINTR);
            return n;
        } finally {
            OpenDescriptor.of(socket).exit();
        }
    }

    private Object withDescriptor(Msghdr header, ByteBuf received) {
        int closed = header.closeSurplus();
        if (closed > 0)
            surplus += closed;
        int count = header.descriptorCount();
        broughtDescriptor = count > 0 || header.controlTruncated();
        return broughtDescriptor
                ? FdBuf.received(received, count > 0 ? header.descriptor(0) : -1, count == 0)
                : received;
    }

    private void end(ChannelPipeline pipeline, ImsgSocketChannel.SocketUnsafe unsafe) {
        ended = false;
        if (!channel.isActive() || over)
            return;
        if (!config.isAllowHalfClosure()) {
            unsafe.close(unsafe.voidPromise());
            return;
        }
        over = true;
        forget();
        if (!channel.isInputShutdown()) {
            channel.inputIsShutdown();
            pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        }
        if (channel.isActive())
            pipeline.fireUserEventTriggered(ChannelInputShutdownReadComplete.INSTANCE);
    }
}
