package org.imsg.harness.scripted;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgEofException;
import org.imsg.ImsgProtocolException;
import org.imsg.WireFormat;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Conversation;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;
import java.net.SocketTimeoutException;
import java.util.Collections;
import java.util.List;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(30)
class ScriptedPeerTest {
    private static final int OPEN = 1;
    private static final int OPENED = 2;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @TempDir
    private Path directory;

    @Test
    void a_client_under_test_meets_a_daemon_that_follows_a_script() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "x");
        try (ScriptedServer daemon = ScriptedServer.listen(directory.resolve("socket"), WireFormat.MODERN, client -> {
            client.expect(Expected.type(OPEN).id(7).withoutDescriptor());
            try (Fd fd = Fd.open(file, OpenFlag.READ)) {
                client.send(OPENED, new byte[0], fd);
            }
            client.sendSplit(OPENED, 0, "in three parts".getBytes(StandardCharsets.US_ASCII), 3, 20);
            client.expectEnd();
        }); ImsgChannel channel = ImsgChannel.connect(daemon.socket()).allowFdPassing()) {
            channel.send(Imsg.of(OPEN, 7, 0, new byte[0]));
            try (Imsg opened = channel.receive(PATIENCE)) {
                assertThat(opened.hasFd()).isTrue();
            }
            Imsg split = channel.receive(PATIENCE);
            assertThat(split.getString(split.length())).isEqualTo("in three parts");
        }
    }

    @Test
    void a_failure_shows_the_script_beside_what_passed() throws Exception {
        ProtocolDescription protocol = ProtocolDescription.parse("message 1 OPEN\nmessage 2 OPENED");
        ScriptedServer daemon = ScriptedServer.listen(directory.resolve("socket"), WireFormat.MODERN, client -> {
            client.describedBy(protocol).expect(Expected.type(OPEN));
            client.send(OPENED, new byte[3]);
            client.expect(Expected.type(OPEN).id(8).payload("empty", payload -> payload.length == 0).withDescriptor());
        });
        try (ImsgChannel channel = ImsgChannel.connect(daemon.socket())) {
            channel.send(Imsg.of(OPEN));
            channel.receive(PATIENCE);
            channel.send(Imsg.of(OPEN, 8, 0, "oops".getBytes(StandardCharsets.US_ASCII)));
            assertThat(channel.receive(PATIENCE)).as("the end").isNull();
        }
        assertThatThrownBy(daemon::close).isInstanceOf(AssertionError.class)
                .hasMessageStartingWith("step 3: not as expected: payload empty, with a descriptor")
                .hasMessageContaining("1 expect type 1                                | > type 1 OPEN, id 0, 0 bytes")
                .hasMessageContaining("2 send type 2, 3 bytes                         | < type 2 OPENED, id 0, 3 bytes")
                .hasMessageContaining("| > type 1 OPEN, id 8, 4 bytes").hasMessageContaining("|oops|");
    }

    @Test
    void what_does_not_come_in_time_or_ends_instead_is_a_failure() throws Exception {
        ScriptedServer daemon = ScriptedServer.listen(directory.resolve("socket"), WireFormat.MODERN, client -> {
            assertThatThrownBy(() -> client.patience(Duration.ofMillis(20)).expect(Expected.message()))
                    .isInstanceOf(AssertionError.class).hasMessageContaining("nothing came within 20 ms");
            client.send(OPENED, new byte[0]);
            client.patience(PATIENCE).expect(Expected.message());
        });
        try (ImsgChannel channel = ImsgChannel.connect(daemon.socket())) {
            channel.receive(PATIENCE);
        }
        assertThatThrownBy(daemon::close).hasMessageContaining("step 3: the stream ended");
    }

    @Test
    void structs_are_expected_by_their_fields() throws Exception {
        ProtocolDescription protocol = ProtocolDescription.parse("struct request {\nu16 port\nchar name[6]\n}");
        var layout = protocol.struct("request");
        try (ScriptedServer daemon = ScriptedServer.listen(directory.resolve("socket"), WireFormat.CLASSIC, client -> {
            client.expect(Expected.type(OPEN).struct(layout, Map.of("port", "179", "name", "\"bgp\"")));
            assertThatThrownBy(() -> client.expect(Expected.type(OPEN).struct(layout, Map.of("port", "180"))))
                    .isInstanceOf(AssertionError.class).hasMessageContaining("struct request {port=180}");
        }); ImsgChannel channel = ImsgChannel.connect(daemon.socket())) {
            byte[] payload = layout.encode(Map.of("port", "179", "name", "bgp"));
            channel.send(Imsg.of(OPEN, payload));
            channel.send(Imsg.of(OPEN, payload));
            assertThat(channel.receive(PATIENCE)).isNull();
        }
    }

    @ParameterizedTest
    @EnumSource
    void every_misbehaviour_meets_what_the_library_promises(Misbehaviour kind) throws Exception {
        try (ScriptedServer daemon = ScriptedServer.listen(directory.resolve("socket"), WireFormat.MODERN,
                client -> client.misbehave(kind, 5));
                ImsgChannel channel = ImsgChannel.connect(daemon.socket()).allowFdPassing()) {
            switch (kind) {
                case SHORT_LENGTH, ZERO_LENGTH, LONG_LENGTH, HUGE_LENGTH -> assertThatThrownBy(
                        () -> channel.receive(PATIENCE)).isInstanceOf(ImsgProtocolException.class);
                case END_IN_HEADER, END_IN_PAYLOAD -> assertThatThrownBy(() -> channel.receive(PATIENCE))
                        .isInstanceOf(ImsgEofException.class);
                case MARK_WITHOUT_DESCRIPTOR, DESCRIPTOR_WITHOUT_MARK -> {
                    try (Imsg message = channel.receive(PATIENCE)) {
                        assertThat(message.hasFd()).isFalse();
                    }
                }
                case TWO_DESCRIPTORS -> {
                    try (Imsg message = channel.receive(PATIENCE)) {
                        assertThat(message.hasFd()).isTrue();
                    }
                }
                case LATE_DESCRIPTOR -> {
                    // Whether it belongs to the message depends on how the bytes were read.
                    try (Imsg message = channel.receive(PATIENCE)) {
                        assertThat(message.type()).isEqualTo(5);
                    }
                }
            }
        }
    }

    // @start region="client"
    @Test
    void it_is_the_client_of_a_daemon() throws Exception {
        try (ScriptedServer daemon = ScriptedServer.listen(directory.resolve("socket"), WireFormat.MODERN,
                client -> client.send(9, client.expect(Expected.message()).event().payload()));
                ScriptedPeer client = ScriptedPeer.connect(daemon.socket(), WireFormat.MODERN)) {
            client.send(1, "ping".getBytes(StandardCharsets.US_ASCII));
            client.expect(Expected.type(9).payload("ping".getBytes(StandardCharsets.US_ASCII)));
            client.expectEnd();
        }
    }
    // @end

    @Test
    void it_is_the_parent_of_a_program_that_has_its_channel_at_descriptor_3() throws Exception {
        String peers = System.getProperty("imsg.c-reference", "../c-reference/target");
        for (WireFormat format : new WireFormat[]{WireFormat.CLASSIC, WireFormat.MODERN}) {
            Path program = Path.of(peers, "imsg-peer-" + format.name().toLowerCase(Locale.ROOT)).toAbsolutePath();
            try (ScriptedPeer parent = ScriptedPeer.parentOf(Child.of(program, "echo"), format);
                    Fd file = Fd.open(Path.of("/dev/null"), OpenFlag.READ)) {
                parent.send(3, new byte[]{4}, file);
                Conversation.Received echo = parent.expect(Expected.type(3).payload(new byte[]{4}).withDescriptor());
                assertThat(echo.event().descriptors()).containsExactly("/dev/null");
                parent.end();
                parent.expectEnd();
                assertThat(parent.child().waitFor().success()).isTrue();
            }
        }
    }

    @Test
    @Timeout(60)
    void a_send_to_one_that_does_not_read_ends_with_the_patience() throws IOException {
        try (RawSocket.Pair pair = RawSocket.pair();
                ScriptedPeer peer = ScriptedPeer.of(pair.first(), Direction.TO_CLIENT, WireFormat.MODERN)
                        .patience(Duration.ofMillis(50))) {
            assertThatThrownBy(() -> peer.send(1, new byte[1 << 20])).isInstanceOf(SocketTimeoutException.class)
                    .hasMessageEndingWith("the peer does not read");
        }
    }

    @Test
    void behind_a_flood_of_descriptors_each_message_has_its_own() throws IOException {
        try (RawSocket.Pair pair = RawSocket.pair();
                Fd.Pair pipe = Fd.pipe();
                Fd own = Fd.open(Path.of("/dev/null"), OpenFlag.READ);
                ScriptedPeer peer = ScriptedPeer.of(pair.first(), Direction.TO_CLIENT, WireFormat.MODERN)) {
            byte[] flooded = Event.header(WireFormat.MODERN, 1, 16, true, 0, 9);
            for (byte one : flooded)
                pair.second().send(new byte[]{one}, Collections.nCopies(20, pipe.first()));
            pair.second().send(Event.header(WireFormat.MODERN, 2, 16, true, 0, 9), List.of(own));
            assertThat(peer.expect(Expected.type(1)).descriptors()).hasSize(Event.MOST_DESCRIPTORS);
            assertThat(peer.expect(Expected.type(2).withDescriptor()).descriptors()).singleElement()
                    .returns("/dev/null", Chunk::nameOf);
        }
    }

    @Test
    void rules_answer_by_type() throws IOException, InterruptedException {
        ProtocolDescription protocol = ProtocolDescription
                .parse("message 1 OPEN\nmessage 2 OPENED\nstruct reply {\nu32 code\n}");
        Responder responder = Responder.parse("""
                # a daemon
                on OPEN
                    send OPENED struct=reply code=5 cut=4,17
                    send 3 id=9 data=text fd=/dev/null
                on 7
                    close
                on *
                    echo
                """, protocol);
        try (var pair = org.imsg.harness.stream.RawSocket.pair()) {
            Thread daemon = Thread.ofVirtual().start(() -> {
                try (Conversation client = new Conversation(pair.first(),
                        org.imsg.harness.record.Direction.TO_CLIENT, WireFormat.MODERN, 65535, _ -> {
                            // nobody looks on
                        })) {
                    responder.serve(client, PATIENCE);
                } catch (IOException | InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            try (ScriptedPeer client = ScriptedPeer.of(pair.second(), org.imsg.harness.record.Direction.TO_SERVER,
                    WireFormat.MODERN)) {
                client.send(OPEN, 4, 1, new byte[0]);
                client.expect(Expected.type(OPENED).id(4).payload(new byte[]{5, 0, 0, 0}));
                client.expect(Expected.type(3).id(9).withDescriptor());
                client.send(42, new byte[]{1});
                client.expect(Expected.type(42).payload(new byte[]{1}));
                client.send(7, new byte[0]);
                client.expectEnd();
            }
            daemon.join();
        }
        assertThatThrownBy(() -> Responder.parse("on 1\n  say x", ProtocolDescription.NONE))
                .hasMessage(
                        "line 2 of the script: send, expect, let, save, echo, delay, misbehave, serve, end or close, not say");
        assertThatThrownBy(() -> Responder.parse("echo", ProtocolDescription.NONE)).hasMessageContaining("line 1");
    }
}
