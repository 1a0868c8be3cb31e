package org.imsg.netty;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import java.io.IOException;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;

/** A process without privileges that serves sockets which its parent passes it over descriptor 3. */
final class Worker extends SimpleChannelInboundHandler<ImsgMessage> {
    static final int LISTENER = 1;
    static final int CONNECTION = 2;
    static final int READY = 3;

    private final EventLoopGroup loops;

    /** What was read of a connection and not answered goes along with it in one message. */
    static ImsgCodec codec() {
        return new ImsgCodec().format(WireFormat.MODERN).maxSize(1 << 20);
    }

    private Worker(EventLoopGroup loops) {
        this.loops = loops;
    }

    /** Ends when its parent does. */
    public static void main(String[] args) {
        ChildJvm.exitAfter(Worker::run);
    }

    private static void run() throws InterruptedException {
        EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        Channel parent = new Bootstrap().group(loops).channelFactory(() -> new ImsgSocketChannel(Fd.of(3)))
                .option(ImsgChannelOption.ALLOW_FD_PASSING, true).handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(codec(), new Worker(loops));
                    }
                }).register().sync().channel();
        parent.closeFuture().sync();
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, ImsgMessage message) throws IOException {
        int socket = Handover.forNetty(message.takeFd());
        if (message.type() == LISTENER)
            serve(socket);
        else
            goOn(socket, message.content().retain());
        ctx.writeAndFlush(ImsgMessage.of(READY));
    }

    // @start region=listener
    private void serve(int listener) {
        new ServerBootstrap().group(loops).channelFactory(() -> new EpollServerSocketChannel(listener))
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel connection) {
                        connection.pipeline().addLast(new LineAnswers());
                    }
                }).register(); // bound already
    }
    // @end

    // @start region=connection
    private void goOn(int socket, ByteBuf unanswered) {
        Channel connection = new EpollSocketChannel(socket);
        connection.config().setAutoRead(false);
        connection.pipeline().addLast(new LineAnswers());
        loops.register(connection).addListener(_ -> {
            connection.pipeline().fireChannelRead(unanswered); // before anything newer is read
            connection.config().setAutoRead(true);
        });
    }
    // @end
}
