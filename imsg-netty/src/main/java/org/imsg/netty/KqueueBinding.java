package org.imsg.netty;

import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.kqueue.KQueueIoEvent;
import io.netty.channel.kqueue.KQueueIoHandle;
import io.netty.channel.kqueue.KQueueIoOps;
import org.imsg.sys.Abi;
import org.imsg.sys.Os;

/**
 * kqueue(2): one level-triggered filter for each direction that is wanted. Its numbers are FreeBSD's, which are those of every
 * BSD and macOS, and known on systems without it too: the stand-in for kqueue in the tests understands them.
 */
final class KqueueBinding extends Binding implements KQueueIoHandle {
    private static final Abi BSD = Abi.of(Os.FREEBSD, "");
    static final short EVFILT_READ = (short) BSD.value("EVFILT_READ");
    static final short EVFILT_WRITE = (short) BSD.value("EVFILT_WRITE");
    static final short EV_ADD = (short) BSD.value("EV_ADD");
    static final short EV_DELETE = (short) BSD.value("EV_DELETE");

    private static final KQueueIoOps ADD_READ = KQueueIoOps.newOps(EVFILT_READ, EV_ADD, 0);
    private static final KQueueIoOps ADD_WRITE = KQueueIoOps.newOps(EVFILT_WRITE, EV_ADD, 0);
    private static final KQueueIoOps DELETE_READ = KQueueIoOps.newOps(EVFILT_READ, EV_DELETE, 0);
    private static final KQueueIoOps DELETE_WRITE = KQueueIoOps.newOps(EVFILT_WRITE, EV_DELETE, 0);

    private boolean readAdded;
    private boolean writeAdded;

    private KqueueBinding(ImsgSocketChannel channel) {
        super(channel);
    }

    static Binding of(ImsgSocketChannel channel) {
        return new KqueueBinding(channel);
    }

    @Override
    public int ident() {
        return channel.fd().intValue();
    }

    @Override
    void submit(IoRegistration to, boolean readBefore, boolean writeBefore) {
        if (wantsRead() != readAdded) {
            readAdded = wantsRead();
            to.submit(readAdded ? ADD_READ : DELETE_READ);
        }
        if (wantsWrite() != writeAdded) {
            writeAdded = wantsWrite();
            to.submit(writeAdded ? ADD_WRITE : DELETE_WRITE);
        }
    }

    @Override
    void withdraw(IoRegistration from, boolean closing) {
        // close(2) removes the filters. A change submitted now would be applied after it, to whoever has the number then.
        if (!closing)
            submit(from, readAdded, writeAdded);
    }

    @Override
    void report(IoEvent event) {
        short filter = ((KQueueIoEvent) event).filter();
        ready(filter == EVFILT_READ, filter == EVFILT_WRITE);
    }
}
