package org.imsg;

import static org.imsg.sys.Constants.EAGAIN;
import static org.imsg.sys.Constants.ECONNRESET;
import static org.imsg.sys.Deadline.FOREVER;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.imsg.sys.Deadline;
import org.imsg.sys.Msghdr;
import org.imsg.sys.Readiness;
import org.imsg.sys.Recorder;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/** The sending direction of a channel: turns, and waiting for room for what a {@link SendBuffer} holds. */
final class Sender extends Turn {
    private static final long FIRST_PAUSE = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long LONGEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(20);
    /** The place of the caller's own message where it has none. */
    private static final long NO_MESSAGE = -1;
    private static final String NO_ROOM = "no room in time";

    private final SendBuffer buffer;
    /** What the composer of a message is told by the next flush or write: a send came upon it. */
    private @Nullable ErrnoException refused;
    /** Whether the peer has reset the connection: the kernel tells one call only, which may have been a send. */
    private volatile boolean reset;

    Sender(ImsgChannel channel, Fd socket, SendBuffer buffer) {
        super(channel, socket, Readiness.WRITABLE);
        this.buffer = buffer;
    }

    boolean sawReset() {
        return reset;
    }

    /** Takes the turn for composing, unless the thread has it already; returns whether it was taken. */
    boolean takeToCompose() throws ClosedChannelException {
        return !isMine() && take(FOREVER);
    }

    /** Takes the turn if nothing is queued and no other thread has it. */
    boolean takeIfEmpty() {
        if (!takeNow())
            return false;
        boolean empty = buffer.isEmpty();
        if (!empty)
            leave();
        return empty;
    }

    /** Sends without waiting; false if something is left, or another thread has the turn. */
    boolean write() throws IOException {
        if (!takeNow())
            return false;
        try {
            tellRefused();
            int number = socket.enter();
            try {
                buffer.beginSending();
                while (!buffer.isEmpty()) {
                    int n = buffer.send(number);
                    if (Msghdr.maySucceedLater(n))
                        return false;
                    check(n, NO_MESSAGE);
                }
                return true;
            } finally {
                socket.exit();
            }
        } finally {
            leave();
        }
    }

    void flush(long deadline) throws IOException {
        if (!take(deadline))
            throw stillQueued("another thread was sending", null);
        try {
            tellRefused();
            drain(deadline, NO_MESSAGE);
        } catch (SocketTimeoutException e) {
            throw stillQueued(e.getMessage(), e);
        } finally {
            leave();
        }
    }

    /** Sends a message behind everything queued; if it throws, the message is the caller's or the exception says it is queued. */
    void send(Imsg message, long deadline) throws IOException {
        try {
            if (!take(deadline))
                throw new SocketTimeoutException("another thread was sending");
            try {
                sendInTurn(message, deadline);
            } finally {
                leave();
            }
        } catch (SocketTimeoutException e) {
            throw new SocketTimeoutException(e.getMessage() + ", the message was not queued");
        }
    }

    private void sendInTurn(Imsg message, long deadline) throws IOException {
        int length = channel.checkedLength(message.fd(), message.bytes().length);
        long place = buffer.endPlace();
        if (!buffer.hasRoom(length, message.fd() != null))
            drain(deadline, place);
        channel.compose(message.type(), message.id(), message.pid(), message.fd(), message.bytes());
        message.takeFd();
        try {
            drain(deadline, place);
        } catch (IOException | RuntimeException | Error e) {
            if (buffer.isUntouched(place)) {
                takeBack(message, place, e);
            } else if (channel.isOpen()) {
                throw stillQueued("a part of the message was sent", e);
            }
            throw e;
        }
    }

    private void takeBack(Imsg message, long place, Throwable failure) throws ImsgQueuedException {
        try {
            Fd fd = buffer.takeBack(place);
            if (fd != null)
                message.putBack(fd);
        } catch (OutOfMemoryError _) {
            throw stillQueued("no memory to take the message back", failure);
        }
    }

    void clear() {
        try {
            if (take(FOREVER))
                try {
                    buffer.clear();
                } finally {
                    leave();
                }
        } catch (ClosedChannelException _) {
            // An interrupt has closed the channel, which drops the queue.
        }
    }

    @Override
    void free() {
        buffer.free();
    }

    /** Sends all; a descriptor of another message than the caller's own that is refused is told later, with that message. */
    private void drain(long deadline, long ownPlace) throws IOException {
        int number = socket.enter();
        try {
            buffer.beginSending();
            while (!buffer.isEmpty()) {
                int n = buffer.send(number);
                if (Msghdr.maySucceedLater(n))
                    n = sendWaiting(number, deadline, n);
                check(n, ownPlace);
            }
        } finally {
            socket.exit();
        }
    }

    private int sendWaiting(int number, long deadline, int failed) throws IOException {
        if (isOver(deadline))
            throw new SocketTimeoutException(NO_ROOM);
        ChannelEvents.@Nullable WaitForRoom recorded = Recorder.started()
                ? ChannelEvents.waiting(number, buffer.queued())
                : null;
        boolean completed = false;
        int n = failed;
        channel.beginWaiting();
        try {
            long pause = FIRST_PAUSE;
            for (boolean pauses = n != -EAGAIN; Msghdr.maySucceedLater(n) && channel.isOpen(); pauses = true) {
                // poll(2) knows of room for bytes only. Where it is ready and sendmsg(2) is not, looping would be busy.
                if (pauses) {
                    LockSupport.parkNanos(this, Math.min(pause, Deadline.left(deadline)));
                    pause = Math.min(2 * pause, LONGEST_PAUSE);
                }
                if (isOver(deadline) || !await(deadline)) {
                    completed = true;
                    throw new SocketTimeoutException(NO_ROOM);
                }
                if (channel.isOpen())
                    n = buffer.send(number);
            }
            completed = n > 0;
            return n;
        } finally {
            try {
                channel.endWaiting(completed);
            } finally {
                if (recorded != null)
                    recorded.over(n > 0);
            }
        }
    }

    private void check(int n, long ownPlace) throws IOException {
        if (n >= 0)
            return;
        if (!channel.isOpen())
            throw new AsynchronousCloseException();
        if (n == -ECONNRESET)
            reset = true;
        if (!buffer.refusesDescriptor(n))
            throw new ErrnoException("sendmsg", -n);
        if (buffer.sentPlace() == ownPlace)
            throw new ErrnoException("sendmsg", "the descriptor is refused; nothing was queued", -n);
        buffer.dropRefused();
        var told = new ErrnoException("sendmsg", "the passed descriptor is refused; its message is dropped", -n);
        if (refused == null)
            refused = told;
        else
            refused.addSuppressed(told);
        if (ownPlace == NO_MESSAGE)
            tellRefused();
    }

    private void tellRefused() throws ErrnoException {
        ErrnoException told = refused;
        refused = null;
        if (told != null)
            throw told;
    }

    private ImsgQueuedException stillQueued(String why, @Nullable Throwable cause) {
        return new ImsgQueuedException(why, buffer.messages(), buffer.queued(), cause);
    }
}
