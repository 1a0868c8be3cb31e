package org.imsg.netty;

import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.Arrays;
import java.util.stream.Stream;

/** The event loops the tests run on, two of each kind, for the whole run: their own descriptors are opened once. */
enum Loops {
    EPOLL, IO_URING, KQUEUE_OVER_POLL;

    private static final boolean IO_URING_HERE = IoUring.isAvailable();

    private EventLoopGroup group;

    /** Every kind this machine has. */
    static Stream<Loops> available() {
        return Arrays.stream(values()).filter(loops -> loops != IO_URING || IO_URING_HERE);
    }

    synchronized EventLoopGroup group() {
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
            case EPOLL -> EpollIoHandler.newFactory();
            case IO_URING -> IoUringIoHandler.newFactory();
            case KQUEUE_OVER_POLL -> PollIoHandler.FACTORY;
        };
    }
}
