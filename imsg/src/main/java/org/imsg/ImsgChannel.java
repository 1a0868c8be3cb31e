package org.imsg;

import static org.imsg.sys.Readiness.FOREVER;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.MemorySegment;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.spi.AbstractInterruptibleChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Stream;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;
import org.imsg.wire.Dialect;
import org.imsg.wire.Framer;
import org.imsg.wire.ImsgHeader;

/**
 * A channel of messages over a connected Unix stream socket: {@code struct imsgbuf} in C.
 *
 * <p>There are two ways to use one. The simple path is {@link #send(Imsg)} and {@link #receive()}: a message a call, any number
 * of threads. The fast path queues many messages with {@code compose} and sends them together with {@link #flush()}, and reads
 * with {@link #read(ImsgHandler)}, which shows every whole message of one recvmsg(2) where it was received; it is for one
 * reading and one writing thread at a time, which may be two.
 *
 * {@snippet file = "org/imsg/ChannelSnippets.java" region = "client"}
 *
 * <p><b>Waiting.</b> A platform thread waits in the kernel; a virtual thread is parked and holds no carrier. {@link #close}
 * from another thread ends every wait with an AsynchronousCloseException. An interrupt while waiting closes the channel and
 * throws ClosedByInterruptException, as with every InterruptibleChannel of the JDK; who wants to stop waiting and keep the
 * channel uses a timeout. In an event loop of one's own, {@link #fd}, {@link #wantsWrite}, {@link #poll} and {@link #write}
 * never wait.
 *
 * <p><b>Ends.</b> The clean end of the stream is a value (null, -1, false). An end inside a message is an
 * {@link ImsgEofException}, a header that cannot be one an {@link ImsgProtocolException}; both come after every message that
 * arrived before. A failed write does not end reading: what the peer sent before it died can still be received.
 *
 * <p><b>Descriptors</b> are neither sent nor received until {@link #allowFdPassing()}, as in C. Passing an {@link Fd} to
 * {@code compose} moves it: it is closed when the kernel has it, or when the channel is closed; if the call throws, it is
 * still the caller's. Received descriptors are close-on-exec.
 *
 * <p>Settings are made before the channel is used by more than one thread.
 *
 * <table class="striped">
 * <caption>imsg_init(3) of OpenBSD 7.9 and this package</caption>
 * <thead><tr><th scope="col">C</th><th scope="col">Java</th><th scope="col">difference</th></tr></thead>
 * <tbody>
 * <tr><th scope="row">imsgbuf_init</th><td>{@link #of}, {@link #connect(Path)}, {@link #pair}, {@link ImsgListener#accept()}</td>
 * <td>the channel owns the descriptor and closes it</td></tr>
 * <tr><th scope="row">imsgbuf_allow_fdpass</th><td>{@link #allowFdPassing()}</td><td></td></tr>
 * <tr><th scope="row">imsgbuf_set_maxsize</th><td>{@link #maxSize(int)}</td><td></td></tr>
 * <tr><th scope="row">imsgbuf_clear</th><td>{@link #clear}, {@link #close}</td><td>clear drops what is queued for sending; close
 * drops everything and closes the socket</td></tr>
 * <tr><th scope="row">imsgbuf_read</th><td>{@link #read()}</td><td>waits for something to arrive; the end inside a message
 * is an error</td></tr>
 * <tr><th scope="row">imsgbuf_get, imsg_get</th><td>{@link #get}</td><td>a bad header is reported here, after the
 * messages before it</td></tr>
 * <tr><th scope="row">imsgbuf_write</th><td>{@link #write}</td><td>never waits; says whether something is left</td></tr>
 * <tr><th scope="row">imsgbuf_flush</th><td>{@link #flush()}</td><td>waits for room instead of looping; with a timeout if wanted</td></tr>
 * <tr><th scope="row">imsgbuf_queuelen</th><td>{@link #queuelen}</td><td></td></tr>
 * <tr><th scope="row">imsg_compose</th><td>{@link #compose(int, int, int, Fd, byte[])}</td><td>the queue has a bound:
 * {@link #maxQueued}; the descriptor stays the caller's on failure</td></tr>
 * <tr><th scope="row">imsg_composev</th><td>{@link #composev}</td><td></td></tr>
 * <tr><th scope="row">imsg_compose_ibuf</th><td>{@link #composeIbuf}</td><td>a descriptor in the buffer goes along; on failure
 * the buffer stays the caller's</td></tr>
 * <tr><th scope="row">imsg_create</th><td>{@link #create}</td><td></td></tr>
 * <tr><th scope="row">imsg_add</th><td>{@link Ibuf#add(byte[])}</td><td>on failure the buffer is unchanged, not freed</td></tr>
 * <tr><th scope="row">imsg_set_maxsize</th><td>{@link Ibuf#setMaxSize}</td><td>of a buffer from create: payload only, too</td></tr>
 * <tr><th scope="row">imsg_close</th><td>{@link #close(Ibuf)}</td><td></td></tr>
 * <tr><th scope="row">imsg_forward</th><td>{@link #forward(Imsg)}, {@link #forward(ImsgView)}</td><td></td></tr>
 * <tr><th scope="row">imsg_free</th><td>{@link Imsg#close}</td><td>needed only for a descriptor</td></tr>
 * <tr><th scope="row">imsg_get_type, _id, _pid, _len</th><td>{@link Imsg#type}, {@link Imsg#id}, {@link Imsg#pid},
 * {@link Imsg#length}</td><td>length is always the whole payload's</td></tr>
 * <tr><th scope="row">imsg_get_fd</th><td>{@link Imsg#takeFd}</td><td>{@link Imsg#descriptor} says why there is none</td></tr>
 * <tr><th scope="row">imsg_get_data, _buf, _strbuf, _ibuf</th><td>{@link Imsg#getData}, {@link Imsg#getBuf},
 * {@link Imsg#getStrbuf}, {@link Imsg#getIbuf}</td><td></td></tr>
 * <tr><th scope="row">imsg_ibufq_push, imsg_ibufq_pop</th><td>{@link IbufQueue#push(Imsg)}, {@link IbufQueue#popImsg}</td>
 * <td></td></tr>
 * <tr><th scope="row">msgbuf_concat</th><td>{@link #concat}</td><td></td></tr>
 * <tr><th scope="row">IMSG_HEADER_SIZE, MAX_IMSGSIZE</th><td>{@link #HEADER_SIZE}, {@link #MAX_IMSGSIZE}</td><td></td></tr>
 * </tbody>
 * </table>
 */
public final class ImsgChannel extends AbstractInterruptibleChannel {
    /** The bytes of a header: IMSG_HEADER_SIZE. */
    public static final int HEADER_SIZE = ImsgHeader.SIZE;
    /** The longest message unless {@link #maxSize(int)} says otherwise, in bytes with the header: MAX_IMSGSIZE. */
    public static final int MAX_IMSGSIZE = 16384;

    private static final int OWN_PID = (int) ProcessHandle.current().pid();

    private final Fd socket;
    private final Inbox inbox;
    private final Outbox outbox = new Outbox();
    private final Receiver receiver;
    private final Sender sender;
    private final int pid = OWN_PID;
    private WireFormat format = WireFormat.AUTO;
    /** The format written: fixed, or what was assumed or last seen marked. The reader changes it, the writer uses it. */
    private volatile Dialect written = Dialect.MODERN;
    private boolean descriptorsAllowed;
    private int limit = MAX_IMSGSIZE;

    private ImsgChannel(Fd socket) {
        this.socket = socket;
        this.inbox = new Inbox(format.dialect(), limit);
        this.receiver = new Receiver(this, socket, inbox);
        this.sender = new Sender(this, socket, outbox);
    }

    /**
     * Connects to a daemon's socket, however long its backlog is full.
     *
     * @param path the socket
     * @return a channel
     * @throws InterruptedIOException if the thread is interrupted while it waits for room in the backlog; the interrupt
     *     status stays set
     * @throws IOException if it cannot connect, an {@link ErrnoException}
     * @throws IllegalArgumentException if the path is too long for sockaddr_un
     */
    public static ImsgChannel connect(Path path) throws IOException {
        return new ImsgChannel(Sockets.connect(UnixAddress.of(path), FOREVER));
    }

    /**
     * Connects to a daemon's socket.
     *
     * @param address the socket's path or abstract name
     * @param timeout how long to wait for room in the daemon's backlog, 0 or more
     * @return a channel
     * @throws SocketTimeoutException if there is no room in time
     * @throws InterruptedIOException as {@link #connect(Path)}
     * @throws IOException if it cannot connect, an {@link ErrnoException}
     */
    public static ImsgChannel connect(UnixAddress address, Duration timeout) throws IOException {
        return new ImsgChannel(Sockets.connect(address, deadline(timeout)));
    }

    /**
     * A channel over a connected socket that was made elsewhere: inherited from the parent, such as descriptor 3, or received.
     *
     * @param socket a Unix stream socket; the channel's then, unless this throws
     * @return a channel
     * @throws IllegalArgumentException if it is no stream socket, or a listening one
     * @throws IllegalStateException if the descriptor is closed or was handed on
     * @throws IOException if it is no socket, an {@link ErrnoException}
     */
    public static ImsgChannel of(Fd socket) throws IOException {
        socket.intValue(); // throws if it is closed or was handed on
        int type = Sockets.intOption(socket, "SO_TYPE");
        if (type != org.imsg.sys.Constants.SOCK_STREAM)
            throw new IllegalArgumentException("imsg needs a stream socket (type "
                    + org.imsg.sys.Constants.SOCK_STREAM + "), " + socket + " is of type " + type);
        if (Sockets.intOption(socket, "SO_ACCEPTCONN") != 0)
            throw new IllegalArgumentException(socket + " is a listening socket: accept its connections");
        return new ImsgChannel(socket.move());
    }

    /** A channel over a socket that is known to be one. */
    static ImsgChannel ofConnected(Fd socket) {
        return new ImsgChannel(socket);
    }

    /**
     * Two channels connected to each other: socketpair(2).
     *
     * @return both ends
     * @throws IOException if there is no room in a descriptor table, an {@link ErrnoException}
     */
    public static Pair pair() throws IOException {
        Fd.Pair sockets = Fd.socketpair();
        return new Pair(new ImsgChannel(sockets.first()), new ImsgChannel(sockets.second()));
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

    // Settings

    /**
     * Lets descriptors pass in both directions: imsgbuf_allow_fdpass.
     *
     * @return this
     */
    public ImsgChannel allowFdPassing() {
        descriptorsAllowed = true;
        inbox.allowDescriptors();
        return this;
    }

    /**
     * Sets the longest payload in both directions: imsgbuf_set_maxsize.
     *
     * @param payload bytes without the header: up to 65519 with the format AUTO or CLASSIC, 2147483631 with MODERN
     * @return this
     * @throws IllegalArgumentException if it is negative, or more than the format can say
     */
    public ImsgChannel maxSize(int payload) {
        if (payload < 0 || payload > format.limit() - HEADER_SIZE)
            throw new IllegalArgumentException("a payload in the format " + format + " has 0 to "
                    + (format.limit() - HEADER_SIZE) + " bytes, not " + payload
                    + (format == WireFormat.AUTO
                            ? "; beyond, the formats cannot be told apart and one must be named"
                            : ""));
        limit = payload + HEADER_SIZE;
        inbox.framer().limit(limit);
        return this;
    }

    /**
     * The longest payload.
     *
     * @return bytes without the header
     */
    public int maxSize() {
        return limit - HEADER_SIZE;
    }

    /**
     * Sets the wire format; AUTO unless set, writing MODERN until a peer is seen to use CLASSIC.
     *
     * @param wireFormat the format
     * @return this
     * @throws IllegalArgumentException if {@link #maxSize(int)} is more than the format can say
     */
    public ImsgChannel format(WireFormat wireFormat) {
        if (limit > wireFormat.limit())
            throw new IllegalArgumentException("the format " + wireFormat + " has messages of at most "
                    + wireFormat.limit() + " bytes, the channel's limit is " + limit);
        format = wireFormat;
        inbox.framer().dialect(wireFormat.dialect());
        outbox.dialect(wireFormat.dialect());
        if (wireFormat != WireFormat.AUTO)
            written = wireFormat.dialect();
        return this;
    }

    /**
     * Sets what {@link WireFormat#AUTO} writes until the peer has marked a descriptor.
     *
     * @param wireFormat CLASSIC or MODERN
     * @return this
     * @throws IllegalArgumentException if it is AUTO
     */
    public ImsgChannel assume(WireFormat wireFormat) {
        if (wireFormat == WireFormat.AUTO)
            throw new IllegalArgumentException(
                    "what is written until the peer is known is CLASSIC or MODERN, not AUTO");
        if (format == WireFormat.AUTO)
            written = wireFormat.dialect();
        return this;
    }

    /**
     * The format in which the next message is written.
     *
     * @return CLASSIC or MODERN
     */
    public WireFormat writtenFormat() {
        return WireFormat.of(written);
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
        outbox.bound(bytes);
        return this;
    }

    /**
     * Lets a waiting reader try again and again for a while before it sleeps in the kernel: shorter round trips for a processor
     * kept busy. 0 unless set.
     *
     * @param time how long at most, each time
     * @return this
     * @throws IllegalArgumentException if it is negative
     */
    public ImsgChannel spinBeforeWaiting(Duration time) {
        if (time.isNegative())
            throw new IllegalArgumentException("a time to spin is 0 or more, not " + time);
        receiver.spin(time.toNanos());
        return this;
    }

    // The simple path

    /**
     * Sends a message, and before it everything queued; waits for room as long as it takes. For any number of threads.
     *
     * @param message the message; its descriptor is taken, unless this throws before the message is queued
     * @throws IOException if the write fails, an {@link ErrnoException}; EPIPE or ECONNRESET when the peer is gone
     * @throws ImsgTooLargeException if the payload is over {@link #maxSize()}
     * @throws ImsgQueueFullException if the message is longer than {@link #maxQueued}
     * @throws IllegalStateException if the message has a descriptor and passing is not allowed
     */
    public void send(Imsg message) throws IOException {
        send(message, FOREVER);
    }

    /**
     * Sends a message, and before it everything queued.
     *
     * @param message the message; its descriptor is taken, unless this throws before the message is queued
     * @param timeout how long to wait for room, 0 or more
     * @throws SocketTimeoutException if not everything could be sent in time; the rest, and this message, stay queued.
     *     Where another thread was sending all the time, or the queue had no room, the exception says that the message
     *     was not queued; its descriptor was not taken then
     * @throws IOException as {@link #send(Imsg)}
     */
    public void send(Imsg message, Duration timeout) throws IOException {
        send(message, deadline(timeout));
    }

    private void send(Imsg message, long deadline) throws IOException {
        sender.begin(deadline);
        try {
            byte[] payload = message.bytes();
            check(message.fd(), payload.length);
            sender.awaitRoom(HEADER_SIZE + payload.length, deadline);
            compose(message.type(), message.id(), message.pid(), message.fd(), payload, 0, payload.length);
            message.takeFd();
            sender.flush(deadline);
        } finally {
            sender.leave();
        }
    }

    /**
     * Receives the next message; waits as long as it takes. For any number of threads, each message goes to one.
     *
     * @return the message, the caller's to close if it has a descriptor; or null at the clean end of the stream
     * @throws ImsgProtocolException if what comes is no message, every time from then on
     * @throws ImsgEofException if the stream ended inside a message, every time from then on
     * @throws IOException if the read fails, an {@link ErrnoException}, or the channel is closed
     */
    public Imsg receive() throws IOException {
        return receiver.receive(FOREVER);
    }

    /**
     * Receives the next message.
     *
     * @param timeout how long to wait for it, 0 or more
     * @return as {@link #receive()}
     * @throws SocketTimeoutException if it is not whole in time; nothing is lost, what came of it stays
     * @throws IOException as {@link #receive()}
     */
    public Imsg receive(Duration timeout) throws IOException {
        return receiver.receive(deadline(timeout));
    }

    /**
     * The messages of a reply: a stream that receives as it is read, and ends with the first message of an end type, which is its
     * last element. Reading it throws UncheckedIOException where {@link #receive()} throws IOException, with an
     * {@link java.io.EOFException} if the peer ends before the reply.
     *
     * @param endTypes the types that end a reply
     * @return the messages, the caller's to close where they have descriptors; nothing is received before it is read
     */
    public Stream<Imsg> replies(int... endTypes) {
        return Replies.stream(this::receive, endTypes);
    }

    /**
     * The messages of a reply, each within a timeout.
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
     * Queues a message: imsg_compose.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param fd a descriptor to go along, the channel's then unless this throws; or null
     * @param payload the payload; copied
     * @throws ImsgTooLargeException if the payload is over {@link #maxSize()} (C: ERANGE)
     * @throws ImsgQueueFullException if the queue has no room for it
     * @throws IllegalStateException if a descriptor is given and passing is not allowed, or the descriptor is closed or
     *     was handed on
     * @throws ClosedChannelException if the channel is closed
     */
    public void compose(int type, int id, int pid, Fd fd, byte[] payload) throws ClosedChannelException {
        compose(type, id, pid, fd, payload, 0, payload.length);
    }

    /**
     * Queues a message whose payload is a part of an array; otherwise as {@link #compose(int, int, int, Fd, byte[])}.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param fd a descriptor to go along, the channel's then unless this throws; or null
     * @param payload the array
     * @param from where in it the payload begins
     * @param count its length in bytes
     * @throws ClosedChannelException if the channel is closed
     */
    public void compose(int type, int id, int pid, Fd fd, byte[] payload, int from, int count)
            throws ClosedChannelException {
        Objects.checkFromIndexSize(from, count, payload.length);
        reserve(fd, count);
        outbox.copy(payload, from, count);
        commit(type, id, pid, fd, count);
    }

    /**
     * Queues a message whose payload is a segment; otherwise as {@link #compose(int, int, int, Fd, byte[])}.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param fd a descriptor to go along, the channel's then unless this throws; or null
     * @param payload the payload; copied
     * @throws ClosedChannelException if the channel is closed
     */
    public void compose(int type, int id, int pid, Fd fd, MemorySegment payload) throws ClosedChannelException {
        long count = payload.byteSize();
        reserve(fd, count);
        MemorySegment.copy(payload, 0, outbox.buffer(), outbox.payloadAt(), count);
        commit(type, id, pid, fd, count);
    }

    /**
     * Queues a message whose payload is gathered from parts: imsg_composev. Otherwise as
     * {@link #compose(int, int, int, Fd, byte[])}.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param fd a descriptor to go along, the channel's then unless this throws; or null
     * @param parts the parts, copied one behind the other
     * @throws ClosedChannelException if the channel is closed
     */
    public void composev(int type, int id, int pid, Fd fd, MemorySegment... parts) throws ClosedChannelException {
        long count = 0;
        for (MemorySegment part : parts)
            count += part.byteSize();
        reserve(fd, count);
        long at = outbox.payloadAt();
        for (MemorySegment part : parts) {
            MemorySegment.copy(part, 0, outbox.buffer(), at, part.byteSize());
            at += part.byteSize();
        }
        commit(type, id, pid, fd, count);
    }

    /**
     * Queues a message whose payload is what is readable in a buffer, and closes the buffer: imsg_compose_ibuf. A descriptor in
     * it goes along. Otherwise as {@link #compose(int, int, int, Fd, byte[])}.
     *
     * @param type the type
     * @param id the id, peerid in the header
     * @param pid the process id; 0 for this process's
     * @param payload the buffer; unless this throws it is closed
     * @throws ClosedChannelException if the channel is closed
     */
    public void composeIbuf(int type, int id, int pid, Ibuf payload) throws ClosedChannelException {
        compose(type, id, pid, payload.fd(), payload.data());
        payload.close();
    }

    /**
     * Begins a message that is put together piece by piece: imsg_create. It is queued by {@link #close(Ibuf)}; several may be
     * under construction at once, and one that is not wanted is closed by {@link Ibuf#close}.
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
     * Queues a message begun by {@link #create}: imsg_close. Its descriptor, if one was set, goes along.
     *
     * @param message the buffer; unless this throws it is closed
     * @throws IllegalArgumentException if the buffer is not from {@link #create}
     * @throws ClosedChannelException if the channel is closed
     */
    public void close(Ibuf message) throws ClosedChannelException {
        Ibuf.Header header = message.header();
        if (header == null)
            throw new IllegalArgumentException("close(Ibuf) queues what create() began; composeIbuf takes any buffer");
        composeIbuf(header.type(), header.id(), header.pid(), message);
    }

    /**
     * Queues every message of a queue, and leaves it empty: msgbuf_concat.
     *
     * @param messages messages begun by {@link #create} or pushed as they were received; where this throws, the message
     *     it was at is closed, those behind it stay in the queue
     * @throws IllegalArgumentException if there is a buffer among them that is no message
     * @throws ClosedChannelException if the channel is closed
     */
    public void concat(IbufQueue messages) throws ClosedChannelException {
        for (Ibuf popped; (popped = messages.pop()) != null;) {
            try (Ibuf message = popped) {
                close(message);
            }
        }
    }

    /**
     * Queues a message that was received, as it is: imsg_forward. Its descriptor does not go along, and the message can be
     * forwarded more than once.
     *
     * @param message the message; unchanged
     * @throws ClosedChannelException if the channel is closed
     */
    public void forward(Imsg message) throws ClosedChannelException {
        compose(message.type(), message.id(), message.pid(), null, message.bytes());
    }

    /**
     * Queues a message that is being read from another channel, as it is; as {@link #forward(Imsg)}.
     *
     * @param message a valid view
     * @throws ClosedChannelException if the channel is closed
     */
    public void forward(ImsgView message) throws ClosedChannelException {
        compose(message.type(), message.id(), message.pid(), null, message.payload());
    }

    private void reserve(Fd fd, long count) throws ClosedChannelException {
        check(fd, count);
        outbox.reserve(HEADER_SIZE + (int) count);
    }

    private void check(Fd fd, long count) throws ClosedChannelException {
        if (count > limit - HEADER_SIZE)
            throw new ImsgTooLargeException(count, limit - HEADER_SIZE);
        if (fd != null && !descriptorsAllowed)
            throw new IllegalStateException("descriptors do not pass on this channel: see allowFdPassing()");
        if (!isOpen())
            throw new ClosedChannelException();
    }

    private void commit(int type, int id, int pid, Fd fd, long count) throws ClosedChannelException {
        outbox.commit(written, type, id, pid == 0 ? this.pid : pid, fd, HEADER_SIZE + (int) count);
    }

    /**
     * Sends what the socket takes without waiting: imsgbuf_write.
     *
     * @return true if nothing is left in the queue; false also while another thread is sending
     * @throws IOException if the write fails, an {@link ErrnoException}
     */
    public boolean write() throws IOException {
        return sender.write();
    }

    /**
     * Sends everything queued; waits for room as long as it takes: imsgbuf_flush.
     *
     * @throws IOException if the write fails, an {@link ErrnoException}; EPIPE or ECONNRESET when the peer is gone,
     *     EBADF when a queued descriptor was closed behind our back: that message is dropped, the next flush goes on
     *     behind it
     */
    public void flush() throws IOException {
        sender.flush(FOREVER);
    }

    /**
     * Sends everything queued.
     *
     * @param timeout how long to wait for room, 0 or more
     * @throws SocketTimeoutException if not everything could be sent in time; the rest stays queued
     * @throws IOException as {@link #flush()}
     */
    public void flush(Duration timeout) throws IOException {
        sender.flush(deadline(timeout));
    }

    /**
     * How many messages are queued and not sent whole: imsgbuf_queuelen.
     *
     * @return 0 or more; while another thread sends it may be another number by the time it is looked at
     */
    public int queuelen() {
        return outbox.messages();
    }

    /**
     * How many bytes are queued and not sent.
     *
     * @return 0 or more
     */
    public int queuedBytes() {
        return outbox.pending();
    }

    /**
     * Whether an event loop should wait until the socket can be written, and then {@link #write}.
     *
     * @return true if something is queued
     */
    public boolean wantsWrite() {
        return outbox.pending() > 0;
    }

    /**
     * Drops what is queued for sending and closes its descriptors: imsgbuf_clear. Not after a part of a message has gone out,
     * unless the peer is gone: it would take the next for the rest.
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
     * @return how many messages were shown, 0 if what came is not a whole one; or -1 at the clean end of the stream
     * @throws IOException as {@link #receive()}, when no message comes before the fault; or what the handler throws,
     *     after which the messages behind are shown by the next read
     * @throws IllegalStateException if called from inside the handler
     */
    public int read(ImsgHandler handler) throws IOException {
        return receiver.read(handler, FOREVER);
    }

    /**
     * Reads once, as {@link #read(ImsgHandler)}, and waits only for a while.
     *
     * @param handler takes the messages
     * @param timeout how long to wait for something to arrive, 0 or more
     * @return as {@link #read(ImsgHandler)}
     * @throws SocketTimeoutException if nothing arrives in time
     * @throws IOException as {@link #read(ImsgHandler)}
     */
    public int read(ImsgHandler handler, Duration timeout) throws IOException {
        return receiver.read(handler, deadline(timeout));
    }

    /**
     * Reads without waiting: what is there is shown to the handler. For event loops, which call it when the socket can be read.
     *
     * @param handler takes the messages
     * @return as {@link #read(ImsgHandler)}; 0 also if there is nothing
     * @throws IOException as {@link #read(ImsgHandler)}
     */
    public int poll(ImsgHandler handler) throws IOException {
        try {
            return receiver.read(handler, System.nanoTime());
        } catch (SocketTimeoutException _) {
            return 0;
        }
    }

    /**
     * Reads once, waiting until something has arrived: imsgbuf_read. {@link #get} then gives the messages one by one. Returns at
     * once if the buffer is full of messages that were not taken.
     *
     * @return false at the end of the stream; messages may still be there to get
     * @throws IOException if the read fails, an {@link ErrnoException}, or the channel is closed
     */
    public boolean read() throws IOException {
        return receiver.read();
    }

    /**
     * The next message that is there whole, without reading: imsgbuf_get.
     *
     * @return the message, the caller's to close if it has a descriptor; or null if there is none
     * @throws IOException as {@link #receive()}
     */
    public Imsg get() throws IOException {
        return receiver.get();
    }

    /** The receiver has seen a mark: the peer's format is known. */
    void peerMarked(Dialect dialect) {
        // Called for every message behind a marked one: a volatile write each would take longer than the message.
        if (format == WireFormat.AUTO && written != dialect)
            written = dialect;
    }

    /** The superclass's begin, for the two directions. */
    void beginWaiting() {
        begin();
    }

    /** The superclass's end, for the two directions. */
    void endWaiting(boolean completed) throws AsynchronousCloseException {
        end(completed);
    }

    /** Closes the socket, and every descriptor that was queued or not delivered. Threads inside are let go. */
    @Override
    protected void implCloseChannel() {
        socket.close();
        receiver.dropIfClosed();
        sender.dropIfClosed();
    }

    /**
     * The socket's descriptor, for an event loop to watch. It stays the channel's.
     *
     * @return the number
     * @throws IllegalStateException if the channel is closed: the number may be another's by now
     */
    public int fd() {
        return socket.intValue();
    }

    /**
     * Who is at the other end, as the kernel vouches for it.
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

    static long deadline(Duration timeout) {
        if (timeout.isNegative())
            throw new IllegalArgumentException("a timeout is 0 or more, not " + timeout);
        long nanos;
        try {
            nanos = timeout.toNanos();
        } catch (ArithmeticException _) {
            return FOREVER;
        }
        long deadline = System.nanoTime() + nanos;
        return deadline == FOREVER ? deadline - 1 : deadline;
    }

    @Override
    public String toString() {
        return "imsg channel on " + socket + ", " + format;
    }
}
