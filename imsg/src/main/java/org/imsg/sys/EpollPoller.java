package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.imsg.sys.Constants.ENOENT;
import static org.imsg.sys.Constants.EPERM;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A poller over epoll(7), one report a registration. */
final class EpollPoller extends Poller {
    private static final int AT_ONCE = 256;
    private static final Abi HOST = Abi.host();
    private static final int EVENT_SIZE = HOST.value("epoll_event:size");
    private static final int EVENTS = HOST.value("epoll_event.events:offset");
    private static final int DATA = HOST.value("epoll_event.data:offset");
    private static final int ADD = HOST.value("EPOLL_CTL_ADD");
    private static final int MODIFY = HOST.value("EPOLL_CTL_MOD");
    private static final int DELETE = HOST.value("EPOLL_CTL_DEL");

    private final int interest;
    private final MemorySegment events = Arena.global().allocate((long) AT_ONCE * EVENT_SIZE, 8);
    private final MemorySegment errno = Posix.errnoSegment(Arena.global());
    private int epoll = -1;

    EpollPoller(Readiness what) {
        // The bits are those of poll(2).
        interest = what.events | HOST.value("EPOLLONESHOT");
    }

    @Override
    int open() {
        epoll = Posix.epoll_create1(HOST.value("EPOLL_CLOEXEC"));
        return Math.min(epoll, 0);
    }

    @Override
    void close() {
        Posix.close(epoll);
    }

    @Override
    int arm(int fd) {
        int result = control(MODIFY, fd);
        if (result == -ENOENT)
            result = control(ADD, fd);
        return result == -EPERM ? 0 : result == 0 ? 1 : result;
    }

    @Override
    void disarm(int fd) {
        control(DELETE, fd);
    }

    @Override
    void waitForEvents() {
        int count = Posix.epoll_wait(errno, epoll, events.address(), AT_ONCE, -1);
        for (int i = 0; i < count; i++)
            ready(events.get(JAVA_INT_UNALIGNED, (long) i * EVENT_SIZE + DATA));
    }

    private int control(int operation, int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(EVENT_SIZE, 8);
            event.set(JAVA_INT_UNALIGNED, EVENTS, interest);
            event.set(JAVA_INT_UNALIGNED, DATA, fd);
            return Posix.epoll_ctl(epoll, operation, fd, event.address());
        }
    }
}
