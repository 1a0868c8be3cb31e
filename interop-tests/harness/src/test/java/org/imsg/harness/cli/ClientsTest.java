package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.StreamDecoder;
import org.imsg.harness.scripted.Responder;
import org.imsg.harness.stream.RawListener;
import org.imsg.testing.Call;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ClientsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @TempDir
    private Path directory;
    private RawListener listener;

    @BeforeEach
    void listen() throws IOException {
        listener = RawListener.listen(directory.resolve("socket"), 0600);
    }

    @AfterEach
    void close() {
        listener.close();
    }

    private CompletableFuture<Void> serve(Consumer<Event> witness) {
        Clients clients = new Clients(listener, Responder.ECHO, WireFormat.AUTO, StreamDecoder.USUAL_LIMIT, witness);
        CompletableFuture<Void> ended = new CompletableFuture<>();
        Thread.ofPlatform().start(() -> {
            try {
                clients.serve();
                ended.complete(null);
            } catch (IOException | RuntimeException e) {
                ended.completeExceptionally(e);
            }
        });
        return ended;
    }

    @Test
    void a_client_is_answered_while_another_is_silent_and_both_see_the_end() throws Exception {
        List<Event> events = new CopyOnWriteArrayList<>();
        CompletableFuture<Void> ended = serve(events::add);
        try (ImsgChannel first = ImsgChannel.connect(listener.path()); ImsgChannel second = afterTheFirst(events)) {
            for (ImsgChannel client : List.of(second, first, second)) {
                client.send(Imsg.of(7));
                assertThat(client.receive(PATIENCE).type()).isEqualTo(7);
            }
            listener.close();
            assertThat(first.receive(PATIENCE)).isNull();
            assertThat(second.receive(PATIENCE)).isNull();
        }
        ended.get(10, TimeUnit.SECONDS);
        assertThat(events).filteredOn(Event::isMessage).extracting(Event::connection).containsExactly(2, 2, 1, 1, 2, 2);
        assertThat(events).filteredOn(event -> event.kind() == Event.Kind.NOTE).extracting(Event::note).hasSize(2)
                .allSatisfy(note -> assertThat(note).startsWith("connected: client uid"));
    }

    /** Each client has a thread of its own, and its number from there. */
    private ImsgChannel afterTheFirst(List<Event> events) throws Exception {
        Call.until(() -> !events.isEmpty());
        return ImsgChannel.connect(listener.path());
    }

    /** The second connects when the first has spoken: by a clock of its own its events would be the earlier ones. */
    @Test
    void one_clock_tells_the_times_of_all_clients() throws Exception {
        List<Event> events = new CopyOnWriteArrayList<>();
        CompletableFuture<Void> ended = serve(events::add);
        try (ImsgChannel first = ImsgChannel.connect(listener.path())) {
            exchange(first);
            try (ImsgChannel second = ImsgChannel.connect(listener.path())) {
                for (ImsgChannel client : List.of(second, first, second))
                    exchange(client);
            }
        }
        listener.close();
        ended.get(10, TimeUnit.SECONDS);
        assertThat(events).isSortedAccordingTo(Comparator.comparingLong(Event::nanos));
        assertThat(events).filteredOn(Event::isMessage).extracting(Event::connection).containsExactly(1, 1, 2, 2, 1, 1,
                2, 2);
    }

    private static void exchange(ImsgChannel client) throws IOException {
        client.send(Imsg.of(7));
        assertThat(client.receive(PATIENCE).type()).isEqualTo(7);
    }

    @Test
    void a_client_that_breaks_off_is_told_and_the_others_go_on() throws Exception {
        List<Event> events = new CopyOnWriteArrayList<>();
        CompletableFuture<Void> ended = serve(events::add);
        try (ImsgChannel first = ImsgChannel.connect(listener.path())) {
            try (ImsgChannel gone = afterTheFirst(events)) {
                gone.send(Imsg.of(1));
                gone.receive(PATIENCE);
            }
            // A listener that is closed tells no more ends.
            Call.until(() -> events.stream()
                    .anyMatch(event -> event.kind() == Event.Kind.END && event.connection() == 2));
            first.send(Imsg.of(2));
            assertThat(first.receive(PATIENCE).type()).isEqualTo(2);
        }
        listener.close();
        ended.get(10, TimeUnit.SECONDS);
    }

    @Test
    void an_event_that_cannot_be_shown_ends_it_with_the_reason() throws Exception {
        CompletableFuture<Void> ended = serve(event -> {
            if (event.isMessage())
                throw new IllegalStateException("the disk is full");
        });
        try (ImsgChannel client = ImsgChannel.connect(listener.path())) {
            client.send(Imsg.of(1));
            assertThat(client.receive(PATIENCE)).isNull();
        }
        assertThatThrownBy(() -> ended.get(10, TimeUnit.SECONDS)).isInstanceOf(ExecutionException.class)
                .hasRootCauseMessage("the disk is full");
    }
}
