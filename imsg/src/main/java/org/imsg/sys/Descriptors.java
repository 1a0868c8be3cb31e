package org.imsg.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Calls on a descriptor that is known by its number only. */
public final class Descriptors {
    private static final int LINUX_SO_LINGER = 13;
    private static final MemorySegment NO_LINGER = Arena.global().allocate(8, 4);

    private Descriptors() {}

    /**
     * Closes a descriptor for its owner: close(2), which happens also when memory is at its end. No thread may be inside a call
     * on it.
     *
     * @param number an open descriptor
     */
    public static void close(int number) {
        try {
            Poller.forget(number);
        } catch (OutOfMemoryError | StackOverflowError _) {
            // A poller then reports the next file of that number once too often.
        }
        // Not again after EINTR: Linux has closed it, and the number may be another file's.
        Posix.close(number);
    }

    /**
     * Has the close of a socket not wait for what its peer has not read, as SO_LINGER would have it. Does nothing for what is no
     * socket, and on systems other than Linux.
     *
     * @param number an open descriptor
     */
    public static void forbidLinger(int number) {
        if (Os.current() == Os.LINUX)
            Posix.setsockopt(number, Constants.SOL_SOCKET, LINUX_SO_LINGER, NO_LINGER.address(), 8);
    }

    /**
     * Makes a second descriptor of the same open file: F_DUPFD_CLOEXEC.
     *
     * @param number an open descriptor
     * @param atLeast the least number to get
     * @return the second descriptor, or the negative errno
     */
    public static int duplicate(int number, int atLeast) {
        return Posix.fcntl(number, Constants.F_DUPFD_CLOEXEC, atLeast);
    }
}
