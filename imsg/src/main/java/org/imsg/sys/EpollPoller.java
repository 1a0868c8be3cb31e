package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static org.imsg.sys.Constants.EINTR;
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

    private final int epoll;
    private final int interest;
    private final MemorySegment events = Arena.ofAuto().allocate((long) AT_ONCE * EVENT_SIZE, 8);
    private final MemorySegment errno = Posix.errnoSegment(Arena.ofAuto());

    EpollPoller(boolean write) {
        interest = HOST.value(write ? "EPOLLOUT" : "EPOLLIN") | HOST.value("EPOLLONESHOT");
        epoll = Posix.epoll_create1(errno, HOST.value("EPOLL_CLOEXEC"));
        if (epoll < 0)
            throw new IllegalStateException("epoll_create1: " + Posix.strerror(-epoll));
    }

    @Override
    boolean arm(int fd) {
        int result = control(MODIFY, fd);
        if (result == -ENOENT)
            result = control(ADD, fd);
        if (result == -EPERM)
            return false;
        if (result < 0)
            throw new IllegalStateException("epoll_ctl for descriptor " + fd + ": " + Posix.strerror(-result));
        return true;
    }

    @Override
    void disarm(int fd) {
        control(DELETE, fd);
    }

    @Override
    void waitForEvents() {
        int count = Posix.epoll_wait(errno, epoll, events.address(), AT_ONCE, -1);
        if (count < 0 && count != -EINTR)
            throw new IllegalStateException("epoll_wait: " + Posix.strerror(-count));
        for (int i = 0; i < count; i++)
            ready(events.get(JAVA_INT_UNALIGNED, (long) i * EVENT_SIZE + DATA));
    }

    private int control(int operation, int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment event = arena.allocate(EVENT_SIZE, 8);
            event.set(JAVA_INT_UNALIGNED, EVENTS, interest);
            event.set(JAVA_INT_UNALIGNED, DATA, fd);
            return Posix.epoll_ctl(Posix.errnoSegment(arena), epoll, operation, fd, event.address());
        }
    }
}
