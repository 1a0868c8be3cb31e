package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.imsg.netty.Wire.bytes;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator.DelegatingHandle;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.netty.channel.unix.RawUnixChannelOption;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import io.netty.util.internal.PlatformDependent;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.imsg.sys.Constants;
import org.imsg.sys.Msghdr;
import org.imsg.sys.Posix;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The same is done to a channel of ours and to Netty's own: handlers, futures and the peer see the same of both, in the same order. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class SameEndsAsNettysOwnTest {
    private static final Map<ChannelOption<?>, Object> NO_AUTO_READ = Map.of(ChannelOption.AUTO_READ, false);
    private static final Map<ChannelOption<?>, Object> HALF_CLOSURE = Map.of(ChannelOption.ALLOW_HALF_CLOSURE, true);
    private static final Map<ChannelOption<?>, Object> BOTH = Map.of(ChannelOption.AUTO_READ, false,
            ChannelOption.ALLOW_HALF_CLOSURE, true);

    @TempDir
    private Path directory;

    /** What is done to a channel. */
    private enum Case {
        CLOSED_WITH_BYTES_UNREAD {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(NO_AUTO_READ);
                stage.peer.send("unread");
                stage.settle();
                stage.await("close", stage.channel::close);
                stage.peerReads();
            }
        },
        A_PEER_THAT_DOES_NOT_LINGER_CLOSES {
            @Override
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("unread")));
                stage.peer.close();
                stage.closed();
            }
        },
        SHUT_DOWN_INPUT {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.await("shutdownInput", stage.duplex()::shutdownInput);
            }
        },
        SHUT_DOWN_INPUT_WITH_HALF_CLOSURE {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                stage.duplex().shutdownInput().sync();
                stage.awaitLog("ChannelInputShutdownReadComplete");
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("still")));
                stage.peerReads();
            }
        },
        SHUT_DOWN_INPUT_WITHOUT_AUTO_READ {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(NO_AUTO_READ);
                stage.peer.send("unread");
                stage.settle();
                stage.await("shutdownInput", stage.duplex()::shutdownInput);
            }
        },
        SHUT_DOWN_INPUT_WITHOUT_AUTO_READ_WITH_HALF_CLOSURE {
            @Override
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                stage.duplex().shutdownInput().sync();
                stage.awaitLog("ChannelInputShutdownReadComplete");
                stage.await("again", stage.duplex()::shutdownInput);
            }
        },
        SHUT_DOWN_INPUT_WHILE_IT_READS {
            @Override
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                stage.await("deregister", stage.channel::deregister);
                stage.await("shutdownInput", stage.duplex()::shutdownInput);
                stage.loops.group().next().register(stage.channel).sync();
                stage.awaitLog("ChannelInputShutdownReadComplete");
            }
        },
        SHUT_DOWN_BOTH {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                stage.duplex().shutdown().sync();
                stage.awaitLog("ChannelInputShutdownReadComplete");
                stage.peerReads();
                stage.log("shut: " + stage.duplex().isShutdown());
            }
        },
        SHUT_DOWN_OUTPUT_THEN_THE_PEER_CLOSES {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                stage.await("shutdownOutput", stage.duplex()::shutdownOutput);
                stage.peer.close();
                stage.awaitLog("ChannelInputShutdownReadComplete");
            }
        },
        THE_PEER_ENDS_ITS_OUTPUT_THEN_BOTH_ARE_SHUT_DOWN {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                SocketCalls.shutdown(stage.peer.socket(), Constants.SHUT_WR);
                stage.awaitLog("ChannelInputShutdownReadComplete");
                stage.await("shutdown", stage.duplex()::shutdown);
            }
        },
        CLOSED_WHEN_THE_INPUT_ENDS {
            @Override
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
                stage.open(HALF_CLOSURE);
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("unread")));
                stage.peer.close();
                stage.awaitLog("IOException");
                stage.log("open: " + stage.channel.isOpen() + ", shut: " + stage.duplex().isInputShutdown());
            }
        },
        AN_ALLOCATOR_OF_READS_FAILS {
            @Override
            void run(Stage stage) throws Exception {
                List<Throwable> failures = List.of(new IllegalStateException(), new AssertionError());
                stage.open(Map.of(ChannelOption.RECVBUF_ALLOCATOR, new Allocating(1) {
                    private int calls;

                    @Override
                    ByteBuf allocate() throws Throwable {
                        if (calls < failures.size())
                            throw failures.get(calls++);
                        return UnpooledByteBufAllocator.DEFAULT.directBuffer(10);
                    }
                }));
                stage.peer.send("after all");
                stage.awaitLog("after all");
            }
        },
        AN_ALLOCATOR_OF_READS_FINDS_NO_MEMORY {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of(ChannelOption.ALLOW_HALF_CLOSURE, true, ChannelOption.RECVBUF_ALLOCATOR,
                        new Allocating(1) {
                            @Override
                            ByteBuf allocate() {
                                throw new OutOfMemoryError("not really");
                            }
                        }));
                stage.peer.send("never read");
                stage.awaitLog("OutOfMemoryError");
                stage.log("open: " + stage.channel.isOpen() + ", shut: " + stage.duplex().isInputShutdown());
            }
        },
        AN_ALLOCATOR_OF_READS_GIVES_MORE_THAN_IT_GUESSES {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of(ChannelOption.RECVBUF_ALLOCATOR, new Allocating(4) {
                    @Override
                    ByteBuf allocate() {
                        return UnpooledByteBufAllocator.DEFAULT.directBuffer(100);
                    }
                }));
                stage.peer.send("in one piece");
                stage.awaitLog("piece");
            }
        },
        AN_ALLOCATOR_OF_READS_THAT_DOES_NOT_SAY_WHEN_TO_STOP {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.attempt("set", () -> stage.channel.config().setRecvByteBufAllocator(
                        () -> new DelegatingHandle(new FixedRecvByteBufAllocator(1).newHandle())));
                stage.peer.send("x");
                stage.awaitLog("read x");
            }
        },
        OPTIONS_BY_THEIR_NUMBERS {
            private static final int SO_LINGER = 13;
            private static final int SO_PASSCRED = 16;

            @Override
            void run(Stage stage) throws Exception {
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
        A_REGION_THAT_COUNTS_OTHER_BYTES_THAN_IT_SENDS {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.await("write", () -> stage.channel.writeAndFlush(
                        new WritingTest.OwnRegion(ByteBuffer.wrap("content".getBytes(StandardCharsets.US_ASCII))) {
                            private boolean begun;

                            @Override
                            public long transferTo(WritableByteChannel target, long position) throws IOException {
                                if (begun)
                                    return super.transferTo(target, position);
                                begun = true;
                                target.write(ByteBuffer.wrap("header, ".getBytes(StandardCharsets.US_ASCII)));
                                return 0;
                            }
                        }));
                stage.peerReads();
            }
        },
        THE_PEER_ENDS_ITS_OUTPUT_THEN_ITS_INPUT {
            @Override
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
                stage.open(NO_AUTO_READ);
                SocketCalls.shutdown(stage.peer.socket(), Constants.SHUT_RD);
                stage.settle();
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("to no one")));
                stage.closed();
            }
        },
        WRITTEN_BEFORE_IT_IS_REGISTERED {
            @Override
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
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
        AN_ERROR_IS_THROWN {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of(), new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext ctx, Object message) {
                        ReferenceCountUtil.release(message);
                        throw new StackOverflowError();
                    }
                });
                stage.peer.send("once");
                stage.awaitLog("StackOverflowError");
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("served on")));
                stage.peerReads();
            }
        },
        A_HANDLER_IS_REMOVED_WHILE_IT_READS {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of(), new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelRead(ChannelHandlerContext ctx, Object message) {
                        ctx.pipeline().remove(this);
                        ctx.fireChannelRead(message);
                    }
                });
                stage.peer.send("one");
                stage.awaitLog("one");
                stage.peer.send("two");
                stage.awaitLog("two");
            }
        },
        REGISTERED_WITH_A_LOOP_THAT_HAS_ENDED {
            @Override
            void run(Stage stage) throws Exception {
                EventLoopGroup loop = stage.loops.newGroup(1);
                loop.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
                Channel channel = stage.unregistered();
                stage.attempt("register", () -> loop.next().register(channel).cause());
                stage.log("open: " + channel.isOpen());
            }
        },
        CLOSED_TWICE {
            @Override
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.await("disconnect", stage.channel::disconnect);
                stage.peerReads();
            }
        },
        CONNECTED_ALREADY {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.await("connect", () -> stage.channel.connect(new DomainSocketAddress("/nowhere")));
                stage.settle();
            }
        },
        PROMISES_OF_ALL_KINDS {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of());
                ByteBuf cancelledBefore = bytes("cancelled before");
                ChannelPromise cancelled = stage.channel.newPromise();
                cancelled.cancel(false);
                stage.await("cancelled before", () -> stage.channel.writeAndFlush(cancelledBefore, cancelled));
                stage.settle();
                stage.log("references: " + cancelledBefore.refCnt());
                ChannelPromise unflushed = stage.channel.newPromise();
                stage.channel.write(bytes("cancelled"), unflushed);
                stage.settle();
                stage.log("cancel: " + unflushed.cancel(false));
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("behind")));
                stage.peerReads();
                ByteBuf wrongType = bytes("done");
                ChannelPromise done = stage.channel.newPromise().setSuccess();
                stage.attempt("done promise", () -> stage.channel.writeAndFlush(wrongType, done));
                stage.log("references: " + wrongType.refCnt());
            }
        },
        A_MESSAGE_OF_ANOTHER_TYPE_AMONG_OTHERS {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of());
                ChannelFuture first = stage.channel.write(bytes("first"));
                stage.await("a string", () -> stage.channel.write("a string"));
                stage.await("third", () -> stage.channel.writeAndFlush(bytes("third")));
                stage.await("first", () -> first);
                stage.peerReads();
            }
        },
        A_BUFFER_THAT_WAS_RELEASED_IN_THE_QUEUE {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of());
                ByteBuf direct = io.netty.buffer.Unpooled.directBuffer(8).writeLong(1);
                ChannelFuture written = stage.channel.write(direct);
                stage.settle();
                direct.release();
                stage.channel.flush();
                stage.await("write", () -> written);
            }
        },
        WRITTEN_BY_HANDLERS_THAT_SEE_THE_END {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of(), new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelInactive(ChannelHandlerContext ctx) {
                        stage.onEnd("inactive", ctx.writeAndFlush(bytes("late")));
                        ctx.fireChannelInactive();
                    }

                    @Override
                    public void handlerRemoved(ChannelHandlerContext ctx) {
                        stage.onEnd("removed", ctx.channel().writeAndFlush(bytes("later")));
                    }
                });
                stage.peer.close();
                stage.closed();
            }
        },
        CLOSED_BY_THE_LISTENER_OF_A_WRITE {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.channel.eventLoop().submit(() -> {
                    for (int i = 0; i < 3; i++) {
                        ChannelFuture write = stage.channel.write(bytes("part " + i));
                        if (i == 1)
                            write.addListener(written -> stage.channel.close());
                        stage.onEnd("write " + i, write);
                    }
                    stage.channel.flush();
                    stage.onEnd("late", stage.channel.writeAndFlush(bytes("late")));
                }).sync();
                stage.closed();
                stage.peerReads();
            }
        },
        MOVED_BY_THE_LISTENER_OF_A_WRITE {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of());
                CountDownLatch gone = new CountDownLatch(1);
                stage.channel.write(bytes("first ")).addListener(
                        written -> stage.channel.deregister().addListener(done -> gone.countDown()));
                ChannelFuture second = stage.channel.writeAndFlush(bytes("second"));
                gone.await();
                stage.await("second", () -> second);
                stage.peerReads();
                stage.await("register", () -> stage.loops.other().group().next().register(stage.channel));
                stage.await("third", () -> stage.channel.writeAndFlush(bytes("third")));
                stage.peerReads();
            }
        },
        ONE_READ_IS_ASKED_FOR_AT_THE_END_OF_EACH {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(NO_AUTO_READ, new ChannelInboundHandlerAdapter() {
                    @Override
                    public void channelActive(ChannelHandlerContext ctx) {
                        ctx.fireChannelActive();
                        ctx.read();
                    }

                    @Override
                    public void channelReadComplete(ChannelHandlerContext ctx) {
                        ctx.fireChannelReadComplete();
                        ctx.read();
                    }
                });
                for (String text : List.of("one", "two", "three")) {
                    stage.peer.send(text);
                    stage.awaitLog(text);
                }
                stage.peer.close();
                stage.closed();
            }
        },
        A_WRITE_FAILS_AND_AUTO_CLOSE_IS_OFF {
            @Override
            void run(Stage stage) throws Exception {
                stage.open(Map.of(ChannelOption.AUTO_READ, false, ChannelOption.AUTO_CLOSE, false,
                        ChannelOption.ALLOW_HALF_CLOSURE, true));
                SocketCalls.shutdown(stage.peer.socket(), Constants.SHUT_RD);
                stage.settle();
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("to no one")));
                stage.settle();
                stage.log("open: " + stage.channel.isOpen() + ", shut: " + stage.duplex().isOutputShutdown());
            }
        },
        CONNECTED_TO_A_LISTENER {
            @Override
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
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
            void run(Stage stage) throws Exception {
                stage.register();
                stage.await("close", stage.channel::close);
            }
        };

        abstract void run(Stage stage) throws Exception;
    }

    /** Makes the buffers of reads by itself. */
    private abstract static class Allocating extends DefaultMaxMessagesRecvByteBufAllocator {
        private final int guess;

        Allocating(int guess) {
            this.guess = guess;
        }

        abstract ByteBuf allocate() throws Throwable;

        @Override
        public ExtendedHandle newHandle() {
            return new MaxMessageHandle() {
                @Override
                public int guess() {
                    return guess;
                }

                @Override
                public ByteBuf allocate(ByteBufAllocator unused) {
                    try {
                        return Allocating.this.allocate();
                    } catch (Throwable e) {
                        PlatformDependent.throwException(e);
                        throw new AssertionError();
                    }
                }
            };
        }
    }

    /** One channel, its peer, and what was seen of both. */
    private static final class Stage {
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

        /** A channel that is to be connected. */
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

    @ParameterizedTest
    @EnumSource
    void handlers_futures_and_the_peer_see_the_same(Case each) throws Exception {
        List<String> reference = run(each, Loops.NETTYS_OWN);
        for (Loops loops : Loops.available().toList())
            assertThat(run(each, loops)).as(loops + " beside Netty's own").isEqualTo(reference);
    }

    private List<String> run(Case each, Loops loops) throws Exception {
        Stage stage = new Stage(loops, directory.resolve("socket"));
        try {
            each.run(stage);
        } finally {
            stage.end();
            Files.deleteIfExists(stage.path);
        }
        return stage.seen;
    }
}
