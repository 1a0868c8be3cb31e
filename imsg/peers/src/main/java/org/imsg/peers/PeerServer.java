package org.imsg.peers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.function.UnaryOperator;

import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.unix.ConnectionHandler;
import org.imsg.unix.UnixAddress;

/**
 * A daemon's control socket, served in the background by {@link ImsgListener#serve(org.imsg.unix.ConnectionHandler)}: each client on a virtual thread of its
 * own, until it leaves, breaks the protocol, or the server is closed. A client that fails is logged and dropped; the others
 * notice nothing.
 */
public final class PeerServer implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(PeerServer.class.getName());

    private final ImsgListener listener;
    private final Thread serving;

    private PeerServer(ImsgListener listener, ConnectionHandler<ImsgChannel> session) {
        this.listener = listener;
        this.serving = Thread.ofVirtual().name("imsg-peer-server").start(() -> serve(session));
    }

    /**
     * Begins to listen.
     *
     * @param path where; the socket gets mode 0666, so that any user may run the control program
     * @param settings what to set on each channel: its wire format, whether it passes descriptors
     * @param session what is done with each client
     * @return the server, which the caller closes
     * @throws IOException if it cannot listen there
     */
    public static PeerServer listen(Path path, UnaryOperator<ImsgChannel> settings,
            ConnectionHandler<ImsgChannel> session) throws IOException {
        return new PeerServer(ImsgListener.at(UnixAddress.of(path)).mode(0666).listen(),
                (client, peer) -> session.serve(settings.apply(client), peer));
    }

    private void serve(ConnectionHandler<ImsgChannel> session) {
        try {
            listener.serve(session);
        } catch (ClosedChannelException _) {
            // closed before it began
        } catch (IOException e) {
            LOG.log(Level.ERROR, "no more clients are accepted at " + listener.address(), e);
        }
    }

    /** Ends the listener and every client's channel. Returns when the last session has ended. */
    @Override
    public void close() {
        try {
            listener.close();
            serving.join();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
