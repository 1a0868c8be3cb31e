package org.imsg.netty;

import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import org.imsg.sys.Abi;

/**
 * epoll(7). Level-triggered while something is wanted. While nothing is, the descriptor stays in the set, edge-triggered: the
 * kernel reports EPOLLHUP whether asked or not, and for a dead peer would do so without end. It is never taken out by
 * {@link EpollIoOps#NONE}, after which Netty could not put it back in.
 */
final class EpollBinding extends Binding implements EpollIoHandle {
    private static final EpollIoOps IDLE = EpollIoOps.EPOLLET;
    private static final EpollIoOps READ = EpollIoOps.EPOLLIN;
    private static final EpollIoOps WRITE = EpollIoOps.EPOLLOUT;
    private static final EpollIoOps BOTH = READ.with(WRITE);
    /** Netty has no name for it, as it cannot be asked for. */
    private static final int HUP = Abi.host().value("EPOLLHUP");
    private static final int READABLE = EpollIoOps.EPOLLIN.value() | EpollIoOps.EPOLLERR.value() | HUP;
    private static final int WRITABLE = EpollIoOps.EPOLLOUT.value() | EpollIoOps.EPOLLERR.value() | HUP;

    private EpollBinding(ImsgSocketChannel channel) {
        super(channel);
    }

    static Binding of(ImsgSocketChannel channel) {
        return new EpollBinding(channel);
    }

    @Override
    public FileDescriptor fd() {
        return channel.fd();
    }

    @Override
    void submit(IoRegistration to, boolean readBefore, boolean writeBefore) {
        if (wantsRead())
            to.submit(wantsWrite() ? BOTH : READ);
        else
            to.submit(wantsWrite() ? WRITE : IDLE);
    }

    @Override
    void report(IoEvent event) {
        int reported = ((EpollIoEvent) event).ops().value();
        ready((reported & READABLE) != 0, (reported & WRITABLE) != 0);
    }
}
