package org.imsg.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What is done with a descriptor that is known by its number only. */
public final class Descriptors {
    /** For errno that nobody reads, and so for all threads: making a segment for each close takes 100 ns. */
    private static final MemorySegment UNREAD = Posix.errnoSegment(Arena.global());
    private static final ThreadLocal<MemorySegment> ERRNO = ThreadLocal
            .withInitial(() -> Posix.errnoSegment(Arena.ofAuto()));

    private Descriptors() {}

    /**
     * close(2), for the descriptor's owner, when no thread is inside a call on it.
     *
     * @param number an open descriptor
     */
    public static void close(int number) {
        Readiness.forget(number);
        // Not again after EINTR: Linux has closed it, and the number may be somebody else's.
        Posix.close(UNREAD, number);
    }

    /**
     * F_DUPFD_CLOEXEC.
     *
     * @param number an open descriptor
     * @param atLeast the least number to get
     * @return the second descriptor, or the negative errno
     */
    public static int duplicate(int number, int atLeast) {
        return Posix.fcntl(ERRNO.get(), number, Constants.F_DUPFD_CLOEXEC, atLeast);
    }
}
