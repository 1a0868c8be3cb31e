package org.imsg.bench.worker;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.imsg.ImsgChannel;
import org.imsg.netty.ImsgChannelOption;
import org.imsg.netty.ImsgCodec;
import org.imsg.netty.ImsgMessage;
import org.imsg.netty.ImsgServer;
import org.imsg.netty.ImsgSocketChannel;

/**
 * Many connections on one loop of each process. Each of the client's has one question on its way at a time, until so many were
 * asked on all of them together; the server sends each message back.
 */
final class NettyConnections implements WorkerTransport {
    private static final int PREFIX = 4;
    private static final int LONGEST_FRAME = 1 << 20;
    private static final int BACKLOG = 4096;
    private static final long CONNECT_NANOS = 10_000_000_000L;

    private final boolean imsg;
    private final boolean passing;
    private final byte[] payload;
    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final ArrivalCounter arrivals = new ArrivalCounter(group.next());
    private final List<Channel> connections = new ArrayList<>();
    private long asked;
    private long answered;
    private long count;
    private CompletableFuture<Void> done;

    /** With an imsg server and client or Netty's own, and descriptors that may pass or not. */
    NettyConnections(Job job, boolean imsg, boolean passing) {
        this.imsg = imsg;
        this.passing = passing;
        // As many bytes on the wire as an imsg with the job's payload has.
        payload = Arrays.copyOf(job.payload(), imsg ? job.size() : ImsgChannel.HEADER_SIZE + job.size() - PREFIX);
        DomainSocketAddress address = new DomainSocketAddress(job.path().toString());
        if (job.listens())
            listen(address);
        else
            connect(address, job.connections());
    }

    private void listen(DomainSocketAddress address) {
        ServerBootstrap bootstrap = new ServerBootstrap().group(group)
                .channel(EpollServerDomainSocketChannel.class).option(ChannelOption.SO_BACKLOG, BACKLOG)
                .childHandler(pipeline(new Echo()));
        if (imsg)
            bootstrap.handler(new ImsgServer()).childOption(ImsgChannelOption.ALLOW_FD_PASSING, passing);
        bootstrap.bind(address).syncUninterruptibly();
    }

    private void connect(DomainSocketAddress address, int many) {
        Bootstrap bootstrap = new Bootstrap().group(group)
                .channel(imsg ? ImsgSocketChannel.class : EpollDomainSocketChannel.class).handler(pipeline(new Ask()));
        if (imsg)
            bootstrap.option(ImsgChannelOption.ALLOW_FD_PASSING, passing);
        for (int i = 0; i < many; i++)
            connections.add(connected(bootstrap, address));
    }

    /** Netty's own channel does not wait for room in the server's backlog. */
    private static Channel connected(Bootstrap bootstrap, DomainSocketAddress address) {
        long deadline = System.nanoTime() + CONNECT_NANOS;
        ChannelFuture attempt = bootstrap.connect(address).awaitUninterruptibly();
        while (!attempt.isSuccess() && System.nanoTime() < deadline)
            attempt = bootstrap.connect(address).awaitUninterruptibly();
        return attempt.syncUninterruptibly().channel();
    }

    private ChannelInitializer<Channel> pipeline(ChannelInboundHandlerAdapter handler) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(imsg
                        ? new ImsgCodec()
                        : new LengthFieldBasedFrameDecoder(LONGEST_FRAME, 0, PREFIX, 0, PREFIX), handler);
            }
        };
    }

    @Override
    public void send(long messages) throws IOException {
        arrivals.await(completed -> {
            done = completed;
            count = messages;
            asked = 0;
            answered = 0;
            for (Channel connection : connections)
                if (asked < count)
                    connection.writeAndFlush(question(connection), connection.voidPromise());
        });
    }

    private Object question(Channel connection) {
        asked++;
        return imsg
                ? new ImsgMessage(1, (int) asked, 0,
                        connection.alloc().directBuffer(payload.length).writeBytes(payload))
                : connection.alloc().directBuffer(PREFIX + payload.length).writeInt(payload.length).writeBytes(payload);
    }

    @Override
    public void receive(long messages) throws IOException {
        arrivals.awaitArrivals(messages);
    }

    @Override
    public Tally tally() {
        return arrivals.tally;
    }

    /** The first byte of a payload, and with it the proof that the receiver looked. */
    private static int first(Object message) {
        ByteBuf content = message instanceof ImsgMessage imsg ? imsg.content() : (ByteBuf) message;
        return content.isReadable() ? content.getUnsignedByte(content.readerIndex()) : 0;
    }

    /** The server's end. */
    @Sharable
    private final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            int sum = first(message);
            if (message instanceof ImsgMessage) {
                ctx.write(message, ctx.voidPromise());
            } else {
                ByteBuf frame = (ByteBuf) message;
                ctx.write(ctx.alloc().directBuffer(PREFIX + frame.readableBytes()).writeInt(frame.readableBytes())
                        .writeBytes(frame), ctx.voidPromise());
                frame.release();
            }
            arrivals.arrived(sum);
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext ctx) {
            ctx.flush();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            arrivals.failed(cause);
        }
    }

    /** The client's. */
    @Sharable
    private final class Ask extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            if (first(message) != (payload.length > 0 ? payload[0] : 0))
                throw new IllegalStateException("not what was asked: " + message);
            ReferenceCountUtil.release(message);
            answered++;
            if (asked < count)
                ctx.writeAndFlush(question(ctx.channel()), ctx.voidPromise());
            else if (answered == count)
                done.complete(null);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            done.completeExceptionally(cause);
        }
    }
}
