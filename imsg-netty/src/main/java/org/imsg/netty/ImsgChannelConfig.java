package org.imsg.netty;

import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.MessageSizeEstimator;
import io.netty.channel.DefaultMessageSizeEstimator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.socket.DuplexChannelConfig;
import io.netty.channel.unix.GenericUnixChannelOption;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.netty.channel.unix.RawUnixChannelOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;

/**
 * The options of an {@link ImsgSocketChannel}: Netty's common ones, those of {@link DuplexChannelConfig}, the sizes of the
 * socket's buffers, those that a program makes of the system's names ({@link IntegerUnixChannelOption},
 * {@link RawUnixChannelOption}), and whether descriptors pass. Made by the channel; safe for any thread. Each setter returns this
 * configuration; null where a value is wanted is a {@link NullPointerException}.
 *
 * <p>In the channel's writability a queued descriptor counts for 1024 bytes: with the usual marks a channel stops being writable at 64
 * of them, well before a queue of tiny messages could fill the descriptor table. The sizes of reads adapt between 512 bytes and 64
 * KiB, unless {@link #setRecvByteBufAllocator(RecvByteBufAllocator)} says otherwise.
 */
public final class ImsgChannelConfig extends DefaultChannelConfig implements DuplexChannelConfig {
    private static final int DESCRIPTOR_WEIGHT = 1024;
    /** Netty's own is 64: its sizes shrink to those of small messages then, and a read that is filled is tried again. */
    private static final int SMALLEST_READ = 512;
    private static final int FIRST_READ = 2048;
    private static final int LARGEST_READ = 65_536;

    private static final MessageSizeEstimator.Handle BYTES = DefaultMessageSizeEstimator.DEFAULT.newHandle();
    private static final MessageSizeEstimator.Handle BYTES_AND_DESCRIPTORS = message -> {
        int bytes = BYTES.size(message);
        return message instanceof DescriptorHolder<?> holder && holder.hasFd() ? bytes + DESCRIPTOR_WEIGHT : bytes;
    };

    private final ImsgSocketChannel socketChannel;
    private final Fd socket;
    private volatile boolean allowHalfClosure;
    private volatile boolean allowFdPassing;

    ImsgChannelConfig(ImsgSocketChannel channel, Fd socket) {
        super(channel, new AdaptiveRecvByteBufAllocator(SMALLEST_READ, FIRST_READ, LARGEST_READ));
        socketChannel = channel;
        this.socket = socket;
        super.setMessageSizeEstimator(() -> BYTES_AND_DESCRIPTORS);
    }

    /**
     * Whether descriptors pass in both directions: {@link ImsgChannelOption#ALLOW_FD_PASSING}.
     *
     * @return false unless set
     */
    public boolean isAllowFdPassing() {
        return allowFdPassing;
    }

    /**
     * Lets descriptors pass, or not: {@link ImsgChannelOption#ALLOW_FD_PASSING}, imsgbuf_allow_fdpass. Holds from the next
     * read and the next write on.
     *
     * @param allowed whether they pass
     * @return this
     */
    public ImsgChannelConfig setAllowFdPassing(boolean allowed) {
        allowFdPassing = allowed;
        return this;
    }

    @Override
    public boolean isAllowHalfClosure() {
        return allowHalfClosure;
    }

    @Override
    public ImsgChannelConfig setAllowHalfClosure(boolean allowed) {
        allowHalfClosure = allowed;
        return this;
    }

    /**
     * The size of the socket's send buffer: SO_SNDBUF.
     *
     * @return bytes, on Linux twice what was set
     * @throws ChannelException if the channel is closed
     */
    public int getSendBufferSize() {
        return bufferSize("SO_SNDBUF");
    }

    /**
     * Sets the size of the socket's send buffer: SO_SNDBUF.
     *
     * @param bytes the size, which the system may adapt
     * @return this
     * @throws ChannelException if the channel is closed, or the system refuses
     */
    public ImsgChannelConfig setSendBufferSize(int bytes) {
        return bufferSize("SO_SNDBUF", bytes);
    }

    /**
     * The size of the socket's receive buffer: SO_RCVBUF. It has no effect on Linux: unread bytes
     * count for the sender's {@link #getSendBufferSize()}.
     *
     * @return bytes, on Linux twice what was set
     * @throws ChannelException if the channel is closed
     */
    public int getReceiveBufferSize() {
        return bufferSize("SO_RCVBUF");
    }

    /**
     * Sets the size of the socket's receive buffer: SO_RCVBUF.
     *
     * @param bytes the size, which the system may adapt
     * @return this
     * @throws ChannelException if the channel is closed, or the system refuses
     */
    public ImsgChannelConfig setReceiveBufferSize(int bytes) {
        return bufferSize("SO_RCVBUF", bytes);
    }

    @Override
    public Map<ChannelOption<?>, Object> getOptions() {
        Map<ChannelOption<?>, Object> options = getOptions(super.getOptions(), ChannelOption.SO_SNDBUF,
                ChannelOption.SO_RCVBUF, ChannelOption.ALLOW_HALF_CLOSURE, ImsgChannelOption.ALLOW_FD_PASSING);
        if (Transport.EPOLL.isPresent())
            options.put(EpollBinding.modeOption(), EpollBinding.mode());
        return options;
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T> T getOption(ChannelOption<T> option) {
        if (option == ChannelOption.SO_SNDBUF)
            return (T) (Integer) getSendBufferSize();
        if (option == ChannelOption.SO_RCVBUF)
            return (T) (Integer) getReceiveBufferSize();
        if (option == ChannelOption.ALLOW_HALF_CLOSURE)
            return (T) (Boolean) allowHalfClosure;
        if (option == ImsgChannelOption.ALLOW_FD_PASSING)
            return (T) (Boolean) allowFdPassing;
        if (isEpollMode(option))
            return (T) EpollBinding.mode();
        try {
            if (option instanceof IntegerUnixChannelOption number)
                return (T) (Integer) SocketCalls.option(socket, number.level(), number.optname(), 4)
                        .order(ByteOrder.nativeOrder()).getInt();
            if (option instanceof RawUnixChannelOption raw)
                return (T) SocketCalls.option(socket, raw.level(), raw.optname(), raw.length());
        } catch (IOException e) {
            throw new ChannelException(e);
        }
        return super.getOption(option);
    }

    @Override
    public <T> boolean setOption(ChannelOption<T> option, T value) {
        validate(option, value);
        if (option == ChannelOption.SO_SNDBUF)
            setSendBufferSize((Integer) value);
        else if (option == ChannelOption.SO_RCVBUF)
            setReceiveBufferSize((Integer) value);
        else if (option == ChannelOption.ALLOW_HALF_CLOSURE)
            setAllowHalfClosure((Boolean) value);
        else if (option == ImsgChannelOption.ALLOW_FD_PASSING)
            setAllowFdPassing((Boolean) value);
        else if (isEpollMode(option))
            return value == EpollBinding.mode();
        else if (option instanceof IntegerUnixChannelOption number)
            option(number, ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(0, (Integer) value));
        else if (option instanceof RawUnixChannelOption raw)
            option(raw, (ByteBuffer) value);
        else
            return super.setOption(option, value);
        return true;
    }

    private void option(GenericUnixChannelOption<?> option, ByteBuffer value) {
        try {
            SocketCalls.option(socket, option.level(), option.optname(), value);
        } catch (IOException e) {
            throw new ChannelException(e);
        }
    }

    private static boolean isEpollMode(ChannelOption<?> option) {
        return Transport.EPOLL.isPresent() && option == EpollBinding.modeOption();
    }

    // The same setters as of every configuration, with this one's type

    @Override
    public ImsgChannelConfig setConnectTimeoutMillis(int millis) {
        super.setConnectTimeoutMillis(millis);
        return this;
    }

    @Override
    @Deprecated
    public ImsgChannelConfig setMaxMessagesPerRead(int most) {
        super.setMaxMessagesPerRead(most);
        return this;
    }

    @Override
    public ImsgChannelConfig setWriteSpinCount(int most) {
        super.setWriteSpinCount(most);
        return this;
    }

    @Override
    public ImsgChannelConfig setAllocator(ByteBufAllocator allocator) {
        super.setAllocator(allocator);
        return this;
    }

    @Override
    public ImsgChannelConfig setRecvByteBufAllocator(RecvByteBufAllocator allocator) {
        if (!(allocator.newHandle() instanceof RecvByteBufAllocator.ExtendedHandle))
            throw new IllegalArgumentException("the handles of " + allocator + " are not of the type "
                    + RecvByteBufAllocator.ExtendedHandle.class.getName());
        super.setRecvByteBufAllocator(allocator);
        return this;
    }

    @Override
    public ImsgChannelConfig setAutoRead(boolean automatic) {
        super.setAutoRead(automatic);
        return this;
    }

    @Override
    public ImsgChannelConfig setAutoClose(boolean automatic) {
        super.setAutoClose(automatic);
        return this;
    }

    @Override
    public ImsgChannelConfig setWriteBufferHighWaterMark(int bytes) {
        super.setWriteBufferHighWaterMark(bytes);
        return this;
    }

    @Override
    public ImsgChannelConfig setWriteBufferLowWaterMark(int bytes) {
        super.setWriteBufferLowWaterMark(bytes);
        return this;
    }

    @Override
    public ImsgChannelConfig setWriteBufferWaterMark(WriteBufferWaterMark marks) {
        super.setWriteBufferWaterMark(marks);
        return this;
    }

    @Override
    public ImsgChannelConfig setMessageSizeEstimator(MessageSizeEstimator estimator) {
        super.setMessageSizeEstimator(estimator);
        return this;
    }

    @Override
    protected void autoReadCleared() {
        socketChannel.stopReading();
    }

    private int bufferSize(String option) {
        try {
            return Sockets.intOption(socket, option);
        } catch (IOException e) {
            throw new ChannelException(e);
        }
    }

    private ImsgChannelConfig bufferSize(String option, int bytes) {
        try {
            Sockets.intOption(socket, option, bytes);
            return this;
        } catch (IOException e) {
            throw new ChannelException(e);
        }
    }
}
