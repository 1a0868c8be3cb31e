package org.imsg.harness.tap;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.ImsgProtocolException;
import org.imsg.WireFormat;
import org.imsg.harness.junit.ImsgTest;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.imsg.harness.record.Replayer;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ImsgTest
@Timeout(60)
class RecordedChannelTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int ASK = 1;
    private static final int ANSWER = 2;
    private static final int FILE = 3;

    @TempDir
    private Path directory;

    // @start region="record"
    private static String ask(Path socket, Path recording) throws IOException {
        try (RecordedChannel recorded = RecordedChannel.around(ImsgChannel.connect(socket), Direction.TO_SERVER,
                recording)) {
            ImsgChannel channel = recorded.channel();
            channel.send(Imsg.of(ASK, "how are you?"));
            return new String(channel.receive(PATIENCE).payload(), UTF_8);
        }
    }
    // @end

    @ParameterizedTest
    @ValueSource(strings = {"recording", "recording.pcapng"})
    void an_exchange_is_recorded_whole_and_replayed_from_its_file(String name, ImsgListener listener) throws Exception {
        Path file = directory.resolve(name);
        try (Answers _ = new Answers(listener)) {
            assertThat(ask(listener.address().path(), file)).isEqualTo("well");
        }
        Recording recording = Recording.read(file);
        assertThat(recording.events()).extracting(event -> event.kind() + " " + event.direction().sign())
                .containsExactly("NOTE -", "MESSAGE >", "MESSAGE <", "END >", "END <");
        assertThat(recording.events().get(1)).satisfies(event -> {
            assertThat(event.type()).isEqualTo(ASK);
            assertThat(event.payload()).asString().isEqualTo("how are you?\0");
        });
        Replayer replayer = new Replayer(listener.address().path(), Replayer.ComparedPart.PAYLOADS, PATIENCE);
        try (Answers _ = new Answers(listener)) {
            assertThat(replayer.replay(recording, 1, _ -> {})).isEmpty();
        }
        try (Answers _ = new Answers(listener, "not so well")) {
            assertThat(replayer.replay(recording, 1, _ -> {})).singleElement().asString().contains("another payload");
        }
    }

    @Test
    void a_descriptor_is_recorded_by_what_it_is_and_passes_both_ways(ImsgChannel.Pair pair) throws Exception {
        Path file = Files.writeString(directory.resolve("passed"), "x").toRealPath();
        ImsgChannel peer = pair.second();
        try (RecordedChannel recorded = RecordedChannel.around(pair.first(), Direction.TO_CLIENT, recording())) {
            ImsgChannel channel = recorded.channel().allowFdPassing().format(WireFormat.CLASSIC);
            channel.send(Imsg.of(FILE).withFd(Fd.open(file)));
            try (Imsg received = peer.receive(PATIENCE)) {
                assertThat(received.hasFd()).isTrue();
            }
            peer.send(Imsg.of(FILE).withFd(Fd.open(file)));
            try (Imsg received = channel.receive(PATIENCE)) {
                assertThat(received.hasFd()).isTrue();
            }
        }
        assertThat(messages()).hasSize(2).allSatisfy(event -> {
            assertThat(event.descriptors()).containsExactly(file.toString());
            assertThat(event.format()).isEqualTo(WireFormat.CLASSIC);
        }).extracting(Event::direction).containsExactly(Direction.TO_CLIENT, Direction.TO_SERVER);
    }

    @Test
    void an_answer_stands_behind_what_it_answers_and_everything_in_the_order_it_was_sent(ImsgListener listener)
            throws Exception {
        try (Answers _ = new Answers(listener);
                RecordedChannel recorded = RecordedChannel.around(
                        ImsgChannel.connect(listener.address().path()), Direction.TO_SERVER, recording())) {
            for (int round = 0; round < 50; round++) {
                for (int i = 0; i < 20; i++)
                    recorded.channel().compose(ASK, round * 20 + i, 0, new byte[i]);
                recorded.channel().flush();
                for (int i = 0; i < 20; i++)
                    assertThat(recorded.channel().receive(PATIENCE).id()).isEqualTo(round * 20 + i);
            }
        }
        int asked = 0;
        int answered = 0;
        for (Event event : messages())
            if (event.direction() == Direction.TO_SERVER)
                assertThat(event.id()).isEqualTo(asked++);
            else
                assertThat(event.id()).isEqualTo(answered++).isLessThan(asked);
        assertThat(asked).isEqualTo(1000);
        assertThat(answered).isEqualTo(1000);
    }

    @Test
    void bytes_that_are_no_message_are_recorded_and_fail_as_without_it(Fd.Pair sockets) throws Exception {
        byte[] wrong = Event.header(WireFormat.MODERN, 7, 3, false, 0, 0);
        try (RawSocket peer = RawSocket.of(sockets.second());
                RecordedChannel recorded = RecordedChannel.around(
                        ImsgChannel.of(sockets.first()), Direction.TO_SERVER, recording())) {
            peer.send(wrong);
            assertThatThrownBy(() -> recorded.channel().receive(PATIENCE)).isInstanceOf(ImsgProtocolException.class);
        }
        assertThat(Recording.read(recording()).events()).filteredOn(event -> event.kind() == Event.Kind.BYTES)
                .singleElement().satisfies(event -> assertThat(event.bytes()).isEqualTo(wrong));
    }

    @Test
    void what_was_sent_before_the_close_arrives(ImsgChannel.Pair pair) throws Exception {
        byte[] much = new byte[16000];
        int count = 200; // more than two sockets hold
        CompletableFuture<Integer> received = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> received.complete(count(pair.second())));
        try (RecordedChannel recorded = RecordedChannel.around(pair.first(), Direction.TO_SERVER, recording())) {
            for (int i = 0; i < count; i++)
                recorded.channel().compose(ASK, i, 0, much);
            recorded.channel().flush();
        }
        assertThat(received.get(10, TimeUnit.SECONDS)).isEqualTo(count);
        assertThat(messages()).hasSize(count);
    }

    @Test
    void a_peer_that_does_not_read_does_not_keep_it_open(ImsgChannel.Pair pair) throws Exception {
        RecordedChannel recorded = RecordedChannel.around(pair.first(), Direction.TO_SERVER, recording());
        assertThatThrownBy(() -> {
            for (;;)
                recorded.channel().send(Imsg.of(ASK, new byte[16000]), Duration.ofMillis(200));
        }).isInstanceOf(SocketTimeoutException.class);
        recorded.close();
        assertThat(count(pair.second())).isPositive(); // up to the cut
    }

    @Test
    void the_peer_is_named_as_the_kernel_vouches_for_it(ImsgListener listener) throws Exception {
        // Not our pid: a shell would be, but cannot connect.
        try (ImsgChannel client = ImsgChannel.connect(listener.address().path());
                RecordedChannel recorded = RecordedChannel.around(listener.accept(PATIENCE), Direction.TO_CLIENT,
                        recording())) {
            assertThat(recorded.peerCredentials()).isEqualTo(client.peerCredentials());
            client.send(Imsg.of(ASK));
            recorded.channel().receive(PATIENCE);
        }
        assertThat(Recording.read(recording()).events().getFirst().note()).contains("its peer: uid ")
                .contains("pid " + ProcessHandle.current().pid());
    }

    @Test
    void a_full_disk_is_told_when_it_begins_and_the_channel_stays_the_callers(ImsgChannel.Pair pair) throws Exception {
        assertThatThrownBy(
                () -> RecordedChannel.around(pair.first(), Direction.TO_SERVER, Path.of("/dev/full")))
                .isInstanceOf(IOException.class)
                .hasMessage("the recording /dev/full cannot be written: No space left on device");
        Path nowhere = directory.resolve("none/recording");
        assertThatThrownBy(() -> RecordedChannel.around(pair.first(), Direction.TO_SERVER, nowhere))
                .isInstanceOf(IOException.class)
                .hasMessage("the recording " + nowhere + " cannot be written: there is no such directory");
        pair.first().send(Imsg.of(ASK));
        assertThat(pair.second().receive(PATIENCE).type()).isEqualTo(ASK);
    }

    @Test
    void what_cannot_be_recorded_does_not_pass_and_the_close_says_so(ImsgChannel.Pair pair) throws Exception {
        Path pipe = directory.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        Fd reader = Fd.open(pipe, OpenFlag.READ_WRITE);
        RecordedChannel recorded = RecordedChannel.around(pair.first(), Direction.TO_SERVER, pipe);
        recorded.channel().send(Imsg.of(ASK));
        assertThat(pair.second().receive(PATIENCE).type()).isEqualTo(ASK);
        reader.close(); // from now on writing to the pipe fails
        recorded.channel().send(Imsg.of(ASK));
        assertThat(pair.second().receive(PATIENCE)).isNull();
        assertThat(recorded.channel().receive(PATIENCE)).isNull();
        try (Fd _ = Fd.open(pipe, OpenFlag.READ_WRITE)) { // that it could be written again is too late
            assertThatThrownBy(recorded::close).isInstanceOf(IOException.class)
                    .hasMessage("the recording " + pipe + " cannot be written: Broken pipe");
        }
    }

    @Test
    void a_channel_with_something_queued_is_refused(ImsgChannel.Pair pair) throws Exception {
        pair.first().compose(ASK, 0, 0, new byte[0]);
        assertThatThrownBy(() -> RecordedChannel.around(pair.first(), Direction.TO_SERVER, recording()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("1 message(s) are queued and would not be recorded");
        assertThat(recording()).doesNotExist();
    }

    private Path recording() {
        return directory.resolve("recording");
    }

    private List<Event> messages() throws IOException {
        return Recording.read(recording()).events().stream().filter(Event::isMessage).toList();
    }

    /** How many messages come until the end, or a cut. */
    private static int count(ImsgChannel channel) {
        int count = 0;
        try {
            while (channel.receive(PATIENCE) != null)
                count++;
        } catch (IOException _) {
            // cut
        }
        return count;
    }

    /** Answers one client until it leaves. */
    private static final class Answers implements AutoCloseable {
        private final CompletableFuture<Void> done = new CompletableFuture<>();

        Answers(ImsgListener listener) {
            this(listener, "well");
        }

        Answers(ImsgListener listener, String text) {
            Thread.ofVirtual().start(() -> {
                try (ImsgChannel client = listener.accept(PATIENCE)) {
                    for (Imsg request; (request = client.receive(PATIENCE)) != null;)
                        client.send(Imsg.of(ANSWER, request.id(), 0, text.getBytes(UTF_8)));
                    done.complete(null);
                } catch (IOException e) {
                    done.completeExceptionally(e);
                }
            });
        }

        /** Waits until its client has left. */
        @Override
        public void close() {
            done.orTimeout(10, TimeUnit.SECONDS).join();
        }
    }
}
