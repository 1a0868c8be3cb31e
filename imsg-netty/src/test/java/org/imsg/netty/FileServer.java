package org.imsg.netty;

/* @formatter:off */
// @start region=server
import static io.netty.buffer.Unpooled.EMPTY_BUFFER;
import static io.netty.buffer.Unpooled.copiedBuffer;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.*;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.Path;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;

/** Opens files for its clients and passes them the descriptors. */
final class FileServer extends SimpleChannelInboundHandler<ImsgMessage> {
    static final int OPEN = 1, OPENED = 2, DENIED = 3;

    static ChannelFuture listen(EventLoopGroup loops, Path socket) {
        return new ServerBootstrap().group(loops).channel(EpollServerDomainSocketChannel.class)
                .handler(new ImsgServer())                 // makes imsg channels of what Netty's server accepts
                .childOption(ImsgChannelOption.ALLOW_FD_PASSING, true)
                .childHandler(new ChannelInitializer<ImsgSocketChannel>() {
                    @Override
                    protected void initChannel(ImsgSocketChannel peer) {
                        peer.pipeline().addLast(new ImsgCodec().format(WireFormat.MODERN), new FileServer());
                    }
                }).bind(new DomainSocketAddress(socket.toFile()));
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, ImsgMessage request) {
        try {                                              // written, the message owns the descriptor
            Fd file = Fd.open(Path.of(request.content().toString(UTF_8)));
            ctx.write(new ImsgMessage(OPENED, request.id(), 0, EMPTY_BUFFER, file));
        } catch (IOException e) {
            ctx.write(new ImsgMessage(DENIED, request.id(), 0, copiedBuffer(e.getMessage(), UTF_8)));
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        ctx.flush();                                       // the answers to one read leave together
    }
}
// @end
/* @formatter:on */
