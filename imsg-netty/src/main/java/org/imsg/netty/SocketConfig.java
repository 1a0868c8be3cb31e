package org.imsg.netty;

import io.netty.channel.ChannelException;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultChannelConfig;
import io.netty.channel.MessageSizeEstimator;
import io.netty.channel.DefaultMessageSizeEstimator;
import java.io.IOException;
import java.util.Map;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;

/** The options of one channel: Netty's common ones, half-closure, socket buffers, and whether descriptors pass. */
final class SocketConfig extends DefaultChannelConfig {
    /**
     * What a queued descriptor counts for in the channel's writability, in bytes: with the usual marks a channel stops being
     * writable at 64 of them, well before a queue of tiny messages could fill the descriptor table.
     */
    static final int DESCRIPTOR_WEIGHT = 1024;

    private static final MessageSizeEstimator.Handle BYTES = DefaultMessageSizeEstimator.DEFAULT.newHandle();
    private static final MessageSizeEstimator.Handle BYTES_AND_DESCRIPTORS = message -> {
        int bytes = BYTES.size(message);
        return message instanceof DescriptorHolder holder && holder.hasFd() ? bytes + DESCRIPTOR_WEIGHT : bytes;
    };

    private final ImsgSocketChannel socketChannel;
    private final Fd socket;
    private volatile boolean allowHalfClosure;
    private volatile boolean allowFdPassing;

    SocketConfig(ImsgSocketChannel channel, Fd socket) {
        super(channel);
        socketChannel = channel;
        this.socket = socket;
        setMessageSizeEstimator(() -> BYTES_AND_DESCRIPTORS);
    }

    boolean allowsHalfClosure() {
        return allowHalfClosure;
    }

    boolean allowsFdPassing() {
        return allowFdPassing;
    }

    @Override
    public Map<ChannelOption<?>, Object> getOptions() {
        return getOptions(super.getOptions(), ChannelOption.SO_SNDBUF, ChannelOption.SO_RCVBUF,
                ChannelOption.ALLOW_HALF_CLOSURE, ImsgChannelOption.ALLOW_FD_PASSING);
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T> T getOption(ChannelOption<T> option) {
        if (option == ChannelOption.SO_SNDBUF)
            return (T) (Integer) bufferSize("SO_SNDBUF");
        if (option == ChannelOption.SO_RCVBUF)
            return (T) (Integer) bufferSize("SO_RCVBUF");
        if (option == ChannelOption.ALLOW_HALF_CLOSURE)
            return (T) (Boolean) allowHalfClosure;
        if (option == ImsgChannelOption.ALLOW_FD_PASSING)
            return (T) (Boolean) allowFdPassing;
        return super.getOption(option);
    }

    @Override
    public <T> boolean setOption(ChannelOption<T> option, T value) {
        validate(option, value);
        if (option == ChannelOption.SO_SNDBUF)
            bufferSize("SO_SNDBUF", (Integer) value);
        else if (option == ChannelOption.SO_RCVBUF)
            bufferSize("SO_RCVBUF", (Integer) value);
        else if (option == ChannelOption.ALLOW_HALF_CLOSURE)
            allowHalfClosure = (Boolean) value;
        else if (option == ImsgChannelOption.ALLOW_FD_PASSING)
            allowFdPassing = (Boolean) value;
        else
            return super.setOption(option, value);
        return true;
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

    private void bufferSize(String option, int bytes) {
        try {
            Sockets.intOption(socket, option, bytes);
        } catch (IOException e) {
            throw new ChannelException(e);
        }
    }
}
