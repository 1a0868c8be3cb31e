package org.imsg.interop;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.imsg.netty.ImsgMessage;
import org.imsg.netty.ImsgSocketChannel;
import org.imsg.unix.Fd;

/**
 * A channel of imsg-netty with its codec, reading by itself as most do. Nothing that goes wrong on the event loop stays there:
 * it is thrown by the call that waits, and no call waits forever. Made by {@link NettyKind}.
 */
final class NettyTransport implements Transport {
    static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Channel channel;
    private final NettyInbox inbox;
    private final List<ChannelFuture> composed = new ArrayList<>();
    /** What {@link #receive} ended with, and does every time from then on. */
    private Object end;

    NettyTransport(Channel channel, NettyInbox inbox) {
        this.channel = channel;
        this.inbox = inbox;
    }

    @Override
    public void send(int type, int id, int pid, Fd fd, byte[] payload) throws IOException {
        var bytes = Unpooled.wrappedBuffer(payload);
        await(channel.writeAndFlush(fd == null
                ? new ImsgMessage(type, id, pid, bytes)
                : new ImsgMessage(type, id, pid, bytes, fd)));
    }

    @Override
    public void compose(int type, int id, int pid, byte[] payload) {
        composed.add(channel.write(new ImsgMessage(type, id, pid, Unpooled.wrappedBuffer(payload))));
    }

    @Override
    public void flush() throws IOException {
        channel.flush();
        // The last first: it is done when the others are. In their order each would be waited for, and wake this thread.
        for (ChannelFuture written : composed.reversed())
            await(written);
        composed.clear();
    }

    @Override
    public Message receive() throws IOException {
        Object next = end;
        while (next == null || next == NettyInbox.READ_COMPLETE)
            next = inbox.next();
        return next instanceof ImsgMessage message ? of(message) : ended(next);
    }

    @Override
    public List<Message> receiveArrived() throws IOException {
        List<Message> whole = new ArrayList<>();
        for (Object next; (next = inbox.next()) != NettyInbox.READ_COMPLETE;) {
            if (!(next instanceof ImsgMessage message)) {
                ended(next);
                return whole;
            }
            whole.add(of(message));
        }
        return whole;
    }

    private Message ended(Object how) throws IOException {
        end = how;
        if (how == NettyInbox.INACTIVE)
            return null;
        throw failure(how instanceof Throwable cause ? cause : new AssertionError("no message: " + how));
    }

    private static Message of(ImsgMessage message) {
        try {
            byte[] payload = new byte[message.content().readableBytes()];
            message.content().readBytes(payload);
            return new Message(message.type(), message.id(), message.pid(), payload, message.descriptor(),
                    message.takeFd());
        } finally {
            message.release();
        }
    }

    @Override
    public void shutdownOutput() throws IOException {
        await(((ImsgSocketChannel) channel).shutdownOutput());
    }

    @Override
    public void close() throws IOException {
        await(channel.close());
        try {
            Throwable wrong = inbox.end();
            if (wrong != null)
                throw failure(wrong);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    static Channel await(ChannelFuture future) throws IOException {
        try {
            if (!future.await(PATIENCE.toMillis()))
                throw new IOException(future + " is not done within " + PATIENCE);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
        if (!future.isSuccess())
            throw failure(future.cause());
        return future.channel();
    }

    static Object await(BlockingQueue<Object> queue, String what) throws IOException {
        try {
            Object next = queue.poll(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            if (next == null)
                throw new IOException("no " + what + " within " + PATIENCE);
            return next;
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    /** What is to be thrown for something that went wrong on the event loop. */
    static IOException failure(Throwable cause) {
        return switch (cause) {
            case IOException e -> e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> new IOException(cause);
        };
    }

    private static InterruptedIOException interrupted(InterruptedException cause) {
        Thread.currentThread().interrupt();
        InterruptedIOException interrupted = new InterruptedIOException("interrupted on the way to the event loop");
        interrupted.initCause(cause);
        return interrupted;
    }
}
