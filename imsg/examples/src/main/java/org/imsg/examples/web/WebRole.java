package org.imsg.examples.web;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import java.net.InetSocketAddress;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.imsg.netty.Handover;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.ops.Privileged;
import org.imsg.unix.Fd;

/** The child: serves what is in its root directory. */
final class WebRole implements Role {
    private static final int WAITING = 128;
    /** How long a connection lasts at most. */
    private static final int SECONDS = 60;

    private EventLoopGroup loops;

    /** Netty unpacks a library and loads it: in the chroot there is no place for that, and no right to. */
    @Override
    public void prepare(RoleProcess self) {
        Epoll.ensureAvailability();
    }

    @Override
    public void start(RoleProcess self) throws Exception {
        loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        // The channel to the monitor is closed when the socket is there: nothing else is ever asked of it.
        try (Privileged privileged = self.privileged()) {
            int port = WebServerSettings.of(self.arguments()).port();
            serve(privileged.listen(new InetSocketAddress("0.0.0.0", port), WAITING, true));
        }
        self.log().log(System.Logger.Level.INFO, "serving");
    }

    private void serve(Fd listener) throws Exception {
        int socket = Handover.forNetty(listener);
        new ServerBootstrap().group(loops).channelFactory(() -> new EpollServerSocketChannel(socket))
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        pipeline(connection);
                    }
                }).register().sync();
    }

    /** Neither a client that says nothing, or a byte now and then, nor one that does not read stays longer than its time. */
    static <C extends Channel> C pipeline(C connection) {
        Future<?> end = connection.eventLoop().schedule(() -> connection.close(), SECONDS, TimeUnit.SECONDS);
        connection.closeFuture().addListener(_ -> end.cancel(false));
        connection.pipeline().addLast(new HttpServerCodec(), new Pages());
        return connection;
    }

    @Override
    public void stop(RoleProcess self) throws Exception {
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
    }
}
