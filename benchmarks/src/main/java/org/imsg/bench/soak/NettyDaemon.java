package org.imsg.bench.soak;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import org.imsg.netty.ImsgChannelOption;
import org.imsg.netty.ImsgCodec;
import org.imsg.netty.ImsgMessage;
import org.imsg.netty.ImsgServer;
import org.imsg.netty.ImsgSocketChannel;
import org.imsg.unix.Fd;

/** The server on Netty and epoll: {@code NettyDaemon SOCKET}. */
final class NettyDaemon extends SimpleChannelInboundHandler<ImsgMessage> {
    private static final int LOOPS = 2;
    private static final int BACKLOG = 128;

    public static void main(String... args) throws Exception {
        new ServerBootstrap().group(new MultiThreadIoEventLoopGroup(LOOPS, EpollIoHandler.newFactory()))
                .channel(EpollServerDomainSocketChannel.class).option(ChannelOption.SO_BACKLOG, BACKLOG)
                .handler(new ImsgServer()).childOption(ImsgChannelOption.ALLOW_FD_PASSING, true)
                .childHandler(new ChannelInitializer<ImsgSocketChannel>() {
                    @Override
                    protected void initChannel(ImsgSocketChannel channel) {
                        channel.pipeline().addLast(new ImsgCodec(), new NettyDaemon());
                    }
                }).bind(new DomainSocketAddress(args[0])).sync();
        Control.serve();
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, ImsgMessage ask) throws IOException {
        Fd fd = ask.takeFd();
        Fd marked = fd == null ? null : EchoService.mark(fd, ask.id());
        ctx.write(marked == null
                ? new ImsgMessage(EchoService.ANSWER, ask.id(), 0, ask.content().retain())
                : new ImsgMessage(EchoService.ANSWER, ask.id(), 0, ask.content().retain(), marked));
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        ctx.flush();
    }

    /** A client that ends in the middle of a message is one of the load's. */
    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        ctx.close();
    }
}
