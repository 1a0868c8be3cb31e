package org.imsg;

import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.imsg.sys.Deadline;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Readiness;
import org.imsg.unix.Fd;

/**
 * One direction of a channel, and the turn in it. Only the thread that has the turn touches the direction's memory, which is
 * written by address. After a close the memory goes with the turn: the closing thread frees it, or the thread that is inside
 * then, as it leaves.
 */
abstract class Turn {
    final ImsgChannel channel;
    final OpenDescriptor socket;
    private final Readiness readiness;
    private final ReentrantLock lock = new ReentrantLock();

    Turn(ImsgChannel channel, Fd socket, Readiness readiness) {
        this.channel = channel;
        this.socket = OpenDescriptor.of(socket);
        this.readiness = readiness;
    }

    /** Frees the memory and closes the descriptors in here; called with the turn, after the channel was closed. */
    abstract void free();

    /** Waits for the turn as for anything else: an interrupt closes the channel. Returns false if the deadline has passed. */
    final boolean take(long deadline) throws ClosedChannelException {
        if (lock.tryLock())
            return true;
        try {
            if (deadline != Deadline.FOREVER)
                return !isOver(deadline) && lock.tryLock(Deadline.left(deadline), TimeUnit.NANOSECONDS);
            lock.lockInterruptibly();
            return true;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            channel.beginWaiting();
            channel.endWaiting(false);
            throw new AsynchronousCloseException();
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
        return lock.tryLock();
    }

    final boolean isMine() {
        return lock.isHeldByCurrentThread();
    }

    final void leave() {
        lock.unlock();
        if (!channel.isOpen())
            freeIfUnused();
    }

    /** Frees everything unless a thread is inside, which does so as it leaves. */
    final void freeIfUnused() {
        if (!lock.isHeldByCurrentThread() && lock.tryLock()) {
            try {
                free();
            } finally {
                lock.unlock();
            }
        }
    }
}
