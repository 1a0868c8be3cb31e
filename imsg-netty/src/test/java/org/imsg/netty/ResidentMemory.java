package org.imsg.netty;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.Epoll;
import io.netty.util.concurrent.FastThreadLocal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;

/** Started by {@link ResidentMemoryTest} in a JVM of its own: uses channels and prints by how many KiB the process has grown. */
final class ResidentMemory {
    private static final int DONE = 3;
    private static final int AT_ONCE = 50;

    private ResidentMemory() {}

    public static void main(String[] arguments) {
        ChildJvm.exitAfter(() -> {
            int count = Integer.parseInt(arguments[1]);
            System.out.println(arguments[0].equals("threads")
                    ? threads(count)
                    : pairs(Loops.valueOf(arguments[0]).newGroup(2), count));
        });
    }

    private static long residentKib() throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElseThrow();
        }
    }

    /** Fifty at once, so that no thread waits for another more often than it must. */
    private static long pairs(EventLoopGroup group, int count) throws Exception {
        long before = 0;
        for (int i = 0; i < count; i += AT_ONCE) {
            if (before == 0 && i >= count / 5)
                before = residentKib();
            List<ChannelFuture> closed = new ArrayList<>();
            for (int k = 0; k < AT_ONCE; k++)
                pair(group, i + k, closed);
            for (ChannelFuture each : closed)
                each.sync();
        }
        return residentKib() - before;
    }

    /** What the channels of a loop share, as often as loops start and end. */
    private static long threads(int count) throws Exception {
        Epoll.ensureAvailability(); // Netty sends with the help of its native code
        long before = 0;
        for (int i = 0; i < count; i++) {
            if (i == count / 5)
                before = residentKib();
            SocketCalls.toReceive();
            Sendmsg.OF_LOOP.get();
            FastThreadLocal.removeAll(); // as Netty does at the end of a loop's thread
        }
        return residentKib() - before;
    }

    /** Opened, used both ways with descriptors and long messages, and closed, every other one with something still unread. */
    private static void pair(EventLoopGroup group, int number, List<ChannelFuture> closed) throws Exception {
        Fd.Pair sockets = Fd.socketpair();
        Channel first = open(group, sockets.first());
        Channel second = open(group, sockets.second());
        first.write(new ImsgMessage(1, number, 0, Unpooled.EMPTY_BUFFER, Fd.open(Path.of("/dev/null"))));
        first.write(new ImsgMessage(2, number, 0, Unpooled.wrappedBuffer(new byte[10_000])));
        first.writeAndFlush(ImsgMessage.of(DONE));
        first.closeFuture().addListener(_ -> {
            if (number % 2 == 0)
                second.writeAndFlush(new ImsgMessage(2, number, 0, Unpooled.wrappedBuffer(new byte[10_000])));
            second.close();
        });
        closed.add(first.closeFuture());
        closed.add(second.closeFuture());
    }

    private static Channel open(EventLoopGroup group, Fd end) {
        return new Bootstrap().group(group).channelFactory(() -> new ImsgSocketChannel(end))
                .option(ImsgChannelOption.ALLOW_FD_PASSING, true).handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new ImsgCodec().format(WireFormat.MODERN), new Echo());
                    }
                }).register().channel();
    }

    /** Sends everything back, and closes when its own last message has come back. */
    private static final class Echo extends SimpleChannelInboundHandler<ImsgMessage> {
        @Override
        protected void channelRead0(ChannelHandlerContext ctx, ImsgMessage message) {
            if (message.type() >= 10) {
                if (message.type() == 10 * DONE)
                    ctx.close();
            } else {
                ctx.writeAndFlush(message.hasFd()
                        ? new ImsgMessage(10 * message.type(), message.id(), 0, message.content().retain(),
                                message.takeFd())
                        : new ImsgMessage(10 * message.type(), message.id(), 0, message.content().retain()));
            }
        }

        /** A peer that closes before it has read everything is a reset. */
        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            if (!(cause instanceof IOException))
                cause.printStackTrace();
        }
    }
}
