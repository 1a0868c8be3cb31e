package org.imsg;

import static org.imsg.sys.Readiness.FOREVER;

import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Readiness;
import org.imsg.unix.Fd;

/**
 * One direction of a channel: whose turn it is, and who lets go of what is left when the channel is closed. That is the closing
 * thread, or the one that was inside when it came by, whichever can have the lock.
 */
abstract class Direction {
    final ImsgChannel channel;
    final Fd socket;
    final Readiness readiness;
    private final ReentrantLock lock = new ReentrantLock();

    Direction(ImsgChannel channel, Fd socket, Readiness readiness) {
        this.channel = channel;
        this.socket = socket;
        this.readiness = readiness;
    }

    /** Lets go of every descriptor in here; called with the lock, after the channel was closed. */
    abstract void drop();

    /** Waits for the lock as for anything else: an interrupt closes the channel. Returns false if the deadline has passed. */
    final boolean take(long deadline) throws IOException {
        if (lock.tryLock())
            return true;
        try {
            if (deadline != FOREVER)
                return lock.tryLock(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            lock.lockInterruptibly();
            return true;
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            channel.beginWaiting();
            channel.endWaiting(false);
            throw new AsynchronousCloseException();
        }
    }

    /** Waits for the socket; false if the deadline has passed. */
    final boolean await(long deadline) throws IOException {
        return OpenDescriptor.of(socket).await(readiness, deadline);
    }

    final boolean takeNow() {
        return lock.tryLock();
    }

    final void takeUninterruptibly() {
        lock.lock();
    }

    final boolean isTakenByCurrentThread() {
        return lock.isHeldByCurrentThread();
    }

    final void leave() {
        lock.unlock();
        dropIfClosed();
    }

    final void dropIfClosed() {
        if (!channel.isOpen() && !lock.isHeldByCurrentThread() && lock.tryLock()) {
            try {
                drop();
            } finally {
                lock.unlock();
            }
        }
    }
}
