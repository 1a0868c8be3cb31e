package org.imsg.netty;

import io.netty.channel.ChannelOption;
import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.epoll.EpollMode;
import io.netty.channel.unix.FileDescriptor;
import org.imsg.sys.Abi;

/**
 * epoll(7). Level-triggered while something is wanted. While nothing is, the descriptor stays in the set, edge-triggered: the
 * kernel reports EPOLLHUP whether asked or not, and for a dead peer would do so without end. It is never taken out by
 * {@link EpollIoOps#NONE}, after which Netty could not put it back in. EPOLLRDHUP tells the end of a peer that is not read from;
 * it is asked for until it has come.
 */
final class EpollBinding extends Binding implements EpollIoHandle {
    /** Indexed by whether reading (1), writing (2) and the end (4) are waited for. */
    private static final EpollIoOps[] OPS = new EpollIoOps[8];
    /** By its value: {@code EpollIoOps.NONE} is not in 4.2.2. */
    private static final EpollIoOps NONE = EpollIoOps.valueOf(0);

    static {
        for (int wanted = 0; wanted < OPS.length; wanted++) {
            EpollIoOps ops = (wanted & 3) == 0 ? EpollIoOps.EPOLLET : NONE;
            ops = (wanted & 1) == 0 ? ops : ops.with(EpollIoOps.EPOLLIN);
            ops = (wanted & 2) == 0 ? ops : ops.with(EpollIoOps.EPOLLOUT);
            OPS[wanted] = (wanted & 4) == 0 ? ops : ops.with(EpollIoOps.EPOLLRDHUP);
        }
    }

    /** Netty has no name for it, as it cannot be asked for. */
    private static final int HUP = Abi.host().value("EPOLLHUP");
    private static final int READABLE = EpollIoOps.EPOLLIN.value() | EpollIoOps.EPOLLERR.value() | HUP;
    private static final int WRITABLE = EpollIoOps.EPOLLOUT.value() | EpollIoOps.EPOLLERR.value() | HUP;
    private static final int ENDED = EpollIoOps.EPOLLRDHUP.value() | EpollIoOps.EPOLLERR.value() | HUP;

    private EpollBinding(ImsgSocketChannel channel) {
        super(channel);
    }

    static Binding of(ImsgSocketChannel channel) {
        return new EpollBinding(channel);
    }

    /** {@code EPOLL_MODE}, which is for Netty's own channels to set. */
    @SuppressWarnings("deprecation")
    static ChannelOption<?> modeOption() {
        return EpollChannelOption.EPOLL_MODE;
    }

    /** How a channel looks to its handlers: unread bytes are reported again. */
    @SuppressWarnings("deprecation")
    static Object mode() {
        return EpollMode.LEVEL_TRIGGERED;
    }

    @Override
    public FileDescriptor fd() {
        return channel.fd();
    }

    @Override
    void submit(IoRegistration to, boolean readBefore, boolean writeBefore) {
        to.submit(OPS[(wantsRead() ? 1 : 0) + (wantsWrite() ? 2 : 0) + (watchesEnd() ? 4 : 0)]);
    }

    @Override
    void report(IoEvent event) {
        int reported = ((EpollIoEvent) event).ops().value();
        ready((reported & READABLE) != 0, (reported & WRITABLE) != 0, (reported & ENDED) != 0);
    }
}
