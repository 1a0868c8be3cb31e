package org.imsg;

import static org.imsg.sys.Constants.EAGAIN;
import static org.imsg.sys.Constants.ENOBUFS;
import static org.imsg.sys.Constants.MSG_DONTWAIT;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Readiness;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/** The sending direction of a channel: turns, and waiting for room for what {@link Outbox} holds. */
final class Sender extends Direction {
    private final Outbox outbox;

    Sender(ImsgChannel channel, Fd socket, Outbox outbox) {
        super(channel, socket, Readiness.WRITABLE);
        this.outbox = outbox;
    }

    /** Sends without waiting; false if something is left, or another thread is sending. */
    boolean write() throws IOException {
        if (!takeNow())
            return false;
        try {
            int number = OpenDescriptor.of(socket).enter();
            try {
                while (outbox.pending() > 0) {
                    int n = outbox.sendOnce(number, MSG_DONTWAIT);
                    if (n == -EAGAIN || n == -ENOBUFS)
                        return false;
                    checkSent(n);
                }
                return true;
            } finally {
                OpenDescriptor.of(socket).exit();
            }
        } finally {
            leave();
        }
    }

    void flush(long deadline) throws IOException {
        if (write())
            return;
        begin(deadline);
        try {
            int number = OpenDescriptor.of(socket).enter();
            try {
                while (outbox.pending() > 0)
                    checkSent(sendWaiting(number, deadline));
            } finally {
                OpenDescriptor.of(socket).exit();
            }
        } finally {
            leave();
        }
    }

    void begin(long deadline) throws IOException {
        if (!take(deadline))
            throw new SocketTimeoutException("another thread was sending, nothing was queued");
    }

    /** Makes room in the queue for a message of that length, as far as it can be had by sending. */
    void awaitRoom(int length, long deadline) throws IOException {
        if (outbox.hasRoom(length))
            return;
        try {
            flush(deadline);
        } catch (SocketTimeoutException e) {
            throw new SocketTimeoutException("the queue is full, the message was not queued: " + e.getMessage());
        }
    }

    void clear() {
        takeUninterruptibly();
        try {
            outbox.clear();
        } finally {
            leave();
        }
    }

    @Override
    void drop() {
        outbox.drop();
    }

    private int sendWaiting(int number, long deadline) throws IOException {
        boolean completed = false;
        channel.beginWaiting();
        try {
            int n = outbox.sendOnce(number, MSG_DONTWAIT);
            while (n == -EAGAIN || n == -ENOBUFS) {
                if (n == -ENOBUFS)
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
                if (!await(deadline)) {
                    completed = true;
                    throw new SocketTimeoutException("no room in time, still queued: " + outbox.messages()
                            + " message(s), " + outbox.pending() + " bytes");
                }
                if (!channel.isOpen())
                    break;
                n = outbox.sendOnce(number, MSG_DONTWAIT);
            }
            completed = n > 0;
            return n;
        } finally {
            channel.endWaiting(completed);
        }
    }

    private void checkSent(int n) throws IOException {
        if (n < 0 && !channel.isOpen())
            throw new AsynchronousCloseException();
        if (Outbox.refusesDescriptor(n))
            throw new ErrnoException("sendmsg", "the passed descriptor is refused; its message is dropped", -n);
        if (n < 0)
            throw new ErrnoException("sendmsg", -n);
    }
}
