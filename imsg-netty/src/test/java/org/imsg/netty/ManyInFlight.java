package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.imsg.netty.Wire.bytes;
import static org.imsg.netty.Wire.pipeSaying;
import static org.imsg.netty.Wire.say;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.EventLoopGroup;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/**
 * Sends descriptors that nobody receives until the kernel wants no more of them, which it does of a process without
 * capabilities when its user has more on the way than RLIMIT_NOFILE.
 */
final class ManyInFlight {
    static final int LIMIT = 200;

    private static final String SENT = "x";

    private static int sent;

    private ManyInFlight() {}

    public static void main(String[] args) {
        ChildJvm.exitAfter(ManyInFlight::run);
    }

    private static void run() throws Exception {
        EventLoopGroup group = Loops.EPOLL.group();
        List<Channel> channels = new ArrayList<>();
        List<Wire> peers = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Fd.Pair pair = Fd.socketpair();
            channels.add(Wire.open(group, pair.first()));
            peers.add(new Wire(pair.second()));
        }
        FdBuf refused = refused(channels, true);
        assertThat(refused.refCnt()).isOne();
        assertThat(refused.hasFd()).isTrue();
        System.out.println("refused: ETOOMANYREFS, and the descriptor is still with who retained it");

        int open = openDescriptors();
        FdBuf unwanted = refused(channels, false);
        assertThat(unwanted.refCnt()).isZero();
        assertThat(openDescriptors()).isEqualTo(open);
        System.out.println("refused: ETOOMANYREFS, and the descriptor nobody retained is closed");

        Channel channel = channels.get(sent % channels.size());
        assertThat(done(channel.writeAndFlush(bytes("still"))).isSuccess()).isTrue();
        System.out.println("the channel goes on");

        for (int i = 0; i < peers.size(); i++) {
            int writes = sent / peers.size() + (i < sent % peers.size() ? 1 : 0);
            String plain = channels.get(i) == channel ? "still" : "";
            assertThat(peers.get(i).text(writes + plain.length())).isEqualTo(SENT.repeat(writes) + plain);
        }
        System.out.println("read: all that had been sent");

        // The same user's other processes may have descriptors on the way too.
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        ChannelFuture again;
        do {
            again = done(channel.writeAndFlush(refused.retain()));
        } while (!again.isSuccess() && System.nanoTime() < deadline);
        again.sync();
        refused.release();
        Wire.Received received = peers.get(sent % peers.size()).receive();
        assertThat(received.text()).isEqualTo(SENT);
        assertThat(say(received.fd())).isEqualTo("passed");
        System.out.println("sent at last: with its descriptor");
    }

    /**
     * Sends until a write fails; others of the same user may receive what they have on the way meanwhile. The writes go to
     * several sockets, so that none of them is full before.
     */
    private static FdBuf refused(List<Channel> channels, boolean retain) throws Exception {
        for (;; sent++) {
            assertThat(sent).as("descriptors on the way").isLessThan(4 * LIMIT);
            FdBuf next = new FdBuf(bytes(SENT), pipeSaying("passed"));
            if (retain)
                next.retain();
            ChannelFuture written = done(channels.get(sent % channels.size()).writeAndFlush(next));
            if (!written.isSuccess()) {
                assertThat(written.cause()).isInstanceOfSatisfying(ErrnoException.class,
                        cause -> assertThat(cause.name()).isEqualTo("ETOOMANYREFS"));
                return next;
            }
            if (retain)
                next.release();
        }
    }

    private static ChannelFuture done(ChannelFuture written) throws InterruptedException {
        assertThat(written.await(20, TimeUnit.SECONDS)).as("written or failed within 20 seconds").isTrue();
        return written;
    }

    private static int openDescriptors() {
        return new File("/proc/self/fd").list().length;
    }
}
