package org.imsg.harness.tap;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.imsg.WireFormat;
import org.imsg.harness.record.Event;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.stream.RawSocket;

/**
 * A transparent proxy for a daemon's Unix stream socket. The bytes go on as they came, each descriptor with the byte it was sent
 * with; half-closed directions and a reader's slowness are passed on, too; a reset arrives as an end. What passes is decoded beside.
 *
 * <p>One thing a proxy cannot keep: the daemon sees the proxy's process in SO_PEERCRED, not the client's. The client's credentials
 * are told in a note at the beginning of its connection; run the tap as the user the daemon is to see.
 */
public final class Tap implements AutoCloseable {
    private final RawListener listener;
    private final Path target;
    private final WireFormat format;
    private final int limit;
    private final Consumer<Event> witness;
    private final long origin = System.nanoTime();
    private final Set<TapConnection> connections = ConcurrentHashMap.newKeySet();
    private final Thread accepting;
    private volatile boolean closed;
    private int count;

    private Tap(RawListener listener, Path target, WireFormat format, int limit, Consumer<Event> witness) {
        this.listener = listener;
        this.target = target;
        this.format = format;
        this.limit = limit;
        this.witness = witness;
        this.accepting = Thread.ofVirtual().name("imsg-tap-accept").start(this::accept);
    }

    /**
     * Starts a tap.
     *
     * @param listen
     *            where clients connect to it; gets the same permission bits as the target
     * @param target
     *            the daemon's socket
     * @param format
     *            how to read the messages; AUTO reads both
     * @param limit
     *            the longest message in bytes with its header; longer ones pass as well, but are not decoded
     * @param witness
     *            is told every event, one at a time, before its bytes are sent on
     * @return the running tap
     * @throws IOException
     *             if the socket cannot be listened at, or the target's file cannot be looked at
     */
    public static Tap start(Path listen, Path target, WireFormat format, int limit, Consumer<Event> witness)
            throws IOException {
        int mode = (int) Files.getAttribute(target, "unix:mode") & 0777;
        return new Tap(RawListener.listen(listen, mode), target, format, limit, witness);
    }

    private void accept() {
        try {
            while (!closed)
                serve(listener.accept());
        } catch (ClosedChannelException _) {
            // closed, as it should be
        } catch (IOException e) {
            tell(Event.note(now(), 0, "accepts no more connections: " + e.getMessage()));
        }
    }

    private void serve(RawSocket client) {
        int number = ++count;
        RawSocket server;
        try {
            server = RawSocket.connect(target);
        } catch (IOException e) {
            client.close();
            tell(Event.note(now(), number, "no connection to the target: " + e.getMessage()));
            return;
        }
        TapConnection connection = new TapConnection(this, number, client, server, format, limit);
        connections.add(connection);
        connection.start();
        if (closed)
            connection.close();
    }

    long now() {
        return System.nanoTime() - origin;
    }

    synchronized void tell(Event event) {
        witness.accept(event);
    }

    void ended(TapConnection connection) {
        connections.remove(connection);
    }

    /** {@return where clients connect} */
    public Path socket() {
        return listener.path();
    }

    /**
     * Waits until somebody else closes the tap.
     *
     * @throws InterruptedException
     *             if the thread is interrupted
     */
    public void join() throws InterruptedException {
        accepting.join();
    }

    /** Stops listening and cuts the connections. */
    @Override
    public void close() {
        closed = true;
        listener.close();
        connections.forEach(TapConnection::close);
        try {
            accepting.join();
            for (TapConnection connection : connections)
                connection.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
