package org.imsg.harness.tap;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.StreamDecoder;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.PeerCredentials;
import org.jspecify.annotations.Nullable;

/** One client's connection through a tap: two threads, one a direction. */
final class TapConnection {
    private static final int MOST_AHEAD = 16;

    private final Watch watch;
    private final int number;
    private final RawSocket client;
    private final RawSocket server;
    private final WireFormat format;
    private final int limit;
    private final AtomicInteger running = new AtomicInteger(2);
    private final Consumer<TapConnection> ended;
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean cut;

    /** The sockets are this one's; when both are closed it is given to {@code ended}. */
    TapConnection(Watch watch, int number, RawSocket client, RawSocket server, WireFormat format, int limit,
            Consumer<TapConnection> ended) {
        this.watch = watch;
        this.number = number;
        this.client = client;
        this.server = server;
        this.format = format;
        this.limit = limit;
        this.ended = ended;
    }

    void start() {
        threads.add(pump(client, server, Direction.TO_SERVER));
        threads.add(pump(server, client, Direction.TO_CLIENT));
    }

    /** The peer in words. */
    static String credentials(PeerCredentials peer) {
        return peer + command(peer.pid());
    }

    private static String command(int pid) {
        try {
            return " (" + Files.readString(Path.of("/proc", String.valueOf(pid), "comm"), StandardCharsets.ISO_8859_1)
                    .strip() + ")";
        } catch (IOException _) {
            return ""; // it has ended, or lives where we cannot look
        }
    }

    private Thread pump(RawSocket from, RawSocket to, Direction direction) {
        return Thread.ofVirtual().name("imsg-tap-" + number + direction.sign()).start(() -> {
            try (Source source = new Source(from)) {
                pass(source, to, new StreamDecoder(number, direction, format, limit));
            } catch (RuntimeException | Error e) {
                watch.failed(e); // cuts us too: unseen bytes must not pass
            } finally {
                if (running.decrementAndGet() == 0) {
                    client.close();
                    server.close();
                    ended.accept(this);
                }
            }
        });
    }

    private void pass(Source from, RawSocket to, StreamDecoder decoder) {
        try {
            while (passOne(from, to, decoder)) {
                // until the end
            }
            decoder.end(watch.now()).forEach(watch::tell);
            if (from.socket.peerIsGone())
                to.shutdown();
            else
                to.shutdownOutput();
        } catch (SenderGone e) {
            fail(e, decoder); // told before the peer sees its end
            to.shutdown();
        } catch (IOException e) {
            fail(e, decoder);
        }
    }

    private void fail(IOException e, StreamDecoder decoder) {
        decoder.end(watch.now()).forEach(watch::tell);
        if (!cut)
            watch.note(number, e.getMessage() == null ? e.toString() : e.getMessage());
    }

    /** A sender whose socket failed: it is gone for both directions. */
    private static final class SenderGone extends IOException {
        private static final long serialVersionUID = 1L;

        SenderGone(@Nullable String message, IOException cause) {
            super(message, cause);
        }
    }

    private boolean passOne(Source from, RawSocket to, StreamDecoder decoder) throws IOException {
        try (Chunk chunk = from.receive()) {
            if (chunk == null)
                return false;
            decoder.add(watch.now(), chunk.bytes(), chunk.descriptorNames()).forEach(watch::tell);
            send(chunk, from, to);
            return true;
        }
    }

    /** When the receiver is gone, the sender gets EPIPE as it would without us; what the receiver sent can still be read. */
    private static void send(Chunk chunk, Source from, RawSocket to) throws IOException {
        try {
            to.send(chunk.bytes(), chunk.descriptors(), from::readAhead);
        } catch (IOException e) {
            from.socket.shutdownInput();
            throw e;
        }
    }

    /**
     * What one side sends. Its descriptors on their way to us are among those of which the kernel allows a user no more: a few of them are
     * received before there is room for them on the other side, for where they are all that it allows there never would be.
     */
    private final class Source implements AutoCloseable {
        final RawSocket socket;
        private final Deque<Chunk> ahead = new ArrayDeque<>();
        private @Nullable SenderGone failure;

        Source(RawSocket socket) {
            this.socket = socket;
        }

        @Nullable
        Chunk receive() throws SenderGone {
            if (!ahead.isEmpty())
                return ahead.remove();
            if (failure != null)
                throw failure;
            try {
                return socket.receive();
            } catch (IOException e) {
                throw gone(e);
            }
        }

        private SenderGone gone(IOException e) {
            String reset = (socket == client ? "the client" : "the server")
                    + " closed before it had read everything (ECONNRESET); its peer sees an end";
            return new SenderGone(
                    e instanceof ErrnoException errno && errno.name().equals("ECONNRESET") ? reset : e.getMessage(), e);
        }

        /** Whether there was something, and room for it here. */
        boolean readAhead() {
            if (failure != null || ahead.size() >= MOST_AHEAD)
                return false;
            try {
                Chunk next = socket.receive(Duration.ZERO);
                return next != null && ahead.add(next);
            } catch (SocketTimeoutException _) {
                return false;
            } catch (IOException e) {
                failure = gone(e);
                return false;
            }
        }

        @Override
        public void close() {
            ahead.forEach(Chunk::close);
        }
    }

    void close() {
        cut = true;
        client.shutdown();
        server.shutdown();
    }

    void join() throws InterruptedException {
        for (Thread thread : threads)
            thread.join();
    }

    /** Waits until both directions have ended; false if they have not in time. */
    boolean join(Duration patience) throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        for (Thread thread : threads)
            if (!thread.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime()))))
                return false;
        return true;
    }
}
