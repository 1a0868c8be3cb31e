package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Holds one platform thread in poll(2) until its descriptor is ready or another thread wakes it.
 *
 * <p>The thread polls a second descriptor beside its own, an eventfd (elsewhere a pipe), which {@link #wake()} makes readable.
 * So nothing is done to the socket, which other processes may share, and a wake that comes before the poll is not lost.
 * The JDK wakes such threads by a signal, with dup2(2) of a dead socket onto the number beforehand. That needs no
 * descriptor, but a signal handler, which a library in Java cannot write, and a signal number that belongs to no other library;
 * and a thread that blocks signals is never woken.
 *
 * <p>Wakers are shared: there are as many as threads wait at once, {@value #MOST} at most, and up to {@value #KEPT} more stay open
 * for the next: threads that wait in turn open and close none. A thread that finds none, or no descriptor for one, is parked as a virtual thread is.
 */
final class Waker {
    /** The most threads that wait in poll(2) at once. */
    private static final int MOST = 64;
    private static final int KEPT = 8;

    private static final int POLLFD_SIZE = 8;
    private static final int EVENTS = Abi.host().value("pollfd.events:offset");
    private static final int REVENTS = Abi.host().value("pollfd.revents:offset");
    private static final int ERRNO_AT = 2 * POLLFD_SIZE;
    private static final int SLOT_SIZE = ERRNO_AT + 8;

    private static final ArrayDeque<Waker> OPEN = new ArrayDeque<>(MOST);
    private static final ArrayDeque<Waker> CLOSED = new ArrayDeque<>(MOST);

    static {
        MemorySegment slots = Arena.global().allocate((long) MOST * SLOT_SIZE, 8);
        for (int i = 0; i < MOST; i++)
            CLOSED.add(new Waker(slots.asSlice((long) i * SLOT_SIZE, SLOT_SIZE)));
    }

    private final MemorySegment slot;
    private final MemorySegment errno;
    private final WakeDescriptor descriptor = new WakeDescriptor();

    private Waker(MemorySegment slot) {
        this.slot = slot;
        this.errno = slot.asSlice(ERRNO_AT);
    }

    /** A waker for this thread alone, until {@link #giveBack()}; or null if there is no more. */
    static @Nullable Waker take() {
        Waker waker;
        synchronized (OPEN) {
            waker = OPEN.pollFirst();
            if (waker != null)
                return waker;
            waker = CLOSED.pollFirst();
        }
        if (waker == null || waker.descriptor.open() == 0)
            return waker;
        waker.giveBack();
        return null;
    }

    /** Ends the use of this waker; {@link #wake()} must not be called any more. */
    void giveBack() {
        synchronized (OPEN) {
            if (OPEN.size() == KEPT)
                descriptor.close();
            (descriptor.isOpen() ? OPEN : CLOSED).addFirst(this);
        }
    }

    /** Opens the descriptors that are kept, so that they are there when a test counts. */
    static void openKept() {
        Waker[] taken = new Waker[KEPT];
        for (int i = 0; i < KEPT; i++)
            taken[i] = take();
        for (Waker waker : taken)
            if (waker != null)
                waker.giveBack();
    }

    /**
     * Waits: poll(2).
     *
     * @return 1 if the descriptor is ready, the thread was woken, or a signal came; 0 at the timeout; or the negative errno
     */
    int poll(int fd, short events, int timeoutMillis) {
        put(0, fd, events);
        put(POLLFD_SIZE, descriptor.out(), (short) Constants.POLLIN);
        int n = Posix.poll(errno, slot.address(), 2, timeoutMillis);
        if (n > 0 && slot.get(JAVA_SHORT, POLLFD_SIZE + REVENTS) != 0)
            descriptor.drain();
        return n > 0 || n == -Constants.EINTR ? 1 : n;
    }

    /** Ends {@code poll}, or keeps it from waiting. Called by any thread between {@link #take()} and {@link #giveBack()}. */
    void wake() {
        descriptor.write();
    }

    private void put(int at, int fd, short events) {
        slot.set(JAVA_INT, at, fd);
        slot.set(JAVA_SHORT, at + EVENTS, events);
        slot.set(JAVA_SHORT, at + REVENTS, (short) 0);
    }
}
