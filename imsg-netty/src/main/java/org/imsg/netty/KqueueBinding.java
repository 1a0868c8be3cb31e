package org.imsg.netty;

import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.kqueue.KQueueIoEvent;
import io.netty.channel.kqueue.KQueueIoHandle;
import io.netty.channel.kqueue.KQueueIoOps;
import org.imsg.sys.Abi;
import org.imsg.sys.Os;
import org.jspecify.annotations.Nullable;

/**
 * kqueue(2): one level-triggered filter for each direction that is wanted. While no data is, an edge-triggered filter for reading
 * (EV_CLEAR) stands in, of which only the end of the stream counts (EV_EOF). The numbers are FreeBSD's, which are those of every
 * BSD and macOS, and known on systems without kqueue too: the stand-in for kqueue in the tests understands them.
 */
final class KqueueBinding extends Binding implements KQueueIoHandle {
    private static final Abi BSD = Abi.of(Os.FREEBSD, "");
    static final short EVFILT_READ = (short) BSD.value("EVFILT_READ");
    static final short EVFILT_WRITE = (short) BSD.value("EVFILT_WRITE");
    static final short EV_ADD = (short) BSD.value("EV_ADD");
    static final short EV_DELETE = (short) BSD.value("EV_DELETE");

    /** The same on each of these systems. */
    static final short EV_CLEAR = 0x20;
    static final short EV_EOF = (short) 0x8000;

    private static final KQueueIoOps ADD_READ = KQueueIoOps.newOps(EVFILT_READ, EV_ADD, 0);
    private static final KQueueIoOps ADD_END = KQueueIoOps.newOps(EVFILT_READ, (short) (EV_ADD | EV_CLEAR), 0);
    private static final KQueueIoOps ADD_WRITE = KQueueIoOps.newOps(EVFILT_WRITE, EV_ADD, 0);
    private static final KQueueIoOps DELETE_READ = KQueueIoOps.newOps(EVFILT_READ, EV_DELETE, 0);
    private static final KQueueIoOps DELETE_WRITE = KQueueIoOps.newOps(EVFILT_WRITE, EV_DELETE, 0);

    private @Nullable KQueueIoOps readAdded;
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
        KQueueIoOps reading = wantsRead() ? ADD_READ : watchesEnd() ? ADD_END : null;
        if (reading != readAdded) {
            // A filter that is added again need not take the new flags.
            if (readAdded != null)
                to.submit(DELETE_READ);
            if (reading != null)
                to.submit(reading);
            readAdded = reading;
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
            submit(from, false, false);
    }

    @Override
    void report(IoEvent event) {
        KQueueIoEvent reported = (KQueueIoEvent) event;
        boolean readable = reported.filter() == EVFILT_READ;
        ready(readable, reported.filter() == EVFILT_WRITE, readable && (reported.flags() & EV_EOF) != 0);
    }
}
