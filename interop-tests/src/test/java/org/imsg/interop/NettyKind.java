package org.imsg.interop;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerDomainSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import org.imsg.netty.ImsgChannelOption;
import org.imsg.netty.ImsgCodec;
import org.imsg.netty.ImsgServer;
import org.imsg.netty.ImsgSocketChannel;
import org.imsg.unix.Fd;

/** The channels of imsg-netty, on each of the event loops that run on Linux. */
enum NettyKind implements Transport.Kind {
    EPOLL(EpollServerDomainSocketChannel.class) {
        @Override
        IoHandlerFactory factory() {
            return EpollIoHandler.newFactory();
        }
    },
    IO_URING(IoUringServerDomainSocketChannel.class) {
        @Override
        boolean isHere() {
            return IoUring.isAvailable();
        }

        @Override
        IoHandlerFactory factory() {
            return IoUringIoHandler.newFactory();
        }
    };

    private final Class<? extends ServerChannel> server;
    private EventLoopGroup loops;

    NettyKind(Class<? extends ServerChannel> server) {
        this.server = server;
    }

    abstract IoHandlerFactory factory();

    /** Whether this kernel lets us. */
    boolean isHere() {
        return true;
    }

    /** Starts the loops of this machine, which keep descriptors from then on to the end of the run. */
    static void startLoops() {
        for (NettyKind kind : values())
            if (kind.isHere())
                kind.loops().next().submit(() -> {}).syncUninterruptibly();
    }

    private synchronized EventLoopGroup loops() {
        if (loops == null)
            loops = new MultiThreadIoEventLoopGroup(1, new DefaultThreadFactory(name(), true), factory());
        return loops;
    }

    @Override
    public Transport over(Fd socket, Transport.Settings settings) throws IOException {
        NettyInbox inbox = new NettyInbox();
        Bootstrap bootstrap = client(settings, inbox).channelFactory(() -> new ImsgSocketChannel(socket));
        return new NettyTransport(NettyTransport.await(bootstrap.register()), inbox);
    }

    @Override
    public Transport connect(Path path, Transport.Settings settings) throws IOException {
        NettyInbox inbox = new NettyInbox();
        Bootstrap bootstrap = client(settings, inbox).channel(ImsgSocketChannel.class);
        return new NettyTransport(NettyTransport.await(bootstrap.connect(UnixDomainSocketAddress.of(path))), inbox);
    }

    private Bootstrap client(Transport.Settings settings, NettyInbox inbox) {
        return new Bootstrap().group(loops()).option(ImsgChannelOption.ALLOW_FD_PASSING, settings.descriptors())
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(codec(settings), inbox);
                    }
                });
    }

    @Override
    public Transport.Listener listen(Path path, Transport.Settings settings) throws IOException {
        NettyListener accepted = new NettyListener();
        ServerBootstrap bootstrap = new ServerBootstrap().group(loops()).channel(server)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel listening) {
                        listening.pipeline().addLast(new ImsgServer(), accepted.failures());
                    }
                }).childOption(ImsgChannelOption.ALLOW_FD_PASSING, settings.descriptors())
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        NettyInbox inbox = new NettyInbox();
                        connection.pipeline().addLast(codec(settings), inbox);
                        accepted.add(new NettyTransport(connection, inbox));
                    }
                });
        return accepted.on(NettyTransport.await(bootstrap.bind(new DomainSocketAddress(path.toString()))));
    }

    private static ImsgCodec codec(Transport.Settings settings) {
        return new ImsgCodec().format(settings.format()).assume(settings.assumed()).maxSize(settings.maxPayload());
    }
}
