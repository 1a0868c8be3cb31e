package org.imsg.netty;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.FileDescriptor;
import io.netty.channel.unix.UnixChannel;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import org.imsg.sys.Constants;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;
import org.imsg.unix.Sockets;
import org.jspecify.annotations.Nullable;

/**
 * A Unix stream socket that carries bytes and descriptors together, on Netty's epoll, kqueue or io_uring event loops. In
 * addition to buffers and file regions an {@link FdBuf} may be written, and one is read where descriptors came with the bytes,
 * provided {@link ImsgChannelOption#ALLOW_FD_PASSING} is set. Everything else that is read is a {@link ByteBuf}. Put an
 * {@link ImsgCodec} in the pipeline to have messages instead.
 *
 * <p>A channel comes about in one of three ways: {@code Bootstrap.channel(ImsgSocketChannel.class)} and a connect to a
 * {@code DomainSocketAddress} or {@code UnixDomainSocketAddress}; {@link #ImsgSocketChannel(Fd)} around a connected socket,
 * such as descriptor 3 or an end of a socketpair, and {@code Bootstrap.register()}; {@link ImsgServer} in front of a
 * {@code ServerBootstrap} with Netty's own server channel.
 *
 * <p>Of the descriptors that come with one recvmsg(2) the first is kept, as in C; others are closed. Received descriptors are
 * close-on-exec. An end without a name has the address {@code DomainSocketAddress("")}. A peer whose backlog is full is tried
 * again until {@code CONNECT_TIMEOUT_MILLIS} have passed. A channel whose connect fails is closed. A refused connect is a {@link java.net.ConnectException}, one to a path
 * that is not there a {@link java.io.FileNotFoundException}, each with the {@link ErrnoException} as its cause; other failed
 * system calls are {@link ErrnoException}s. Safe for use by several threads as every Netty channel is.
 *
 * <p>The end of the peer is noticed while nothing is read, too: what it sent before is delivered then without being asked for.
 *
 * <p>It differs from Netty's {@code EpollDomainSocketChannel} in this:
 * <ul>
 * <li>It is no {@code DomainSocketChannel}, whose read mode says bytes or descriptors, never both. Code that is to serve both
 * classes asks for a {@link UnixChannel} and a {@link io.netty.channel.socket.DuplexChannel}.
 * <li>{@code DOMAIN_SOCKET_READ_MODE} is an unknown option. {@code EPOLL_MODE} is always level-triggered, and setting
 * anything else returns false.
 * <li>{@link #peerCredentials()} is of a type of ours, with ids up to 2^32-1, and has one group: Netty's cannot be made outside of
 * Netty. Both say {@code pid()} and {@code uid()}.
 * <li>A file region goes through a buffer, not through sendfile(2).
 * </ul>
 */
public final class ImsgSocketChannel extends HalfClosableChannel implements UnixChannel {
    private static final SocketAddress NAMELESS = new DomainSocketAddress("");
    private static final ChannelMetadata METADATA = new ChannelMetadata(false, 16);

    private final Fd socket;
    private final SocketDescriptor descriptor;
    private final ImsgChannelConfig config;
    private final SocketReader reader;
    private final SocketWriter writer;
    private final Connector connector;
    private volatile boolean active;
    private volatile @Nullable SocketAddress local;
    private volatile @Nullable SocketAddress remote;
    private final Registration registration = new Registration(this);

    /**
     * A channel to connect.
     *
     * @throws ChannelException if the socket cannot be made; the cause is an {@link ErrnoException}
     */
    public ImsgSocketChannel() {
        this(null, newSocket(), false);
    }

    /**
     * A channel on a connected socket. It may be blocking, and may be shared with other processes: its flags are not changed.
     *
     * @param socket a connected Unix stream socket; taken over
     * @throws IllegalStateException if it is closed or was handed on
     */
    public ImsgSocketChannel(Fd socket) {
        this(null, socket.move(), true);
    }

    /**
     * A channel on a connection that a server channel accepted.
     *
     * @param parent the server channel, or null
     * @param socket the connection; taken over
     * @throws IllegalStateException if it is closed or was handed on
     */
    public ImsgSocketChannel(@Nullable Channel parent, Fd socket) {
        this(parent, socket.move(), true);
    }

    private ImsgSocketChannel(@Nullable Channel parent, Fd socket, boolean connected) {
        super(parent);
        this.socket = socket;
        descriptor = new SocketDescriptor(socket);
        config = new ImsgChannelConfig(this, socket);
        reader = new SocketReader(this, config);
        writer = new SocketWriter(this, config);
        connector = new Connector(this);
        active = connected;
        remote = connected ? NAMELESS : null;
        SocketAddress bound = parent == null ? null : parent.localAddress();
        local = bound == null ? remote : bound;
    }

    private static Fd newSocket() {
        try {
            return Sockets.socket();
        } catch (IOException e) {
            throw new ChannelException(e);
        }
    }

    /**
     * Who is at the other end, as the kernel vouches for it: SO_PEERCRED, getpeereid(3).
     *
     * @return the peer's ids, as of when it connected or made the socketpair
     * @throws IOException if the channel is closed, a {@link ClosedChannelException}, or not connected, an {@link
     *     ErrnoException}
     */
    public PeerCredentials peerCredentials() throws IOException {
        return Sockets.peerCredentials(socket);
    }

    /**
     * Returns how many descriptors arrived and were closed by the channel: all but the first of one recvmsg(2), and each pidfd that
     * the socket's option SO_PASSPIDFD brought. Those that no message claims are counted by
     * {@link ImsgCodec#surplusDescriptors()}.
     *
     * @return the number since the channel was made
     */
    public long surplusDescriptors() {
        return reader.surplus();
    }

    /** The socket, which stays this channel's. */
    Fd socket() {
        return socket;
    }

    @Override
    public FileDescriptor fd() {
        return descriptor;
    }

    @Override
    public ImsgChannelConfig config() {
        return config;
    }

    @Override
    public ChannelMetadata metadata() {
        return METADATA;
    }

    @Override
    public boolean isOpen() {
        return socket.isOpen();
    }

    @Override
    public boolean isActive() {
        return active;
    }

    @Override
    protected @Nullable SocketAddress localAddress0() {
        return local;
    }

    @Override
    protected @Nullable SocketAddress remoteAddress0() {
        return remote;
    }

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new SocketUnsafe();
    }

    @Override
    protected boolean isCompatible(EventLoop loop) {
        return Transport.of(loop).isPresent();
    }

    // Registration, and what is waited for

    @Override
    protected void doRegister(ChannelPromise promise) {
        // Bytes left unsent on a former loop go on here; reading starts by itself, or when it is asked for.
        registration.begin((IoEventLoop) eventLoop(), promise, () -> {
            ChannelOutboundBuffer queue = unsafe().outboundBuffer();
            registration.want(registration.wantsRead(), active && queue != null && !queue.isEmpty());
            connector.moved();
        });
    }

    @Override
    protected void doDeregister() {
        registration.end(false);
    }

    @Override
    protected void doBeginRead() {
        reader.asked();
        if (active && !reader.isOver())
            registration.wantRead(true);
    }

    boolean isInputOver() {
        return reader.isOver();
    }

    void waitForInput(boolean wanted) {
        registration.wantRead(wanted);
    }

    /** Auto-read was switched off, perhaps by another thread. */
    void stopReading() {
        reader.stop();
    }

    void readReady() {
        reader.read((SocketUnsafe) unsafe());
    }

    /** The input has ended, whether anything is read or not. */
    void inputEnded() {
        reader.readToEnd((SocketUnsafe) unsafe());
    }

    void writeReady() {
        registration.answered();
        ((SocketUnsafe) unsafe()).flushNow();
        registration.wantWrite(registration.wantsWrite());
    }

    /** A flush that was put off; another loop has seen to it if the channel moved there. */
    private void flushAgain() {
        if (isOnItsLoop())
            ((SocketUnsafe) unsafe()).flushNow();
    }

    /** False for a task of a loop that the channel has left meanwhile. */
    boolean isOnItsLoop() {
        return isRegistered() && eventLoop().inEventLoop();
    }

    @Override
    protected Object filterOutboundMessage(Object message) {
        return writer.accept(message);
    }

    @Override
    protected void doWrite(ChannelOutboundBuffer queue) throws IOException {
        switch (writer.write(queue)) {
            case DONE -> registration.wantWrite(false);
            case FULL -> registration.wantWrite(true);
            // Not through the pipeline's flush: messages written and not flushed since must wait for their own.
            case ENOUGH -> eventLoop().execute(this::flushAgain);
            case LATER -> writer.later(this::flushAgain);
        }
    }

    // Connecting and closing

    void connected(SocketAddress to) {
        remote = to;
        if (local == null)
            local = NAMELESS;
        active = true;
        registration.endChanged();
        if (reader.isAsked())
            registration.wantRead(true);
    }

    @Override
    protected void doBind(SocketAddress address) throws IOException {
        connector.bind(address);
        local = address;
    }

    @Override
    protected void doDisconnect() {
        doClose();
    }

    @Override
    protected void doClose() {
        active = false;
        inputIsShutdown();
        outputIsShutdown();
        connector.cancel(new ClosedChannelException());
        try {
            registration.end(true);
        } finally {
            socket.close();
        }
    }

    @Override
    protected void doShutdownOutput() throws IOException {
        outputIsShutdown();
        registration.wantWrite(false);
        SocketCalls.shutdown(socket, Constants.SHUT_WR);
    }

    @Override
    void shutdownInputNow() throws IOException {
        if (isInputShutdown() && isOpen())
            return;
        SocketCalls.shutdown(socket, Constants.SHUT_RD);
        inputIsShutdown();
        if (reader.isOver())
            reader.forget();
        // With half-closure, the system reports the end that this makes, behind what had arrived, as it does that of a peer.
        registration.endChanged();
    }

    /** What Netty calls the channel's inside. */
    final class SocketUnsafe extends AbstractUnsafe {
        @Override
        public void connect(SocketAddress to, SocketAddress from, ChannelPromise promise) {
            if (!promise.isDone() && ensureOpen(promise))
                connector.connect(to, from, promise);
        }

        @Override
        protected void flush0() {
            // While the socket is full the loop calls back; trying before that would fail for certain.
            if (!registration.wantsWrite())
                super.flush0();
        }

        void flushNow() {
            super.flush0();
        }
    }
}
