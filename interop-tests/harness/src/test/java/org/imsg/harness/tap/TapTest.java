package org.imsg.harness.tap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;

import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.StreamDecoder;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class TapTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @TempDir
    private Path directory;
    private final List<Event> events = Collections.synchronizedList(new ArrayList<>());
    private RawListener daemon;
    private Tap tap;
    private RawSocket client;
    private RawSocket server;

    @BeforeEach
    void connect() throws IOException {
        Path target = directory.resolve("daemon");
        daemon = RawListener.listen(target, 0640);
        tap = Tap.start(directory.resolve("tap"), target, WireFormat.AUTO, StreamDecoder.USUAL_LIMIT, events::add);
        client = RawSocket.connect(directory.resolve("tap"));
        server = daemon.accept(PATIENCE);
    }

    @AfterEach
    void close() {
        client.close();
        server.close();
        tap.close();
        daemon.close();
    }

    @Test
    void bytes_and_descriptors_arrive_as_they_were_sent_whatever_they_are() throws IOException {
        long seed = new SplittableRandom().nextLong();
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 30; round++) {
            // Several writes before anybody reads: the kernel would hand them over together.
            ByteArrayOutputStream sent = new ByteArrayOutputStream();
            List<Integer> places = new ArrayList<>();
            List<String> names = new ArrayList<>();
            for (int write = 0; write < 6; write++) {
                byte[] bytes = new byte[1 + random.nextInt(200)];
                random.nextBytes(bytes);
                try (Fd.Pair pipe = Fd.pipe()) {
                    List<Fd> passed = switch (random.nextInt(3)) {
                        case 0 -> List.of(pipe.first());
                        case 1 -> List.of(pipe.first(), pipe.second());
                        default -> List.of();
                    };
                    for (Fd fd : passed) {
                        places.add(sent.size());
                        names.add(Chunk.nameOf(fd));
                    }
                    client.send(bytes, passed);
                    sent.writeBytes(bytes);
                }
            }
            ByteArrayOutputStream received = new ByteArrayOutputStream();
            List<Integer> placesReceived = new ArrayList<>();
            List<String> namesReceived = new ArrayList<>();
            while (received.size() < sent.size()) {
                try (Chunk chunk = server.receive(PATIENCE)) {
                    for (String name : chunk.descriptorNames()) {
                        placesReceived.add(received.size());
                        namesReceived.add(name);
                    }
                    received.writeBytes(chunk.bytes());
                }
            }
            assertThat(received.toByteArray()).as("seed %d", seed).isEqualTo(sent.toByteArray());
            assertThat(placesReceived).as("seed %d", seed).isEqualTo(places);
            assertThat(namesReceived).as("seed %d", seed).isEqualTo(names);
        }
    }

    @Test
    void all_bytes_are_in_the_events_even_when_they_are_no_messages() throws IOException {
        byte[] garbage = new byte[1000];
        new SplittableRandom(1).nextBytes(garbage);
        client.send(garbage);
        client.shutdownOutput();
        while (server.receive(PATIENCE) != null) {
            // to the end
        }
        ByteArrayOutputStream seen = new ByteArrayOutputStream();
        synchronized (events) {
            events.stream().filter(event -> event.direction() == Direction.TO_SERVER)
                    .forEach(event -> seen.writeBytes(event.bytes()));
        }
        assertThat(seen.toByteArray()).isEqualTo(garbage);
    }

    @Test
    void a_half_closed_direction_ends_and_the_other_goes_on() throws IOException {
        client.send(message(5, "last words"));
        client.shutdownOutput();
        assertThat(receive(server, 26)).isEqualTo(message(5, "last words"));
        assertThat(server.receive(PATIENCE)).isNull();
        server.send(message(6, "an answer"));
        assertThat(receive(client, 25)).isEqualTo(message(6, "an answer"));
        server.close();
        assertThat(client.receive(PATIENCE)).isNull();
    }

    @Test
    void the_client_of_a_daemon_that_left_gets_the_end_and_then_EPIPE() throws IOException {
        server.send(message(6, "farewell"));
        server.close();
        assertThat(receive(client, 24)).isEqualTo(message(6, "farewell"));
        assertThat(client.receive(PATIENCE)).isNull();
        assertThatThrownBy(() -> {
            for (;;)
                client.send(message(1, "still there?"));
        }).isInstanceOfSatisfying(ErrnoException.class, e -> assertThat(e.name()).isEqualTo("EPIPE"));
    }

    @Test
    void a_reset_arrives_as_an_end_and_a_note_tells_of_it() throws IOException {
        RawSocket itsServer;
        try (SocketChannel other = SocketChannel.open(UnixDomainSocketAddress.of(directory.resolve("tap")));
                Selector selector = Selector.open()) {
            itsServer = daemon.accept(PATIENCE);
            itsServer.send(message(6, "not read"));
            other.configureBlocking(false).register(selector, SelectionKey.OP_READ);
            assertThat(selector.select(PATIENCE.toMillis())).isOne();
        }
        try (itsServer) {
            assertThat(itsServer.receive(PATIENCE)).isNull();
        }
        tap.close();
        assertThat(events).extracting(Event::note)
                .contains("the client closed before it had read everything (ECONNRESET); its peer sees an end");
    }

    @Test
    void a_witness_that_fails_ends_the_tap_with_its_reason_and_what_it_did_not_see_does_not_pass() throws Exception {
        Path target = directory.resolve("other");
        try (RawListener listener = RawListener.listen(target, 0600);
                Tap failing = Tap.start(directory.resolve("failing"), target, WireFormat.AUTO,
                        StreamDecoder.USUAL_LIMIT, event -> {
                            if (event.isMessage())
                                throw new IllegalStateException("the disk is full");
                        });
                RawSocket from = RawSocket.connect(directory.resolve("failing"));
                RawSocket to = listener.accept(PATIENCE)) {
            from.send(message(1, "unseen"));
            assertThat(to.receive(PATIENCE)).isNull();
            assertThatThrownBy(failing::join).isInstanceOf(IllegalStateException.class).hasMessage("the disk is full");
            assertThatThrownBy(() -> RawSocket.connect(directory.resolve("failing"))).isInstanceOf(IOException.class);
        }
    }

    @Test
    void a_tap_to_itself_is_refused() throws IOException {
        Path stale = stale("stale");
        Files.createSymbolicLink(directory.resolve("link"), stale);
        for (String target : List.of("stale", "link"))
            assertThatThrownBy(() -> Tap.start(stale, directory.resolve(target), WireFormat.AUTO,
                    StreamDecoder.USUAL_LIMIT, events::add)).isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a tap at " + stale + " would connect to itself: the target is the same");
    }

    /** A socket at which no process listens any more. */
    private Path stale(String name) throws IOException {
        Path path = directory.resolve(name);
        try (SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            socket.bind(UnixDomainSocketAddress.of(path));
        }
        return path;
    }

    @Test
    void an_error_of_the_witness_about_a_daemon_that_is_gone_ends_the_tap() throws Exception {
        try (Tap failing = Tap.start(directory.resolve("failing"), stale("gone"), WireFormat.AUTO,
                StreamDecoder.USUAL_LIMIT,
                event -> {
                    throw new OutOfMemoryError(event.note());
                }); RawSocket _ = RawSocket.connect(directory.resolve("failing"))) {
            assertThatThrownBy(failing::join).isInstanceOf(OutOfMemoryError.class)
                    .hasMessageStartingWith("no connection to the target");
        }
    }

    @Test
    void a_sender_waits_for_a_reader_who_does_not_read() throws IOException {
        byte[] much = new byte[8 << 20];
        new SplittableRandom(2).nextBytes(much);
        assertThatThrownBy(() -> client.send(much, List.of(), Duration.ofMillis(200)))
                .isInstanceOf(SocketTimeoutException.class).hasMessageContaining("does not read");
    }

    @Test
    void the_credentials_of_the_client_are_told_when_it_connects() throws IOException {
        client.send(message(1, "hello"));
        receive(server, 21); // nothing passes before that is told, but the daemon may be connected
        assertThat(events.getFirst().note()).contains("pid " + ProcessHandle.current().pid()).contains("uid ");
    }

    @Test
    void a_message_is_told_with_its_descriptor_and_which_way_it_went() throws IOException {
        Path file = Files.writeString(directory.resolve("passed"), "x");
        byte[] marked = Event.header(WireFormat.CLASSIC, 9, 16, true, 1, 2);
        try (Fd fd = Fd.open(file)) {
            server.send(marked, List.of(fd));
        }
        try (Chunk chunk = client.receive(PATIENCE)) {
            assertThat(chunk.bytes()).isEqualTo(marked);
            assertThat(chunk.descriptors()).hasSize(1);
        }
        synchronized (events) {
            assertThat(events).filteredOn(Event::isMessage).singleElement().satisfies(event -> {
                assertThat(event.direction()).isEqualTo(Direction.TO_CLIENT);
                assertThat(event.format()).isEqualTo(WireFormat.CLASSIC);
                assertThat(event.type()).isEqualTo(9);
                assertThat(event.descriptors()).containsExactly(file.toRealPath().toString());
            });
        }
    }

    @Test
    void its_socket_has_the_mode_of_the_daemons_and_is_removed_at_the_end() throws IOException {
        Path socket = directory.resolve("tap");
        assertThat((int) Files.getAttribute(socket, "unix:mode") & 0777).isEqualTo(0640);
        tap.close();
        assertThat(socket).doesNotExist();
    }

    private static byte[] receive(RawSocket from, int count) throws IOException {
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        while (received.size() < count)
            received.writeBytes(from.receive(PATIENCE).bytes());
        return received.toByteArray();
    }

    private static byte[] message(int type, String text) {
        byte[] payload = text.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        byte[] bytes = Arrays.copyOf(Event.header(WireFormat.MODERN, type, 16 + payload.length, false, 0, 1),
                16 + payload.length);
        System.arraycopy(payload, 0, bytes, 16, payload.length);
        return bytes;
    }
}
