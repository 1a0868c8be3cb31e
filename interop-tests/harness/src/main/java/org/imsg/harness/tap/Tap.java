package org.imsg.harness.tap;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.imsg.WireFormat;
import org.imsg.harness.record.Event;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.PeerCredentials;

/**
 * A transparent proxy for a daemon's Unix stream socket. The bytes go on as they came, each descriptor with the byte it was sent
 * with; half-closed directions and a reader's slowness are passed on, too. Messages are decoded beside.
 *
 * <p>What a proxy cannot keep: the daemon sees the proxy's process in SO_PEERCRED, not the client's. The client's credentials
 * are told in a note at the beginning of its connection; run the tap as the user the daemon is to see.
 *
 * <p>Descriptors that a daemon has not received count for the user of the proxy. Where the kernel allows no more of them, a client that passes one
 * is not read until there is room; the other connections go on.
 *
 * <p>Nor a reset: a program that closes with unread bytes gives its peer ECONNRESET, but what it did not read the proxy had read, so the peer
 * of the proxy sees an end. A note tells of it where it happened.
 */
public final class Tap implements AutoCloseable {
    private final RawListener listener;
    private final Path target;
    private final WireFormat format;
    private final int limit;
    private final Watch watch;
    private final Set<TapConnection> connections = ConcurrentHashMap.newKeySet();
    private final Thread accepting;
    private volatile boolean closed;
    private final AtomicInteger count = new AtomicInteger();

    private Tap(RawListener listener, Path target, WireFormat format, int limit, Consumer<Event> witness) {
        this.listener = listener;
        this.target = target;
        this.format = format;
        this.limit = limit;
        this.watch = new Watch(witness, this::stop);
        this.accepting = Thread.ofVirtual().name("imsg-tap-accept").start(this::accept);
    }

    /**
     * Starts a tap.
     *
     * @param listen where clients connect to it; gets the same permission bits as the target
     * @param target the daemon's socket
     * @param format how to read the messages; AUTO reads both
     * @param limit the longest message in bytes with its header; longer ones pass as well, but are not decoded
     * @param witness is told every event, one at a time, before its bytes are sent on
     * @return the running tap
     * @throws IllegalArgumentException as {@link #listen(Path, Path)}
     * @throws IOException as {@link #listen(Path, Path)}
     */
    public static Tap start(Path listen, Path target, WireFormat format, int limit, Consumer<Event> witness)
            throws IOException {
        return start(listen(listen, target), target, format, limit, witness);
    }

    /**
     * Starts a tap with a listener that was made before, so that nothing is written where the path is taken.
     *
     * @param listener as {@link #listen(Path, Path)} makes it; the tap's then
     * @param target the daemon's socket
     * @param format as above
     * @param limit as above
     * @param witness as above
     * @return the running tap
     */
    public static Tap start(RawListener listener, Path target, WireFormat format, int limit,
            Consumer<Event> witness) {
        return new Tap(listener, target, format, limit, witness);
    }

    /**
     * Listens where a tap's clients connect; they wait until it is started.
     *
     * @param listen where; gets the same permission bits as the target
     * @param target the daemon's socket
     * @return the listener, the caller's to close
     * @throws IllegalArgumentException if both are the same: the tap would connect to itself
     * @throws IOException if the socket cannot be listened at, or the target's file cannot be looked at
     */
    public static RawListener listen(Path listen, Path target) throws IOException {
        if (Files.exists(listen) && Files.isSameFile(listen, target))
            throw new IllegalArgumentException(
                    "a tap at " + listen + " would connect to itself: the target is the same");
        return RawListener.listen(listen, (int) Files.getAttribute(target, "unix:mode") & 0777);
    }

    private void accept() {
        try {
            listener.serve(this::serve);
        } catch (ClosedChannelException _) {
            // closed before it began
        } catch (IOException e) {
            watch.note(0, "accepts no more connections: " + e.getMessage());
        } catch (RuntimeException e) {
            watch.failed(e);
        }
    }

    private void serve(RawSocket client, PeerCredentials peer) throws InterruptedException {
        int number = count.incrementAndGet();
        try (RawSocket server = RawSocket.connect(target)) {
            watch.note(number, "connected: client " + TapConnection.credentials(peer) + "; the daemon sees pid "
                    + ProcessHandle.current().pid());
            TapConnection connection = new TapConnection(watch, number, client, server, format, limit,
                    connections::remove);
            connections.add(connection);
            connection.start();
            if (closed)
                connection.close();
            connection.join();
        } catch (IOException e) {
            watch.note(number, "no connection to the target: " + e.getMessage());
        } catch (RuntimeException e) {
            watch.failed(e);
        }
    }

    /** {@return where clients connect} */
    public Path socket() {
        return listener.path();
    }

    /**
     * Waits until another thread closes the tap, or the witness fails: then all connections are cut, since bytes that were not
     * shown must not pass.
     *
     * @throws InterruptedException if the thread is interrupted
     * @throws RuntimeException what the witness threw first; an Error, too
     */
    public void join() throws InterruptedException {
        accepting.join();
        watch.rethrow();
    }

    private void stop() {
        closed = true;
        connections.forEach(TapConnection::close);
        listener.close();
    }

    /** Stops listening and cuts the connections. */
    @Override
    public void close() {
        stop();
        try {
            accepting.join();
            for (TapConnection connection : connections)
                connection.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
