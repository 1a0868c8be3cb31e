package org.imsg.interop;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.io.IOException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A server channel and what it has accepted. */
final class NettyListener implements Transport.Listener {
    /** Transports, and exceptions. */
    private final BlockingQueue<Object> accepted = new LinkedBlockingQueue<>();
    private Channel server;

    NettyListener on(Channel listening) {
        server = listening;
        return this;
    }

    void add(NettyTransport connection) {
        accepted.add(connection);
    }

    /** A handler for the server's pipeline: what goes wrong there is thrown by {@link #accept}. */
    ChannelHandler failures() {
        return new ChannelInboundHandlerAdapter() {
            @Override
            public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
                accepted.add(cause);
            }
        };
    }

    @Override
    public Transport accept() throws IOException {
        Object next = NettyTransport.await(accepted, "connection to " + server);
        if (next instanceof Throwable cause)
            throw NettyTransport.failure(cause);
        return (Transport) next;
    }

    @Override
    public void close() throws IOException {
        NettyTransport.await(server.close());
        for (Object left; (left = accepted.poll()) != null;) {
            if (left instanceof Throwable cause)
                throw NettyTransport.failure(cause);
            ((Transport) left).close();
        }
    }
}
