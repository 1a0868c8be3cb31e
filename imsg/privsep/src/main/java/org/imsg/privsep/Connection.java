package org.imsg.privsep;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.Queue;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgProtocolException;
import org.imsg.ImsgQueueFullException;
import org.imsg.ImsgTooLargeException;
import org.imsg.unix.Fd;

/**
 * This process's end of a channel to another process of the program. Sending never waits: what the socket does not take is
 * written by a thread that lives as long as there is some left.
 */
final class Connection implements AutoCloseable {
    private static final int MOST_QUEUED = 16 << 20;

    /** Takes what is read. */
    interface Receiver {
        void message(Imsg message) throws IOException;

        /** Called last, once. The fault is null unless what came cannot be a message. */
        void ended(IOException fault);
    }

    private final ImsgChannel channel;
    private final String name;
    /** What waits while a thread writes what was there before it. */
    private final Queue<Imsg> backlog = new ArrayDeque<>();
    private int backlogBytes;
    private boolean flushing;
    private boolean ending;
    private volatile boolean ended;

    Connection(Fd socket, String name) throws IOException {
        this.channel = ImsgChannel.of(socket).allowFdPassing();
        this.name = name;
    }

    boolean isOpen() {
        return !ended && channel.isOpen();
    }

    /** Sends; a descriptor the message still has when this throws is the caller's to close. */
    synchronized void send(Imsg message) throws IOException {
        if (ending || !channel.isOpen())
            throw new ClosedChannelException();
        if (flushing) {
            enqueue(message);
            return;
        }
        compose(message);
        if (!channel.write()) {
            flushing = true;
            Thread.ofPlatform().daemon().name("imsg-write-" + name).start(this::flush);
        }
    }

    private void enqueue(Imsg message) {
        if (message.length() > channel.maxSize())
            throw new ImsgTooLargeException(message.length(), channel.maxSize());
        int bytes = ImsgChannel.HEADER_SIZE + message.length();
        if (bytes > MOST_QUEUED - backlogBytes)
            throw new ImsgQueueFullException(bytes, backlogBytes, MOST_QUEUED);
        Imsg copy = Imsg.of(message.type(), message.id(), message.pid(), message.payload());
        backlog.add(message.hasFd() ? copy.withFd(message.takeFd()) : copy);
        backlogBytes += bytes;
    }

    private void compose(Imsg message) throws IOException {
        Fd fd = message.takeFd();
        try {
            channel.compose(message.type(), message.id(), message.pid(), fd, message.payload());
        } catch (IOException | RuntimeException e) {
            // Nothing was taken: the caller closes the message, and the descriptor with it.
            if (fd != null)
                fd.close();
            throw e;
        }
    }

    private void flush() {
        try {
            do {
                channel.flush();
            } while (composeBacklog());
        } catch (IOException _) {
            // The peer is gone, as the reader will find too; what is queued is dropped with the channel.
            synchronized (this) {
                flushing = false;
                dropBacklog();
            }
        }
    }

    /** Whether there is more to write; if not, senders write themselves again. */
    private synchronized boolean composeBacklog() throws IOException {
        for (Imsg message; (message = backlog.poll()) != null;) {
            backlogBytes -= ImsgChannel.HEADER_SIZE + message.length();
            compose(message);
        }
        flushing = channel.wantsWrite();
        if (!flushing && ending)
            channel.shutdownOutput();
        return flushing;
    }

    /** Ends the sending direction behind what is queued. */
    synchronized void endOutput() {
        if (ending || !channel.isOpen())
            return;
        ending = true;
        try {
            if (!flushing)
                channel.shutdownOutput();
        } catch (IOException _) {
            // the peer is gone already
        }
    }

    /** Reads until the end, in a thread of its own. */
    Thread startReading(Receiver receiver) {
        return Thread.ofPlatform().daemon().name("imsg-read-" + name).start(() -> read(receiver));
    }

    /** Reads until the end. */
    void read(Receiver receiver) {
        IOException fault = null;
        try {
            for (Imsg next; (next = channel.receive()) != null;) {
                try (Imsg message = next) {
                    receiver.message(message);
                }
            }
        } catch (ImsgProtocolException e) {
            fault = e;
        } catch (IOException _) {
            // Closed here, or the peer died: in the middle of a message perhaps, or with messages unread. An end like another.
        }
        ended = true;
        receiver.ended(fault);
    }

    @Override
    public void close() {
        ended = true;
        try {
            channel.close();
        } catch (IOException _) {
            // closed all the same
        }
        synchronized (this) {
            dropBacklog();
        }
    }

    private void dropBacklog() {
        backlog.forEach(Imsg::close);
        backlog.clear();
        backlogBytes = 0;
    }
}
