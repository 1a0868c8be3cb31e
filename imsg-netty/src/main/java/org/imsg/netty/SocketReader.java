package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.EventLoop;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
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
    private boolean arrived;
    private boolean draining;
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
                if (!config.isAutoRead() && !pending)
                    channel.waitForInput(false);
            });
        } else {
            pending = false;
            channel.waitForInput(false);
        }
    }

    /**
     * The peer has ended while nothing was read: whatever it sent before is handed on without being asked for, a read a turn of
     * the loop, so that its end is seen.
     */
    void readToEnd() {
        if (!channel.isRegistered() || !channel.eventLoop().inEventLoop() || !channel.isActive()
                || channel.isInputShutdown())
            return;
        arrived = false;
        read((ImsgSocketChannel.SocketUnsafe) channel.unsafe());
        if (arrived)
            channel.eventLoop().execute(this::readToEnd);
    }

    /** The input was shut down on this side: bytes that had arrived are handed on, and then the end is told. */
    void drain() {
        if (!channel.isRegistered() || !channel.eventLoop().inEventLoop() || !channel.isActive())
            return;
        draining = true;
        read((ImsgSocketChannel.SocketUnsafe) channel.unsafe());
    }

    void read(ImsgSocketChannel.SocketUnsafe unsafe) {
        ChannelPipeline pipeline = channel.pipeline();
        RecvByteBufAllocator.ExtendedHandle sizes = (RecvByteBufAllocator.ExtendedHandle) unsafe.recvBufAllocHandle();
        sizes.reset(config);
        Throwable failure = null;
        try {
            do {
                Object received = receive(sizes);
                if (received == null)
                    break;
                sizes.incMessagesRead(1);
                pending = false;
                arrived = true;
                pipeline.fireChannelRead(received);
                // A handler may have closed the channel, and the number may be another socket's by now.
            } while (channel.isActive()
                    && (draining || !channel.isInputShutdown() && sizes.continueReading(maybeMore)));
        } catch (Exception | OutOfMemoryError e) {
            // Netty's own error when direct memory runs out is one of the latter; it must not end the loop.
            failure = e;
        }
        sizes.readComplete();
        pipeline.fireChannelReadComplete();
        if (failure != null) {
            pipeline.fireExceptionCaught(failure);
            unsafe.close(unsafe.voidPromise());
        } else if (ended) {
            end(pipeline, unsafe);
        }
        if (!pending && !config.isAutoRead() && channel.isActive())
            channel.waitForInput(false);
    }

    /** One call: a message or bytes, or null if nothing came or the stream has ended. */
    private @Nullable Object receive(RecvByteBufAllocator.ExtendedHandle sizes) throws IOException {
        ByteBuf buffer = memory(sizes.allocate(config.getAllocator()));
        // An allocator rounds up, and some programs set the size of their reads.
        int room = Math.min(buffer.writableBytes(), Math.max(1, sizes.guess()));
        boolean handedOn = false;
        try {
            sizes.attemptedBytesRead(room);
            boolean descriptors = config.isAllowFdPassing();
            Msghdr header = SocketCalls.toReceive();
            int n = receive(header, descriptors, buffer, room);
            sizes.lastBytesRead(n == 0 ? -1 : Math.max(n, 0));
            filled = n == room;
            broughtDescriptor = false;
            if (n > 0) {
                buffer.writerIndex(buffer.writerIndex() + n);
                Object message = descriptors ? withDescriptor(header, buffer) : buffer;
                handedOn = true;
                return message;
            }
            ended = n == 0;
            if (n < 0 && n != -Constants.EAGAIN)
                throw new ErrnoException(descriptors ? "recvmsg" : "recv", channel.socket(), -n);
            return null;
        } finally {
            if (!handedOn)
                buffer.release();
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
        if (count > 0)
            return new FdBuf(received, Fd.of(header.descriptor(0)), false);
        return broughtDescriptor ? new FdBuf(received, null, true) : received;
    }

    private void end(ChannelPipeline pipeline, ImsgSocketChannel.SocketUnsafe unsafe) {
        ended = false;
        if (!config.isAllowHalfClosure()) {
            unsafe.close(unsafe.voidPromise());
            return;
        }
        if (!channel.isInputShutdown()) {
            channel.endInput();
            pipeline.fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        }
        pipeline.fireUserEventTriggered(ChannelInputShutdownReadComplete.INSTANCE);
    }
}
