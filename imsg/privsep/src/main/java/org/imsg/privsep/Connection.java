package org.imsg.privsep;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgProtocolException;
import org.imsg.ImsgTooLargeException;
import org.imsg.WireFormat;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.SentDescriptors;
import org.jspecify.annotations.Nullable;

/**
 * This process's end of a channel to another process of the program. Sending never waits: what the socket does not take is
 * queued, within bounds, and written by a thread that is there from the start, for there may be no other to be had later.
 */
final class Connection implements AutoCloseable {
    /** How much of what is queued the channel holds at a time, in bytes. */
    private static final int AT_A_TIME = 64 << 10;

    /** Where no descriptor is free for a duplicate, the writing thread looks again after this. */
    private static final long PAUSE_MILLIS = 10;

    /** A message without its descriptor, and that. */
    private record Queued(Imsg message, @Nullable Fd fd) {}

    /** Takes what is read. */
    interface Receiver {
        /** A message; whatever this throws ends the connection. */
        void message(Imsg message) throws IOException;

        /** A message for the peer was dropped, because it does not read. */
        default void full(PeerQueueFullException reason) {
            // the sender is told
        }

        /** Called last, once. The fault is null unless what came cannot be a message, or this process failed to read it. */
        void ended(Throwable fault);
    }

    private final ImsgChannel channel;
    private final String name;
    private final PeerBounds bounds;
    /** What the peer has sent. */
    private final SentDescriptors sent;
    private volatile @Nullable Receiver receiver;
    /** Messages behind those that the writing thread is writing. */
    private final Queue<Queued> queue = new ArrayDeque<>();
    private int queuedBytes;
    private int queuedDescriptors;
    /** Those of them that the channel holds. */
    private int composedDescriptors;
    /** Descriptors of another peer, of which the channel has a duplicate that it closes when it has sent it. */
    private final List<Fd> passedOn = new ArrayList<>();
    /** The writing thread has something to write, and all others only queue. */
    private boolean writing;
    /** Nothing is sent any more behind what is queued. */
    private boolean ending;
    private volatile boolean ended;
    /** To be closed when it is not read any more. */
    private volatile boolean closing;
    private boolean reading;
    private volatile @Nullable Throwable fault;

    Connection(Fd socket, String name, PeerBounds bounds) throws IOException {
        this.channel = ImsgChannel.of(socket).format(WireFormat.MODERN).allowFdPassing();
        this.name = name;
        this.bounds = bounds;
        this.sent = new SentDescriptors(name, bounds.queuedDescriptors());
        try {
            Thread.ofPlatform().daemon().name("imsg-write-" + name).start(this::write);
        } catch (Throwable e) {
            channel.close();
            throw e;
        }
    }

    ImsgChannel.Counters counters() {
        return channel.counters();
    }

    /** The traffic so far and the queue, by the names of {@link ControlProtocol}. */
    synchronized Map<String, String> figures() {
        ImsgChannel.Counters counters = counters();
        Map<String, String> figures = new LinkedHashMap<>();
        figures.put("messages-in", Long.toString(counters.messagesReceived()));
        figures.put("messages-out", Long.toString(counters.messagesSent()));
        figures.put("bytes-in", Long.toString(counters.bytesReceived()));
        figures.put("bytes-out", Long.toString(counters.bytesSent()));
        figures.put("queued-messages", Integer.toString(queue.size()));
        figures.put("queued-bytes", Long.toString(queuedBytes + counters.queuedBytes()));
        figures.put("queued-descriptors", Integer.toString(queuedDescriptors));
        return figures;
    }

    boolean isOpen() {
        return !ended && channel.isOpen();
    }

    /** Sends; a descriptor the message still has when this throws is the caller's to close. */
    void send(Imsg message) throws IOException {
        try {
            sendOrQueue(message);
        } catch (PeerQueueFullException e) {
            Receiver told = receiver;
            if (told != null)
                told.full(e);
            throw e;
        }
    }

    private synchronized void sendOrQueue(Imsg message) throws IOException {
        if (ending || !channel.isOpen())
            throw new ClosedChannelException();
        if (writing) {
            enqueue(message);
            return;
        }
        Fd fd = message.takeFd();
        try {
            compose(message, fd);
        } catch (IOException | RuntimeException | Error e) {
            if (fd != null)
                fd.close();
            throw e;
        }
        if (channel.write()) {
            closePassedOn();
        } else {
            writing = true;
            notifyAll();
        }
    }

    private void enqueue(Imsg message) throws PeerQueueFullException {
        if (message.length() > channel.maxSize())
            throw new ImsgTooLargeException(message.length(), channel.maxSize());
        if (cost(message) > bounds.queuedBytes() - queuedBytes
                || message.hasFd() && queuedDescriptors == bounds.queuedDescriptors())
            throw new PeerQueueFullException(name, queuedBytes, queuedDescriptors);
        Imsg copy = Imsg.of(message.type(), message.id(), message.pid(), message.payload());
        queuedBytes += cost(copy);
        queuedDescriptors += message.hasFd() ? 1 : 0;
        queue.add(new Queued(copy, message.takeFd()));
    }

    private static int cost(Imsg message) {
        return message.length() + PeerBounds.MESSAGE_OVERHEAD;
    }

    /** Takes the descriptor, unless this throws. */
    private void compose(Imsg message, @Nullable Fd fd) throws IOException {
        // The receiver may have closed its own already: the close of the channel's must not be the last.
        boolean passesOn = fd != null && SentDescriptors.isOne(fd);
        Fd own = passesOn ? fd.dup() : fd;
        try {
            channel.compose(message.type(), message.id(), message.pid(), own, message.payload());
        } catch (IOException | RuntimeException | Error e) {
            if (passesOn)
                own.close();
            throw e;
        }
        if (passesOn)
            passedOn.add(fd);
    }

    private void closePassedOn() {
        passedOn.forEach(Fd::close);
        passedOn.clear();
    }

    private void write() {
        try {
            while (composeQueued())
                channel.flush();
        } catch (Throwable e) {
            if (saysThatThePeerIsGone(e)) {
                // As the reader will find too, behind what has arrived; queued messages are dropped.
                stopSending();
            } else {
                fault = e;
                close();
            }
        } finally {
            release();
        }
    }

    private static boolean saysThatThePeerIsGone(Throwable e) {
        return e instanceof ClosedChannelException
                || e instanceof ErrnoException failed
                        && Set.of("EPIPE", "ECONNRESET", "ENOTCONN").contains(failed.name());
    }

    /**
     * Closes the channel in the writing thread, which alone may have to wait for it: descriptors that the peer has sent are closed
     * with it, and a socket among them may linger for as long as the peer likes.
     */
    private void release() {
        try {
            synchronized (this) {
                while (!closing || reading)
                    wait();
            }
            channel.close();
        } catch (IOException | InterruptedException _) {
            // closed all the same
        }
    }

    /** Waits until there is something to write; false once this is closed. */
    private synchronized boolean composeQueued() throws IOException, InterruptedException {
        while (channel.isOpen()) {
            // Messages composed the last time have been sent.
            queuedDescriptors -= composedDescriptors;
            composedDescriptors = 0;
            closePassedOn();
            boolean composed = composeSome();
            if (channel.wantsWrite())
                return true;
            if (!composed) {
                wait(PAUSE_MILLIS);
                continue;
            }
            if (ending)
                channel.shutdownOutput();
            writing = false;
            while (!writing && !ending && channel.isOpen())
                wait();
            if (ending && !writing)
                return false;
        }
        return false;
    }

    /** False if there is no descriptor free for the duplicate that the next message needs. */
    private boolean composeSome() throws IOException {
        while (!queue.isEmpty() && channel.queuedBytes() < AT_A_TIME) {
            Queued next = queue.element();
            try {
                compose(next.message, next.fd);
            } catch (ErrnoException e) {
                if (!Set.of("EMFILE", "ENFILE").contains(e.name()))
                    throw e;
                return false;
            }
            queue.remove();
            queuedBytes -= cost(next.message);
            composedDescriptors += next.fd != null ? 1 : 0;
        }
        return true;
    }

    /** Ends the sending direction behind what is queued. */
    synchronized void endOutput() {
        if (ending || !channel.isOpen())
            return;
        ending = true;
        notifyAll();
        try {
            if (!writing)
                channel.shutdownOutput();
        } catch (IOException _) {
            // the peer is gone already
        }
    }

    /** Reads until the end, in a thread of its own. */
    Thread startReading(Receiver to) {
        receiver = to;
        readers(true);
        try {
            return Thread.ofPlatform().daemon().name("imsg-read-" + name).start(() -> read(to));
        } catch (Throwable e) {
            readers(false);
            throw e;
        }
    }

    /** The same message with its descriptor, if it has one, to be closed by a thread of its own. */
    private Imsg adopted(Imsg message) {
        Fd fd = message.takeFd();
        if (fd == null)
            return message;
        try {
            sent.adopt(fd);
            return Imsg.of(message.type(), message.id(), message.pid(), message.payload()).withFd(fd);
        } catch (RuntimeException | Error e) {
            fd.close();
            throw e;
        }
    }

    private synchronized void readers(boolean there) {
        reading = there;
        notifyAll();
    }

    /** Reads until the end. */
    void read(Receiver to) {
        receiver = to;
        readers(true);
        try {
            for (Imsg next; (next = channel.receive()) != null;) {
                try (Imsg message = adopted(next)) {
                    if (!closing)
                        to.message(message);
                }
                sent.awaitRoom();
            }
        } catch (IOException | InterruptedException e) {
            // Closed here, or the peer died, in the middle of a message perhaps, or with messages unread: an end like another.
            fault = e instanceof ImsgProtocolException ? e : fault;
        } catch (Throwable e) {
            fault = e;
        }
        ended = true;
        readers(false);
        to.ended(fault);
    }

    @Override
    public void close() {
        ended = true;
        closing = true;
        sent.close();
        try {
            channel.shutdown();
        } catch (IOException _) {
            // the peer is gone already, or it was closed before
        }
        stopSending();
    }

    private synchronized void stopSending() {
        ending = true;
        writing = false;
        queue.stream().map(Queued::fd).filter(Objects::nonNull).forEach(Fd::close);
        queue.clear();
        closePassedOn();
        queuedBytes = 0;
        queuedDescriptors = 0;
        composedDescriptors = 0;
        notifyAll();
    }
}
