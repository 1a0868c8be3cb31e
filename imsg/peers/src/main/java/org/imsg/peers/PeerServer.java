package org.imsg.peers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.UnaryOperator;

import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.unix.UnixAddress;

/**
 * A daemon's control socket: accepts clients, and serves each in a virtual thread of its own until it leaves, breaks the
 * protocol, or the server is closed. A client that fails is logged and dropped; the others notice nothing.
 */
public final class PeerServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(PeerServer.class.getName());

    private final ImsgListener listener;
    private final UnaryOperator<ImsgChannel> settings;
    private final Session session;
    private final Set<ImsgChannel> clients = ConcurrentHashMap.newKeySet();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private volatile boolean closed;

    /** What is done with one client. */
    @FunctionalInterface
    public interface Session {
        /**
         * Serves a client to its end.
         *
         * @param client its channel, closed afterwards
         * @throws IOException if the client failed; it is dropped
         */
        void serve(ImsgChannel client) throws IOException;
    }

    private PeerServer(ImsgListener listener, UnaryOperator<ImsgChannel> settings, Session session) {
        this.listener = listener;
        this.settings = settings;
        this.session = session;
    }

    /**
     * Begins to listen.
     *
     * @param path where; the socket gets mode 0666, as anybody may run the control program
     * @param settings what to set on each channel: its wire format, whether it passes descriptors
     * @param session what is done with each client
     * @return the server, which the caller closes
     * @throws IOException if it cannot listen there
     */
    public static PeerServer listen(Path path, UnaryOperator<ImsgChannel> settings, Session session)
            throws IOException {
        PeerServer server = new PeerServer(ImsgListener.at(UnixAddress.of(path)).mode(0666).listen(), settings,
                session);
        server.threads.execute(server::accept);
        return server;
    }

    private void accept() {
        try {
            while (!closed) {
                ImsgChannel client = listener.accept();
                clients.add(client);
                try {
                    threads.execute(() -> serve(client));
                } catch (RejectedExecutionException e) { // closed meanwhile
                    client.close();
                }
            }
        } catch (IOException | RuntimeException e) {
            if (!closed)
                LOG.log(Level.ERROR, "no more clients are accepted at " + listener.address(), e);
        }
    }

    private void serve(ImsgChannel client) {
        try (client) {
            if (!closed)
                session.serve(settings.apply(client));
        } catch (IOException | RuntimeException e) {
            if (!closed)
                LOG.log(Level.WARNING, "a client is dropped", e);
        } finally {
            clients.remove(client);
        }
    }

    /** Ends the listener and every client's channel, and returns when nobody is served any more. */
    @Override
    public void close() {
        closed = true;
        try {
            listener.close();
            for (ImsgChannel client : clients)
                client.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            threads.close();
        }
    }
}
