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
    private final int pipeOut;
    private final int pipeIn;
    private final short interest;
    private final MemorySegment errno = Posix.errnoSegment(Arena.ofAuto());
    private MemorySegment pollfds = Arena.ofAuto().allocate(64L * POLLFD_SIZE, 8);

    PollPoller(boolean write) {
        interest = (short) (write ? Constants.POLLOUT : Constants.POLLIN);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pair = arena.allocate(8, 4);
            int result = Posix.pipe(pair.address());
            if (result < 0)
                throw new IllegalStateException("pipe: " + Posix.strerror(-result));
            pipeOut = pair.get(JAVA_INT, 0);
            pipeIn = pair.get(JAVA_INT, 4);
        }
        for (int end : new int[]{pipeOut, pipeIn}) {
            Posix.fcntl(end, Constants.F_SETFD, Constants.FD_CLOEXEC);
            Posix.fcntl(end, Constants.F_SETFL, Constants.O_NONBLOCK);
        }
    }

    @Override
    boolean arm(int fd) {
        synchronized (armed) {
            armed.add(fd);
        }
        interrupt();
        return true;
    }

    @Override
    void disarm(int fd) {
        synchronized (armed) {
            armed.remove(fd);
        }
        interrupt();
    }

    @Override
    void waitForEvents() {
        int count = fill();
        if (Posix.poll(errno, pollfds.address(), count, -1) <= 0)
            return;
        if (pollfds.get(JAVA_SHORT, REVENTS) != 0)
            drainPipe();
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

    private int fill() {
        synchronized (armed) {
            int count = armed.size() + 1;
            if (pollfds.byteSize() < (long) count * POLLFD_SIZE)
                pollfds = Arena.ofAuto().allocate(2L * count * POLLFD_SIZE, 8);
            put(0, pipeOut, (short) Constants.POLLIN);
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

    /** One byte in the pipe; if it is full, the poller is being interrupted already. */
    private void interrupt() {
        try (Arena arena = Arena.ofConfined()) {
            Posix.write(pipeIn, arena.allocate(1).address(), 1);
        }
    }

    private void drainPipe() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(256);
            while (Posix.read(errno, pipeOut, bytes.address(), 256) > 0) {
                // until it is empty
            }
        }
    }
}
