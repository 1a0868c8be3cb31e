package org.imsg.bench.worker;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.netty.ImsgBatch;
import org.imsg.netty.ImsgCodec;
import org.imsg.netty.ImsgMessage;
import org.imsg.netty.ImsgSocketChannel;
import org.imsg.unix.Fd;

/**
 * Netty's epoll transport with pooled direct buffers: everything happens on the loop, writes have the void promise and stop while
 * the channel is not writable, a flush ends each batch.
 */
final class NettyTransport implements WorkerTransport {
    private static final int PREFIX = 4;
    private static final int LONGEST_FRAME = 1 << 20;

    /** The handler that frames. */
    enum Framing {
        /** {@link ImsgCodec} on our channel, composing without an object a message, one event a read. */
        IMSG,
        /** The same, with a message object each, written and read. */
        IMSG_MESSAGES,
        /** LengthFieldBasedFrameDecoder on Netty's own channel, a buffer a message. */
        STOCK,
        /** The same, but the program gathers a whole batch in one buffer by itself. */
        STOCK_GATHERED
    }

    private final Framing framing;
    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final ArrivalCounter arrivals = new ArrivalCounter(group.next());
    private final byte[] payload;
    private final int gathered;
    /** Null for the stock channel. */
    private final ImsgCodec codec;
    private final Sender sender = new Sender();

    NettyTransport(Job job, Framing framing) {
        this.framing = framing;
        payload = job.payload();
        boolean imsg = framing == Framing.IMSG || framing == Framing.IMSG_MESSAGES;
        gathered = job.gathered(imsg ? ImsgChannel.HEADER_SIZE : PREFIX);
        Channel channel = imsg
                ? new ImsgSocketChannel(Fd.of(job.socket()))
                : new EpollDomainSocketChannel(job.socket());
        codec = switch (framing) {
            case IMSG -> new ImsgCodec().format(WireFormat.MODERN).batched();
            case IMSG_MESSAGES -> new ImsgCodec().format(WireFormat.MODERN);
            case STOCK, STOCK_GATHERED -> null;
        };
        channel.pipeline().addLast(
                imsg ? codec : new LengthFieldBasedFrameDecoder(LONGEST_FRAME, 0, PREFIX, 0, PREFIX), sender);
        group.register(channel).syncUninterruptibly();
    }

    @Override
    public void send(long count) throws IOException {
        arrivals.await(done -> sender.begin(count, done));
    }

    @Override
    public void receive(long count) throws IOException {
        arrivals.awaitArrivals(count);
    }

    @Override
    public Tally tally() {
        return arrivals.tally;
    }

    /** The end of the pipeline: makes messages as long as the channel takes them, and looks at those that arrive. */
    private final class Sender extends ChannelInboundHandlerAdapter {
        private ChannelHandlerContext context;
        private CompletableFuture<Void> done;
        private long count;
        private long next;
        private boolean writing;

        @Override
        public void handlerAdded(ChannelHandlerContext ctx) {
            context = ctx;
        }

        void begin(long messages, CompletableFuture<Void> completed) {
            done = completed;
            count = messages;
            next = 0;
            proceed();
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext ctx) {
            // Also comes out of the flush below, which goes on by itself.
            if (done != null && !writing)
                proceed();
        }

        private void proceed() {
            Channel channel = context.channel();
            writing = true;
            while (next < count && channel.isWritable()) {
                writeBatch((int) Math.min(gathered, count - next));
                context.flush();
            }
            writing = false;
            if (next < count)
                return;
            CompletableFuture<Void> completed = done;
            done = null;
            // Goes behind all that was written before.
            context.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(written -> {
                if (written.isSuccess())
                    completed.complete(null);
                else
                    completed.completeExceptionally(written.cause());
            });
        }

        private void writeBatch(int messages) {
            if (framing == Framing.IMSG) {
                for (int i = 0; i < messages; i++, next++)
                    codec.compose(1, (int) next, 0, null, payload);
                return;
            }
            if (framing == Framing.STOCK_GATHERED) {
                ByteBuf batch = context.alloc().directBuffer(messages * (PREFIX + payload.length));
                for (int i = 0; i < messages; i++, next++)
                    batch.writeInt(payload.length).writeBytes(payload);
                context.write(batch, context.voidPromise());
                return;
            }
            for (int i = 0; i < messages; i++, next++)
                context.write(message(), context.voidPromise());
        }

        private Object message() {
            return framing == Framing.STOCK
                    ? context.alloc().directBuffer(PREFIX + payload.length).writeInt(payload.length).writeBytes(payload)
                    : new ImsgMessage(1, (int) next, 0, Unpooled.wrappedBuffer(payload));
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            switch (message) {
                case ImsgBatch batch -> {
                    while (batch.next())
                        arrivals.arrived(Integer.toUnsignedLong(batch.id())
                                + (batch.length() > 0 ? batch.buffer().getByte(batch.index()) & 0xFF : 0));
                }
                case ImsgMessage imsg -> {
                    arrivals.arrived(Integer.toUnsignedLong(imsg.id()) + first(imsg.content()));
                    imsg.release();
                }
                default -> {
                    ByteBuf frame = (ByteBuf) message;
                    arrivals.arrived(first(frame));
                    frame.release();
                }
            }
        }

        private static int first(ByteBuf content) {
            return content.isReadable() ? content.getUnsignedByte(content.readerIndex()) : 0;
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            arrivals.ended();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            arrivals.failed(cause);
        }
    }
}
