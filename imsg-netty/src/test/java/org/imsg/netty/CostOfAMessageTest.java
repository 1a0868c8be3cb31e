package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelOption;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.WireFormat;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a small message that comes alone costs, as most do on many connections. */
@ExtendWith(LeakDetection.class)
@Timeout(60)
class CostOfAMessageTest {
    private static final int MESSAGES = 100;

    /** Counts the reads that are tried, of a channel that keeps its own sizes. */
    private static final class CountedReads implements RecvByteBufAllocator {
        private final RecvByteBufAllocator sizes;
        final AtomicInteger tried = new AtomicInteger();

        CountedReads(RecvByteBufAllocator sizes) {
            this.sizes = sizes;
        }

        @Override
        @SuppressWarnings("deprecation") // what a channel takes is an ExtendedHandle
        public Handle newHandle() {
            ExtendedHandle own = (ExtendedHandle) sizes.newHandle();
            return new ExtendedHandle() {
                @Override
                public ByteBuf allocate(ByteBufAllocator allocator) {
                    return own.allocate(allocator);
                }

                @Override
                public int guess() {
                    return own.guess();
                }

                @Override
                public void reset(ChannelConfig config) {
                    own.reset(config);
                }

                @Override
                public void incMessagesRead(int count) {
                    own.incMessagesRead(count);
                }

                @Override
                public void lastBytesRead(int bytes) {
                    own.lastBytesRead(bytes);
                }

                @Override
                public int lastBytesRead() {
                    return own.lastBytesRead();
                }

                @Override
                public void attemptedBytesRead(int bytes) {
                    tried.incrementAndGet();
                    own.attemptedBytesRead(bytes);
                }

                @Override
                public int attemptedBytesRead() {
                    return own.attemptedBytesRead();
                }

                @Override
                public boolean continueReading() {
                    return own.continueReading();
                }

                @Override
                public boolean continueReading(UncheckedBooleanSupplier more) {
                    return own.continueReading(more);
                }

                @Override
                public void readComplete() {
                    own.readComplete();
                }
            };
        }
    }

    /** 64 to 496 bytes on the wire are each an entry of Netty's table of sizes, down to which its reads would shrink. */
    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void each_is_one_read_whatever_its_length(Loops loops) throws Exception {
        for (int length = 16; length < 512; length += 80) {
            Fd.Pair pair = Fd.socketpair();
            ImsgSocketChannel unregistered = new ImsgSocketChannel();
            CountedReads reads = new CountedReads(unregistered.config().getRecvByteBufAllocator());
            unregistered.fd().close();
            Events events = new Events();
            Channel channel = Wire.open(loops.group(), pair.first(),
                    Map.of(ChannelOption.RECVBUF_ALLOCATOR, reads, ImsgChannelOption.ALLOW_FD_PASSING, false),
                    new ImsgCodec().format(WireFormat.MODERN), events);
            try (Wire peer = new Wire(pair.second())) {
                byte[] message = Messages.plain(1, 0, "x".repeat(length - 16));
                assertThat(message).hasSize(length);
                for (int i = 0; i < MESSAGES; i++) {
                    peer.send(message);
                    events.next(ImsgMessage.class).release();
                }
                channel.eventLoop().submit(() -> {}).sync();
                assertThat(reads.tried).as("reads of " + length + " bytes").hasValue(MESSAGES);
            } finally {
                channel.close().sync();
            }
        }
    }
}
