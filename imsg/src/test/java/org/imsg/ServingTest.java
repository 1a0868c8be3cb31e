package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.imsg.cstruct.CAbi;
import org.imsg.cstruct.CString;
import org.imsg.cstruct.CStruct;
import org.imsg.testing.Call;
import org.imsg.testing.CapturedLog;
import org.imsg.unix.ConnectionHandler;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A listener that serves: a connection's faults are its own, too many are kept out, and the end is clean. */
@Timeout(60)
class ServingTest {
    /** The types of requests that make the handler below fail. */
    private static final int EXCEPTION = 100;
    private static final int ERROR = 101;

    @TempDir
    Path directory;

    private Path path;
    private CapturedLog log;

    @BeforeEach
    void captureLog() throws Exception {
        path = directory.resolve("daemon.sock");
        log = new CapturedLog(UnixListener.class);
    }

    @AfterEach
    void printLogAgain() throws Exception {
        log.close();
    }

    /** Answers each message with the same type, or fails if asked to. */
    private static final ConnectionHandler<ImsgChannel> ECHO = (channel, peer) -> {
        for (Imsg request; (request = channel.receive()) != null;) {
            if (request.type() == EXCEPTION)
                throw new IllegalStateException("the handler's own");
            if (request.type() == ERROR)
                throw new OutOfMemoryError("the handler's own");
            channel.send(Imsg.of(request.type(), request.id(), 0, new byte[0]));
        }
    };

    private static Call<Void> serve(Call.On kind, ImsgListener listener, ConnectionHandler<ImsgChannel> handler) {
        return Call.<Void>start(kind, () -> {
            listener.serve(handler);
            return null;
        }).awaitWaiting();
    }

    private static void assertServed(ImsgChannel client) throws IOException {
        client.send(Imsg.of(7));
        assertThat(client.receive().type()).isEqualTo(7);
    }

    /** The record of a shorter struct, whose text has no NUL. */
    @Test
    void what_a_client_sends_is_no_second_line_of_the_log_and_steers_no_terminal() throws Exception {
        byte[] text = new byte[64];
        Arrays.fill(text, (byte) 'x');
        byte[] line = "\nSEVERE: root has logged in\u001b[2J".getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(line, 0, text, 0, line.length);
        String said = new String(text, StandardCharsets.US_ASCII);
        ConnectionHandler<ImsgChannel> inHandler = (channel, _) -> channel.read(message -> message.getData(NAMED));
        ConnectionHandler<ImsgChannel> outside = (channel, _) -> channel.receive().getData(NAMED);
        ConnectionHandler<ImsgChannel> thrown = (channel, _) -> {
            channel.receive();
            throw new IOException("no table " + said, new IOException(said));
        };
        ConnectionHandler<ImsgChannel> unchecked = (channel, _) -> {
            channel.receive();
            throw new IllegalStateException("no table", new IOException(said));
        };
        for (ConnectionHandler<ImsgChannel> handler : List.of(inHandler, outside, thrown, unchecked)) {
            Call<Void> serving;
            try (ImsgListener listener = ImsgListener.listen(path)) {
                serving = serve(Call.On.PLATFORM, listener, handler);
                try (ImsgChannel client = ImsgChannel.connect(path)) {
                    client.send(Imsg.of(1, text));
                    assertThat(client.receive()).isNull();
                }
            }
            serving.result();
        }
        assertThat(log.traces()).hasSize(4)
                .allSatisfy(record -> assertThat(record).doesNotContain("\nSEVERE", "\u001b"));
    }

    private record Named(@CString(64) String name) {}

    private static final CStruct<Named> NAMED = CStruct.of(Named.class, CAbi.host(), MethodHandles.lookup());

    /** Such as one that has its thread answer the last request. */
    @Test
    @SuppressWarnings("try") // the close below waits
    void a_connection_whose_close_waits_for_its_handler_holds_up_neither_the_end_nor_the_others() throws Exception {
        final class Waiting implements AutoCloseable {
            private final Fd socket;
            private final CountDownLatch left = new CountDownLatch(1);

            Waiting(Fd socket) {
                this.socket = socket;
            }

            @Override
            public void close() throws InterruptedException {
                socket.close();
                left.await();
            }
        }
        CountDownLatch served = new CountDownLatch(2);
        try (UnixListener listener = UnixListener.at(UnixAddress.of(path)).listen()) {
            Call<Void> serving = Call.<Void>start(Call.On.PLATFORM, () -> {
                listener.serve(Waiting::new, (connection, _) -> {
                    served.countDown();
                    try {
                        new CountDownLatch(1).await();
                    } catch (InterruptedException _) {
                        assertThat(listener.counters().open()).isPositive();
                    } finally {
                        connection.left.countDown();
                    }
                });
                return null;
            });
            try (Fd _ = Sockets.connect(listener.address()); Fd _ = Sockets.connect(listener.address())) {
                served.await();
                listener.close();
                serving.result();
            }
        }
    }

    private void assertServedAnew() throws IOException {
        try (var client = ImsgChannel.connect(path)) {
            assertServed(client);
        }
    }

    @ParameterizedTest
    @EnumSource
    void clients_are_served_side_by_side_until_the_listener_is_closed(Call.On kind) throws Exception {
        var listener = ImsgListener.listen(path);
        Call<Void> serving = serve(kind, listener, ECHO);
        try (var first = ImsgChannel.connect(path); var second = ImsgChannel.connect(path)) {
            for (int i = 0; i < 3; i++) {
                assertServed(first);
                assertServed(second);
            }
            listener.close();
            serving.result();
            assertThat(first.receive()).isNull();
            assertThat(second.receive()).isNull();
        }
        assertThat(path).doesNotExist();
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void a_connection_whose_close_throws_counts_no_more() throws Exception {
        UnixListener listener = UnixListener.at(UnixAddress.of(path)).listen().maxConnections(1);
        Call<Void> serving = Call.<Void>start(Call.On.VIRTUAL, () -> {
            listener.<AutoCloseable>serve(socket -> () -> {
                socket.close();
                throw new StackOverflowError("the close's own");
            }, (_, _) -> {});
            return null;
        }).awaitWaiting();
        for (int i = 0; i < 3; i++) {
            try (var client = ImsgChannel.connect(path)) {
                assertThat(client.receive()).isNull();
            }
        }
        listener.close();
        serving.result();
        assertThat(log.lines()).filteredOn(line -> line.contains("is not closed")).hasSize(3);
    }

    @Test
    void what_a_handler_throws_ends_its_connection_only_and_is_logged() throws Exception {
        try (var listener = ImsgListener.listen(path); var other = ImsgChannel.connect(path)) {
            serve(Call.On.VIRTUAL, listener, ECHO);
            for (int type : new int[]{EXCEPTION, ERROR}) {
                try (var client = ImsgChannel.connect(path)) {
                    client.send(Imsg.of(type));
                    assertThat(client.receive()).isNull();
                }
                assertServed(other);
            }
            assertServedAnew();
        }
        assertThat(log.lines()).hasSize(2).allMatch(line -> line.contains("is dropped")
                && line.contains("a connection to " + path + " from uid ")
                && line.contains("handler's own"));
    }

    @Test
    void the_handler_knows_the_peer() throws Exception {
        BlockingQueue<Integer> pids = new LinkedBlockingQueue<>();
        try (var listener = ImsgListener.listen(path); var client = ImsgChannel.connect(path)) {
            serve(Call.On.VIRTUAL, listener, (channel, peer) -> pids.add(peer.pid()));
            assertThat(pids.poll(20, TimeUnit.SECONDS)).isEqualTo((int) ProcessHandle.current().pid());
            assertThat(client.receive()).as("the end, as the handler returned").isNull();
        }
    }

    @Test
    void closing_ends_a_handler_that_waits_for_something_else() throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        var listener = ImsgListener.listen(path);
        Call<Void> serving = serve(Call.On.PLATFORM, listener, (_, _) -> {
            waiting.countDown();
            new CountDownLatch(1).await();
        });
        try (var client = ImsgChannel.connect(path)) {
            waiting.await();
            listener.close();
            serving.result();
            assertThat(client.receive()).isNull();
        }
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void a_handler_may_close_the_listener() throws Exception {
        var listener = ImsgListener.listen(path);
        Call<Void> serving = serve(Call.On.PLATFORM, listener, (channel, _) -> {
            listener.close();
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            assertThat(channel.isOpen()).isFalse();
        });
        try (var client = ImsgChannel.connect(path)) {
            assertThat(client.receive()).isNull();
            serving.result();
        }
        assertThat(log.lines()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void an_interrupt_of_the_serving_thread_ends_all(Call.On kind) throws Exception {
        var listener = ImsgListener.listen(path);
        Call<Void> serving = serve(kind, listener, ECHO);
        try (var client = ImsgChannel.connect(path)) {
            assertServed(client);
            serving.thread().interrupt();
            assertThat(serving.failure()).isInstanceOf(ClosedByInterruptException.class);
            assertThat(client.receive()).isNull();
        }
        assertThat(listener.isOpen()).isFalse();
        assertThat(path).doesNotExist();
    }

    @Test
    void an_interrupt_while_there_is_no_room_ends_all() throws Exception {
        var listener = ImsgListener.listen(path).maxConnections(1);
        Call<Void> serving = serve(Call.On.PLATFORM, listener, ECHO);
        try (var client = ImsgChannel.connect(path)) {
            assertServed(client);
            serving.awaitWaiting().thread().interrupt();
            assertThat(serving.failure()).isInstanceOf(ClosedByInterruptException.class);
            assertThat(client.receive()).isNull();
        }
    }

    @Test
    void a_closed_listener_is_not_served_nor_one_that_is_served_already() throws Exception {
        var listener = ImsgListener.listen(path);
        Call<Void> serving = serve(Call.On.VIRTUAL, listener, ECHO);
        assertThatIllegalStateException().isThrownBy(() -> listener.serve(ECHO))
                .withMessageContaining("served already");
        assertServedAnew();
        listener.close();
        serving.result();
        var closed = ImsgListener.listen(path);
        closed.close();
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(() -> closed.serve(ECHO));
    }

    @Test
    void beyond_the_bound_connections_wait_until_one_ends() throws Exception {
        try (var listener = ImsgListener.listen(path).maxConnections(2)) {
            serve(Call.On.VIRTUAL, listener, ECHO);
            var first = ImsgChannel.connect(path);
            try (var second = ImsgChannel.connect(path)) {
                assertServed(first);
                assertServed(second);
                try (var third = ImsgChannel.connect(path)) {
                    third.send(Imsg.of(7));
                    assertServed(second);
                    first.close();
                    assertThat(third.receive().type()).isEqualTo(7);
                    assertServed(second);
                }
            }
        }
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void beyond_the_bound_of_a_user_connections_are_closed() throws Exception {
        try (var listener = ImsgListener.listen(path).maxConnectionsOfUid(2)) {
            serve(Call.On.VIRTUAL, listener, ECHO);
            try (var first = ImsgChannel.connect(path); var second = ImsgChannel.connect(path)) {
                assertServed(first);
                assertServed(second);
                try (var third = ImsgChannel.connect(path)) {
                    assertThat(third.receive()).isNull();
                }
                first.send(Imsg.of(EXCEPTION));
                assertThat(first.receive()).isNull();
                // Its place is free a moment after its end is seen.
                Call.until(() -> isServedAnew());
                assertServed(second);
            }
        }
        assertThat(log.lines()).anyMatch(line -> line.endsWith("one too many for the user"));
    }

    private boolean isServedAnew() {
        try (var client = ImsgChannel.connect(path)) {
            client.send(Imsg.of(7));
            return client.receive() != null;
        } catch (IOException _) {
            return false;
        }
    }

    @Test
    void peers_that_are_not_allowed_are_closed_and_a_check_that_fails_refuses() throws Exception {
        BlockingQueue<String> checks = new LinkedBlockingQueue<>(
                List.of("refuse", "fail", "fail as Kotlin can", "allow"));
        try (var listener = ImsgListener.listen(path).allow(_ -> {
            String check = checks.remove();
            if (check.equals("fail"))
                throw new IllegalStateException("the check's own");
            if (check.startsWith("fail"))
                throw ServingTest.<RuntimeException>undeclared(new Exception("a checked one"));
            return check.equals("allow");
        })) {
            serve(Call.On.VIRTUAL, listener, ECHO);
            for (int i = 0; i < 3; i++)
                try (var refused = ImsgChannel.connect(path)) {
                    assertThat(refused.receive()).isNull();
                }
            assertServedAnew();
        }
        assertThat(log.lines()).hasSize(3);
        assertThat(log.lines().getFirst()).endsWith("is not allowed");
        assertThat(log.lines().get(1)).contains("the check's own");
        assertThat(log.lines().getLast()).contains("a checked one");
    }

    @Test
    void a_failure_that_cannot_be_logged_ends_no_server() throws Exception {
        IllegalStateException circular = new IllegalStateException("the first");
        circular.initCause(new IllegalStateException("the second", circular));
        IllegalStateException silent = new IllegalStateException() {
            @Override
            public String toString() {
                throw new IllegalStateException("the text's own");
            }
        };
        OutOfMemoryError scarce = new OutOfMemoryError() {
            @Override
            public String toString() {
                throw new OutOfMemoryError("no memory for the text");
            }
        };
        for (Throwable failure : List.of(circular, silent, scarce)) {
            BlockingQueue<Throwable> failures = new LinkedBlockingQueue<>(List.of(failure));
            try (var listener = ImsgListener.listen(path).allow(_ -> {
                if (!failures.isEmpty())
                    throw ServingTest.<RuntimeException>undeclared(failures.remove());
                return true;
            })) {
                serve(Call.On.VIRTUAL, listener, ECHO);
                try (var refused = ImsgChannel.connect(path)) {
                    assertThat(refused.receive()).isNull();
                }
                assertServedAnew();
            }
        }
        assertThat(log.traces()).singleElement().asString().contains("the first", "the second");
    }

    /** Throws what no method declares, which languages without checked exceptions can do. */
    @SuppressWarnings("unchecked")
    private static <E extends Throwable> E undeclared(Throwable thrown) throws E {
        throw (E) thrown;
    }

    @Test
    void a_flood_of_connections_that_fail_is_no_flood_of_records() throws Exception {
        try (var listener = ImsgListener.listen(path).maxConnections(3000).maxConnectionsOfUid(3000)) {
            serve(Call.On.VIRTUAL, listener, ECHO);
            long begin = System.nanoTime();
            for (int i = 0; i < 2000; i++)
                try (var client = ImsgChannel.connect(path)) {
                    client.send(Imsg.of(EXCEPTION));
                }
            assertServedAnew();
            long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin);
            assertThat(log.lines()).hasSizeBetween(10, 10 * (int) (seconds + 2));
        }
    }

    @Test
    void clients_that_never_speak_and_clients_that_leave_at_once_keep_nobody_from_being_served() throws Exception {
        var listener = ImsgListener.listen(path).maxConnectionsOfUid(UnixListener.MAX_CONNECTIONS);
        Call<Void> serving = serve(Call.On.VIRTUAL, listener, ECHO);
        List<ImsgChannel> silent = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            silent.add(ImsgChannel.connect(path));
            ImsgChannel.connect(path).close();
        }
        assertServedAnew();
        listener.close();
        serving.result();
        for (ImsgChannel client : silent) {
            assertThat(client.receive()).isNull();
            client.close();
        }
    }

    @Test
    void after_handing_on_the_connections_there_are_served_to_their_ends() throws Exception {
        var listener = ImsgListener.listen(path);
        Call<Void> serving = serve(Call.On.PLATFORM, listener, ECHO);
        var old = ImsgChannel.connect(path);
        assertServed(old);
        try (var successor = ImsgListener.of(listener.handOn())) {
            try (var waiting = ImsgChannel.connect(path)) {
                waiting.send(Imsg.of(8));
                serve(Call.On.PLATFORM, successor, ECHO);
                assertThat(waiting.receive().type()).isEqualTo(8);
            }
            assertServed(old);
            assertThat(serving.isDone()).isFalse();
            old.close();
            serving.result();
            assertServedAnew();
        }
        Files.delete(path);
    }

    @Test
    void after_handing_on_an_interrupt_cuts_the_connections_there() throws Exception {
        var listener = ImsgListener.listen(path);
        Call<Void> serving = serve(Call.On.PLATFORM, listener, ECHO);
        try (var client = ImsgChannel.connect(path)) {
            assertServed(client);
            try (Fd _ = listener.handOn()) {
                serving.thread().interrupt();
                assertThat(serving.failure()).isInstanceOf(ClosedByInterruptException.class);
                assertThat(client.receive()).isNull();
            }
        }
        Files.delete(path);
    }

    @Test
    void bounds_under_one_are_refused() throws Exception {
        try (var listener = ImsgListener.listen(path)) {
            assertThatIllegalArgumentException().isThrownBy(() -> listener.maxConnections(0));
            assertThatIllegalArgumentException().isThrownBy(() -> listener.maxConnectionsOfUid(-1))
                    .withMessageContaining("1 or more, not -1");
        }
    }
}
