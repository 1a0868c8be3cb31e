package org.imsg.harness.junit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.harness.scripted.Expected;
import org.imsg.harness.scripted.PeerFailedError;
import org.imsg.harness.scripted.ScriptedPeer;
import org.imsg.harness.scripted.ScriptedServer;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a test says of which the peer fails in another thread. */
@Timeout(60)
class FailedPeerTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(200);
    private static final int ASK = 1;
    private static final int ANSWER = 2;

    private static Imsg receive(ImsgChannel channel, Duration time) throws IOException {
        Imsg message = channel.receive(time);
        if (message == null)
            throw new IOException("the daemon left");
        return message;
    }

    @Test
    void a_peer_that_fails_in_the_background_fails_the_test_at_once_with_the_script_beside_what_passed() {
        long begin = System.nanoTime();
        assertThat(SampleTests.failures(Background.class)).containsOnlyKeys("asks_wrongly", "ends_too_early")
                .allSatisfy((_, failure) -> assertThat(failure).isInstanceOf(AssertionError.class)
                        .hasMessageContaining("the script").hasMessageContaining("what passed"))
                .hasEntrySatisfying("asks_wrongly", failure -> {
                    assertThat(failure).hasMessageStartingWith("step 1: not as expected: type 1")
                            .hasMessageContaining("> type 7");
                    assertThat(failure.getSuppressed()).singleElement().asString().contains("the daemon left");
                })
                .hasEntrySatisfying("ends_too_early",
                        failure -> assertThat(failure).hasMessageStartingWith("step 2: the stream ended"));
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(PATIENCE);
    }

    @Sample
    @ImsgTest
    static class Background {
        @Test
        void asks_wrongly(ImsgChannel channel, ScriptedPeer peer) throws Exception {
            peer.follow(daemon -> {
                daemon.expect(Expected.type(ASK));
                daemon.send(ANSWER, new byte[0]);
            });
            channel.send(Imsg.of(7));
            receive(channel, PATIENCE);
        }

        @Test
        void ends_too_early(ImsgChannel channel, ScriptedPeer peer) throws Exception {
            peer.follow(daemon -> {
                daemon.expect(Expected.type(ASK));
                daemon.expect(Expected.type(ASK));
            });
            channel.send(Imsg.of(ASK));
        }

        @Test
        void does_all_right(ImsgChannel channel, ScriptedPeer peer) throws Exception {
            peer.follow(daemon -> {
                assertThatThrownBy(() -> daemon.patience(SHORT).expect(Expected.type(ASK)))
                        .isInstanceOf(PeerFailedError.class);
                daemon.patience(PATIENCE).send(ANSWER, new byte[0]);
                daemon.expectEnd();
            });
            assertThat(receive(channel, PATIENCE).type()).isEqualTo(ANSWER);
        }
    }

    @Test
    void a_peer_that_fails_in_a_thread_of_the_test_fails_it_and_not_the_time_that_the_client_waited() {
        assertThat(SampleTests.failures(OwnThread.class))
                .containsOnlyKeys("waits_in_vain", "does_not_wait", "both_wait")
                .hasEntrySatisfying("waits_in_vain", failure -> {
                    assertThat(failure).isInstanceOf(AssertionError.class)
                            .hasMessageStartingWith("step 1: not as expected: type 1").hasMessageContaining("> type 7");
                    assertThat(failure.getSuppressed()).hasAtLeastOneElementOfType(SocketTimeoutException.class);
                })
                .hasEntrySatisfying("does_not_wait", failure -> assertThat(failure)
                        .hasMessageStartingWith("step 1: not as expected: type 1"))
                .hasEntrySatisfying("both_wait", failure -> {
                    assertThat(failure).hasMessageStartingWith("step 1: nothing has come up to now");
                    assertThat(failure.getSuppressed()).hasAtLeastOneElementOfType(SocketTimeoutException.class);
                });
    }

    @Sample
    @ImsgTest
    static class OwnThread {
        private static Thread expectAsk(ScriptedPeer peer) {
            return Thread.ofVirtual().start(() -> {
                try {
                    peer.expect(Expected.type(ASK));
                } catch (IOException | PeerFailedError _) {
                    // as a thread ends that nothing looks after
                }
            });
        }

        @Test
        void waits_in_vain(ImsgChannel channel, ScriptedPeer peer) throws Exception {
            Thread daemon = expectAsk(peer);
            channel.send(Imsg.of(7));
            daemon.join();
            receive(channel, SHORT);
        }

        @Test
        void does_not_wait(ImsgChannel channel, ScriptedPeer peer) throws Exception {
            Thread daemon = expectAsk(peer);
            channel.send(Imsg.of(7));
            daemon.join();
        }

        @Test
        void both_wait(ImsgChannel channel, ScriptedPeer peer) throws Exception {
            CountDownLatch before = new CountDownLatch(1);
            Thread.ofVirtual().start(() -> {
                before.countDown();
                expectAsk(peer);
            });
            assertThat(before.await(10, TimeUnit.SECONDS)).isTrue();
            receive(channel, SHORT);
        }

        @Test
        void catches_it_itself(ImsgChannel channel, ScriptedPeer peer) throws Exception {
            channel.send(Imsg.of(7));
            assertThatThrownBy(() -> peer.expect(Expected.type(ASK))).isInstanceOf(PeerFailedError.class);
        }
    }

    @Test
    void a_scripted_server_that_fails_fails_the_test_and_one_that_saw_the_client_leave_is_only_shown_with_it() {
        assertThat(SampleTests.failures(Server.class)).containsOnlyKeys("asks_wrongly", "fails_itself")
                .hasEntrySatisfying("asks_wrongly", failure -> {
                    assertThat(failure).hasMessageStartingWith("step 1: not as expected: type 1");
                    assertThat(failure.getSuppressed()).singleElement().asString().contains("the daemon left");
                })
                .hasEntrySatisfying("fails_itself", failure -> {
                    assertThat(failure).hasMessage("the client's own");
                    assertThat(failure.getSuppressed()).singleElement().isInstanceOf(PeerFailedError.class).asString()
                            .contains("the stream ended");
                });
    }

    @Sample
    @ImsgTest
    static class Server {
        @TempDir
        private Path directory;

        @Test
        void asks_wrongly() throws Exception {
            try (ScriptedServer daemon = ScriptedServer.listen(directory.resolve("socket"), WireFormat.MODERN,
                    client -> client.expect(Expected.type(ASK)));
                    ImsgChannel channel = ImsgChannel.connect(daemon.socket())) {
                channel.send(Imsg.of(7));
                receive(channel, PATIENCE);
            }
        }

        @Test
        void fails_itself() throws Exception {
            try (ScriptedServer daemon = ScriptedServer.listen(directory.resolve("socket"), WireFormat.MODERN,
                    client -> {
                        client.send(ANSWER, new byte[0]);
                        client.expect(Expected.type(ASK));
                    }); ImsgChannel channel = ImsgChannel.connect(daemon.socket())) {
                receive(channel, PATIENCE);
                throw new AssertionError("the client's own");
            }
        }
    }

    @Test
    void a_peer_that_fails_in_a_method_before_each_test_fails_it_too() {
        assertThat(SampleTests.failures(AsksBeforeEach.class).get("is_never_run"))
                .hasMessageStartingWith("step 1: not as expected: type 1");
    }

    @Sample
    @ImsgTest
    static class AsksBeforeEach {
        @BeforeEach
        void ask(ImsgChannel channel, ScriptedPeer peer) throws Exception {
            peer.follow(daemon -> daemon.expect(Expected.type(ASK)));
            channel.send(Imsg.of(7));
            receive(channel, PATIENCE);
        }

        @Test
        void is_never_run() {
            throw new IllegalStateException("run");
        }
    }

    @Test
    void no_client_waits_for_a_scripted_server_that_has_failed(@TempDir Path directory) throws Exception {
        ScriptedServer daemon = ScriptedServer.listen(directory.resolve("socket"), WireFormat.MODERN, _ -> {
            throw new IllegalStateException("broken");
        });
        try (ImsgChannel first = ImsgChannel.connect(daemon.socket())) {
            assertThat(first.receive(PATIENCE)).isNull();
        }
        assertThatThrownBy(() -> {
            try (ImsgChannel second = ImsgChannel.connect(daemon.socket())) {
                receive(second, PATIENCE);
            }
        }).isInstanceOf(IOException.class).isNotInstanceOf(SocketTimeoutException.class);
        assertThatThrownBy(daemon::close).isInstanceOf(PeerFailedError.class)
                .hasMessageContaining("the script failed: java.lang.IllegalStateException: broken")
                .hasRootCauseMessage("broken");
    }

    @Test
    void the_peers_format_and_side_are_chosen() {
        assertThat(SampleTests.failures(Chosen.class)).isEmpty();
    }

    @Sample
    @ImsgTest
    static class Chosen {
        @Test
        void classic(@Speaks(WireFormat.CLASSIC) ScriptedPeer peer, ImsgChannel channel, Fd.Pair passed)
                throws Exception {
            assertThat(channel.writtenFormat()).isEqualTo(WireFormat.CLASSIC);
            peer.send(ANSWER, new byte[0], passed.first());
            try (Imsg message = receive(channel, PATIENCE)) {
                assertThat(message.hasFd()).isTrue();
            }
            channel.send(Imsg.of(ASK).withFd(passed.second().dup()));
            assertThat(peer.expect(Expected.type(ASK).withDescriptor()).event().format())
                    .isEqualTo(WireFormat.CLASSIC);
        }

        @Test
        void modern(ImsgChannel channel, @Speaks(WireFormat.MODERN) ScriptedPeer peer) throws Exception {
            assertThat(channel.writtenFormat()).isEqualTo(WireFormat.MODERN);
            channel.send(Imsg.of(ASK));
            assertThat(peer.expect(Expected.type(ASK)).event().format()).isEqualTo(WireFormat.MODERN);
        }

        @Test
        void client(ImsgChannel channel, @Speaks(as = Speaks.Side.CLIENT) ScriptedPeer peer) throws Exception {
            peer.send(ASK, new byte[0]);
            receive(channel, PATIENCE);
            assertThat(peer.recording().events().getFirst().direction().sign()).isEqualTo('>');
        }

        @Test
        void server(ImsgChannel channel, @Speaks ScriptedPeer peer) throws Exception {
            peer.send(ANSWER, new byte[0]);
            receive(channel, PATIENCE);
            assertThat(peer.recording().events().getFirst().direction().sign()).isEqualTo('<');
        }
    }
}
