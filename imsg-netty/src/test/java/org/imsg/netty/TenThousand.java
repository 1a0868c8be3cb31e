package org.imsg.netty;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;

/**
 * Ten thousand connections, the server's ends on one loop of one process and the clients' on one loop of another; every one
 * echoes, some a descriptor. With the argument {@code server} it is the server, which ends with its descriptor 3.
 */
final class TenThousand {
    private static final int CONNECTIONS = 10_000;
    private static final int ROUNDS = 5;
    private static final int EVERY = 10;

    private final AtomicInteger descriptors = new AtomicInteger();
    private volatile CountDownLatch round;

    private TenThousand() {}

    public static void main(String[] args) {
        DomainSocketAddress address = new DomainSocketAddress(args[1]);
        EventLoopGroup loop = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
        ChildJvm.exitAfter(() -> {
            if (args[0].equals("server"))
                serve(loop, address);
            else
                new TenThousand().run(loop, address);
        });
    }

    private static void serve(EventLoopGroup loop, DomainSocketAddress address) throws Exception {
        new ServerBootstrap().group(loop).channel(EpollServerDomainSocketChannel.class)
                .option(ChannelOption.SO_BACKLOG, 128)
                .handler(new ImsgServer()).childOption(ImsgChannelOption.ALLOW_FD_PASSING, true)
                .childHandler(pipeline(new Echo())).bind(address).sync();
        try (Wire parent = new Wire(Fd.of(3))) {
            parent.send("listening");
            parent.receive();
        }
    }

    private void run(EventLoopGroup loop, DomainSocketAddress address) throws Exception {
        Bootstrap bootstrap = new Bootstrap().group(loop).channel(ImsgSocketChannel.class)
                .option(ImsgChannelOption.ALLOW_FD_PASSING, true).handler(pipeline(new Count()));
        connectAll(bootstrap, address, 100).forEach(Channel::close);
        long heapBefore = heap();
        long residentBefore = resident();
        List<Channel> clients = connectAll(bootstrap, address, CONNECTIONS);
        long heap = heap() - heapBefore;
        long resident = resident() - residentBefore;
        System.out.printf(
                "%d connections, each idle channel with its pipeline: %d bytes of heap, %d bytes of resident memory%n",
                CONNECTIONS, heap / CONNECTIONS, resident / CONNECTIONS);
        long begin = System.nanoTime();
        for (int i = 0; i < ROUNDS; i++)
            echo(clients, i);
        System.out.printf("%d echoes, %d of them with a descriptor, in %d ms; nothing lost%n", ROUNDS * CONNECTIONS,
                descriptors.get(), TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin));
        for (Channel client : clients)
            client.close();
        for (Channel client : clients)
            client.closeFuture().sync();
    }

    private static List<Channel> connectAll(Bootstrap bootstrap, DomainSocketAddress address, int count)
            throws Exception {
        List<Channel> connected = new ArrayList<>(count);
        for (int i = 0; i < count; i++)
            connected.add(bootstrap.connect(address).sync().channel());
        return connected;
    }

    private void echo(List<Channel> clients, int number) throws Exception {
        round = new CountDownLatch(clients.size());
        int expected = 0;
        int before = descriptors.get();
        for (int i = 0; i < clients.size(); i++) {
            boolean withFd = (i + number) % EVERY == 0;
            if (withFd)
                expected++;
            clients.get(i).writeAndFlush(withFd
                    ? new ImsgMessage(1, i, number, Unpooled.copyInt(i), Fd.open(Path.of("/dev/null")))
                    : new ImsgMessage(1, i, number, Unpooled.copyInt(i)));
        }
        if (!round.await(60, TimeUnit.SECONDS) || descriptors.get() - before != expected)
            throw new AssertionError(round.getCount() + " echoes are missing, and of " + expected + " descriptors "
                    + (descriptors.get() - before) + " came back");
    }

    private static ChannelInitializer<Channel> pipeline(SimpleChannelInboundHandler<ImsgMessage> handler) {
        return new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                channel.pipeline().addLast(new ImsgCodec().format(WireFormat.MODERN), handler);
            }
        };
    }

    /** Heap in use after collection, in bytes. */
    private static long heap() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private static long resident() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status")))
            if (line.startsWith("VmRSS:"))
                return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
        throw new IOException("no VmRSS in /proc/self/status");
    }

    @Sharable
    private static final class Echo extends SimpleChannelInboundHandler<ImsgMessage> {
        @Override
        protected void channelRead0(ChannelHandlerContext ctx, ImsgMessage message) {
            ctx.writeAndFlush(message.retain());
        }
    }

    @Sharable
    private final class Count extends SimpleChannelInboundHandler<ImsgMessage> {
        @Override
        protected void channelRead0(ChannelHandlerContext ctx, ImsgMessage message) {
            if (message.content().readInt() != message.id())
                throw new AssertionError("somebody else's echo: " + message);
            if (message.hasFd())
                descriptors.incrementAndGet();
            round.countDown();
        }
    }
}
