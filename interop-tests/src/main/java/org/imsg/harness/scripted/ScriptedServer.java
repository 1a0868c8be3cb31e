package org.imsg.harness.scripted;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.stream.RawSocket;

/**
 * A daemon that follows a script, one connection after the other, on a thread of its own. What the script threw comes out of
 * {@link #close}.
 */
public final class ScriptedServer implements AutoCloseable {
    private final RawListener listener;
    private final WireFormat format;
    private final Script script;
    private final Thread serving;
    private final List<Throwable> failures = new CopyOnWriteArrayList<>();
    private volatile ScriptedPeer current;
    private volatile boolean closed;

    /** What is to be done with a client. */
    @FunctionalInterface
    public interface Script {
        /**
         * Talks with one client; the connection is closed afterwards.
         *
         * @param client
         *            the connection
         * @throws Exception
         *             anything: a failure of the test
         */
        void with(ScriptedPeer client) throws Exception;
    }

    private ScriptedServer(RawListener listener, WireFormat format, Script script) {
        this.listener = listener;
        this.format = format;
        this.script = script;
        this.serving = Thread.ofVirtual().name("imsg-scripted-server").start(this::serve);
    }

    /**
     * Starts one.
     *
     * @param socket
     *            where it listens
     * @param format
     *            how it writes; AUTO reads both and writes MODERN
     * @param script
     *            what it does with each client
     * @return the running server
     * @throws IOException
     *             if it cannot listen there
     */
    public static ScriptedServer listen(Path socket, WireFormat format, Script script) throws IOException {
        return new ScriptedServer(RawListener.listen(socket, 0600), format, script);
    }

    private void serve() {
        try {
            for (;;) {
                RawSocket connection = listener.accept();
                try (ScriptedPeer client = ScriptedPeer.of(connection, Direction.TO_CLIENT, format)) {
                    current = client;
                    script.with(client);
                }
            }
        } catch (ClosedChannelException e) {
            if (!closed)
                failures.add(e);
        } catch (Exception | AssertionError e) {
            failures.add(e);
            listener.close();
        }
    }

    /** {@return where it listens} */
    public Path socket() {
        return listener.path();
    }

    /**
     * Stops, and says what went wrong.
     *
     * @throws AssertionError
     *             if a script failed, with its message
     */
    @Override
    public void close() {
        closed = true;
        listener.close();
        ScriptedPeer client = current;
        if (client != null)
            client.abort();
        try {
            serving.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        for (Throwable failure : failures)
            if (!(failure instanceof ClosedChannelException))
                throw failure instanceof AssertionError error
                        ? error
                        : new AssertionError("the script failed: " + failure, failure);
    }
}
