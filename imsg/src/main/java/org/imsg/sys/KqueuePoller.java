package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.imsg.sys.Constants.EINVAL;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A poller over kqueue(2), one report a registration. Compiled here, not run: see the README. */
final class KqueuePoller extends Poller {
    private static final int AT_ONCE = 256;
    private static final Abi HOST = Abi.host();
    private static final int EVENT_SIZE = HOST.value("kevent:size", 0);
    private static final int IDENT = HOST.value("kevent.ident:offset", 0);
    private static final int FILTER = HOST.value("kevent.filter:offset", 0);
    private static final int FLAGS = HOST.value("kevent.flags:offset", 0);

    private final short filter;
    private final MemorySegment events = Arena.global().allocate((long) AT_ONCE * EVENT_SIZE, 8);
    private final MemorySegment errno = Posix.errnoSegment(Arena.global());
    private int kqueue = -1;

    KqueuePoller(Readiness what) {
        filter = (short) HOST.value(what == Readiness.WRITABLE ? "EVFILT_WRITE" : "EVFILT_READ");
    }

    @Override
    int open() {
        kqueue = Posix.kqueue();
        if (kqueue < 0)
            return kqueue;
        int result = Posix.fcntl(kqueue, Constants.F_SETFD, Constants.FD_CLOEXEC);
        if (result < 0)
            close();
        return result;
    }

    @Override
    void close() {
        Posix.close(kqueue);
    }

    @Override
    int arm(int fd) {
        int result = change(fd, HOST.value("EV_ADD") | HOST.value("EV_ONESHOT"));
        return result == -EINVAL ? 0 : result == 0 ? 1 : result;
    }

    @Override
    void disarm(int fd) {
        change(fd, HOST.value("EV_DELETE"));
    }

    @Override
    void waitForEvents() {
        int count = Posix.kevent(errno, kqueue, 0, 0, events.address(), AT_ONCE);
        for (int i = 0; i < count; i++)
            ready((int) events.get(JAVA_LONG, (long) i * EVENT_SIZE + IDENT));
    }

    private int change(int fd, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(EVENT_SIZE, 8);
            event.set(JAVA_LONG, IDENT, fd);
            event.set(JAVA_SHORT, FILTER, filter);
            event.set(JAVA_SHORT, FLAGS, (short) flags);
            return Posix.kevent(kqueue, event.address(), 1, 0, 0);
        }
    }
}
