package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Accepted connections that do not come to life: each is logged as with Netty's own channels, and closed; the server goes on. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class RefusedChildTest {
    @TempDir
    private Path directory;

    @Test
    void an_exception_in_init_channel_is_logged_and_closes_the_connection() throws Exception {
        BlockingQueue<Channel> children = new LinkedBlockingQueue<>();
        RuntimeException cause = new IllegalStateException("this child is not wanted");
        LogRecord logged = refused(Loops.EPOLL.group(), ChannelInitializer.class, new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel child) {
                children.add(child);
                throw cause;
            }
        });
        assertThat(logged.getThrown()).isSameAs(cause);
        assertThat(children.take()).isInstanceOfSatisfying(ImsgSocketChannel.class, child -> {
            assertThat(child.closeFuture().syncUninterruptibly().isSuccess()).isTrue();
            assertThat(child.socket().isOpen()).isFalse();
        });
    }

    @Test
    void a_loop_that_cannot_serve_it_is_logged_and_the_connection_closed() throws Exception {
        EventLoopGroup nio = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
        try {
            LogRecord logged = refused(nio, ServerBootstrap.class, new ChannelInitializer<>() {
                @Override
                protected void initChannel(Channel child) {
                    throw new AssertionError("a channel without a loop was initialized");
                }
            });
            assertThat(logged.getThrown()).isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("incompatible event loop");
        } finally {
            nio.shutdownGracefully(0, 10, TimeUnit.SECONDS).sync();
        }
    }

    /** Two connections to a server with such children, each of which must end: what was logged for the second. */
    private LogRecord refused(EventLoopGroup childLoops, Class<?> logging, ChannelHandler childHandler)
            throws InterruptedException {
        DomainSocketAddress address = new DomainSocketAddress(directory.resolve("socket").toFile());
        Logger logger = Logger.getLogger(logging.getName());
        Recorder recorder = new Recorder();
        logger.addHandler(recorder);
        logger.setUseParentHandlers(false);
        Channel server = new ServerBootstrap().group(Loops.EPOLL.group(), childLoops)
                .channel(EpollServerDomainSocketChannel.class).handler(new ImsgServer()).childHandler(childHandler)
                .bind(address).sync().channel();
        try {
            connectAndAwaitTheEnd(address);
            recorder.next();
            connectAndAwaitTheEnd(address);
            return recorder.next();
        } finally {
            server.close().sync();
            logger.setUseParentHandlers(true);
            logger.removeHandler(recorder);
        }
    }

    private static void connectAndAwaitTheEnd(DomainSocketAddress address) throws InterruptedException {
        Events events = new Events();
        new Bootstrap().group(Loops.EPOLL.group()).channel(ImsgSocketChannel.class).handler(events).connect(address)
                .sync();
        events.expect(Events.INACTIVE);
    }

    private static final class Recorder extends Handler {
        private final BlockingQueue<LogRecord> records = new LinkedBlockingQueue<>();

        LogRecord next() throws InterruptedException {
            LogRecord next = records.poll(20, TimeUnit.SECONDS);
            assertThat(next).as("a log record within 20 seconds").isNotNull();
            return next;
        }

        @Override
        public void publish(LogRecord entry) {
            if (entry.getThrown() != null)
                records.add(entry);
        }

        @Override
        public void flush() {
            // nothing is held back
        }

        @Override
        public void close() {
            // nothing is open
        }
    }
}
