package org.imsg;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.InterruptibleChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Predicate;
import org.imsg.unix.ConnectionHandler;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;

/**
 * A listening Unix stream socket whose connections are {@link ImsgChannel}s: what a daemon opens for its control program.
 *
 * {@snippet file = "org/imsg/ChannelSnippets.java" region = "daemon"}
 *
 * <p>{@link UnixListener} says what becomes of the socket's file, which of two that start at once listens, and what several
 * threads may do.
 */
public final class ImsgListener implements InterruptibleChannel {
    private final UnixListener listener;

    private ImsgListener(UnixListener listener) {
        this.listener = listener;
    }

    /**
     * Listens at a path, with mode 0600 and a backlog of 128, for any peer that can open it.
     *
     * @param path where; a stale socket there is replaced
     * @return a listener
     * @throws IOException if the path is taken or cannot be bound, an {@link ErrnoException}
     */
    public static ImsgListener listen(Path path) throws IOException {
        return at(UnixAddress.of(path)).listen();
    }

    /**
     * Begins to describe a listener.
     *
     * @param address where it listens
     * @return what to set the rest on
     */
    public static UnixListener.Builder<ImsgListener> at(UnixAddress address) {
        return UnixListener.at(address, ImsgListener::new);
    }

    /**
     * Listens with a socket that listens already, as {@link UnixListener#of(Fd)}.
     *
     * @param socket a listening Unix stream socket; the listener's then, unless this throws
     * @return a listener
     * @throws IllegalArgumentException if it is not a listening Unix stream socket; the message says what it is
     * @throws IllegalStateException if the descriptor is closed or was handed on
     * @throws IOException if it is not a socket, an {@link ErrnoException}
     */
    public static ImsgListener of(Fd socket) throws IOException {
        return new ImsgListener(UnixListener.of(socket));
    }

    /**
     * Sets which peers are accepted. The others' connections are closed at once, and logged. All are unless set.
     *
     * @param check decides by the ids the kernel vouches for; called on the accepting thread
     * @return this
     */
    public ImsgListener allow(Predicate<PeerCredentials> check) {
        listener.allow(check);
        return this;
    }

    /**
     * Sets how many connections {@link #serve(ConnectionHandler)} serves at once. Further ones wait in the backlog.
     *
     * @param connections 1 or more; {@value UnixListener#MAX_CONNECTIONS} unless set
     * @return this
     * @throws IllegalArgumentException if it is less
     */
    public ImsgListener maxConnections(int connections) {
        listener.maxConnections(connections);
        return this;
    }

    /**
     * Sets how many connections of one user {@link #serve(ConnectionHandler)} serves at once. Further ones are closed when they are accepted.
     *
     * @param connections 1 or more; {@value UnixListener#MAX_CONNECTIONS_OF_UID} unless set
     * @return this
     * @throws IllegalArgumentException if it is less
     */
    public ImsgListener maxConnectionsOfUid(int connections) {
        listener.maxConnectionsOfUid(connections);
        return this;
    }

    /**
     * Accepts connections and serves each on a virtual thread of its own, until the listener is closed. Returns when the last
     * connection has ended. {@link UnixListener#serve(Function, ConnectionHandler)} says what becomes of connections when the listener is closed, when
     * there are too many, and when the process runs out of descriptors, which ends no server.
     *
     * @param handler what is done with each; the channel is closed when it returns or throws
     * @throws IllegalStateException if the listener is served already
     * @throws ClosedByInterruptException if the thread is interrupted; all is closed
     * @throws IOException if the listener is closed when this is called, or can accept no more; the listener is closed
     */
    public void serve(ConnectionHandler<ImsgChannel> handler) throws IOException {
        listener.serve(ImsgChannel::ofConnected, handler);
    }

    /**
     * Accepts a connection, however long it takes for one to come. While the process or the system has no descriptor or no
     * memory left, it waits in the backlog. A server for many clients uses {@link #serve(ConnectionHandler)}.
     *
     * @return a channel to a peer that is allowed
     * @throws IOException if it fails otherwise, an {@link ErrnoException}, or the listener is closed
     */
    public ImsgChannel accept() throws IOException {
        return ImsgChannel.ofConnected(listener.accept());
    }

    /**
     * Accepts a connection.
     *
     * @param timeout how long to wait for one, 0 or more
     * @return a channel to a peer that is allowed
     * @throws SocketTimeoutException if none comes in time
     * @throws IOException as {@link #accept()}; with EMFILE, ENFILE, ENOBUFS or ENOMEM if there still is no room for one
     */
    public ImsgChannel accept(Duration timeout) throws IOException {
        return ImsgChannel.ofConnected(listener.accept(timeout));
    }

    /**
     * Stops listening here and gives the socket away with its file and its backlog, as {@link UnixListener#handOn()}: a
     * successor calls {@link #of(Fd)}, and no client is refused meanwhile.
     *
     * @return the listening socket, the caller's
     * @throws ClosedChannelException if the listener is closed
     * @throws IOException if there is no room in the descriptor table, an {@link ErrnoException}; the listener goes on
     */
    public Fd handOn() throws IOException {
        return listener.handOn();
    }

    /**
     * The listening socket's descriptor, for an event loop to watch. It stays the listener's.
     *
     * @return the number
     * @throws ClosedChannelException if the listener is closed
     */
    public int fd() throws ClosedChannelException {
        return listener.fd();
    }

    /**
     * Returns the counters, for programs that watch themselves.
     *
     * @return the numbers of this moment
     */
    public UnixListener.Counters counters() {
        return listener.counters();
    }

    /**
     * Where this listens.
     *
     * @return the address
     */
    public UnixAddress address() {
        return listener.address();
    }

    @Override
    public boolean isOpen() {
        return listener.isOpen();
    }

    /** Stops listening, removes the socket's file if it is still this listener's, and ends what {@link #serve(ConnectionHandler)} serves. */
    @Override
    public void close() throws IOException {
        listener.close();
    }

    @Override
    public String toString() {
        return "imsg " + listener;
    }
}
