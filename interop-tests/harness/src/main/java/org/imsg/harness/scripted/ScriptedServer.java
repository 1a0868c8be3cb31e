package org.imsg.harness.scripted;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.ErrnoException;
import org.jspecify.annotations.Nullable;

/**
 * A daemon that follows a script, one connection after the other, on a thread of its own. What a script throws comes out of
 * {@link #close()}; the daemon is gone then for its clients, so that none waits in vain.
 */
public final class ScriptedServer implements AutoCloseable {
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final RawListener listener;
    private final WireFormat format;
    private final ScriptedPeer.Steps script;
    private final Thread serving;
    private volatile @Nullable PeerFailedError failure;
    private volatile boolean closed;

    private ScriptedServer(RawListener listener, WireFormat format, ScriptedPeer.Steps script) {
        this.listener = listener;
        this.format = format;
        this.script = script;
        this.serving = Thread.ofVirtual().name("imsg-scripted-server").start(this::serve);
    }

    /**
     * Starts one.
     *
     * @param socket where it listens
     * @param format how it writes; AUTO reads both and writes MODERN
     * @param script what it does with each client
     * @return the running server
     * @throws IOException if it cannot listen there
     */
    public static ScriptedServer listen(Path socket, WireFormat format, ScriptedPeer.Steps script) throws IOException {
        return new ScriptedServer(RawListener.listen(socket, 0600), format, script);
    }

    private void serve() {
        try {
            for (RawSocket connection; (connection = nextClient()) != null;) {
                try (ScriptedPeer client = ScriptedPeer.of(connection, Direction.TO_CLIENT, format)) {
                    serve(client);
                }
            }
        } catch (IOException e) {
            failure = new PeerFailedError("no client can be accepted: " + e.getMessage(), e, Thread.currentThread(),
                    true);
        } catch (PeerFailedError e) {
            failure = e;
        } finally {
            listener.close();
        }
    }

    private void serve(ScriptedPeer client) {
        try {
            script.with(client);
        } catch (Exception | AssertionError e) {
            throw client.failedWith(e);
        }
    }

    /** Null when this is being closed and no client waits any more that can be served. While there is no room for another, clients wait. */
    private @Nullable RawSocket nextClient() throws IOException {
        for (;;) {
            try {
                return listener.accept(PAUSE);
            } catch (SocketTimeoutException _) {
                if (closed)
                    return null;
            } catch (ErrnoException e) {
                if (!e.isShortage())
                    throw e;
                if (closed)
                    return null;
            }
        }
    }

    /** {@return where it listens} */
    public Path socket() {
        return listener.path();
    }

    /**
     * Lets the script end for those who have connected, then stops, and says what went wrong.
     *
     * @throws PeerFailedError if a script failed
     */
    @Override
    public void close() {
        closed = true;
        try {
            serving.join();
        } catch (InterruptedException _) {
            serving.interrupt();
            Thread.currentThread().interrupt();
        }
        PeerFailedError failed = failure;
        if (failed != null)
            throw failed;
    }
}
