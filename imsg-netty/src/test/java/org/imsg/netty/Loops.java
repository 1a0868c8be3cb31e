package org.imsg.netty;

import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.stream.Stream;
import org.imsg.unix.Fd;

/** The event loops the tests run on, two of each kind, for the whole run: their own descriptors are opened once. */
enum Loops {
    EPOLL, IO_URING, KQUEUE_OVER_POLL,
    /** Netty's own channel on epoll, the reference of what a channel promises. */
    NETTYS_OWN;

    private static final boolean IO_URING_HERE = IoUring.isAvailable();

    private EventLoopGroup group;

    /** Every kind this machine has, each for our channel. */
    static Stream<Loops> available() {
        return andNettysOwn().filter(loops -> loops != NETTYS_OWN);
    }

    /** The same, and Netty's own channel. */
    static Stream<Loops> andNettysOwn() {
        return Arrays.stream(values()).filter(loops -> loops != IO_URING || IO_URING_HERE);
    }

    Class<? extends Channel> channelType() {
        return this == NETTYS_OWN ? EpollDomainSocketChannel.class : ImsgSocketChannel.class;
    }

    /** A channel on a connected socket. */
    Channel channel(Fd end) {
        return this == NETTYS_OWN ? new EpollDomainSocketChannel(forNetty(end)) : new ImsgSocketChannel(end);
    }

    private static int forNetty(Fd end) {
        try {
            return Handover.forNetty(end);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Loops to move a channel to, of another kind where there is one. */
    Loops other() {
        return this == EPOLL ? KQUEUE_OVER_POLL : EPOLL;
    }

    synchronized EventLoopGroup group() {
        if (this == NETTYS_OWN)
            return EPOLL.group();
        if (group == null)
            group = newGroup(2);
        return group;
    }

    /** A group of its own, the caller's to shut down. */
    EventLoopGroup newGroup(int loops) {
        return new MultiThreadIoEventLoopGroup(loops, new DefaultThreadFactory(name(), true), factory());
    }

    private IoHandlerFactory factory() {
        return switch (this) {
            case EPOLL, NETTYS_OWN -> EpollIoHandler.newFactory();
            case IO_URING -> IoUringIoHandler.newFactory();
            case KQUEUE_OVER_POLL -> PollIoHandler.FACTORY;
        };
    }
}
