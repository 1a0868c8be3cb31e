package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.imsg.sys.Constants.EINTR;
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

    private final int kqueue;
    private final short filter;
    private final MemorySegment events = Arena.ofAuto().allocate((long) AT_ONCE * EVENT_SIZE, 8);
    private final MemorySegment errno = Posix.errnoSegment(Arena.ofAuto());

    KqueuePoller(boolean write) {
        filter = (short) HOST.value(write ? "EVFILT_WRITE" : "EVFILT_READ");
        kqueue = Posix.kqueue(errno);
        if (kqueue < 0)
            throw new IllegalStateException("kqueue: " + Posix.strerror(-kqueue));
        Posix.fcntl(kqueue, Constants.F_SETFD, Constants.FD_CLOEXEC);
    }

    @Override
    boolean arm(int fd) {
        int result = change(fd, HOST.value("EV_ADD") | HOST.value("EV_ONESHOT"));
        if (result == -EINVAL)
            return false;
        if (result < 0)
            throw new IllegalStateException("kevent for descriptor " + fd + ": " + Posix.strerror(-result));
        return true;
    }

    @Override
    void disarm(int fd) {
        change(fd, HOST.value("EV_DELETE"));
    }

    @Override
    void waitForEvents() {
        int count = Posix.kevent(errno, kqueue, 0, 0, events.address(), AT_ONCE);
        if (count < 0 && count != -EINTR)
            throw new IllegalStateException("kevent: " + Posix.strerror(-count));
        for (int i = 0; i < count; i++)
            ready((int) events.get(JAVA_LONG, (long) i * EVENT_SIZE + IDENT));
    }

    private int change(int fd, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(EVENT_SIZE, 8);
            event.set(JAVA_LONG, IDENT, fd);
            event.set(JAVA_SHORT, FILTER, filter);
            event.set(JAVA_SHORT, FLAGS, (short) flags);
            return Posix.kevent(Posix.errnoSegment(arena), kqueue, event.address(), 1, 0, 0);
        }
    }
}
