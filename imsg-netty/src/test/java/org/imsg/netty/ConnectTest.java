package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.netty.Wire.bytes;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.FileNotFoundException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.AlreadyConnectedException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ConnectionPendingException;
import java.nio.channels.UnsupportedAddressTypeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** How a channel connects, waits for room in a backlog, and gives up. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class ConnectTest {
    @TempDir
    private Path directory;

    private Bootstrap bootstrap(Loops loops) {
        return new Bootstrap().group(loops.group()).channel(ImsgSocketChannel.class).handler(new Events());
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void connects_to_a_path_in_either_notation_and_to_an_abstract_name(Loops loops) throws Exception {
        Path path = directory.resolve("socket");
        String name = "imsg-netty-" + ProcessHandle.current().pid() + loops;
        try (UnixListener listener = UnixListener.at(UnixAddress.of(path)).backlog(5).listen();
                UnixListener nameless = UnixListener.at(UnixAddress.ofAbstract(name)).backlog(5).listen()) {
            for (SocketAddress address : List.of(new DomainSocketAddress(path.toString()),
                    UnixDomainSocketAddress.of(path),
                    new DomainSocketAddress("\0" + name))) {
                boolean isAbstract = address.toString().startsWith("\0");
                Channel channel = bootstrap(loops).connect(address).sync().channel();
                assertThat(channel.isActive()).isTrue();
                assertThat(channel.remoteAddress()).isEqualTo(address);
                assertThat(channel.localAddress()).isEqualTo(new DomainSocketAddress(""));
                try (Wire peer = new Wire((isAbstract ? nameless : listener).accept())) {
                    channel.writeAndFlush(bytes("hello")).sync();
                    assertThat(peer.text(5)).isEqualTo("hello");
                } finally {
                    channel.close().sync();
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_refused_connection_names_the_call_the_address_and_the_reason(Loops loops) throws Exception {
        Path nothing = directory.resolve("nothing");
        assertThatThrownBy(bootstrap(loops).connect(UnixDomainSocketAddress.of(nothing))::sync)
                .isInstanceOf(FileNotFoundException.class).hasMessageContaining("connect(" + nothing)
                .hasMessageContaining("ENOENT").hasCauseInstanceOf(ErrnoException.class);
        Path dead = directory.resolve("dead");
        UnixListener.at(UnixAddress.of(dead)).backlog(5).listen().handOn().close();
        ChannelFuture refused = bootstrap(loops).connect(UnixDomainSocketAddress.of(dead));
        assertThatThrownBy(refused::sync).isInstanceOf(ConnectException.class)
                .hasMessageContaining("connect(" + dead + "): ECONNREFUSED").cause()
                .isInstanceOfSatisfying(ErrnoException.class,
                        cause -> assertThat(cause.name()).isEqualTo("ECONNREFUSED"));
        refused.channel().closeFuture().sync();
        assertThatThrownBy(bootstrap(loops).connect(new InetSocketAddress("localhost", 1))::sync)
                .isInstanceOf(UnsupportedAddressTypeException.class);
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void waits_for_room_in_a_full_backlog(Loops loops) throws Exception {
        UnixAddress address = UnixAddress.of(directory.resolve("full"));
        try (UnixListener listener = UnixListener.at(address).backlog(1).listen()) {
            List<Fd> waiting = fill(address);
            ChannelFuture pending = bootstrap(loops).connect(UnixDomainSocketAddress.of(address.path()));
            pending.channel().eventLoop().submit(() -> {}).sync();
            assertThat(pending.isDone()).isFalse();
            assertThatThrownBy(pending.channel().connect(UnixDomainSocketAddress.of(address.path()))::sync)
                    .isInstanceOf(ConnectionPendingException.class);
            listener.accept().close();
            pending.sync();
            assertThat(pending.channel().isActive()).isTrue();
            assertThatThrownBy(pending.channel().connect(UnixDomainSocketAddress.of(address.path()))::sync)
                    .isInstanceOf(AlreadyConnectedException.class);
            pending.channel().close().sync();
            waiting.forEach(Fd::close);
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void goes_on_waiting_on_the_loop_that_the_channel_moved_to_when_the_one_before_has_ended(Loops loops)
            throws Exception {
        UnixAddress address = UnixAddress.of(directory.resolve("full"));
        EventLoopGroup before = loops.newGroup(1);
        try (UnixListener listener = UnixListener.at(address).backlog(1).listen()) {
            List<Fd> waiting = fill(address);
            ChannelFuture pending = new Bootstrap().group(before).channel(ImsgSocketChannel.class)
                    .handler(new Events()).connect(UnixDomainSocketAddress.of(address.path()));
            pending.channel().eventLoop().submit(() -> {}).sync();
            pending.channel().deregister().sync();
            Loops.end(before);
            loops.other().group().next().register(pending.channel()).sync();
            listener.accept().close();
            pending.sync();
            assertThat(pending.channel().isActive()).isTrue();
            pending.channel().close().sync();
            waiting.forEach(Fd::close);
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void is_registered_before_it_is_connected_on_the_loop_that_it_moved_to(Loops loops) throws Exception {
        UnixAddress address = UnixAddress.of(directory.resolve("full"));
        BlockingQueue<String> told = new LinkedBlockingQueue<>();
        try (UnixListener listener = UnixListener.at(address).backlog(1).listen()) {
            List<Fd> waiting = fill(address);
            ChannelFuture pending = bootstrap(loops).handler(new ChannelInboundHandlerAdapter() {
                @Override
                public void channelRegistered(ChannelHandlerContext ctx) {
                    told.add("registered");
                }

                @Override
                public void channelActive(ChannelHandlerContext ctx) {
                    told.add("active");
                }
            }).connect(UnixDomainSocketAddress.of(address.path()));
            Channel channel = pending.channel();
            pending.addListener(connected -> told.add("connected"));
            channel.eventLoop().submit(() -> {}).sync();
            assertThat(told.take()).isEqualTo("registered");
            channel.deregister().sync();
            listener.accept().close();
            // The loop that it left has tried again more than once until then.
            channel.eventLoop().schedule(() -> {}, 50, TimeUnit.MILLISECONDS).sync();
            assertThat(told).isEmpty();
            loops.other().group().next().register(channel).sync();
            assertThat(told.take()).isEqualTo("registered");
            assertThat(told.take()).isEqualTo("connected");
            assertThat(told.take()).isEqualTo("active");
            channel.close().sync();
            waiting.forEach(Fd::close);
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void gives_up_when_the_timeout_has_passed(Loops loops) throws Exception {
        UnixAddress address = UnixAddress.of(directory.resolve("full"));
        try (UnixListener listener = UnixListener.at(address).backlog(1).listen()) {
            List<Fd> waiting = fill(address);
            ChannelFuture pending = bootstrap(loops).option(ChannelOption.CONNECT_TIMEOUT_MILLIS, 50)
                    .connect(UnixDomainSocketAddress.of(address.path()));
            assertThatThrownBy(pending::sync).isInstanceOf(ConnectTimeoutException.class).hasMessageContaining("50 ms");
            pending.channel().closeFuture().sync();
            waiting.forEach(Fd::close);
            assertThat(listener.isOpen()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_pending_connection_can_be_cancelled_or_closed(Loops loops) throws Exception {
        UnixAddress address = UnixAddress.of(directory.resolve("full"));
        try (UnixListener listener = UnixListener.at(address).backlog(1).listen()) {
            List<Fd> waiting = fill(address);
            ChannelFuture cancelled = bootstrap(loops).connect(UnixDomainSocketAddress.of(address.path()));
            cancelled.channel().eventLoop().submit(() -> {}).sync();
            assertThat(cancelled.cancel(false)).isTrue();
            cancelled.channel().closeFuture().sync();
            ChannelFuture closed = bootstrap(loops).connect(UnixDomainSocketAddress.of(address.path()));
            closed.channel().close().sync();
            assertThatThrownBy(closed::sync).isInstanceOf(ClosedChannelException.class);
            waiting.forEach(Fd::close);
            assertThat(listener.isOpen()).isTrue();
        }
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void a_client_may_bind_its_own_address_first(Loops loops) throws Exception {
        Path server = directory.resolve("server");
        Path own = directory.resolve("client");
        try (UnixListener listener = UnixListener.at(UnixAddress.of(server)).backlog(5).listen()) {
            Channel channel = bootstrap(loops)
                    .connect(UnixDomainSocketAddress.of(server), UnixDomainSocketAddress.of(own)).sync().channel();
            assertThat(Files.exists(own)).isTrue();
            assertThat(channel.localAddress()).isEqualTo(UnixDomainSocketAddress.of(own));
            channel.close().sync();
            assertThat(listener.isOpen()).isTrue();
        }
    }

    /** Connects until there is no room left. */
    private static List<Fd> fill(UnixAddress address) throws Exception {
        List<Fd> waiting = new ArrayList<>();
        for (;;) {
            Fd socket = Sockets.socket();
            int result = SocketCalls.connect(socket, UnixDomainSocketAddress.of(address.path()));
            waiting.add(socket);
            if (result != 0)
                return waiting;
        }
    }

    @Test
    void a_name_has_the_bytes_that_netty_gives_it_whatever_the_locale(@TempDir Path directory) throws Exception {
        assertThat(ChildJvm.runIn("C", ConnectsInAnyLocale.class, directory.toString()))
                .contains("connected: true");
    }
}
