package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.imsg.testing.Call;
import org.imsg.testing.CapturedLog;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** No path leaks a descriptor: not an exception, not close(), not a dead peer, not forgetting. */
@Timeout(60)
class DescriptorLeakTest {
    private Witness witness;

    @BeforeEach
    void count(@TempDir Path directory) throws IOException {
        witness = new Witness(directory);
    }

    private static ImsgChannel.Pair pair() throws IOException {
        ImsgChannel.Pair pair = ImsgChannel.pair();
        pair.first().format(WireFormat.MODERN).allowFdPassing();
        pair.second().format(WireFormat.MODERN).allowFdPassing();
        return pair;
    }

    @Test
    void closing_a_channel_closes_what_is_queued() throws Exception {
        try (var pair = pair()) {
            for (int i = 0; i < 10; i++)
                pair.first().compose(i, 0, 0, witness.open(), new byte[0]);
            assertThat(witness.openDescriptors()).isEqualTo(10);
            pair.first().close();
            assertThat(witness.openDescriptors()).isZero();
        }
    }

    @Test
    void dropping_the_queue_closes_what_is_in_it() throws Exception {
        try (var pair = pair()) {
            pair.first().compose(1, 0, 0, witness.open(), new byte[0]);
            pair.first().clear();
            assertThat(witness.openDescriptors()).isZero();
        }
    }

    @Test
    void closing_a_channel_closes_what_was_received_and_not_delivered() throws Exception {
        try (var pair = pair()) {
            for (int i = 0; i < 10; i++)
                pair.first().send(Imsg.of(i).withFd(witness.open()));
            for (int i = 0; i < 5; i++)
                assertThat(pair.second().read()).isPositive();
            assertThat(witness.openDescriptors()).isEqualTo(5);
            pair.second().close();
        }
        assertThat(witness.openDescriptors()).isZero();
    }

    @Test
    void closing_a_channel_closes_the_descriptor_of_a_message_that_is_not_whole() throws Exception {
        try (RawPeer peer = RawPeer.connected()) {
            peer.channel.allowFdPassing();
            try (Fd fd = witness.open()) {
                peer.send(RawPeer.header(1, 20 | RawPeer.MODERN_MARK), fd);
            }
            assertThat(peer.channel.read(_ -> {})).isZero();
            assertThat(witness.openDescriptors()).isEqualTo(1);
            peer.channel.close();
            assertThat(witness.openDescriptors()).isZero();
        }
    }

    @Test
    void closing_a_channel_in_its_handler_closes_the_messages_descriptor_after_the_call() throws Exception {
        try (var pair = pair()) {
            pair.first().send(Imsg.of(1).withFd(witness.open()));
            pair.second().read(message -> {
                pair.second().close();
                assertThat(message.hasFd()).isTrue();
            });
            assertThat(witness.openDescriptors()).isZero();
        }
    }

    @Test
    void a_handler_that_fails_does_not_leave_the_messages_descriptor_behind() throws Exception {
        try (var pair = pair()) {
            pair.first().send(Imsg.of(1).withFd(witness.open()));
            assertThatExceptionOfType(ArithmeticException.class).isThrownBy(() -> pair.second().read(_ -> {
                throw new ArithmeticException();
            }));
            assertThat(witness.openDescriptors()).isZero();
        }
    }

    @Test
    void what_is_queued_for_a_dead_peer_is_closed_with_the_channel() throws Exception {
        try (var pair = pair()) {
            pair.second().close();
            pair.first().compose(1, 0, 0, witness.open(), new byte[0]);
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> pair.first().flush())
                    .satisfies(e -> assertThat(e.name()).isEqualTo("EPIPE"));
            try (Imsg message = Imsg.of(2).withFd(witness.open())) {
                assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> pair.first().send(message));
                assertThat(message.hasFd()).isTrue();
            }
            pair.first().close();
            assertThat(witness.openDescriptors()).isZero();
        }
    }

    @Test
    void what_a_dead_peer_had_been_sent_is_closed_by_the_kernel() throws Exception {
        try (var pair = pair()) {
            pair.first().send(Imsg.of(1).withFd(witness.open()));
            pair.second().close();
            assertThat(witness.openDescriptors()).isZero();
        }
    }

    @Test
    void closing_while_another_thread_sends_closes_every_descriptor_it_took() throws Exception {
        for (Call.On kind : Call.On.values()) {
            try (var pair = pair()) {
                Call<Void> sending = Call.start(kind, () -> {
                    for (;;)
                        try (Imsg message = Imsg.of(1, new byte[1000]).withFd(witness.open())) {
                            pair.first().send(message);
                        }
                });
                sending.awaitWaiting();
                pair.first().close();
                assertThat(sending.failure()).isInstanceOf(IOException.class);
            }
            assertThat(witness.openDescriptors()).isZero();
        }
    }

    @Test
    void closing_while_another_thread_composes_closes_every_descriptor() throws Exception {
        for (int i = 0; i < 200; i++) {
            var pair = pair();
            Fd[] last = new Fd[1];
            Call<Void> composing = Call.start(Call.On.PLATFORM, () -> {
                for (;;) {
                    last[0] = witness.open();
                    try {
                        pair.first().compose(1, 0, 0, last[0], new byte[0]);
                    } catch (ImsgQueueFullException _) {
                        last[0].close();
                    }
                }
            });
            Call.until(() -> pair.first().queuelen() > 3);
            pair.close();
            assertThat(composing.failure()).isInstanceOf(IOException.class);
            last[0].close();
            assertThat(witness.openDescriptors()).isZero();
        }
    }

    @Test
    void a_forgotten_channel_is_closed_with_all_that_is_in_it() throws Exception {
        try (CapturedLog told = new CapturedLog(Fd.class)) {
            List<Integer> sockets = forgetAChannel();
            awaitCleaner(() -> sockets.stream().allMatch(
                    socket -> told.lines().stream().anyMatch(line -> line.contains("descriptor " + socket + " "))));
        }
    }

    /** The numbers of the two sockets. */
    private List<Integer> forgetAChannel() throws IOException {
        var pair = pair();
        pair.first().compose(1, 0, 0, witness.open(), new byte[0]);
        pair.second().send(Imsg.of(1).withFd(witness.open()));
        pair.first().read();
        assertThat(witness.openDescriptors()).isEqualTo(2);
        return List.of(pair.first().fd(), pair.second().fd());
    }

    @Test
    void a_forgotten_descriptor_message_or_buffer_is_closed() throws Exception {
        try (CapturedLog told = new CapturedLog(Fd.class)) {
            assertThat(witness.open().isOpen()).isTrue();
            assertThat(Imsg.of(1).withFd(witness.open()).hasFd()).isTrue();
            assertThat(Ibuf.open(0).fdSet(witness.open()).fdAvail()).isTrue();
            awaitCleaner(() -> told.lines().size() == 3);
        }
    }

    @Test
    void a_channel_that_is_made_of_a_refused_descriptor_leaves_it_with_the_caller() throws Exception {
        try (Fd file = witness.open()) {
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> ImsgChannel.of(file))
                    .satisfies(e -> assertThat(e.name()).isEqualTo("ENOTSOCK"));
            assertThat(file.isOpen()).isTrue();
        }
    }

    @Test
    void a_channel_of_a_tcp_socket_is_refused_by_name_and_the_socket_stays_the_callers() throws Exception {
        try (Fd tcp = Fd.of(Posix.socket(Abi.host().value("AF_INET"), Constants.SOCK_STREAM, 0))) {
            assertThatIllegalArgumentException().isThrownBy(() -> ImsgChannel.of(tcp))
                    .withMessageContaining("AF_UNIX").withMessageContaining(tcp.toString());
            assertThat(tcp.isOpen()).isTrue();
        }
    }

    /** The collector need not find in one turn all that was forgotten. */
    private void awaitCleaner(BooleanSupplier told) {
        Call.until(() -> {
            System.gc();
            try {
                return witness.openDescriptors() == 0 && told.getAsBoolean();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
    }
}
