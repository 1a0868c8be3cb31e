package org.imsg.harness.tap;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.StreamDecoder;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.PeerCredentials;

/** One client's connection through a tap: two threads, one a direction. */
final class TapConnection {
    private final Tap tap;
    private final int number;
    private final RawSocket client;
    private final RawSocket server;
    private final WireFormat format;
    private final int limit;
    private final AtomicInteger running = new AtomicInteger(2);
    private Thread forward;
    private Thread back;

    TapConnection(Tap tap, int number, RawSocket client, RawSocket server, WireFormat format, int limit) {
        this.tap = tap;
        this.number = number;
        this.client = client;
        this.server = server;
        this.format = format;
        this.limit = limit;
    }

    void start() {
        tap.tell(Event.note(tap.now(), number, "connected: client " + credentials(client) + "; the daemon sees pid "
                + ProcessHandle.current().pid()));
        forward = pump(client, server, Direction.TO_SERVER);
        back = pump(server, client, Direction.TO_CLIENT);
    }

    private static String credentials(RawSocket socket) {
        try {
            PeerCredentials peer = socket.peerCredentials();
            return "uid " + Integer.toUnsignedString(peer.uid()) + " gid " + Integer.toUnsignedString(peer.gid())
                    + " pid " + peer.pid() + command(peer.pid());
        } catch (IOException e) {
            return "unknown: " + e.getMessage();
        }
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
            boolean passed = false;
            try {
                pass(from, to, new StreamDecoder(number, direction, format, limit));
                passed = true;
            } finally {
                if (!passed)
                    close(); // the witness failed: what nobody saw must not pass

                if (running.decrementAndGet() == 0) {
                    client.close();
                    server.close();
                    tap.ended(this);
                }
            }
        });
    }

    private void pass(RawSocket from, RawSocket to, StreamDecoder decoder) {
        try {
            while (passOne(from, to, decoder)) {
                // until the end
            }
            decoder.end(tap.now()).forEach(tap::tell);
            if (from.peerIsGone())
                to.shutdown();
            else
                to.shutdownOutput();
        } catch (IOException e) {
            decoder.end(tap.now()).forEach(tap::tell);
            tap.tell(Event.note(tap.now(), number, e.getMessage() == null ? e.toString() : e.getMessage()));
        }
    }

    private boolean passOne(RawSocket from, RawSocket to, StreamDecoder decoder) throws IOException {
        try (Chunk chunk = receive(from, to)) {
            if (chunk == null)
                return false;
            decoder.add(tap.now(), chunk.bytes(), chunk.descriptorNames()).forEach(tap::tell);
            send(chunk, from, to);
            return true;
        }
    }

    /** A sender that was reset is gone for both directions. */
    private static Chunk receive(RawSocket from, RawSocket to) throws IOException {
        try {
            return from.receive();
        } catch (IOException e) {
            to.shutdown();
            throw e;
        }
    }

    /** When the receiver is gone, the sender gets EPIPE as it would without us; what the receiver sent can still be read. */
    private static void send(Chunk chunk, RawSocket from, RawSocket to) throws IOException {
        try {
            to.send(chunk.bytes(), chunk.descriptors());
        } catch (IOException e) {
            from.shutdownInput();
            throw e;
        }
    }

    void close() {
        client.shutdown();
        server.shutdown();
    }

    void join() throws InterruptedException {
        for (Thread thread : List.of(forward, back))
            thread.join();
    }
}
