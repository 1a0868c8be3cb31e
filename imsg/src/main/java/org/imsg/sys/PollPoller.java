package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashSet;
import java.util.Set;

/** A poller over poll(2) and a pipe that interrupts it: for where there is neither epoll nor kqueue. */
final class PollPoller extends Poller {
    private static final int POLLFD_SIZE = 8;
    private static final int EVENTS = Abi.host().value("pollfd.events:offset");
    private static final int REVENTS = Abi.host().value("pollfd.revents:offset");

    private final Set<Integer> armed = new LinkedHashSet<>();
    private final WakeDescriptor interrupt = new WakeDescriptor();
    private final short interest;
    private Arena arena = Arena.ofShared();
    private MemorySegment pollfds = arena.allocate(64L * POLLFD_SIZE, 8);

    PollPoller(Readiness what) {
        interest = what.events;
    }

    @Override
    int open() {
        return interrupt.open();
    }

    @Override
    void close() {
        interrupt.close();
    }

    @Override
    int arm(int fd) {
        synchronized (armed) {
            armed.add(fd);
        }
        interrupt.write();
        return 1;
    }

    @Override
    void disarm(int fd) {
        synchronized (armed) {
            armed.remove(fd);
        }
        interrupt.write();
    }

    @Override
    void waitForEvents() {
        int count = fill();
        if (Posix.poll(pollfds.address(), count, -1) <= 0)
            return;
        if (pollfds.get(JAVA_SHORT, REVENTS) != 0)
            interrupt.drain();
        for (int i = 1; i < count; i++) {
            if (pollfds.get(JAVA_SHORT, (long) i * POLLFD_SIZE + REVENTS) != 0) {
                int fd = pollfds.get(JAVA_INT, (long) i * POLLFD_SIZE);
                synchronized (armed) {
                    armed.remove(fd);
                }
                ready(fd);
            }
        }
    }

    /** The number that is readable while something interrupts the poll. */
    int interruptedBy() {
        return interrupt.out();
    }

    private int fill() {
        synchronized (armed) {
            int count = armed.size() + 1;
            if (pollfds.byteSize() < (long) count * POLLFD_SIZE)
                grow(2 * count);
            put(0, interrupt.out(), (short) Constants.POLLIN);
            int i = 1;
            for (int fd : armed)
                put(i++, fd, interest);
            return count;
        }
    }

    private void put(int index, int fd, short events) {
        pollfds.set(JAVA_INT, (long) index * POLLFD_SIZE, fd);
        pollfds.set(JAVA_SHORT, (long) index * POLLFD_SIZE + EVENTS, events);
        pollfds.set(JAVA_SHORT, (long) index * POLLFD_SIZE + REVENTS, (short) 0);
    }

    private void grow(int count) {
        Arena larger = Arena.ofShared();
        pollfds = larger.allocate((long) count * POLLFD_SIZE, 8);
        arena.close();
        arena = larger;
    }
}
