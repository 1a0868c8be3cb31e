package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.EventLoop;
import io.netty.channel.FileRegion;
import io.netty.util.ReferenceCounted;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.concurrent.TimeUnit;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Constants;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/** The sending side of a channel: one sendmsg(2) for each buffer with a descriptor, and one for all those between two such, or send(2) if that is one buffer. */
final class SocketWriter {
    private static final long NO_BUFFERS_PAUSE_MILLIS = 5;

    /** How a turn of writing ended: all sent, socket full, fair share used up, or out of kernel buffers. */
    enum Outcome {
        DONE, FULL, ENOUGH, LATER
    }

    private final ImsgSocketChannel channel;
    private final ImsgChannelConfig config;
    /** The loop that will try again after a pause, or null. */
    private volatile @Nullable EventLoop pausing;

    SocketWriter(ImsgSocketChannel channel, ImsgChannelConfig config) {
        this.channel = channel;
        this.config = config;
    }

    /** Takes what can be sent, in memory the kernel can read, and refuses everything else. */
    Object accept(Object message) {
        if (message instanceof ByteBuf bytes)
            return direct(bytes, bytes);
        if (message instanceof FileRegion)
            return message;
        if (!(message instanceof FdBuf withFd))
            throw new UnsupportedOperationException("a channel writes ByteBuf, FdBuf and FileRegion, not "
                    + message.getClass().getName()
                    + (message instanceof ImsgMessage ? ": put an ImsgCodec before it" : ""));
        if (!withFd.hasFd())
            return direct(withFd.content(), withFd);
        if (!withFd.content().isReadable())
            throw new IllegalArgumentException(
                    "a descriptor travels with the first byte of its message, and there is none");
        if (!config.isAllowFdPassing())
            throw new IllegalStateException(
                    "descriptors do not pass on this channel: see ImsgChannelOption.ALLOW_FD_PASSING");
        // In place, so that whoever retained it has bytes and descriptor still if the write fails.
        if (!isContiguous(withFd.content()))
            withFd.moveContent(copy(withFd.content()));
        return withFd;
    }

    /** Bytes that can be sent in place of their holder, which stays as it is if this throws. */
    private ByteBuf direct(ByteBuf bytes, ReferenceCounted holder) {
        boolean asTheyAre = bytes.isDirect() && bytes.nioBufferCount() >= 1;
        if (asTheyAre && holder == bytes)
            return bytes;
        ByteBuf taken = asTheyAre ? bytes.retain() : copy(bytes);
        holder.release();
        return taken;
    }

    private static boolean isContiguous(ByteBuf bytes) {
        return bytes.isDirect() && bytes.nioBufferCount() == 1;
    }

    private ByteBuf copy(ByteBuf bytes) {
        ByteBuf copy = config.getAllocator().directBuffer(bytes.readableBytes());
        try {
            return copy.writeBytes(bytes, bytes.readerIndex(), bytes.readableBytes());
        } catch (RuntimeException | Error e) { // released already, say
            copy.release();
            throw e;
        }
    }

    Outcome write(ChannelOutboundBuffer queue) throws IOException {
        for (int turns = config.getWriteSpinCount(); turns > 0; turns--) {
            Object message = queue.current();
            if (message == null)
                return Outcome.DONE;
            if (message instanceof FileRegion region) {
                Outcome outcome = write(queue, region);
                if (outcome != Outcome.DONE)
                    return outcome;
                continue;
            }
            FdBuf holder = message instanceof FdBuf withFd ? withFd : null;
            ByteBuf bytes = holder == null ? (ByteBuf) message : holder.content();
            if (!bytes.isReadable()) {
                // Empty from the beginning, or what Netty leaves of a cancelled write.
                queue.remove();
                continue;
            }
            int descriptor = holder == null ? -1 : holder.fdNumber();
            // The rest of a short write stays in its FdBuf, which is not to be gathered.
            boolean gather = holder == null && (queue.size() > 1 || bytes.nioBufferCount() > 1);
            int n = send(gather ? queue : null, bytes, descriptor);
            if (n > 0) {
                sent(queue, holder, n);
                continue;
            }
            Outcome putOff = putOff(n);
            if (putOff != null)
                return putOff;
            if (descriptor >= 0 && isDescriptorsFault(-n))
                queue.remove(new ErrnoException("sendmsg", "descriptor " + descriptor, -n));
            else
                throw new ErrnoException(gather || descriptor >= 0 ? "sendmsg" : "send", channel.socket(), -n);
        }
        return queue.isEmpty() ? Outcome.DONE : Outcome.ENOUGH;
    }

    /** The next part of a file; done if there may be more room. */
    private Outcome write(ChannelOutboundBuffer queue, FileRegion region) throws IOException {
        if (region.transferred() >= region.count()) {
            queue.remove();
            return Outcome.DONE;
        }
        RegionTarget target = new RegionTarget();
        long n = region.transferTo(target, region.transferred());
        if (n > 0)
            queue.progress(n);
        if (region.transferred() >= region.count())
            queue.remove();
        else if (target.full != null)
            return target.full;
        else if (n < 0)
            throw new EOFException("the file ended " + (region.count() - region.transferred())
                    + " bytes before its region does");
        else if (n == 0)
            return Outcome.ENOUGH; // not now, or not told: a program's own region may count other bytes than it sends
        return Outcome.DONE;
    }

    /** The socket as a region writes to it: what the kernel does not take stays in the buffer. */
    private final class RegionTarget implements WritableByteChannel {
        @Nullable
        Outcome full;

        @Override
        public int write(ByteBuffer source) throws IOException {
            int length = source.remaining();
            if (length == 0 || full != null)
                return 0;
            ByteBuf copied = source.isDirect() ? null : config.getAllocator().directBuffer(length);
            try {
                int n = send(null, copied == null
                        ? Unpooled.wrappedBuffer(source.duplicate())
                        : copied.writeBytes(source.duplicate()), -1);
                full = putOff(n);
                if (full != null)
                    return 0;
                if (n < 0)
                    throw new ErrnoException("send", channel.socket(), -n);
                source.position(source.position() + n);
                return n;
            } finally {
                if (copied != null)
                    copied.release();
            }
        }

        @Override
        public boolean isOpen() {
            return channel.isOpen();
        }

        @Override
        public void close() {
            throw new UnsupportedOperationException("a region does not close the socket it is written to");
        }
    }

    /** One call: of what can be gathered from a queue if there is one, else of a buffer and its descriptor. */
    private int send(ChannelOutboundBuffer queue, ByteBuf bytes, int descriptor) throws IOException {
        Sendmsg sendmsg = Sendmsg.OF_LOOP.get();
        Fd socket = channel.socket();
        int fd = OpenDescriptor.of(socket).enter();
        try {
            int n;
            do {
                n = queue == null ? sendmsg.send(fd, bytes, descriptor) : sendmsg.send(fd, queue);
            } while (n == -Constants.EINTR);
            return n;
        } finally {
            OpenDescriptor.of(socket).exit();
        }
    }

    /** How a turn ends with a call that may succeed later; null for any other. */
    private static @Nullable Outcome putOff(int n) {
        if (n == -Constants.EAGAIN)
            return Outcome.FULL;
        // The last one is a BSD's that has no place for the descriptor at the receiving side.
        return n == -Constants.ENOBUFS || n == -Constants.ENOMEM || n == -Constants.EMSGSIZE ? Outcome.LATER : null;
    }

    private static void sent(ChannelOutboundBuffer queue, FdBuf holder, int n) {
        if (holder == null) {
            queue.removeBytes(n);
            return;
        }
        // Once the kernel has the descriptor, the rest of a short write is bytes: a second copy would be a second descriptor.
        ByteBuf bytes = holder.content();
        Fd passed = holder.takeFd();
        if (passed != null)
            passed.close();
        queue.progress(n);
        if (n == bytes.readableBytes())
            queue.remove();
        else
            bytes.skipBytes(n);
    }

    /** No byte was sent, the stream is whole, and only this descriptor cannot pass: the other writes need not suffer. */
    private static boolean isDescriptorsFault(int errno) {
        return errno == Constants.EBADF || errno == Constants.EINVAL || errno == Constants.EPERM
                || errno == Constants.EACCES || errno == Constants.ETOOMANYREFS;
    }

    /** The kernel is out of buffers, and no event will tell when it no longer is: one timer, however many flushes find that. */
    void later(Runnable flush) {
        EventLoop loop = channel.eventLoop();
        if (pausing == loop)
            return;
        pausing = loop;
        loop.schedule(() -> {
            // On a loop that the channel has left meanwhile, this may cost a second timer on the new one, and never the only one.
            if (pausing == loop)
                pausing = null;
            flush.run();
        }, NO_BUFFERS_PAUSE_MILLIS, TimeUnit.MILLISECONDS);
    }
}
