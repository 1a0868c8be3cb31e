package org.imsg.sys;

/** A descriptor that there is nothing to read from, ever, and a poller whose own thread does not run. */
final class NeverReady {
    private static final int EVENTFD = Posix.eventfd(0, Constants.O_CLOEXEC);

    private NeverReady() {}

    static int open() {
        return Posix.fcntl(EVENTFD, Constants.F_DUPFD_CLOEXEC, 0);
    }

    static Poller poller() {
        Poller poller = new EpollPoller(Readiness.READABLE);
        if (poller.open() < 0)
            throw new AssertionError("no epoll");
        return poller;
    }
}
