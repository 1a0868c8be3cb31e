package org.imsg;

import static org.imsg.sys.Constants.EAGAIN;
import static org.imsg.sys.Constants.ECONNRESET;
import static org.imsg.sys.Deadline.FOREVER;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedChannelException;
import org.imsg.cstruct.MalformedStructException;
import org.imsg.sys.Deadline;
import org.imsg.sys.Descriptors;
import org.imsg.sys.Readiness;
import org.imsg.sys.Recorder;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.wire.ImsgHeader;
import org.jspecify.annotations.Nullable;

/** The receiving direction of a channel: turns, waiting, and handing out what a {@link ReceiveBuffer} finds. */
final class Receiver extends Turn {
    /** From {@link #readInTurn(ImsgHandler, long)}: the deadline has passed. */
    private static final int NOTHING = -2;

    private final ReceiveBuffer buffer;
    private final ImsgView view = new ImsgView();
    private long messages;
    /** The surplus descriptors that the flight recorder may know of. */
    private long surplus;

    Receiver(ImsgChannel channel, Fd socket, ReceiveBuffer buffer) {
        super(channel, socket, Readiness.READABLE);
        this.buffer = buffer;
    }

    @Nullable
    Imsg receive(long deadline) throws IOException {
        begin(deadline);
        try {
            for (;;) {
                Imsg message = takeMessage();
                if (message != null || buffer.ended())
                    return message;
                if (fill(deadline) == -EAGAIN)
                    throw new SocketTimeoutException("no message in time");
            }
        } finally {
            end();
        }
    }

    int read(ImsgHandler handler, long deadline) throws IOException {
        begin(deadline);
        int shown = readInTurn(handler, deadline);
        if (shown == NOTHING)
            throw new SocketTimeoutException("nothing arrived in time");
        return shown;
    }

    /** Reads without waiting; 0 if there is nothing, or another thread is reading. A handler may time out by itself. */
    int poll(ImsgHandler handler) throws IOException {
        refuseHandler();
        if (!takeNow())
            return 0;
        beginInTurn();
        int shown = readInTurn(handler, System.nanoTime());
        return shown == NOTHING ? 0 : shown;
    }

    /** Reads once and gives the turn back. */
    private int readInTurn(ImsgHandler taker, long deadline) throws IOException {
        try {
            ImsgHandler handler = Recorder.started() ? ChannelEvents.recorded(socket.number(), taker) : taker;
            int shown = show(handler);
            if (shown > 0)
                return shown;
            if (buffer.ended())
                return -1;
            if (fill(deadline) == -EAGAIN)
                return NOTHING;
            shown = show(handler);
            return shown == 0 && buffer.ended() ? -1 : shown;
        } finally {
            end();
        }
    }

    int read() throws IOException {
        begin(FOREVER);
        try {
            int n = fill(FOREVER);
            return n == 0 ? -1 : n;
        } finally {
            end();
        }
    }

    @Nullable
    Imsg get() throws IOException {
        begin(FOREVER);
        try {
            return takeMessage();
        } finally {
            end();
        }
    }

    /** How many messages were handed out. */
    long messages() {
        return messages;
    }

    /** Takes over the settings of the channel at once. Another thread that is reading does so before it receives what comes next. */
    void settingsChanged() {
        if (takeNow())
            try {
                channel.applySettings();
            } finally {
                leave();
            }
    }

    @Override
    void free() {
        buffer.free();
    }

    private void begin(long deadline) throws IOException {
        refuseHandler();
        if (!take(deadline))
            throw new SocketTimeoutException("another thread was reading");
        beginInTurn();
    }

    private void refuseHandler() {
        if (isMine())
            throw new IllegalStateException("a handler cannot read from the channel whose message it is shown");
    }

    /** Begins a read in the turn just taken, or gives that back. */
    private void beginInTurn() throws ClosedChannelException {
        if (!channel.isOpen()) {
            leave();
            throw new ClosedChannelException();
        }
        boolean begun = false;
        try {
            channel.applySettings();
            begun = true;
        } finally {
            if (!begun)
                leave();
        }
    }

    private void end() {
        try {
            tellSurplus();
            buffer.shrink();
        } finally {
            leave();
        }
    }

    private void tellSurplus() {
        long before = surplus;
        surplus = buffer.surplus();
        if (surplus != before && Recorder.started())
            ChannelEvents.descriptorsClosed(socket.number(), surplus - before);
    }

    private @Nullable Imsg takeMessage() throws IOException {
        if (!next())
            return null;
        boolean taken = false;
        try {
            if (Recorder.started())
                ChannelEvents.taken(socket.number(), view);
            Imsg message = view.copy();
            taken = true;
            messages++;
            return message;
        } finally {
            int length = ImsgHeader.SIZE + view.length();
            int descriptor = view.end();
            if (!taken)
                buffer.putBack(length, descriptor);
        }
    }

    private int show(ImsgHandler handler) throws IOException {
        int shown = 0;
        try {
            while (channel.isOpen() && next(shown)) {
                shown++;
                showOne(handler);
            }
            return shown;
        } finally {
            messages += shown;
        }
    }

    private void showOne(ImsgHandler handler) throws IOException {
        try {
            handler.message(view);
        } catch (TruncatedMessageException | MalformedStructException e) {
            throw buffer.malformed(view, e);
        } finally {
            closeUntaken(view.end());
        }
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
        boolean found = buffer.next(view);
        if (found && view.isMarked()) {
            channel.peerMarked(buffer.lastMarked());
            if (!view.hasFd() && Recorder.started())
                ChannelEvents.descriptorLost(socket.number(), view);
        }
        return found;
    }

    private static void closeUntaken(int descriptor) {
        if (descriptor >= 0)
            Descriptors.close(descriptor);
    }

    /** One recvmsg(2), waited for. Returns the bytes, 0 at the end, or -EAGAIN when the deadline has passed. */
    private int fill(long deadline) throws IOException {
        int number = socket.enter();
        try {
            int n = fillSpinning(number, deadline);
            if (n == -EAGAIN && !isOver(deadline))
                n = fillWaiting(number, deadline);
            if (n == 0 && channel.wasReset())
                n = buffer.fail(ECONNRESET);
            if (n < 0 && n != -EAGAIN)
                throw new ErrnoException("recvmsg", -n);
            return n;
        } finally {
            socket.exit();
        }
    }

    private int fillSpinning(int number, long deadline) {
        int n = buffer.fill(number);
        long spin = channel.spinNanos();
        if (n == -EAGAIN && spin > 0) {
            long until = System.nanoTime() + Math.min(spin, Deadline.left(deadline));
            while (n == -EAGAIN && System.nanoTime() - until < 0 && channel.isOpen()
                    && !Thread.currentThread().isInterrupted()) {
                Thread.onSpinWait();
                channel.applySettings();
                n = buffer.fill(number);
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
                if (!timedOut && channel.isOpen()) {
                    channel.applySettings(); // another thread may have changed them while this one waited
                    n = buffer.fill(number);
                }
            }
            return n;
        } finally {
            channel.endWaiting(n > 0 || timedOut);
        }
    }
}
