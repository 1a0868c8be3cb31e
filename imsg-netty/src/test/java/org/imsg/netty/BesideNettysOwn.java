package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.imsg.sys.Msghdr;
import org.imsg.unix.Fd;

/** Does the same to a channel of ours and to Netty's own: handlers, futures and the peer see the same of both, in the same order. */
final class BesideNettysOwn {
    private BesideNettysOwn() {}

    /** The steps of a test, on a channel. */
    interface Case {
        void run(Stage stage) throws Exception;
    }

    static void compare(Case each, Path directory) throws Exception {
        List<String> reference = run(each, Loops.NETTYS_OWN, directory);
        for (Loops loops : Loops.available().toList())
            assertThat(run(each, loops, directory)).as(loops + " beside Netty's own").isEqualTo(reference);
    }

    private static List<String> run(Case each, Loops loops, Path directory) throws Exception {
        Stage stage = new Stage(loops, directory.resolve("socket"));
        try {
            each.run(stage);
        } finally {
            stage.end();
            Files.deleteIfExists(stage.path);
        }
        return stage.seen;
    }

    /** One channel, its peer, and what was seen of both. */
    static final class Stage {
        final Loops loops;
        final Path path;
        final Wire peer;
        Channel channel;
        private final Fd end;
        private final List<String> seen = new CopyOnWriteArrayList<>();

        Stage(Loops loops, Path path) throws Exception {
            this.loops = loops;
            this.path = path;
            Fd.Pair pair = Fd.socketpair();
            end = pair.first();
            peer = new Wire(pair.second());
        }

        DuplexChannel duplex() {
            return (DuplexChannel) channel;
        }

        Channel unregistered() {
            return loops.channel(end);
        }

        void open(Map<ChannelOption<?>, Object> options, ChannelHandler... first) throws InterruptedException {
            openOn(loops.group(), options, first);
        }

        void openOn(EventLoopGroup group, Map<ChannelOption<?>, Object> options, ChannelHandler... first)
                throws InterruptedException {
            Bootstrap bootstrap = new Bootstrap().group(group).channelFactory(this::unregistered)
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel registering) {
                            registering.pipeline().addLast(first).addLast(new Seeing());
                        }
                    });
            options.forEach((option, value) -> Wire.set(bootstrap, option, value));
            openBy(bootstrap);
        }

        void openWith(ChannelHandler only) throws InterruptedException {
            openBy(new Bootstrap().group(loops.group()).channelFactory(this::unregistered).handler(only));
        }

        private void openBy(Bootstrap bootstrap) throws InterruptedException {
            ChannelFuture registered = bootstrap.register().awaitUninterruptibly();
            channel = registered.channel();
            // The future is done before the handlers hear of it.
            if (registered.isSuccess())
                settle();
            else
                log("registration: " + outcome(registered));
        }

        /** Makes a channel that is not connected yet. */
        void register() throws InterruptedException {
            end.close();
            openBy(new Bootstrap().group(loops.group()).channel(loops.channelType()).handler(new Seeing()));
        }

        void log(String what) {
            seen.add(what);
        }

        /** All that the loop had to do and what followed from that is done. */
        void settle() throws InterruptedException {
            for (int i = 0; i < 3; i++)
                channel.eventLoop().submit(() -> {}).sync();
        }

        /** The channel has closed by itself, and its handlers know. */
        void closed() throws InterruptedException {
            channel.closeFuture().sync();
            settle();
        }

        void await(String name, Callable<ChannelFuture> call) throws Exception {
            ChannelFuture future = call.call();
            assertThat(future.await(20, TimeUnit.SECONDS)).as(name + " completes").isTrue();
            settle();
            log(name + ": " + outcome(future));
        }

        void onEnd(String name, ChannelFuture future) {
            future.addListener(done -> log(name + ": " + outcome(done)));
        }

        void attempt(String name, Callable<?> call) {
            try {
                log(name + ": " + (call.call() instanceof Throwable cause ? type(cause) : "returned"));
            } catch (Exception e) {
                log(name + " threw " + type(e));
            }
        }

        void awaitLog(String what) throws InterruptedException {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (seen.stream().noneMatch(entry -> entry.contains(what))) {
                assertThat(System.nanoTime()).as(what + " is missing in " + seen).isLessThan(deadline);
                settle();
            }
            settle();
        }

        void peerReads() {
            try (Arena arena = Arena.ofConfined(); Msghdr header = Msghdr.forReceive(false)) {
                MemorySegment memory = arena.allocate(1000);
                int n = header.receive(peer.socket().intValue(), memory.address(), 1000, 0);
                log("peer: " + (n <= 0
                        ? n
                        : new String(memory.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.US_ASCII)));
            }
        }

        void end() throws Exception {
            if (channel != null) {
                settle();
                log("at the end open: " + channel.isOpen() + ", active: " + channel.isActive());
                channel.close().sync();
                settle();
            }
            peer.close();
            end.close();
        }

        private static String outcome(Future<?> future) {
            return future.isSuccess() ? "success" : type(future.cause());
        }

        /** Of an exception the public type that a program would catch. */
        private static String type(Throwable cause) {
            Class<?> type = cause.getClass();
            while (!Modifier.isPublic(type.getModifiers()) || type.getName().startsWith("org.imsg")
                    || type.getName().contains("Native"))
                type = type.getSuperclass();
            return type.getSimpleName();
        }

        /** The last handler. */
        private final class Seeing extends ChannelDuplexHandler {
            @Override
            public void channelRegistered(ChannelHandlerContext ctx) {
                log("registered");
            }

            @Override
            public void channelUnregistered(ChannelHandlerContext ctx) {
                log("unregistered");
            }

            @Override
            public void channelActive(ChannelHandlerContext ctx) {
                log("active");
            }

            @Override
            public void channelInactive(ChannelHandlerContext ctx) {
                log("inactive");
            }

            @Override
            public void channelRead(ChannelHandlerContext ctx, Object message) {
                log("read " + ((ByteBuf) message).toString(StandardCharsets.US_ASCII));
                ReferenceCountUtil.release(message);
            }

            @Override
            public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
                log(event.toString().replaceAll("@.*", ""));
            }

            @Override
            public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
                log("caught " + type(cause));
            }

            @Override
            public void handlerRemoved(ChannelHandlerContext ctx) {
                log("removed");
            }
        }
    }
}
