package org.imsg.netty;

import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.kqueue.KQueueIoEvent;
import io.netty.channel.kqueue.KQueueIoHandle;
import io.netty.channel.kqueue.KQueueIoOps;

/** kqueue(2): one level-triggered filter for each direction that is wanted. Its numbers are the same on every BSD and macOS. */
final class KqueueBinding extends Binding implements KQueueIoHandle {
    static final short EVFILT_READ = -1;
    static final short EVFILT_WRITE = -2;
    static final short EV_ADD = 1;
    static final short EV_DELETE = 2;

    private static final KQueueIoOps ADD_READ = KQueueIoOps.newOps(EVFILT_READ, EV_ADD, 0);
    private static final KQueueIoOps ADD_WRITE = KQueueIoOps.newOps(EVFILT_WRITE, EV_ADD, 0);
    private static final KQueueIoOps DELETE_READ = KQueueIoOps.newOps(EVFILT_READ, EV_DELETE, 0);
    private static final KQueueIoOps DELETE_WRITE = KQueueIoOps.newOps(EVFILT_WRITE, EV_DELETE, 0);

    private boolean readAdded;
    private boolean writeAdded;

    KqueueBinding(ImsgSocketChannel channel) {
        super(channel);
    }

    /** Says no more than that it is a binding: who calls this is verified without the transport's classes. */
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
