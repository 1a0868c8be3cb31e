package org.imsg.harness.stream;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.imsg.unix.ConnectionHandler;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;

/** A listening Unix stream socket whose connections are {@link RawSocket}s. As safe for threads as {@link UnixListener}. */
public final class RawListener implements AutoCloseable {
    private final UnixListener listener;

    private RawListener(UnixListener listener) {
        this.listener = listener;
    }

    /**
     * Listens at a path. A stale socket there is replaced.
     *
     * @param path where
     * @param mode the permission bits of its file
     * @return the listener
     * @throws IOException if the path is taken or cannot be bound
     */
    public static RawListener listen(Path path, int mode) throws IOException {
        RawListener listener = UnixListener.at(UnixAddress.of(path), RawListener::new).mode(mode).listen();
        listener.listener.maxConnectionsOfUid(UnixListener.MAX_CONNECTIONS);
        return listener;
    }

    /**
     * Waits for a connection.
     *
     * @return the connected socket
     * @throws IOException if it fails, or the listener is closed
     */
    public RawSocket accept() throws IOException {
        return RawSocket.of(listener.accept());
    }

    /**
     * Waits for a connection, but not forever.
     *
     * @param timeout how long, 0 or more
     * @return the connected socket
     * @throws SocketTimeoutException if none comes in time
     * @throws IOException if it fails, or the listener is closed
     */
    public RawSocket accept(Duration timeout) throws IOException {
        return RawSocket.of(listener.accept(timeout));
    }

    /**
     * Serves connections as {@link UnixListener#serve(Function, ConnectionHandler)}, until the listener is closed. All may be one user's.
     *
     * @param handler serves each
     * @throws IOException as {@link UnixListener#serve(Function, ConnectionHandler)}
     */
    public void serve(ConnectionHandler<RawSocket> handler) throws IOException {
        listener.serve(RawSocket::of, handler);
    }

    /** {@return false once it is closed} */
    public boolean isOpen() {
        return listener.isOpen();
    }

    /** {@return where it listens} */
    public Path path() {
        return Objects.requireNonNull(listener.address().path());
    }

    /** Stops listening, removes the socket's file, and ends what {@link #serve(ConnectionHandler)} serves. */
    @Override
    public void close() {
        try {
            listener.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
