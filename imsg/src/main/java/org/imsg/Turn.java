package org.imsg;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.imsg.sys.Deadline;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Readiness;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * One direction of a channel, and the turn in it. Only the thread that has the turn touches the direction's memory, which is
 * written by address. After a close the memory goes with the turn: the closing thread frees it, or the thread that is inside
 * then, as it leaves.
 *
 * <p>A message costs one turn, so the turn costs one atomic operation and not the two of a lock: it is given back by a store
 * without a fence. That store and the look for a waiting thread behind it may pass each other. So a thread that waits looks again
 * every millisecond, and a closing thread tries to free the memory a while before it leaves that to the thread inside.
 */
abstract class Turn {
    private static final long LOOK_AGAIN = TimeUnit.MILLISECONDS.toNanos(1);
    /** Some ten microseconds: a store takes less to be seen. */
    private static final int TRIES = 1000;
    private static final VarHandle OWNER;

    static {
        try {
            OWNER = MethodHandles.lookup().findVarHandle(Turn.class, "owner", Thread.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    final ImsgChannel channel;
    final OpenDescriptor socket;
    private final Readiness readiness;
    /** The thread that has the turn, or null, and how often it has taken it. No thread mistakes another for itself. */
    private @Nullable Thread owner;
    private int depth;
    /** Held by the one thread that waits for the turn; others wait for this. */
    private final ReentrantLock next = new ReentrantLock();
    private volatile @Nullable Thread waiter;

    Turn(ImsgChannel channel, Fd socket, Readiness readiness) {
        this.channel = channel;
        this.socket = OpenDescriptor.of(socket);
        this.readiness = readiness;
    }

    /** Frees the memory and closes the descriptors in here; called with the turn, after the channel was closed. */
    abstract void free();

    /** Waits for the turn as for anything else: an interrupt closes the channel, and a close ends it. False if the deadline has passed. */
    final boolean take(long deadline) throws ClosedChannelException {
        if (takeNow())
            return true;
        try {
            return !isOver(deadline) && takeWaiting(deadline);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            channel.beginWaiting();
            channel.endWaiting(false);
            throw new AsynchronousCloseException();
        }
    }

    private boolean takeWaiting(long deadline) throws InterruptedException, AsynchronousCloseException {
        if (!next.tryLock(Deadline.left(deadline), TimeUnit.NANOSECONDS))
            return false;
        waiter = Thread.currentThread();
        try {
            while (!takeNow()) {
                if (!channel.isOpen())
                    throw new AsynchronousCloseException();
                long left = Deadline.left(deadline);
                if (left <= 0)
                    return false;
                LockSupport.parkNanos(this, Math.min(left, LOOK_AGAIN));
                if (Thread.interrupted())
                    throw new InterruptedException();
            }
            return true;
        } finally {
            waiter = null;
            next.unlock();
        }
    }

    static boolean isOver(long deadline) {
        return Deadline.left(deadline) <= 0;
    }

    /** Waits for the socket; false if the deadline has passed. */
    final boolean await(long deadline) throws IOException {
        return socket.await(readiness, deadline);
    }

    final boolean takeNow() {
        Thread me = Thread.currentThread();
        if (owner != me && !OWNER.compareAndSet(this, null, me) && !takeFromEnded(me))
            return false;
        depth++;
        return true;
    }

    /** Takes the turn of a thread that has ended without giving it back. */
    private boolean takeFromEnded(Thread me) {
        Thread holder = (Thread) OWNER.getAcquire(this);
        if (holder == null || holder.isAlive() || !OWNER.compareAndSet(this, holder, me))
            return false;
        depth = 0;
        return true;
    }

    final boolean isMine() {
        return owner == Thread.currentThread();
    }

    final void leave() {
        if (--depth > 0)
            return;
        OWNER.setRelease(this, null);
        Thread waiting = waiter;
        if (waiting != null)
            LockSupport.unpark(waiting);
        if (!channel.isOpen())
            freeIfUnused();
    }

    /** Frees everything after a close, unless another thread is inside, which does so as it leaves. */
    final void close() {
        for (int i = 0; i < TRIES && !isMine() && !freeIfUnused(); i++)
            Thread.onSpinWait();
    }

    private boolean freeIfUnused() {
        if (isMine() || !takeNow())
            return false;
        free();
        depth = 0;
        OWNER.setRelease(this, null);
        return true;
    }
}
