package org.imsg.netty;

import io.netty.channel.Channel;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.SingleThreadEventExecutor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.imsg.unix.Fd;

/** The event loops the tests run on, two of each kind, for the whole run: their own descriptors are opened once. */
enum Loops {
    EPOLL, IO_URING, KQUEUE_OVER_POLL,
    /** Netty's own channel on epoll, the reference of what a channel promises. */
    NETTYS_OWN;

    private static final boolean IO_URING_HERE = IoUring.isAvailable() && serves(Transport.IO_URING);
    /** The stand-in is written for the versions that tell a handle of its registration. */
    private static final boolean STAND_IN_RUNS = Arrays.stream(IoHandle.class.getMethods())
            .anyMatch(method -> method.getName().equals("registered"));

    private EventLoopGroup group;

    /** False where this version of Netty is too old for it. */
    private static boolean serves(Transport transport) {
        try {
            transport.check();
            return true;
        } catch (IllegalStateException tooOld) {
            return false;
        }
    }

    /** Every kind this machine has, each for our channel. */
    static Stream<Loops> available() {
        return andNettysOwn().filter(loops -> loops != NETTYS_OWN);
    }

    /** The same, and Netty's own channel. */
    static Stream<Loops> andNettysOwn() {
        return Arrays.stream(values()).filter(loops -> switch (loops) {
            case IO_URING -> IO_URING_HERE;
            case KQUEUE_OVER_POLL -> STAND_IN_RUNS;
            case EPOLL, NETTYS_OWN -> true;
        });
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
        return this == EPOLL && STAND_IN_RUNS ? KQUEUE_OVER_POLL : EPOLL;
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

    /** Ends loops that close their channels: Netty's may end at once, and close nothing, if they have nothing left to run. */
    static void end(EventLoopGroup group) throws InterruptedException {
        for (EventExecutor loop : group)
            ((SingleThreadEventExecutor) loop).addShutdownHook(() -> {});
        group.shutdownGracefully(1, 20_000, TimeUnit.MILLISECONDS).sync();
    }

    private IoHandlerFactory factory() {
        return switch (this) {
            case EPOLL, NETTYS_OWN -> EpollIoHandler.newFactory();
            case IO_URING -> IoUringIoHandler.newFactory();
            case KQUEUE_OVER_POLL -> PollIoHandler.FACTORY;
        };
    }
}
