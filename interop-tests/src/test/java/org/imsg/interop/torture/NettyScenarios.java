package org.imsg.interop.torture;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.io.IOException;
import java.util.Map;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.netty.ImsgChannelOption;
import org.imsg.netty.ImsgCodec;
import org.imsg.netty.ImsgMessage;
import org.imsg.netty.ImsgSocketChannel;
import org.imsg.unix.Fd;

/** What programs do with org.imsg.netty. */
final class NettyScenarios {
    private static final EventLoopGroup LOOPS = new MultiThreadIoEventLoopGroup(1,
            new DefaultThreadFactory("torture", true), EpollIoHandler.newFactory());

    private NettyScenarios() {}

    /** By name. */
    static Map<String, Scenario> all() {
        return Map.of("netty", (_, told) -> echo(told, true), "netty-plain", (_, told) -> echo(told, false));
    }

    /** A blocking client, whose messages a channel on epoll sends back, with their descriptors if these may pass. */
    private static void echo(Told told, boolean descriptors) throws Exception {
        try (Fd.Pair pair = Fd.socketpair()) {
            Channel server = new Bootstrap().group(LOOPS).channelFactory(() -> new ImsgSocketChannel(pair.second()))
                    .option(ImsgChannelOption.ALLOW_FD_PASSING, descriptors).handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            channel.pipeline().addLast(new ImsgCodec().format(WireFormat.MODERN), new Echo(told));
                        }
                    }).register().sync().channel();
            try (ImsgChannel client = ImsgChannel.of(pair.first())) {
                if (descriptors)
                    CoreScenarios.ask(client.allowFdPassing().format(WireFormat.MODERN));
                else
                    CoreScenarios.askPlain(client);
            } finally {
                server.close().sync();
                server.eventLoop().submit(() -> {}).sync();
            }
        }
    }

    private static final class Echo extends SimpleChannelInboundHandler<ImsgMessage> {
        private final Told told;

        Echo(Told told) {
            this.told = told;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext ctx, ImsgMessage message) throws IOException {
            ctx.write(answer(message))
                    .addListener((ChannelFutureListener) written -> {
                        if (!written.isSuccess()) {
                            told.add(written.cause());
                            ctx.close();
                        }
                    });
        }

        /** With a descriptor if the message has one, or has lost it. */
        private static ImsgMessage answer(ImsgMessage message) throws IOException {
            if (!message.hasFd() && message.id() % 2 == 1)
                return new ImsgMessage(message.type(), message.id(), 0, message.content().retain());
            Fd fd = message.hasFd() ? message.takeFd() : CoreScenarios.openNull();
            return new ImsgMessage(message.type(), message.id(), 0, message.content().retain(), fd);
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext ctx) {
            ctx.flush();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            told.add(cause);
            ctx.close();
        }
    }
}
