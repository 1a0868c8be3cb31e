package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Waits until a descriptor can be read or written. A platform thread waits in poll(2), a virtual thread is parked while a
 * {@link Poller} watches for it, so that no carrier is held. For one thread at a time; its memory is made at the first
 * poll(2).
 */
public final class Readiness {
    /** The deadline of a wait that has none. */
    public static final long FOREVER = Long.MAX_VALUE;

    private static final int EVENTS = Abi.host().value("pollfd.events:offset");

    private final boolean write;
    private final short interest;
    private MemorySegment pollfd;
    private MemorySegment errno;

    private Readiness(boolean write, int interest) {
        this.write = write;
        this.interest = (short) interest;
    }

    /**
     * For waiting until there is something to read, or the end of it.
     *
     * @return a new instance
     */
    public static Readiness toRead() {
        return new Readiness(false, Constants.POLLIN);
    }

    /**
     * For waiting until something can be written, or never will be.
     *
     * @return a new instance
     */
    public static Readiness toWrite() {
        return new Readiness(true, Constants.POLLOUT);
    }

    /**
     * For waiting until the peer has closed its end, whatever is still there to read. On platform threads only.
     *
     * @return a new instance
     */
    public static Readiness toHangUp() {
        // POLLHUP needs no asking.
        return new Readiness(false, 0);
    }

    /**
     * Waits. Returning early is allowed, so callers try again and come back.
     *
     * @param fd the descriptor, which stays open meanwhile
     * @param deadline when to give up, in terms of {@link System#nanoTime}, or {@link #FOREVER}
     * @return false if the deadline has passed
     */
    public boolean await(int fd, long deadline) {
        if (Thread.currentThread().isVirtual())
            return awaitParked(fd, deadline, () -> false);
        // The longest timeout of poll(2) is 24 days: its end need not be the deadline.
        return poll(fd, pollTimeout(deadline)) != 0 || deadline - System.nanoTime() > 0;
    }

    /**
     * Looks without waiting.
     *
     * @param fd the descriptor, which stays open meanwhile
     * @return whether a call would not wait
     */
    public boolean isReady(int fd) {
        return poll(fd, 0) > 0;
    }

    private int poll(int fd, int timeoutMillis) {
        if (pollfd == null) {
            pollfd = Arena.ofAuto().allocate(8, 8);
            errno = Posix.errnoSegment(Arena.ofAuto());
        }
        pollfd.set(JAVA_INT, 0, fd);
        pollfd.set(JAVA_SHORT, EVENTS, interest);
        return Posix.poll(errno, pollfd.address(), 1, timeoutMillis);
    }

    /**
     * Waits as {@link #await} does, but parks platform threads too: for descriptors that are no sockets, where nothing wakes
     * a thread out of poll(2) when another closes the descriptor.
     *
     * @param fd the descriptor, which stays open meanwhile
     * @param deadline when to give up, in terms of {@link System#nanoTime}, or {@link #FOREVER}
     * @param abandoned tells whether the descriptor is being closed: a {@link #wake} that came before this thread could
     *     be parked
     * @return false if the deadline has passed
     */
    public boolean awaitParked(int fd, long deadline, BooleanSupplier abandoned) {
        return (write ? Poller.write() : Poller.read()).await(fd, deadline, abandoned);
    }

    /**
     * Lets go the threads that are parked for a descriptor.
     *
     * @param fd the descriptor
     */
    public static void wake(int fd) {
        Poller.forEachRunning(poller -> poller.ready(fd));
    }

    /**
     * Takes a descriptor out of the pollers' sets. To be called just before it is closed: where another process holds the same
     * open file, closing alone would leave it there.
     *
     * @param fd the descriptor
     */
    public static void forget(int fd) {
        Poller.forEachRunning(poller -> poller.forget(fd));
    }

    /** Starts the shared pollers, which hold descriptors of their own from then on. */
    public static void startPollers() {
        Poller.read();
        Poller.write();
    }

    private static int pollTimeout(long deadline) {
        if (deadline == FOREVER)
            return -1;
        long nanos = deadline - System.nanoTime();
        // Rounded up: a wait must not end before its deadline and then spin.
        return nanos <= 0 ? 0 : (int) Math.min(Integer.MAX_VALUE, TimeUnit.NANOSECONDS.toMillis(nanos + 999_999));
    }
}
