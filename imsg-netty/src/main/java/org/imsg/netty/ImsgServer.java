package org.imsg.netty;

import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.unix.DomainSocketChannel;
import java.net.SocketAddress;
import org.imsg.unix.Fd;

/**
 * Makes a server of Netty's an imsg server: each connection it accepts becomes an {@link ImsgSocketChannel} on the same
 * descriptor before anybody has seen it.
 *
 * {@snippet file="org/imsg/netty/FileServer.java" region="server"}
 *
 * <p>It keeps no state, so one may serve any number of servers. The backlog, the permissions of the socket's file and a full
 * descriptor table are the server channel's affair: Netty's pauses for a second when it cannot accept.
 */
@Sharable
public final class ImsgServer extends ChannelDuplexHandler {
    /** A handler for {@code ServerBootstrap.handler}. */
    public ImsgServer() {}

    /** Refuses to serve over a version of the transport that its connections could not run on, before there is one. */
    @Override
    public void bind(ChannelHandlerContext ctx, SocketAddress address, ChannelPromise promise) {
        try {
            Transport.of(ctx.channel().eventLoop()).ifPresent(Transport::check);
        } catch (IllegalStateException e) {
            promise.setFailure(e);
            return;
        }
        ctx.bind(address, promise);
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        if (!(message instanceof DomainSocketChannel accepted) || accepted.isRegistered()) {
            ctx.fireChannelRead(message);
            return;
        }
        // Netty's channel is unreachable from here on and has nothing that would close the descriptor by itself.
        Channel server = ctx.channel();
        ctx.fireChannelRead(new ImsgSocketChannel(server, Fd.of(accepted.fd().intValue())));
    }
}
