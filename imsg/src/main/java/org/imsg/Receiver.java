package org.imsg;

import static org.imsg.sys.Constants.EAGAIN;
import static org.imsg.sys.Constants.MSG_DONTWAIT;
import static org.imsg.sys.Readiness.FOREVER;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedChannelException;
import org.imsg.sys.OpenDescriptor;
import org.imsg.sys.Descriptors;
import org.imsg.sys.Readiness;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/** The receiving direction of a channel: turns, waiting, and handing out what {@link Inbox} finds. */
final class Receiver extends Direction {
    private final Inbox inbox;
    private final ImsgView view = new ImsgView();
    private long spinNanos;

    Receiver(ImsgChannel channel, Fd socket, Inbox inbox) {
        super(channel, socket, Readiness.READABLE);
        this.inbox = inbox;
    }

    void spin(long nanos) {
        spinNanos = nanos;
    }

    Imsg receive(long deadline) throws IOException {
        begin(deadline);
        try {
            for (;;) {
                Imsg message = takeMessage();
                if (message != null || inbox.ended())
                    return message;
                if (fill(deadline) == -EAGAIN)
                    throw new SocketTimeoutException("no message in time");
            }
        } finally {
            leave();
        }
    }

    int read(ImsgHandler handler, long deadline) throws IOException {
        begin(deadline);
        try {
            int shown = show(handler);
            if (shown > 0)
                return shown;
            if (inbox.ended())
                return -1;
            if (fill(deadline) == -EAGAIN)
                throw new SocketTimeoutException("nothing arrived in time");
            shown = show(handler);
            return shown == 0 && inbox.ended() ? -1 : shown;
        } finally {
            leave();
        }
    }

    boolean read() throws IOException {
        begin(FOREVER);
        try {
            return !inbox.ended() && fill(FOREVER) > 0;
        } finally {
            leave();
        }
    }

    Imsg get() throws IOException {
        begin(FOREVER);
        try {
            return takeMessage();
        } finally {
            leave();
        }
    }

    @Override
    void drop() {
        inbox.drop();
    }

    private void begin(long deadline) throws IOException {
        if (isTakenByCurrentThread())
            throw new IllegalStateException("a handler cannot read from the channel whose message it is shown");
        if (!take(deadline))
            throw new SocketTimeoutException("another thread was reading");
        if (!channel.isOpen()) {
            leave();
            throw new ClosedChannelException();
        }
    }

    private Imsg takeMessage() throws IOException {
        if (!next())
            return null;
        try {
            return view.copy();
        } finally {
            closeUntaken(view.end());
        }
    }

    private int show(ImsgHandler handler) throws IOException {
        int shown = 0;
        for (; channel.isOpen() && next(shown); shown++) {
            try {
                handler.message(view);
            } finally {
                closeUntaken(view.end());
            }
        }
        return shown;
    }

    /** The next message, or a fault: for which what came before is delivered first. */
    private boolean next(int shown) throws IOException {
        try {
            return next();
        } catch (ImsgProtocolException | ImsgEofException e) {
            // It comes again with the next read. A handler's own exception never gets here.
            if (shown == 0)
                throw e;
            return false;
        }
    }

    private boolean next() throws IOException {
        boolean found = inbox.next(view);
        if (found && view.isMarked())
            channel.peerMarked(inbox.framer().lastMarked());
        return found;
    }

    private static void closeUntaken(int descriptor) {
        if (descriptor >= 0)
            Descriptors.close(descriptor);
    }

    /** One recvmsg(2), waited for. Returns the bytes, 0 at the end, or -EAGAIN when the deadline has passed. */
    private int fill(long deadline) throws IOException {
        int number = OpenDescriptor.of(socket).enter();
        try {
            int n = fillSpinning(number, deadline);
            if (n == -EAGAIN)
                n = fillWaiting(number, deadline);
            if (n < 0 && n != -EAGAIN)
                throw new ErrnoException("recvmsg", -n);
            return n;
        } finally {
            OpenDescriptor.of(socket).exit();
        }
    }

    private int fillSpinning(int number, long deadline) {
        int n = inbox.fill(number, MSG_DONTWAIT);
        if (n == -EAGAIN && spinNanos > 0) {
            long now = System.nanoTime();
            long until = now + (deadline == FOREVER ? spinNanos : Math.min(spinNanos, deadline - now));
            while (n == -EAGAIN && System.nanoTime() - until < 0 && channel.isOpen()
                    && !Thread.currentThread().isInterrupted()) {
                Thread.onSpinWait();
                n = inbox.fill(number, MSG_DONTWAIT);
            }
        }
        return n;
    }

    private int fillWaiting(int number, long deadline) throws IOException {
        int n = -EAGAIN;
        boolean timedOut = false;
        channel.beginWaiting();
        try {
            while (n == -EAGAIN && channel.isOpen() && !timedOut) {
                timedOut = !await(deadline);
                if (!timedOut)
                    n = inbox.fill(number, MSG_DONTWAIT);
            }
            return n;
        } finally {
            channel.endWaiting(n > 0 || timedOut);
        }
    }
}
