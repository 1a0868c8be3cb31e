package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The events of a descriptor that a thread can wait for, see {@link OpenDescriptor}. */
public enum Readiness {
    /** There is something to read, or the end of it. */
    READABLE(Constants.POLLIN),
    /** Something can be written, or never will be. */
    WRITABLE(Constants.POLLOUT),
    /** The peer has closed its end, whatever is still there to read. POLLHUP needs no asking. */
    HUNG_UP(0);

    /** The deadline of a wait that has none. */
    public static final long FOREVER = Deadline.FOREVER;

    /** The bits of poll(2). */
    final short events;

    Readiness(int events) {
        this.events = (short) events;
    }

    /**
     * Looks without waiting: poll(2).
     *
     * @param fd the descriptor, which stays open meanwhile
     * @return whether a call would not wait
     */
    public boolean isNow(int fd) {
        return poll(fd, 0);
    }

    /** Waits in poll(2), where no other thread can end it before the time is over. */
    boolean poll(int fd, int timeoutMillis) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pollfd = arena.allocate(8, 8);
            pollfd.set(JAVA_INT, 0, fd);
            pollfd.set(JAVA_SHORT, Abi.host().value("pollfd.events:offset"), events);
            return Posix.poll(pollfd.address(), 1, timeoutMillis) > 0;
        }
    }
}
