package org.imsg;

import static org.imsg.sys.Deadline.FOREVER;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ConcurrentModificationException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.imsg.cstruct.MalformedStructException;
import org.imsg.sys.Constants;
import org.imsg.sys.Deadline;
import org.imsg.sys.DescriptorCleaner;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;
import org.jspecify.annotations.Nullable;

/**
 * A channel of messages over a connected Unix stream socket: {@code struct imsgbuf} in C.
 *
 * <p>There are two ways to use one. The simple path is {@link #send(Imsg)} and {@link #receive()}: a message a call. The fast path
 * queues many messages with {@code compose} and sends them together with {@link #flush()}, and reads with
 * {@link #read(ImsgHandler)}, which shows every whole message of one recvmsg(2) where it was received.
 *
 * {@snippet file = "org/imsg/ChannelSnippets.java" region = "client"}
 *
 * <p><b>Threads.</b> Any thread may call any method beside any other. Each direction has one turn: a call takes it, and another
 * thread's call waits for it. {@link #batch()} holds the sending turn for many messages. A handler runs inside the receiving turn
 * and cannot read from its own channel.
 *
 * <p><b>Waiting.</b> A platform thread waits in the kernel; a virtual thread is parked and holds no carrier. {@link #close()} from
 * another thread ends every wait with an AsynchronousCloseException, and the connection goes on for every other holder of the
 * socket. An interrupt is noticed only where a call would wait, by platform and virtual threads, with a timeout and without: it
 * closes the channel and throws ClosedByInterruptException. To stop waiting without closing the channel, use a timeout.
 * {@link #fd()}, {@link #wantsWrite()}, {@link #poll(ImsgHandler)} and {@link #write()} never wait and serve an event loop.
 *
 * <p><b>Ends and faults.</b> The clean end of the stream is null from a method that returns a message, and -1 from one that
 * returns a number. An end inside a message is an {@link ImsgEofException}, a broken protocol an {@link ImsgProtocolException},
 * a reset an {@link ErrnoException}. Each comes after every message that arrived before, to every caller and every time. A failed
 * write does not end reading: the messages a peer sent before its death can still be received.
 *
 * <p><b>Descriptors</b> are neither sent nor received until {@link #allowFdPassing()}, as in C, and are sent only in a known
 * {@linkplain WireFormat format}. Passing an {@link Fd} moves it: it is closed when the kernel has it, or when the channel is
 * closed. If the call throws, it is still the caller's. Received descriptors are close-on-exec.
 *
 * <p><b>Memory</b> outside of the heap follows what is queued and what has arrived, shrinks again, and is freed by
 * {@link #close()}. The bounds are {@link #maxSize(int)} for receiving, {@link #maxQueued(int)} and
 * {@link #MAX_QUEUED_DESCRIPTORS} for sending.
 *
 * <table class="striped">
 * <caption>imsg_init(3) of OpenBSD 7.9 and this package</caption>
 * <thead><tr><th scope="col">C</th><th scope="col">Java</th><th scope="col">difference</th></tr></thead>
 * <tbody>
 * <tr><th scope="row">imsgbuf_init</th><td>{@link #of(Fd)}, {@link #connect(Path)}, {@link #pair()}, {@link ImsgListener#accept()}</td>
 * <td>the channel owns the descriptor and closes it</td></tr>
 * <tr><th scope="row">imsgbuf_allow_fdpass</th><td>{@link #allowFdPassing()}</td><td></td></tr>
 * <tr><th scope="row">imsgbuf_set_maxsize</th><td>{@link #maxSize(int)}</td><td></td></tr>
 * <tr><th scope="row">imsgbuf_clear</th><td>{@link #clear()}, {@link #close()}</td><td>clear drops what is queued for sending; close
 * drops everything and closes the socket</td></tr>
 * <tr><th scope="row">imsgbuf_read</th><td>{@link #read()}</td><td>waits for something to arrive; the end inside a message
 * is an error</td></tr>
 * <tr><th scope="row">imsgbuf_get, imsg_get</th><td>{@link #get()}</td><td>a bad header is reported here, after the
 * messages before it</td></tr>
 * <tr><th scope="row">imsgbuf_write</th><td>{@link #write()}</td><td>never waits; says whether something is left</td></tr>
 * <tr><th scope="row">imsgbuf_flush</th><td>{@link #flush()}</td><td>waits for room instead of looping; with a timeout if wanted</td></tr>
 * <tr><th scope="row">imsgbuf_queuelen</th><td>{@link #queuelen()}</td><td></td></tr>
 * <tr><th scope="row">imsg_compose</th><td>{@link #compose(int, int, int, byte[])}</td><td>the queue has a bound:
 * {@link #maxQueued(int)}; the descriptor stays the caller's on failure</td></tr>
 * <tr><th scope="row">imsg_composev</th><td>{@link #composev(int, int, int, MemorySegment...)}</td><td></td></tr>
 * <tr><th scope="row">imsg_compose_ibuf</th><td>{@link #composeIbuf(int, int, int, Ibuf)}</td><td>a descriptor in the buffer goes along; on failure
 * the buffer stays the caller's</td></tr>
 * <tr><th scope="row">imsg_create</th><td>{@link #create(int, int, int, int)}</td><td></td></tr>
 * <tr><th scope="row">imsg_add</th><td>{@link Ibuf#add(byte[])}</td><td>on failure the buffer is unchanged, not freed</td></tr>
 * <tr><th scope="row">imsg_set_maxsize</th><td>{@link Ibuf#setMaxSize(int)}</td><td>of a buffer from create: payload only, too</td></tr>
 * <tr><th scope="row">imsg_close</th><td>{@link #compose(Ibuf)}</td><td></td></tr>
 * <tr><th scope="row">imsg_forward</th><td>{@link #forward(Imsg)}, {@link #forward(ImsgView)}</td><td></td></tr>
 * <tr><th scope="row">imsg_free</th><td>{@link Imsg#close()}</td><td>needed only for a descriptor</td></tr>
 * <tr><th scope="row">imsg_get_type, _id, _pid, _len</th><td>{@link Imsg#type()}, {@link Imsg#id()}, {@link Imsg#pid()},
 * {@link Imsg#length()}</td><td>length is always the whole payload's</td></tr>
 * <tr><th scope="row">imsg_get_fd</th><td>{@link Imsg#takeFd()}</td><td>{@link Imsg#descriptor()} says why there is none</td></tr>
 * <tr><th scope="row">imsg_get_data, _buf, _strbuf, _ibuf</th><td>{@link Imsg#getData(int)}, {@link Imsg#getBuf(int)},
 * {@link Imsg#getStrbuf(int)}, {@link Imsg#getIbuf()}</td><td></td></tr>
 * <tr><th scope="row">imsg_ibufq_push, imsg_ibufq_pop</th><td>{@link IbufQueue#push(Imsg)}, {@link IbufQueue#popImsg()}</td>
 * <td></td></tr>
 * <tr><th scope="row">msgbuf_concat</th><td>{@link #concat(IbufQueue)}</td><td></td></tr>
 * <tr><th scope="row">IMSG_HEADER_SIZE, MAX_IMSGSIZE</th><td>{@link #HEADER_SIZE}, {@link #MAX_IMSGSIZE}</td><td></td></tr>
 * </tbody>
 * </table>
 */
public final class ImsgChannel extends AbstractInterruptibleChannel {
    /** The bytes of a header: IMSG_HEADER_SIZE. */
    public static final int HEADER_SIZE = ImsgHeader.SIZE;
    /** The longest message unless {@link #maxSize(int)} says otherwise, in bytes with the header: MAX_IMSGSIZE. */
    public static final int MAX_IMSGSIZE = 16384;

    /** The most descriptors that may be queued for sending: a peer that does not read must not hold all that the process may have. */
    public static final int MAX_QUEUED_DESCRIPTORS = QueuedDescriptors.MOST;

    private static final String CHANGED = "another thread changed the parts of the message meanwhile";
    private static final int OWN_PID = (int) ProcessHandle.current().pid();

    private final Fd socket;
    private final SendBuffer sendBuffer;
    private final ReceiveBuffer receiveBuffer = new ReceiveBuffer(Dialect.AUTO, MAX_IMSGSIZE);
    private final Sender sender;
    private final Receiver receiver;
    private final int pid = OWN_PID;
    /** Changed in the sending turn only. */
    private volatile WireFormat format = WireFormat.AUTO;
    /** What AUTO writes a descriptor in: as the peer marks its own, and before that as it is assumed to; null if unknown. */
    private volatile @Nullable Dialect marked;
    private volatile @Nullable Dialect assumed;
    private volatile boolean descriptorsAllowed;
    private volatile int limit = MAX_IMSGSIZE;
    private volatile long spinNanos;

    private ImsgChannel(Fd socket) {
        this.socket = socket;
        sendBuffer = new SendBuffer(socket.intValue());
        sender = new Sender(this, socket, sendBuffer);
        receiver = new Receiver(this, socket, receiveBuffer);
        // Must not refer to this channel, or the cleaner would keep it reachable.
        SendBuffer queued = sendBuffer;
        ReceiveBuffer received = receiveBuffer;
        DescriptorCleaner.CLEANER.register(this, () -> {
            queued.free();
            received.free();
        });
    }

    /**
     * Connects to the socket of a daemon, however long its backlog is full.
     *
     * @param path the socket
     * @return a channel
     * @throws InterruptedIOException if the thread is interrupted while it waits for room in the backlog; the interrupt status
     *     stays set
     * @throws IOException if it cannot connect, an {@link ErrnoException}
     * @throws IllegalArgumentException if the path is too long for sockaddr_un
     */
    public static ImsgChannel connect(Path path) throws IOException {
        return ofConnected(Sockets.connect(UnixAddress.of(path)));
    }

    /**
     * Connects to the socket of a daemon within a time.
     *
     * @param address the path or abstract name of the socket
     * @param timeout how long to wait for room in the backlog of the daemon, 0 or more
     * @return a channel
     * @throws SocketTimeoutException if there is no room in time
     * @throws InterruptedIOException as {@link #connect(Path)}
     * @throws IOException if it cannot connect, an {@link ErrnoException}
     */
    public static ImsgChannel connect(UnixAddress address, Duration timeout) throws IOException {
        return ofConnected(Sockets.connect(address, timeout));
    }

    /**
     * Makes a channel over a connected socket that was inherited, such as descriptor 3, or received.
     *
     * @param socket a Unix stream socket; the channel's then, unless this throws
     * @return a channel
     * @throws IllegalArgumentException if it is no Unix stream socket, or a listening one
     * @throws IllegalStateException if the descriptor is closed or was handed on
     * @throws IOException if it is no socket, an {@link ErrnoException}
     */
    public static ImsgChannel of(Fd socket) throws IOException {
        socket.intValue(); // throws if it is closed or was handed on
        int type = Sockets.intOption(socket, "SO_TYPE");
        if (type != Constants.SOCK_STREAM)
            throw new IllegalArgumentException(
                    "imsg needs a stream socket (type " + Constants.SOCK_STREAM + "), " + socket
                            + " is of type " + type);
        if (!Sockets.isUnix(socket))
            throw new IllegalArgumentException(
                    "imsg needs a Unix socket (AF_UNIX), " + socket + " is of another family");
        if (Sockets.intOption(socket, "SO_ACCEPTCONN") != 0)
            throw new IllegalArgumentException(socket + " is a listening socket: accept its connections");
        return ofConnected(socket.move());
    }

    /** Makes a channel over a socket that is known to be one, or closes it. */
    static ImsgChannel ofConnected(Fd socket) {
        try {
            return new ImsgChannel(socket);
        } catch (RuntimeException | Error e) {
            socket.close();
            throw e;
        }
    }

    /**
     * Makes two channels that are connected to each other: socketpair(2).
     *
     * @return both ends
     * @throws IOException if there is no room in a descriptor table, an {@link ErrnoException}
     */
    public static Pair pair() throws IOException {
        Fd.Pair sockets = Fd.socketpair();
        try {
            return new Pair(new ImsgChannel(sockets.first()), new ImsgChannel(sockets.second()));
        } catch (RuntimeException | Error e) {
            sockets.close();
            throw e;
        }
    }

    /**
     * Two connected channels.
     *
     * @param first one end
     * @param second the other
     */
    public record Pair(ImsgChannel first, ImsgChannel second) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            try (first; second) {
                // closes both, whatever the other does
            }
        }
    }

    // Settings: each holds from the next message composed and the next header read

    /**
     * Lets descriptors pass in both directions. C counterpart: {@code imsgbuf_allow_fdpass}.
     *
     * @return this
     */
    public synchronized ImsgChannel allowFdPassing() {
        descriptorsAllowed = true;
        receiver.settingsChanged();
        return this;
    }

    /**
     * Sets the longest payload in both directions. C counterpart: {@code imsgbuf_set_maxsize}.
     *
     * @param payload bytes without the header: up to 65519 with the format AUTO or CLASSIC, 2147483631 with MODERN
     * @return this
     * @throws IllegalArgumentException if it is negative, or more than the format can say
     */
    public synchronized ImsgChannel maxSize(int payload) {
        int most = format.limit() - HEADER_SIZE;
        if (payload < 0 || payload > most)
            throw new IllegalArgumentException(
                    "a payload in the format " + format + " has 0 to " + most + " bytes, not "
                            + payload + (format == WireFormat.AUTO
                                    ? "; beyond, the formats cannot be told apart and one must be named"
                                    : ""));
        limit = payload + HEADER_SIZE;
        receiver.settingsChanged();
        return this;
    }

    /**
     * Returns the longest payload.
     *
     * @return bytes without the header
     */
    public int maxSize() {
        return limit - HEADER_SIZE;
    }

    /**
     * Sets the wire format. It is {@link WireFormat#AUTO} unless set.
     *
     * @param wireFormat the format
     * @return this
     * @throws IllegalArgumentException if {@link #maxSize(int)} is more than the format can say
     * @throws IllegalStateException if the format changes while messages are queued or another thread sends
     */
    public synchronized ImsgChannel format(WireFormat wireFormat) {
        if (limit > wireFormat.limit())
            throw new IllegalArgumentException("the format " + wireFormat + " has messages of at most "
                    + wireFormat.limit() + " bytes, the channel's limit is " + limit);
        if (format != wireFormat) {
            if (!sender.takeIfEmpty())
                throw new IllegalStateException(
                        "the format cannot change while messages are queued or another thread sends");
            try {
                sendBuffer.dialect(wireFormat.dialect());
                format = wireFormat;
            } finally {
                sender.leave();
            }
            receiver.settingsChanged();
        }
        return this;
    }

    /**
     * Sets the format in which {@link WireFormat#AUTO} passes descriptors until the peer has marked one.
     *
     * @param wireFormat CLASSIC or MODERN
     * @return this
     * @throws IllegalArgumentException if it is AUTO
     */
    public ImsgChannel assume(WireFormat wireFormat) {
        if (wireFormat == WireFormat.AUTO)
            throw new IllegalArgumentException(
                    "the format written until the peer is known is CLASSIC or MODERN, not AUTO");
        assumed = wireFormat.dialect();
        return this;
    }

    /**
     * Returns the format in which the next descriptor is passed.
     *
     * @return CLASSIC or MODERN; AUTO as long as it is unknown
     */
    public WireFormat writtenFormat() {
        return WireFormat.of(written());
    }

    private Dialect written() {
        WireFormat set = format;
        Dialect seen = marked != null ? marked : assumed;
        return set != WireFormat.AUTO || seen == null ? set.dialect() : seen;
    }

    /**
     * Sets how much may be queued for sending. 16 MiB unless set.
     *
     * @param bytes bytes with headers, 1 to 1073741824; should be more than the longest message
     * @return this
     * @throws IllegalArgumentException if it is out of range
     */
    public ImsgChannel maxQueued(int bytes) {
        if (bytes < 1 || bytes > 1 << 30)
            throw new IllegalArgumentException("a queue holds 1 to " + (1 << 30) + " bytes, not " + bytes);
        sendBuffer.bound(bytes);
        return this;
    }

    /**
     * Lets a waiting reader try again and again for a while before it sleeps in the kernel. Round trips become shorter, and a
     * processor is kept busy. 0 unless set.
     *
     * @param time how long at most, each time; 292 years are no longer than more
     * @return this
     * @throws IllegalArgumentException if it is negative
     */
    public ImsgChannel spinBeforeWaiting(Duration time) {
        if (time.isNegative())
            throw new IllegalArgumentException("a time to spin is 0 or more, not " + time);
        spinNanos = TimeUnit.NANOSECONDS.convert(time);
        return this;
    }

    // The simple path

    /**
     * Sends a message, and before it everything queued; waits for room as long as it takes.
     *
     * <p>If this throws, nothing was taken: neither the message nor its descriptor. Only an {@link ImsgQueuedException} says that
     * a part of the message was sent and the rest is queued, for {@link #flush()} to send. A queued message whose descriptor the
     * kernel refuses is dropped, which the next {@code flush} or {@code write} tells, not this.
     *
     * @param message the message
     * @throws ImsgQueuedException if the write fails in the middle of the message
     * @throws IOException if the write fails, an {@link ErrnoException}; EPIPE or ECONNRESET when the peer is gone
     * @throws ImsgTooLargeException if the payload is over {@link #maxSize()}
     * @throws ImsgQueueFullException if the message is longer than {@link #maxQueued(int)}
     * @throws IllegalStateException if the message has a descriptor, and passing is not allowed or the format is unknown
     */
    public void send(Imsg message) throws IOException {
        sender.send(message, FOREVER);
    }

    /**
     * Sends a message, and before it everything queued, within a time.
     *
     * @param message the message; the caller's if this throws, as {@link #send(Imsg)} describes
     * @param timeout how long to wait for room, 0 or more
     * @throws SocketTimeoutException if the message cannot be sent in time; nothing was taken, so that it can be sent again
     * @throws ImsgQueuedException if only a part of the message can be sent in time; the rest is queued for {@link #flush()}
     * @throws IOException as {@link #send(Imsg)}
     */
    public void send(Imsg message, Duration timeout) throws IOException {
        sender.send(message, Deadline.in(timeout));
    }

    /**
     * Receives the next message; waits as long as it takes. Each message goes to one thread.
     *
     * @return the message, the caller's to close if it has a descriptor; or null at the clean end of the stream
     * @throws ImsgProtocolException if the peer broke the protocol
     * @throws ImsgEofException if the stream ended inside a message
     * @throws IOException if the read fails, an {@link ErrnoException}, or the channel is closed
     */
    public @Nullable Imsg receive() throws IOException {
        return receiver.receive(FOREVER);
    }

    /**
     * Receives the next message within a time.
     *
     * @param timeout how long to wait for it, 0 or more
     * @return as {@link #receive()}
     * @throws SocketTimeoutException if it is not whole in time; nothing is lost, and a part that came stays
     * @throws IOException as {@link #receive()}
     */
    public @Nullable Imsg receive(Duration timeout) throws IOException {
        return receiver.receive(Deadline.in(timeout));
    }

    /**
     * Returns the messages of a reply: a stream that receives as it is read, and ends with the first message of an end type, its
     * last element. Reading it throws UncheckedIOException where {@link #receive()} throws IOException, with an
     * {@link java.io.EOFException} if the peer ends before the reply.
     *
     * @param endTypes the types that end a reply
     * @return the messages; nothing is received before it is read. Closing the stream closes every descriptor that was not
     *     taken, also of messages that a filter dropped
     */
    public Stream<Imsg> replies(int... endTypes) {
        return Replies.stream(this::receive, endTypes);
    }

    /**
     * Returns the messages of a reply, each within a time.
     *
     * @param timeout how long to wait for each message
     * @param endTypes the types that end a reply
     * @return as {@link #replies(int...)}
     */
    public Stream<Imsg> replies(Duration timeout, int... endTypes) {
        return Replies.stream(() -> receive(timeout), endTypes);
    }

    // The fast path, writing

    /**
     * Holds the sending turn for many messages, so that they stand together in the stream and each costs no turn of its own.
     * Other threads that send wait until the batch is closed, or the thread that holds it has ended; it sends nothing by itself.
     *
     * {@snippet file = "org/imsg/ChannelSnippets.java" region = "batch"}
     *
     * @return the turn, to be closed by this thread
     * @throws ClosedChannelException if the channel is closed
     */
    public Batch batch() throws ClosedChannelException {
        Batch batch = new Batch(sender);
        sender.take(FOREVER);
        if (!isOpen()) {
            sender.leave();
            throw new ClosedChannelException();
        }
        return batch;
    }

    /** The sending turn of a channel: see {@link ImsgChannel#batch()}. */
    public static final class Batch implements AutoCloseable {
        private final Thread thread = Thread.currentThread();
        private @Nullable Sender sender;

        private Batch(Sender sender) {
            this.sender = sender;
        }

        /**
         * Gives the turn back. A second call has no effect.
         *
         * @throws IllegalStateException if another thread began the batch
         */
        @Override
        public void close() {
            Sender held = sender;
            if (held == null)
                return;
            if (thread != Thread.currentThread())
                throw new IllegalStateException("a batch is closed by the thread that began it");
            sender = null;
            held.leave();
        }
    }

    /**
     * Queues a message. C counterpart: {@code imsg_compose}.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param payload the payload; copied
     * @throws ImsgTooLargeException if the payload is over {@link #maxSize()} (C: ERANGE)
     * @throws ImsgQueueFullException if the queue has no room for it, or for its descriptor: {@value #MAX_QUEUED_DESCRIPTORS} may be queued
     * @throws ClosedChannelException if the channel is closed
     */
    public void compose(int type, int id, int pid, byte[] payload) throws ClosedChannelException {
        compose(type, id, pid, null, payload);
    }

    /**
     * Queues a message with a descriptor; otherwise as {@link #compose(int, int, int, byte[])}.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param fd a descriptor to go along, the channel's then unless this throws; null for none, as -1 in C
     * @param payload the payload; copied
     * @throws IllegalStateException if a descriptor is given and passing is not allowed, the format is unknown, or the
     *     descriptor is closed or was handed on
     * @throws ClosedChannelException if the channel is closed
     */
    public void compose(int type, int id, int pid, @Nullable Fd fd, byte[] payload) throws ClosedChannelException {
        boolean taken = sender.takeToCompose();
        try {
            int length = reserve(fd, payload.length);
            sendBuffer.copy(payload);
            sendBuffer.commit(headerDialect(), type, id, pid == 0 ? this.pid : pid, fd, length);
        } finally {
            if (taken)
                sender.leave();
        }
    }

    /**
     * Queues a message whose payload is gathered from segments; otherwise as {@link #compose(int, int, int, byte[])}. C
     * counterpart: {@code imsg_composev}.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param parts the parts, copied one behind the other
     * @throws ConcurrentModificationException if another thread changes the array meanwhile; nothing is queued then
     * @throws ClosedChannelException if the channel is closed
     */
    public void composev(int type, int id, int pid, MemorySegment... parts) throws ClosedChannelException {
        composev(type, id, pid, null, parts);
    }

    /**
     * Queues a message with a descriptor whose payload is gathered from segments.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param fd as {@link #compose(int, int, int, Fd, byte[])}
     * @param parts the parts, copied one behind the other
     * @throws ConcurrentModificationException if another thread changes the array meanwhile; nothing is queued then
     * @throws ClosedChannelException if the channel is closed
     */
    public void composev(int type, int id, int pid, @Nullable Fd fd, MemorySegment... parts)
            throws ClosedChannelException {
        if (parts.length == 1) {
            compose(type, id, pid, fd, parts[0]);
            return;
        }
        boolean taken = sender.takeToCompose();
        try {
            long count = 0;
            for (MemorySegment part : parts)
                count += Math.min(part.byteSize(), Integer.MAX_VALUE); // more than any limit, and no sum overflows
            int length = reserve(fd, count);
            long at = 0;
            for (MemorySegment part : parts) {
                if (part.byteSize() > count - at)
                    throw new ConcurrentModificationException(CHANGED);
                sendBuffer.copy(part, at);
                at += part.byteSize();
            }
            if (at < count)
                throw new ConcurrentModificationException(CHANGED);
            sendBuffer.commit(headerDialect(), type, id, pid == 0 ? this.pid : pid, fd, length);
        } finally {
            if (taken)
                sender.leave();
        }
    }

    private void compose(int type, int id, int pid, @Nullable Fd fd, MemorySegment payload)
            throws ClosedChannelException {
        boolean taken = sender.takeToCompose();
        try {
            int length = reserve(fd, payload.byteSize());
            sendBuffer.copy(payload, 0);
            sendBuffer.commit(headerDialect(), type, id, pid == 0 ? this.pid : pid, fd, length);
        } finally {
            if (taken)
                sender.leave();
        }
    }

    /**
     * Queues a message whose payload is what is readable in a buffer, with the descriptor in it, and closes the buffer. C
     * counterpart: {@code imsg_compose_ibuf}.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param payload the buffer; unless this throws it is closed
     * @throws ClosedChannelException if the channel is closed
     */
    public void composeIbuf(int type, int id, int pid, Ibuf payload) throws ClosedChannelException {
        composev(type, id, pid, payload.fd(), payload.data());
        payload.close();
    }

    /**
     * Begins a message that is put together piece by piece. It is queued by {@link #compose(Ibuf)}; several may be under
     * construction at once, and {@link Ibuf#close()} drops one. C counterpart: {@code imsg_create}.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param expected how many bytes of payload to make room for, 0 or more; it grows up to {@link #maxSize()}
     * @return a buffer for the payload
     * @throws IllegalArgumentException if it is negative
     * @throws ImsgTooLargeException if more is expected than is allowed
     */
    public Ibuf create(int type, int id, int pid, int expected) {
        return Ibuf.forMessage(type, id, pid, expected, maxSize());
    }

    /**
     * Queues a message begun by {@link #create(int, int, int, int)}, with its descriptor if one was set. C counterpart: {@code imsg_close}.
     *
     * @param message the buffer; unless this throws it is closed
     * @throws IllegalArgumentException if the buffer is not from {@link #create(int, int, int, int)}
     * @throws ClosedChannelException if the channel is closed
     */
    public void compose(Ibuf message) throws ClosedChannelException {
        Ibuf.Header header = message.header();
        if (header == null)
            throw new IllegalArgumentException(
                    "compose(Ibuf) queues what create() began; composeIbuf takes any buffer");
        composeIbuf(header.type(), header.id(), header.pid(), message);
    }

    /**
     * Queues every message of a queue, and leaves it empty. C counterpart: {@code msgbuf_concat}.
     *
     * @param messages messages begun by {@link #create(int, int, int, int)} or pushed as they were received; where this throws, the message it was
     *     at is closed, those behind it stay in the queue
     * @throws IllegalArgumentException if there is a buffer among them that is no message
     * @throws ClosedChannelException if the channel is closed
     */
    public void concat(IbufQueue messages) throws ClosedChannelException {
        for (Ibuf popped; (popped = messages.pop()) != null;) {
            try (Ibuf message = popped) {
                compose(message);
            }
        }
    }

    /**
     * Queues a message that was received, as it is. Its descriptor does not go along, and the message can be forwarded more than
     * once. C counterpart: {@code imsg_forward}.
     *
     * @param message the message; unchanged
     * @throws ClosedChannelException if the channel is closed
     */
    public void forward(Imsg message) throws ClosedChannelException {
        compose(message.type(), message.id(), message.pid(), message.bytes());
    }

    /**
     * Queues a message that is being read from another channel, as {@link #forward(Imsg)}.
     *
     * @param message a valid view
     * @throws ClosedChannelException if the channel is closed
     */
    public void forward(ImsgView message) throws ClosedChannelException {
        composev(message.type(), message.id(), message.pid(), message.bytes());
    }

    /** Makes room for a message; returns its length with the header. */
    private int reserve(@Nullable Fd fd, long payload) throws ClosedChannelException {
        int length = checkedLength(fd, payload);
        sendBuffer.reserve(length, fd != null);
        return length;
    }

    /** Returns the length of a message that may be queued, with its header. */
    int checkedLength(@Nullable Fd fd, long payload) throws ClosedChannelException {
        if (payload > limit - HEADER_SIZE)
            throw new ImsgTooLargeException(payload, limit - HEADER_SIZE);
        if (fd != null && !descriptorsAllowed)
            throw new IllegalStateException("descriptors do not pass on this channel: see allowFdPassing()");
        if (fd != null && written() == Dialect.AUTO)
            throw new IllegalStateException(Dialect.UNKNOWN);
        if (!isOpen())
            throw new ClosedChannelException();
        return HEADER_SIZE + (int) payload;
    }

    /** Returns what a header is written in; it matters for one without a mark on a big-endian machine only. */
    private Dialect headerDialect() {
        Dialect dialect = written();
        return dialect == Dialect.AUTO ? Dialect.MODERN : dialect;
    }

    /**
     * Sends what the socket takes without waiting. C counterpart: {@code imsgbuf_write}.
     *
     * @return true if nothing is left in the queue; false also while another thread has the sending turn
     * @throws IOException as {@link #flush()}
     */
    public boolean write() throws IOException {
        return sender.write();
    }

    /**
     * Sends everything queued; waits for room as long as it takes. C counterpart: {@code imsgbuf_flush}.
     *
     * @throws IOException if the write fails, an {@link ErrnoException}, and the queue stays as it is: EPIPE or ECONNRESET when
     *     the peer is gone. EBADF, EINVAL, EPERM or EACCES where the kernel refuses a queued descriptor: that message was
     *     dropped, and the next flush goes on behind it
     */
    public void flush() throws IOException {
        sender.flush(FOREVER);
    }

    /**
     * Sends everything queued within a time.
     *
     * @param timeout how long to wait for room, 0 or more
     * @throws ImsgQueuedException if not everything could be sent in time; the rest stays queued
     * @throws IOException as {@link #flush()}
     */
    public void flush(Duration timeout) throws IOException {
        sender.flush(Deadline.in(timeout));
    }

    /**
     * Returns how many messages are queued and not sent whole. C counterpart: {@code imsgbuf_queuelen}.
     *
     * @return 0 or more; the number of some moment while another thread sends
     */
    public int queuelen() {
        isOpen(); // a volatile read, so that the number is read anew
        return sendBuffer.messages();
    }

    /**
     * Returns how many bytes are queued and not sent.
     *
     * @return 0 or more; the number of some moment while another thread sends
     */
    public int queuedBytes() {
        isOpen(); // as above
        return sendBuffer.queued();
    }

    /**
     * Returns whether an event loop should wait until the socket can be written, and then {@link #write()}.
     *
     * @return true if something is queued
     */
    public boolean wantsWrite() {
        return queuedBytes() > 0;
    }

    /**
     * Drops what is queued for sending and closes its descriptors. If a part of a message has gone out, the peer takes the next
     * one for the rest, so then only for a peer that is gone. C counterpart: {@code imsgbuf_clear}.
     */
    public void clear() {
        sender.clear();
    }

    // The fast path, reading

    /**
     * Reads once, waiting until something has arrived, and shows every whole message to the handler. Messages that a former read
     * left are shown first, without reading.
     *
     * @param handler takes the messages; the views are valid inside its calls only
     * @return how many messages were shown, 0 if no message is whole; or -1 at the clean end of the stream
     * @throws ImsgProtocolException if the peer broke the protocol; also where the handler throws
     *     {@link TruncatedMessageException} or {@link MalformedStructException}
     * @throws IOException as {@link #receive()}, when no message comes before the fault; or from the handler, after which the
     *     messages behind are shown by the next read
     * @throws IllegalStateException if called from inside the handler
     */
    public int read(ImsgHandler handler) throws IOException {
        return receiver.read(handler, FOREVER);
    }

    /**
     * Reads once, as {@link #read(ImsgHandler)}, and waits only for a time.
     *
     * @param handler takes the messages
     * @param timeout how long to wait for something to arrive, 0 or more
     * @return as {@link #read(ImsgHandler)}
     * @throws SocketTimeoutException if nothing arrives in time
     * @throws IOException as {@link #read(ImsgHandler)}
     */
    public int read(ImsgHandler handler, Duration timeout) throws IOException {
        return receiver.read(handler, Deadline.in(timeout));
    }

    /**
     * Reads without waiting and shows what is there to the handler. For event loops, which call it when the socket can be read.
     *
     * @param handler takes the messages
     * @return as {@link #read(ImsgHandler)}; 0 also if there is nothing, or another thread is reading
     * @throws IOException as {@link #read(ImsgHandler)}
     */
    public int poll(ImsgHandler handler) throws IOException {
        return receiver.poll(handler);
    }

    /**
     * Reads once, waiting until something has arrived; {@link #get()} then gives the messages one by one. C counterpart:
     * {@code imsgbuf_read}.
     *
     * @return how many bytes arrived, or 1 if there is no room for more before a message is got, or a fault is; or -1 at the end of
     *     the stream, where messages may still be there to get
     * @throws IOException if the read fails, an {@link ErrnoException}, or the channel is closed
     */
    public int read() throws IOException {
        return receiver.read();
    }

    /**
     * Takes the next message that is there whole, without reading. C counterpart: {@code imsgbuf_get}.
     *
     * @return the message, the caller's to close if it has a descriptor; or null if there is none
     * @throws IOException as {@link #receive()}
     */
    public @Nullable Imsg get() throws IOException {
        return receiver.get();
    }

    /**
     * Returns how many descriptors arrived that no message claims, and were closed: more than one with a message, one with a
     * message that is not marked, or a pidfd that the socket's option SO_PASSPIDFD brought.
     *
     * @return the number since the channel was made
     */
    public long surplusDescriptors() {
        return receiveBuffer.surplus();
    }

    /**
     * What a channel has carried so far, and holds now.
     *
     * @param messagesSent messages that are in the socket whole
     * @param bytesSent bytes that are in the socket, with the headers
     * @param messagesReceived messages that were handed out
     * @param bytesReceived bytes that have arrived, with the headers
     * @param queuelen as {@link ImsgChannel#queuelen()}
     * @param queuedBytes as {@link ImsgChannel#queuedBytes()}
     * @param surplusDescriptors as {@link ImsgChannel#surplusDescriptors()}
     */
    public record Counters(long messagesSent, long bytesSent, long messagesReceived, long bytesReceived, int queuelen,
            int queuedBytes, long surplusDescriptors) {}

    /**
     * Returns the counters, for programs that watch themselves. Another thread may be in the middle of a call.
     *
     * @return the numbers of this moment, also of a closed channel
     */
    public Counters counters() {
        isOpen(); // a volatile read, as in queuelen
        return new Counters(sendBuffer.messagesSent(), sendBuffer.bytesSent(), receiver.messages(),
                receiveBuffer.received(), sendBuffer.messages(), sendBuffer.queued(), receiveBuffer.surplus());
    }

    /** Hands the settings to the receive buffer, in its turn. */
    void applySettings() {
        receiveBuffer.settings(format.dialect(), limit, descriptorsAllowed);
    }

    /** The receiver has seen a mark: the peer's format is known. */
    void peerMarked(@Nullable Dialect dialect) {
        // Called for every message behind a marked one: a volatile write each would take longer than the message.
        if (marked != dialect)
            marked = dialect;
    }

    long spinNanos() {
        return spinNanos;
    }

    /** Whether a send was told that the peer has reset the connection. */
    boolean wasReset() {
        return sender.sawReset();
    }

    /** The superclass's begin, for the two directions. */
    void beginWaiting() {
        begin();
    }

    /** The superclass's end, for the two directions. */
    void endWaiting(boolean completed) throws AsynchronousCloseException {
        end(completed);
    }

    /** Closes the socket, and every descriptor that was queued or not delivered. Threads inside are woken. */
    @Override
    protected void implCloseChannel() {
        socket.close();
        receiver.close();
        sender.close();
    }

    /**
     * Returns the number of the socket's descriptor, for an event loop to watch. It stays the channel's: use {@link #dup()} for
     * one to keep, to wrap or to hand on.
     *
     * @return the number
     * @throws ClosedChannelException if the channel is closed: the number may be another's by now
     */
    public int fd() throws ClosedChannelException {
        if (!isOpen())
            throw new ClosedChannelException();
        return socket.intValue();
    }

    /**
     * Makes a second descriptor of the socket, such as to hand it to a child; closing this channel then leaves the connection to
     * the child. Bytes queued or read here do not go along.
     *
     * @return a descriptor, the caller's, close-on-exec
     * @throws IOException if the channel is closed, or there is no room in the descriptor table, an {@link ErrnoException}
     */
    public Fd dup() throws IOException {
        return socket.dup();
    }

    /**
     * Returns the ids of the process at the other end, as the kernel vouches for them.
     *
     * @return the peer's ids
     * @throws IOException if the channel is closed, or the system does not say, an {@link ErrnoException}
     */
    public PeerCredentials peerCredentials() throws IOException {
        return Sockets.peerCredentials(socket);
    }

    /**
     * Ends the sending direction: the peer sees the end of the stream, and can still be received from. Many daemons take it for
     * the end of the connection and drop the reply.
     *
     * @throws IOException if the channel is closed, or the peer is gone, an {@link ErrnoException}
     */
    public void shutdownOutput() throws IOException {
        Sockets.shutdownOutput(socket);
    }

    /**
     * Ends both directions, and never waits for it: messages that have come can still be received, behind them is the end. A close
     * may wait for as long as the peer likes, for it closes descriptors that the peer has sent and that were not received; a
     * socket among them may linger (SO_LINGER).
     *
     * @throws IOException if the channel is closed, or the peer is gone, an {@link ErrnoException}
     */
    public void shutdown() throws IOException {
        Sockets.shutdown(socket);
    }

    @Override
    public String toString() {
        return "imsg channel on " + socket + ", " + format;
    }
}
