package org.imsg.sys;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A descriptor that one owner closes while other threads may be inside a call on it: the number stays in use until the last
 * of them has left, so that no call ever reaches a file that got the number later. Every method may be called by any thread.
 *
 * <p>This is what an {@code org.imsg.unix.Fd} owns, and what only modules of imsg get at: {@code of}.
 */
public final class OpenDescriptor {
    private static final int GONE = 0x4000_0000;
    private static final int CLOSED = 0x2000_0000;
    private static final long MOMENT = TimeUnit.MILLISECONDS.toNanos(20);
    private static final VarHandle STATE;
    private static volatile @Nullable Function<Object, OpenDescriptor> ofFd;
    private static volatile @Nullable BiFunction<OpenDescriptor, Integer, IOException> failure;
    private static volatile @Nullable Consumer<OpenDescriptor> witness;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(OpenDescriptor.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Written before {@code state}, and read after it where it may not have been there from the beginning. */
    private int number;
    /** The number of threads inside, GONE while there is no owner, and CLOSED beside it when nothing is left to close. */
    private volatile int state;
    /** The number as a key of the pollers' maps, once a virtual thread has waited: a close has no memory to make it. */
    private volatile @Nullable Integer key;
    /** Closes the number instead of the thread that lets go last; null unless {@link #closeBy(Consumer)} was called. */
    private volatile @Nullable Consumer<OpenDescriptor> closer;
    private volatile boolean passedOn;
    /** The threads that wait in poll(2). */
    private final List<Waker> waiting = new ArrayList<>(0);

    /**
     * A descriptor that has just been opened, or was given away by another owner.
     *
     * @param number the descriptor, 0 or more
     */
    public OpenDescriptor(int number) {
        this.number = number;
        tellWitness();
    }

    /** A descriptor that is not open yet: made first, so that no shortage of memory comes between opening one and owning it. */
    public OpenDescriptor() {
        number = -1;
        state = GONE | CLOSED;
    }

    /**
     * Takes over a descriptor, once, of an object that was made without one.
     *
     * @param opened the descriptor, 0 or more
     */
    public void open(int opened) {
        number = opened;
        state = 0;
        tellWitness();
    }

    /**
     * Has every descriptor told that gets an owner from now on, so that a test can know its own.
     *
     * @param told is called by the thread that opens the descriptor; must not throw
     */
    public static void watch(Consumer<OpenDescriptor> told) {
        witness = told;
    }

    private void tellWitness() {
        Consumer<OpenDescriptor> told = witness;
        if (told != null)
            told.accept(this);
    }

    /**
     * Takes over a descriptor, and how it is closed.
     *
     * @param opened the descriptor, 0 or more
     * @param like another owner of the same open file
     */
    public void open(int opened, OpenDescriptor like) {
        closer = like.closer;
        open(opened);
    }

    /**
     * Has the number closed by another thread than the one that lets go last, for close(2) may have to wait: a peer that has sent a
     * socket may have set SO_LINGER. Holds for those that the descriptor is moved to, and for duplicates.
     *
     * @param task has {@link #closeNow()} called by another thread, and returns at once; it may be called more than once
     */
    public void closeBy(Consumer<OpenDescriptor> task) {
        closer = task;
    }

    /**
     * Whether another thread closes the number.
     *
     * @return true after {@link #closeBy(Consumer)}
     */
    public boolean isClosedElsewhere() {
        return closer != null;
    }

    /**
     * Tells what this package does not know of Fd and its exception. Called by that class only.
     *
     * @param access from an Fd to its descriptor
     * @param failed the exception for a wait that fails, from the descriptor and the value of errno
     */
    public static void connect(Function<Object, OpenDescriptor> access,
            BiFunction<OpenDescriptor, Integer, IOException> failed) {
        ofFd = access;
        failure = failed;
    }

    /** Opens what waiting needs of descriptors and keeps, so that it is there when a test counts. */
    public static void prepareWaiting() {
        for (Readiness what : Readiness.values())
            Poller.start(what);
        Waker.openKept();
    }

    /**
     * The descriptor of an Fd.
     *
     * @param fd an {@code org.imsg.unix.Fd}
     * @return its descriptor, which the Fd still owns
     */
    public static OpenDescriptor of(Object fd) {
        return ofFd.apply(fd);
    }

    @Override
    public String toString() {
        return "descriptor " + number + (isOpen() ? "" : " (no longer owned)");
    }

    /**
     * The number, to look at.
     *
     * @return 0 or more
     */
    public int number() {
        return number;
    }

    /**
     * Whether there is an owner.
     *
     * @return false after {@link #close()} or {@link #giveAway()}
     */
    public boolean isOpen() {
        return (state & GONE) == 0;
    }

    /**
     * Begins a call on the descriptor: until {@link #exit()}, its number stays in use, also if another thread closes it.
     *
     * @return the number
     * @throws ClosedChannelException if it is closed or was given away
     */
    public int enter() throws ClosedChannelException {
        for (;;) {
            int seen = state;
            if ((seen & GONE) != 0)
                throw new ClosedChannelException();
            if (STATE.compareAndSet(this, seen, seen + 1))
                return number;
        }
    }

    /** Ends a call that {@link #enter()} began; closes the descriptor if it has no owner any more and this was the last call. */
    public void exit() {
        int before = (int) STATE.getAndAdd(this, -1);
        if (before == (GONE | 1))
            closeNumber();
    }

    /**
     * Has the number closed if no owner, no thread inside and no other close has it. Needed by itself only after a close that had no
     * stack left, which may be made up for at any time.
     */
    public void closeNumber() {
        Consumer<OpenDescriptor> other = closer;
        if (other == null) {
            closeNow();
        } else if (state == GONE && !passedOn) {
            other.accept(this);
            passedOn = true;
        }
    }

    /** Closes the number in this thread, as {@link #closeNumber()}. */
    public void closeNow() {
        if (!STATE.compareAndSet(this, GONE, GONE | CLOSED))
            return;
        try {
            if (closer != null)
                Descriptors.forbidLinger(number);
            Descriptors.close(number);
        } catch (StackOverflowError e) {
            state = GONE;
            throw e;
        }
    }

    /**
     * Whether a thread is inside a call.
     *
     * @return true until the last has left
     */
    public boolean isInUse() {
        return (state & ~(GONE | CLOSED)) != 0;
    }

    /**
     * Waits until the descriptor is ready. A platform thread waits in poll(2), a virtual thread is parked while a shared
     * thread watches for it, so that no carrier is held. {@link #close()} ends the wait; an interrupt ends that of a parked
     * thread.
     *
     * @param what the event
     * @param deadline when to give up, or {@link Deadline#FOREVER}
     * @return false if the deadline has passed; true if it is ready, or this returns early: the caller tries again and comes
     *         back
     * @throws IOException if it is closed or was given away before, a {@link ClosedChannelException}, or while this waits, an
     *     {@link AsynchronousCloseException}; if there is no descriptor for the shared thread that a virtual thread needs, an
     *     ErrnoException such as EMFILE, after which a later wait may succeed
     */
    public boolean await(Readiness what, long deadline) throws IOException {
        enter();
        try {
            boolean virtual = Thread.currentThread().isVirtual();
            Waker waker = virtual ? null : Waker.take();
            if (waker == null && key == null)
                key = number;
            int result = waker == null
                    ? Poller.await(what, key, deadline, () -> !isOpen())
                    : poll(waker, what, deadline);
            if (result < 0 && !virtual)
                result = pollForMoment(what, deadline);
            if (!isOpen())
                throw new AsynchronousCloseException();
            if (result < 0)
                throw failure.apply(this, -result);
            return result > 0;
        } finally {
            exit();
        }
    }

    /** Waits where there is no descriptor for a waker or a poller: a close is noticed a little later then. */
    private int pollForMoment(Readiness what, long deadline) {
        what.poll(number, Deadline.pollTimeout(System.nanoTime() + Math.min(MOMENT, Deadline.left(deadline))));
        return Deadline.left(deadline) > 0 ? 1 : 0;
    }

    private int poll(Waker waker, Readiness what, long deadline) {
        try {
            synchronized (waiting) {
                waiting.add(waker);
            }
            // A close before the line above has not seen the waker; one after it wakes.
            int result = isOpen() ? waker.poll(number, what.events, Deadline.pollTimeout(deadline)) : 1;
            return result == 0 && Deadline.left(deadline) > 0 ? 1 : result;
        } finally {
            synchronized (waiting) {
                waiting.remove(waker);
            }
            waker.giveBack();
        }
    }

    /**
     * Gives the number away, and with it the duty to close it.
     *
     * @throws IllegalStateException if it is closed or was given away already, or a thread is inside a call on it
     */
    public void giveAway() {
        if (!STATE.compareAndSet(this, 0, GONE | CLOSED))
            throw new IllegalStateException((state & GONE) != 0
                    ? "descriptor " + number + " is closed or was handed on already"
                    : "descriptor " + number + " is in use by another thread");
    }

    /**
     * Closes the descriptor, or leaves that to the last thread inside a call on it. Threads that wait are woken; nothing is
     * done to the open file, which other descriptors and processes may share. A second call has no effect.
     */
    public void close() {
        int inside;
        do {
            inside = state;
            if ((inside & GONE) != 0)
                return;
            // Beside others this one goes inside too: when they left, the number below would be another file's.
        } while (!STATE.compareAndSet(this, inside, inside == 0 ? GONE : (inside | GONE) + 1));
        if (inside == 0) {
            closeNumber();
            return;
        }
        try {
            wakeAll();
        } finally {
            exit();
        }
    }

    /** Allocates nothing. */
    private void wakeAll() {
        synchronized (waiting) {
            for (int i = 0; i < waiting.size(); i++)
                waiting.get(i).wake();
        }
        Integer watched = key;
        if (watched != null)
            Poller.wake(watched);
    }
}
