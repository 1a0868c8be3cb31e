package org.imsg.netty;

import static org.imsg.netty.Wire.bytes;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.netty.channel.unix.RawUnixChannelOption;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.imsg.netty.BesideNettysOwn.Stage;
import org.imsg.sys.Constants;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How a channel is set up, registered and connected, and what its handlers do to it meanwhile, beside Netty's own. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class SameStartAsNettysOwnTest {
    @TempDir
    private Path directory;

    private enum Case implements BesideNettysOwn.Case {
        OPTIONS_BY_THEIR_NUMBERS {
            private static final int SO_LINGER = 13;
            private static final int SO_PASSCRED = 16;

            @Override
            public void run(Stage stage) throws Exception {
                stage.open(Map.of());
                ChannelConfig config = stage.channel.config();
                IntegerUnixChannelOption number = new IntegerUnixChannelOption(name(), Constants.SOL_SOCKET,
                        SO_PASSCRED);
                stage.log("set: " + config.setOption(number, 1) + ", then " + config.getOption(number));
                RawUnixChannelOption raw = new RawUnixChannelOption(name(), Constants.SOL_SOCKET, SO_LINGER, 8);
                ByteBuffer onFor5Seconds = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putInt(1).putInt(5);
                stage.log("set: " + config.setOption(raw, onFor5Seconds.flip()) + ", left " + onFor5Seconds.remaining()
                        + ", then " + config.getOption(raw) + " " + config.getOption(raw).equals(onFor5Seconds.flip()));
                IntegerUnixChannelOption unknown = new IntegerUnixChannelOption(name(), Constants.SOL_SOCKET, 9999);
                stage.attempt("set unknown", () -> config.setOption(unknown, 1));
                stage.attempt("get unknown", () -> config.getOption(unknown));
            }
        },
        WRITTEN_BEFORE_IT_IS_REGISTERED {
            @Override
            public void run(Stage stage) throws Exception {
                Channel channel = stage.unregistered();
                ByteBuf message = bytes("early");
                stage.attempt("write", () -> channel.writeAndFlush(message));
                stage.log("references: " + message.refCnt());
                if (message.refCnt() > 0)
                    message.release();
                stage.attempt("close", () -> channel.close());
                channel.unsafe().closeForcibly();
                stage.log("open: " + channel.isOpen());
            }
        },
        AN_INITIALIZER_THROWS {
            @Override
            public void run(Stage stage) throws Exception {
                stage.openWith(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        throw new IllegalStateException("initializer");
                    }

                    @Override
                    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
                        stage.log("caught " + cause.getMessage());
                        ctx.close();
                    }
                });
                stage.closed();
                stage.peerReads();
            }
        },
        CLOSED_WHEN_A_HANDLER_IS_ADDED {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(Map.of(), new ChannelInboundHandlerAdapter() {
                    @Override
                    public void handlerAdded(ChannelHandlerContext ctx) {
                        ctx.channel().close();
                    }
                });
                stage.closed();
                stage.peerReads();
            }
        },
        CLOSED_WHEN_REGISTERED {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(Map.of(), new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRegistered(ChannelHandlerContext ctx) {
                        ctx.fireChannelRegistered();
                        ctx.close();
                    }
                });
                stage.closed();
                stage.peerReads();
            }
        },
        CLOSED_WHEN_ACTIVE {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(Map.of(), new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelActive(ChannelHandlerContext ctx) {
                        ctx.fireChannelActive();
                        ctx.close();
                    }
                });
                stage.closed();
                stage.peerReads();
            }
        },
        DEREGISTERED_WHEN_ACTIVE {
            @Override
            public void run(Stage stage) throws Exception {
                CountDownLatch gone = new CountDownLatch(1);
                stage.open(Map.of(), new ChannelInboundHandlerAdapter() {
                    private boolean once;

                    @Override
                    public void channelActive(ChannelHandlerContext ctx) {
                        ctx.fireChannelActive();
                        if (!once)
                            ctx.deregister().addListener(done -> gone.countDown());
                        once = true;
                    }
                });
                gone.await();
                stage.settle();
                stage.peer.send("heard later");
                ChannelFuture again = stage.loops.other().group().next().register(stage.channel);
                stage.awaitLog("heard later");
                stage.await("register", () -> again);
            }
        },
        HANDLERS_THROW {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(Map.of(), new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRegistered(ChannelHandlerContext ctx) {
                        ctx.fireChannelRegistered();
                        throw new IllegalStateException();
                    }

                    @Override
                    public void channelActive(ChannelHandlerContext ctx) {
                        ctx.fireChannelActive();
                        throw new IllegalArgumentException();
                    }

                    @Override
                    public void channelReadComplete(ChannelHandlerContext ctx) {
                        ctx.fireChannelReadComplete();
                        throw new UnsupportedOperationException();
                    }

                    @Override
                    public void channelInactive(ChannelHandlerContext ctx) {
                        ctx.fireChannelInactive();
                        throw new ArithmeticException();
                    }

                    @Override
                    public void channelUnregistered(ChannelHandlerContext ctx) {
                        ctx.fireChannelUnregistered();
                        throw new ClassCastException();
                    }
                });
                stage.peer.send("once");
                stage.awaitLog("UnsupportedOperationException");
                stage.await("close", stage.channel::close);
            }
        },
        REGISTERED_WITH_A_LOOP_THAT_HAS_ENDED {
            @Override
            public void run(Stage stage) throws Exception {
                EventLoopGroup loop = stage.loops.newGroup(1);
                loop.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
                Channel channel = stage.unregistered();
                stage.attempt("register", () -> loop.next().register(channel).cause());
                stage.log("open: " + channel.isOpen());
            }
        },
        CONNECTED_ALREADY {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.await("connect", () -> stage.channel.connect(new DomainSocketAddress("/nowhere")));
                stage.settle();
            }
        },
        CONNECTED_TO_A_LISTENER {
            @Override
            public void run(Stage stage) throws Exception {
                try (UnixListener listener = UnixListener.at(UnixAddress.of(stage.path)).backlog(5).listen()) {
                    stage.register();
                    stage.log("active: " + stage.channel.isActive() + ", local " + stage.channel.localAddress()
                            + ", remote " + stage.channel.remoteAddress());
                    stage.await("write", () -> stage.channel.writeAndFlush(bytes("early")));
                    stage.await("shutdownInput", stage.duplex()::shutdownInput);
                    stage.await("shutdown", stage.duplex()::shutdown);
                    stage.log("open: " + stage.channel.isOpen() + ", the listener: " + listener.isOpen());
                }
            }
        },
        CONNECTED_TWICE {
            @Override
            public void run(Stage stage) throws Exception {
                try (UnixListener listener = UnixListener.at(UnixAddress.of(stage.path)).backlog(5).listen()) {
                    stage.register();
                    DomainSocketAddress address = new DomainSocketAddress(stage.path.toFile());
                    stage.await("connect", () -> stage.channel.connect(address));
                    try (Wire accepted = new Wire(listener.accept())) {
                        stage.log("local " + stage.channel.localAddress() + ", remote "
                                + stage.channel.remoteAddress().toString().endsWith(stage.path.toString()));
                        stage.await("connect again", () -> stage.channel.connect(address));
                        stage.log("open: " + stage.channel.isOpen());
                        accepted.send("hello");
                        stage.awaitLog("hello");
                    }
                    stage.closed();
                }
            }
        },
        CONNECTED_TO_NOTHING_TWICE {
            @Override
            public void run(Stage stage) throws Exception {
                stage.register();
                DomainSocketAddress address = new DomainSocketAddress(stage.path.toFile());
                stage.await("connect", () -> stage.channel.connect(address));
                stage.settle();
                stage.log("open: " + stage.channel.isOpen());
                stage.await("connect again", () -> stage.channel.connect(address));
                stage.log("open: " + stage.channel.isOpen());
            }
        },
        CLOSED_BEFORE_IT_IS_CONNECTED {
            @Override
            public void run(Stage stage) throws Exception {
                stage.register();
                stage.await("close", stage.channel::close);
            }
        };
    }

    @ParameterizedTest
    @EnumSource
    void handlers_futures_and_the_peer_see_the_same(Case each) throws Exception {
        BesideNettysOwn.compare(each, directory);
    }
}
