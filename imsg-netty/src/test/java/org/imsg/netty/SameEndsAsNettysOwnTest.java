package org.imsg.netty;

import static org.imsg.netty.Wire.bytes;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Map;
import org.imsg.netty.BesideNettysOwn.Stage;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How a channel and its two directions end, by itself or by its peer, beside Netty's own. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class SameEndsAsNettysOwnTest {
    private static final Map<ChannelOption<?>, Object> NO_AUTO_READ = Map.of(ChannelOption.AUTO_READ, false);
    private static final Map<ChannelOption<?>, Object> HALF_CLOSURE = Map.of(ChannelOption.ALLOW_HALF_CLOSURE, true);
    private static final Map<ChannelOption<?>, Object> BOTH = Map.of(ChannelOption.AUTO_READ, false,
            ChannelOption.ALLOW_HALF_CLOSURE, true);

    @TempDir
    private Path directory;

    private enum Case implements BesideNettysOwn.Case {
        CLOSED_WITH_BYTES_UNREAD {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(NO_AUTO_READ);
                stage.peer.send("unread");
                stage.settle();
                stage.await("close", stage.channel::close);
                stage.peerReads();
            }
        },
        A_PEER_THAT_DOES_NOT_LINGER_CLOSES {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.peer.send("last");
                stage.awaitLog("last");
                stage.log("SO_LINGER known: " + stage.channel.config().setOption(ChannelOption.SO_LINGER, 0));
                try (Arena arena = Arena.ofConfined()) {
                    MemorySegment onAndZero = arena.allocateFrom(ValueLayout.JAVA_INT, 1, 0);
                    int soLinger = 13;
                    stage.log("set: " + Posix.setsockopt(stage.peer.socket().intValue(), Constants.SOL_SOCKET,
                            soLinger, onAndZero.address(), 8));
                }
                stage.peer.close();
                stage.closed();
            }
        },
        A_PEER_CLOSES_WITH_BYTES_UNREAD {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("unread")));
                stage.peer.close();
                stage.closed();
            }
        },
        SHUT_DOWN_INPUT {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.await("shutdownInput", stage.duplex()::shutdownInput);
            }
        },
        SHUT_DOWN_INPUT_WITH_HALF_CLOSURE {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                stage.duplex().shutdownInput().sync();
                stage.awaitLog("ChannelInputShutdownReadComplete");
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("still")));
                stage.peerReads();
            }
        },
        SHUT_DOWN_INPUT_WITHOUT_AUTO_READ {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(NO_AUTO_READ);
                stage.peer.send("unread");
                stage.settle();
                stage.await("shutdownInput", stage.duplex()::shutdownInput);
            }
        },
        SHUT_DOWN_INPUT_WITHOUT_AUTO_READ_WITH_HALF_CLOSURE {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(BOTH);
                stage.peer.send("unread");
                stage.settle();
                stage.duplex().shutdownInput().sync();
                stage.awaitLog("ChannelInputShutdownReadComplete");
                stage.log("shut: " + stage.duplex().isInputShutdown());
            }
        },
        SHUT_DOWN_OUTPUT_TWICE {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                ChannelFuture unflushed = stage.channel.write(bytes("unflushed"));
                stage.await("shutdownOutput", stage.duplex()::shutdownOutput);
                stage.await("unflushed write", () -> unflushed);
                stage.await("shutdownOutput", stage.duplex()::shutdownOutput);
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("too late")));
                stage.peerReads();
                stage.peer.send("heard");
                stage.awaitLog("heard");
            }
        },
        SHUT_DOWN_INPUT_TWICE {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                stage.duplex().shutdownInput().sync();
                stage.awaitLog("ChannelInputShutdownReadComplete");
                stage.await("again", stage.duplex()::shutdownInput);
            }
        },
        SHUT_DOWN_INPUT_WHILE_IT_READS {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(Map.of(ChannelOption.ALLOW_HALF_CLOSURE, true, ChannelOption.RECVBUF_ALLOCATOR,
                        new FixedRecvByteBufAllocator(1)), new ChannelInboundHandlerAdapter() {
                            @Override
                            public void channelRead(ChannelHandlerContext ctx, Object message) {
                                stage.duplex().shutdownInput();
                                ctx.fireChannelRead(message);
                            }
                        });
                stage.peer.send("abc");
                stage.awaitLog("ChannelInputShutdownReadComplete");
            }
        },
        SHUT_DOWN_INPUT_ON_NO_LOOP {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                stage.await("deregister", stage.channel::deregister);
                stage.await("shutdownInput", stage.duplex()::shutdownInput);
                stage.loops.group().next().register(stage.channel).sync();
                stage.awaitLog("ChannelInputShutdownReadComplete");
            }
        },
        SHUT_DOWN_BOTH {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                stage.duplex().shutdown().sync();
                stage.awaitLog("ChannelInputShutdownReadComplete");
                stage.peerReads();
                stage.log("shut: " + stage.duplex().isShutdown());
            }
        },
        SHUT_DOWN_OUTPUT_THEN_THE_PEER_CLOSES {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                stage.await("shutdownOutput", stage.duplex()::shutdownOutput);
                stage.peer.close();
                stage.awaitLog("ChannelInputShutdownReadComplete");
            }
        },
        THE_PEER_ENDS_ITS_OUTPUT_THEN_BOTH_ARE_SHUT_DOWN {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                SocketCalls.shutdown(stage.peer.socket(), Constants.SHUT_WR);
                stage.awaitLog("ChannelInputShutdownReadComplete");
                stage.await("shutdown", stage.duplex()::shutdown);
            }
        },
        CLOSED_WHEN_THE_INPUT_ENDS {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE, new ChannelInboundHandlerAdapter() {
                    @Override
                    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
                        ctx.fireUserEventTriggered(event);
                        ctx.close();
                    }
                });
                stage.peer.close();
                stage.closed();
            }
        },
        A_PEER_CLOSES_WITH_BYTES_UNREAD_WITH_HALF_CLOSURE {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("unread")));
                stage.peer.close();
                stage.awaitLog("IOException");
                stage.log("open: " + stage.channel.isOpen() + ", shut: " + stage.duplex().isInputShutdown());
            }
        },
        THE_PEER_ENDS_ITS_OUTPUT_THEN_ITS_INPUT {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                SocketCalls.shutdown(stage.peer.socket(), Constants.SHUT_WR);
                stage.awaitLog("ChannelInputShutdownReadComplete");
                SocketCalls.shutdown(stage.peer.socket(), Constants.SHUT_RD);
                stage.settle();
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("to no one")));
                stage.closed();
            }
        },
        THE_PEER_ENDS_ITS_INPUT {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(NO_AUTO_READ);
                SocketCalls.shutdown(stage.peer.socket(), Constants.SHUT_RD);
                stage.settle();
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("to no one")));
                stage.closed();
            }
        },
        CLOSED_TWICE {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.await("close", stage.channel::close);
                stage.await("close", stage.channel::close);
                stage.await("disconnect", stage.channel::disconnect);
                stage.await("deregister", stage.channel::deregister);
                stage.await("shutdownOutput", stage.duplex()::shutdownOutput);
                stage.await("shutdownInput", stage.duplex()::shutdownInput);
                stage.await("shutdown", stage.duplex()::shutdown);
                stage.await("connect", () -> stage.channel.connect(new DomainSocketAddress("/nowhere")));
                stage.await("bind", () -> stage.channel.bind(new DomainSocketAddress("/nowhere")));
                stage.channel.read();
                stage.channel.flush();
                stage.channel.config().setAutoRead(false);
                stage.channel.config().setAutoRead(true);
            }
        },
        DISCONNECTED {
            @Override
            public void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.await("disconnect", stage.channel::disconnect);
                stage.peerReads();
            }
        };
    }

    @ParameterizedTest
    @EnumSource
    void handlers_futures_and_the_peer_see_the_same(Case each) throws Exception {
        BesideNettysOwn.compare(each, directory);
    }
}
