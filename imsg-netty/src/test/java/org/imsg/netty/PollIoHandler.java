package org.imsg.netty;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.kqueue.KQueueIoEvent;
import io.netty.channel.kqueue.KQueueIoHandle;
import io.netty.channel.kqueue.KQueueIoOps;
import io.netty.util.concurrent.ThreadAwareExecutor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.imsg.unix.Fd;

/**
 * Behaves to a kqueue handle as Netty's kqueue handler does, on poll(2): so that the kqueue binding runs where there is no
 * kqueue. Filters are level-triggered, changes take effect at the next wait, EV_DELETE of what is not there is an error.
 */
final class PollIoHandler implements IoHandler {
    static final IoHandlerFactory FACTORY = new IoHandlerFactory() {
        @Override
        public IoHandler newHandler(ThreadAwareExecutor executor) {
            return new PollIoHandler(executor);
        }

        @Override
        public boolean isChangingThreadSupported() {
            return true;
        }
    };

    /** Linux's. */
    private static final int POLLRDHUP = 0x2000;

    private final ThreadAwareExecutor executor;
    private final Fd.Pair wakeup;
    private final MemorySegment errno = Posix.errnoSegment(Arena.ofAuto());
    private final MemorySegment oneByte = Arena.ofAuto().allocate(64);
    private final List<Filters> registered = new ArrayList<>();

    private PollIoHandler(ThreadAwareExecutor executor) {
        this.executor = executor;
        try {
            wakeup = Fd.pipe();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public int run(IoHandlerContext context) {
        List<Filters> polled = registered.stream().filter(Filters::isWaited).toList();
        MemorySegment fds;
        try (Arena arena = Arena.ofConfined()) {
            fds = arena.allocate(8L * (polled.size() + 1), 8);
            set(fds, 0, wakeup.first().intValue(), Constants.POLLIN);
            for (int i = 0; i < polled.size(); i++)
                set(fds, i + 1, polled.get(i).handle.ident(), polled.get(i).events());
            if (Posix.poll(errno, fds.address(), polled.size() + 1, timeout(context)) <= 0)
                return 0;
            if (fds.get(JAVA_SHORT, 6) != 0)
                Posix.read(wakeup.first().intValue(), oneByte.address(), 64);
            int handled = 0;
            for (int i = 0; i < polled.size(); i++)
                handled += polled.get(i).report(fds.get(JAVA_SHORT, 8L * (i + 1) + 6));
            return handled;
        }
    }

    private static void set(MemorySegment fds, int index, int fd, int events) {
        fds.set(JAVA_INT, 8L * index, fd);
        fds.set(JAVA_SHORT, 8L * index + 4, (short) events);
    }

    private static int timeout(IoHandlerContext context) {
        if (!context.canBlock())
            return 0;
        if (context.deadlineNanos() < 0)
            return -1;
        return (int) Math.min(Integer.MAX_VALUE, (context.delayNanos(System.nanoTime()) + 999_999) / 1_000_000);
    }

    @Override
    public void wakeup() {
        if (executor.isExecutorThread(Thread.currentThread()))
            return;
        Posix.write(wakeup.second().intValue(), oneByte.address(), 1);
    }

    @Override
    public IoRegistration register(IoHandle handle) {
        Filters filters = new Filters((KQueueIoHandle) handle);
        registered.add(filters);
        handle.registered();
        return filters;
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
        return KQueueIoHandle.class.isAssignableFrom(handleType);
    }

    /** As all of Netty's do. */
    @Override
    public void prepareToDestroy() {
        for (Filters filters : List.copyOf(registered)) {
            filters.cancel();
            try {
                filters.handle.close();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
    }

    @Override
    public void destroy() {
        wakeup.close();
    }

    /** The filters of one descriptor. */
    private final class Filters implements IoRegistration {
        final KQueueIoHandle handle;
        boolean read;
        boolean write;
        /** With EV_CLEAR only what is new is reported: here data once and the end once, after which the filter is silent. */
        private boolean clear;
        private boolean toldData;
        private boolean toldEnd;
        private boolean cancelled;

        Filters(KQueueIoHandle handle) {
            this.handle = handle;
        }

        @Override
        public <T> T attachment() {
            return null;
        }

        @Override
        public long submit(IoOps ops) {
            KQueueIoOps change = (KQueueIoOps) ops;
            boolean add = (change.flags() & KqueueBinding.EV_ADD) != 0;
            boolean isRead = change.filter() == KqueueBinding.EVFILT_READ;
            if (!add && !(isRead ? read : write))
                throw new AssertionError("EV_DELETE of a filter that is not there: " + change);
            if (isRead && add && read)
                throw new AssertionError("flags of a filter that is there change on some systems only: " + change);
            if (isRead) {
                read = add;
                clear = (change.flags() & KqueueBinding.EV_CLEAR) != 0;
                toldData = false;
                toldEnd = false;
            } else {
                write = add;
            }
            return 0;
        }

        /** POLLHUP cannot be masked. */
        boolean isWaited() {
            return write || read && !(clear && toldEnd);
        }

        short events() {
            int reading = clear && toldData ? POLLRDHUP : Constants.POLLIN | POLLRDHUP;
            return (short) ((read ? reading : 0) | (write ? Constants.POLLOUT : 0));
        }

        int report(short revents) {
            if (revents == 0)
                return 0;
            boolean error = (revents & ~(Constants.POLLIN | Constants.POLLOUT | POLLRDHUP)) != 0;
            boolean end = error || (revents & POLLRDHUP) != 0;
            boolean data = (revents & Constants.POLLIN) != 0;
            if (read && (clear ? end && !toldEnd || data && !toldData : end || data)) {
                toldData |= data;
                toldEnd |= end;
                report(KqueueBinding.EVFILT_READ, end ? KqueueBinding.EV_EOF : 0);
            }
            if (write && (error || (revents & Constants.POLLOUT) != 0))
                report(KqueueBinding.EVFILT_WRITE, (short) 0);
            return 1;
        }

        private void report(short filter, short flags) {
            if (!cancelled)
                handle.handle(this, KQueueIoEvent.newEvent(handle.ident(), filter, flags, 0, 0, 0));
        }

        @Override
        public boolean isValid() {
            return !cancelled;
        }

        @Override
        public boolean cancel() {
            if (cancelled)
                return false;
            cancelled = true;
            read = false;
            write = false;
            registered.remove(this);
            handle.unregistered();
            return true;
        }
    }
}
