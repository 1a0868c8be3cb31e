package org.imsg.netty;

import static org.imsg.netty.Wire.bytes;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator.DelegatingHandle;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.internal.PlatformDependent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.imsg.netty.BesideNettysOwn.Stage;
import org.imsg.sys.Constants;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a channel reads and writes, and when it says so, beside Netty's own. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class SameDataAsNettysOwnTest {
    private static final Map<ChannelOption<?>, Object> NO_AUTO_READ = Map.of(ChannelOption.AUTO_READ, false);

    @TempDir
    private Path directory;

    private enum Case implements BesideNettysOwn.Case {
        AN_ALLOCATOR_OF_READS_FAILS {
            @Override
            public void run(Stage stage) throws Exception {
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
            public void run(Stage stage) throws Exception {
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
            public void run(Stage stage) throws Exception {
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
            public void run(Stage stage) throws Exception {
                stage.open(Map.of());
                stage.attempt("set", () -> stage.channel.config().setRecvByteBufAllocator(
                        () -> new DelegatingHandle(new FixedRecvByteBufAllocator(1).newHandle())));
                stage.peer.send("x");
                stage.awaitLog("read x");
            }
        },
        A_REGION_THAT_COUNTS_OTHER_BYTES_THAN_IT_SENDS {
            @Override
            public void run(Stage stage) throws Exception {
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
        AN_ERROR_IS_THROWN {
            @Override
            public void run(Stage stage) throws Exception {
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
            public void run(Stage stage) throws Exception {
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
        PROMISES_OF_ALL_KINDS {
            @Override
            public void run(Stage stage) throws Exception {
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
            public void run(Stage stage) throws Exception {
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
            public void run(Stage stage) throws Exception {
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
            public void run(Stage stage) throws Exception {
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
            public void run(Stage stage) throws Exception {
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
            public void run(Stage stage) throws Exception {
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
            public void run(Stage stage) throws Exception {
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
            public void run(Stage stage) throws Exception {
                stage.open(Map.of(ChannelOption.AUTO_READ, false, ChannelOption.AUTO_CLOSE, false,
                        ChannelOption.ALLOW_HALF_CLOSURE, true));
                SocketCalls.shutdown(stage.peer.socket(), Constants.SHUT_RD);
                stage.settle();
                stage.await("write", () -> stage.channel.writeAndFlush(bytes("to no one")));
                stage.settle();
                stage.log("open: " + stage.channel.isOpen() + ", shut: " + stage.duplex().isOutputShutdown());
            }
        };
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

    @ParameterizedTest
    @EnumSource
    void handlers_futures_and_the_peer_see_the_same(Case each) throws Exception {
        BesideNettysOwn.compare(each, directory);
    }
}
