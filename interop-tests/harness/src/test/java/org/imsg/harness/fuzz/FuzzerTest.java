package org.imsg.harness.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.WireFormat;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.DaemonLife;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.imsg.harness.record.Replayer;
import org.imsg.harness.scripted.Expected;
import org.imsg.harness.scripted.PeerFailedError;
import org.imsg.harness.scripted.ScriptedServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FuzzerTest {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final ProtocolDescription PROTOCOL = ProtocolDescription.parse("""
            struct lookup {
                u16 kind
                u32 count
                char name[24]
            }
            message 1 HELLO
            message 7 LOOKUP > lookup
            """);
    private static final Recording EXCHANGE = new Recording(Instant.EPOCH, List.of(
            message(1, new byte[0]), message(1, new byte[]{1, 2, 3}), message(7, PROTOCOL.struct("lookup")
                    .encode(java.util.Map.of("kind", "3", "count", "5", "name", "example"))),
            message(1, new byte[40])));

    @TempDir
    private Path directory;

    private static Event message(int type, byte[] payload) {
        return Event.message(Direction.TO_SERVER, WireFormat.MODERN, type, 0, 99, payload, List.of());
    }

    /** Echoes, and dies of a LOOKUP whose count is more than its array has room for. */
    private static final class BuggyDaemon implements AutoCloseable {
        private final Path socket;
        private ImsgListener listener;
        private Thread accepting;
        private int deaths;

        BuggyDaemon(Path socket) throws IOException {
            this.socket = socket;
            start();
        }

        synchronized void start() throws IOException {
            if (listener != null)
                listener.close();
            ImsgListener fresh = ImsgListener.listen(socket);
            listener = fresh;
            accepting = Thread.ofVirtual().start(() -> accept(fresh));
        }

        private void accept(ImsgListener from) {
            try {
                for (;;) {
                    ImsgChannel client = from.accept().allowFdPassing();
                    Thread.ofVirtual().start(() -> serve(client, from));
                }
            } catch (IOException _) {
                // died, or closed
            }
        }

        private void serve(ImsgChannel client, ImsgListener from) {
            try (client) {
                for (Imsg request; (request = client.receive()) != null;) {
                    try (Imsg message = request) {
                        if (message.type() == 7 && message.length() >= 8 && ByteBuffer.wrap(message.payload())
                                .order(ByteOrder.nativeOrder()).getInt(4) < 0)
                            die(from);
                        client.send(Imsg.of(message.type(), message.payload()));
                    }
                }
            } catch (IOException _) {
                // the client left or broke the protocol
            }
        }

        private synchronized void die(ImsgListener from) throws IOException {
            deaths++;
            from.close();
            throw new IOException("dead");
        }

        @Override
        public void close() throws IOException {
            synchronized (this) {
                listener.close();
            }
        }
    }

    @Test
    void a_planted_bug_is_found_shrunk_and_replayed_from_its_file() throws Exception {
        Path socket = directory.resolve("daemon");
        try (BuggyDaemon daemon = new BuggyDaemon(socket)) {
            Fuzzer fuzzer = new Fuzzer(socket, EXCHANGE, PROTOCOL, PATIENCE, daemon::start, 42);
            Finding finding = fuzzer.run(Duration.ofSeconds(40), 5000, _ -> {
                // no progress is shown
            }).orElseThrow();
            assertThat(finding.reproduced()).isTrue();
            assertThat(finding.complaint()).contains("no client can connect");
            assertThat(finding.shrunk()).singleElement().satisfies(event -> {
                assertThat(event.type()).isEqualTo(7);
                assertThat(event.payload()).as("no byte more than it needs").hasSize(8);
                assertThat(event.payload()).startsWith(0, 0, 0, 0);
            });

            Path file = directory.resolve("finding.imsg");
            finding.recording().write(file);
            int before = daemon.deaths;
            assertThat(new Replayer(socket, Replayer.ComparedPart.NOTHING, Duration.ofMillis(50))
                    .replay(Recording.read(file), 1, _ -> {
                        // nobody looks on
                    })).isEmpty();
            assertThatThrownBy(() -> ImsgChannel.connect(socket)).isInstanceOf(IOException.class);
            assertThat(daemon.deaths).isEqualTo(before + 1);
        }
    }

    @Test
    void nothing_is_found_in_a_daemon_on_this_library() throws Exception {
        Path socket = directory.resolve("daemon");
        try (BuggyDaemon daemon = new BuggyDaemon(socket)) {
            Recording harmless = new Recording(Instant.EPOCH, List.of(message(1, new byte[]{1, 2, 3})));
            Optional<Finding> found = new Fuzzer(socket, harmless, ProtocolDescription.NONE, PATIENCE, null, 1)
                    .run(Duration.ofSeconds(5), 200, _ -> {
                        // no progress is shown
                    });
            assertThat(found).isEmpty();
            assertThat(daemon.deaths).isZero();
        }
    }

    /** A greeting is no answer: a daemon that hangs may still send it. */
    @Test
    void a_daemon_that_greets_and_hangs_is_noticed() throws Exception {
        Path socket = directory.resolve("daemon");
        AtomicBoolean hangs = new AtomicBoolean();
        try (ScriptedServer _ = ScriptedServer.listen(socket, WireFormat.MODERN, client -> {
            try {
                client.send(5, new byte[0]);
                for (;;) {
                    client.expect(Expected.message());
                    if (!hangs.get())
                        client.send(6, new byte[0]);
                }
            } catch (PeerFailedError | IOException _) {
                // the client has left
            }
        })) {
            Recording exchange = new Recording(Instant.EPOCH, List.of(message(1, new byte[0])));
            Fuzzer fuzzer = new Fuzzer(socket, exchange, ProtocolDescription.NONE, Duration.ofMillis(500), null, 1);
            assertThat(fuzzer.run(Duration.ofSeconds(20), 2, _ -> {
                // no progress is shown
            })).isEmpty();
            DaemonLife life = DaemonLife.of(socket);
            Event request = exchange.events().getFirst();
            assertThat(life.fault(request, Duration.ofSeconds(10))).isEmpty();
            assertThat(fuzzer.run(Duration.ofSeconds(20), 1, _ -> hangs.set(true)).orElseThrow().complaint())
                    .startsWith("a new client is not answered within");
            assertThat(life.fault(request, Duration.ofMillis(500)))
                    .startsWith("the daemon hangs: a new client's request");
        }
    }

    @Test
    void the_same_seed_makes_the_same_attempts_and_another_makes_others() {
        List<Event> seeds = EXCHANGE.events();
        assertThat(attempts(7, seeds)).isEqualTo(attempts(7, seeds)).isNotEqualTo(attempts(8, seeds));
    }

    private static List<List<Event>> attempts(long seed, List<Event> seeds) {
        Mutator mutator = new Mutator(new java.util.SplittableRandom(seed), PROTOCOL, seeds);
        return java.util.stream.IntStream.range(0, 100).mapToObj(_ -> mutator.mutate(seeds)).toList();
    }

    @Test
    void an_exchange_without_a_message_to_the_server_is_refused() {
        assertThatThrownBy(
                () -> new Fuzzer(directory, new Recording(Instant.EPOCH, List.of()), ProtocolDescription.NONE, PATIENCE,
                        null, 1))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("no message");
    }
}
