package org.imsg.sys;

/** What is done with a descriptor that is known by its number only. */
public final class Descriptors {
    private Descriptors() {}

    /**
     * close(2), for the descriptor's owner, when no thread is inside a call on it.
     *
     * @param number an open descriptor
     */
    public static void close(int number) {
        Poller.forget(number);
        // Not again after EINTR: Linux has closed it, and the number may be somebody else's.
        Posix.close(number);
    }

    /**
     * F_DUPFD_CLOEXEC.
     *
     * @param number an open descriptor
     * @param atLeast the least number to get
     * @return the second descriptor, or the negative errno
     */
    public static int duplicate(int number, int atLeast) {
        return Posix.fcntl(number, Constants.F_DUPFD_CLOEXEC, atLeast);
    }
}
