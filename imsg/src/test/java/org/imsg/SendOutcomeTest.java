package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import org.imsg.sys.Descriptors;
import org.imsg.testing.Call;
import org.imsg.testing.ChildJvm;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whether a message was taken by a send that failed, and who is told of another's failure. */
@Timeout(60)
class SendOutcomeTest {
    private static final Duration SHORT = Duration.ofMillis(5);

    private ImsgChannel.Pair pair;
    private ImsgChannel channel;
    private ImsgChannel peer;
    private Witness witness;

    @BeforeEach
    void connect(@TempDir Path directory) throws IOException {
        witness = new Witness(directory);
        pair = ImsgChannel.pair();
        channel = pair.first().format(WireFormat.MODERN).allowFdPassing();
        peer = pair.second().format(WireFormat.MODERN).allowFdPassing();
    }

    @AfterEach
    void close() throws IOException {
        pair.close();
        assertThat(witness.openDescriptors()).isZero();
    }

    /** Fills the socket with whole messages; returns how many. */
    private int fillSocket(int payload) throws IOException {
        for (int sent = 0;; sent++)
            try {
                channel.send(Imsg.of(1, sent, 0, new byte[payload]), Duration.ZERO);
            } catch (SocketTimeoutException _) {
                return sent;
            }
    }

    @ParameterizedTest
    @EnumSource
    void a_retry_loop_around_a_send_that_times_out_delivers_each_message_once(Call.On kind) throws Exception {
        int before = fillSocket(16000);
        Call<Integer> sending = Call.start(kind, () -> {
            for (int timeouts = 0;;)
                try {
                    channel.send(Imsg.of(1, before, 0, new byte[16000]), SHORT);
                    return timeouts;
                } catch (SocketTimeoutException _) {
                    if (++timeouts == 3)
                        peer.receive();
                }
        });
        assertThat(sending.result()).isGreaterThanOrEqualTo(3);
        channel.shutdownOutput();
        for (int id = 1; id <= before; id++)
            assertThat(peer.receive().id()).isEqualTo(id);
        assertThat(peer.receive()).isNull();
    }

    @Test
    void a_send_that_times_out_leaves_message_and_descriptor_the_callers() throws Exception {
        fillSocket(16000);
        try (Imsg message = Imsg.of(2, new byte[100]).withFd(witness.open())) {
            assertThatExceptionOfType(SocketTimeoutException.class).isThrownBy(() -> channel.send(message, SHORT))
                    .withMessageContaining("not queued");
            assertThat(message.hasFd()).isTrue();
            assertThat(channel.queuelen()).isZero();
            peer.receive();
            channel.send(message);
            assertThat(message.hasFd()).isFalse();
        }
        Imsg last;
        do
            last = peer.receive();
        while (last.type() == 1);
        try (Imsg message = last) {
            assertThat(message.hasFd()).isTrue();
        }
    }

    @Test
    void a_send_that_stops_in_the_middle_of_its_message_says_that_the_rest_is_queued() throws Exception {
        int length = 10_000_000;
        channel.maxSize(length);
        peer.maxSize(length);
        try (Imsg message = Imsg.of(2, new byte[length]).withFd(witness.open())) {
            assertThatExceptionOfType(ImsgQueuedException.class).isThrownBy(() -> channel.send(message, SHORT))
                    .satisfies(e -> {
                        assertThat(e.messages()).isEqualTo(1);
                        assertThat(e.bytes()).isBetween(1, length - 1).isEqualTo(channel.queuedBytes());
                    });
            assertThat(message.hasFd()).isFalse();
        }
        Call<Void> flushing = Call.start(Call.On.VIRTUAL, () -> {
            channel.flush();
            channel.shutdownOutput();
            return null;
        });
        try (Imsg message = peer.receive()) {
            assertThat(message.length()).isEqualTo(length);
            assertThat(message.hasFd()).isTrue();
        }
        flushing.result();
        assertThat(peer.receive()).isNull();
    }

    @Test
    void a_peer_that_is_gone_takes_nothing() throws Exception {
        peer.close();
        try (Imsg message = Imsg.of(2).withFd(witness.open())) {
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> channel.send(message))
                    .satisfies(e -> assertThat(e.name()).isEqualTo("EPIPE"));
            assertThat(message.hasFd()).isTrue();
            assertThat(channel.queuelen()).isZero();
        }
    }

    /** Closes a queued descriptor behind the channel's back. */
    private void composeWithClosedDescriptor(int type) throws IOException {
        Fd fd = witness.open();
        int number = fd.intValue();
        channel.compose(type, 0, 0, fd, new byte[0]);
        Descriptors.close(number);
    }

    @Test
    void a_descriptor_that_is_refused_is_told_by_the_next_flush_and_not_by_a_send_of_another_message()
            throws Exception {
        channel.compose(1, 0, 0, new byte[0]);
        composeWithClosedDescriptor(2);
        channel.compose(3, 0, 0, new byte[0]);
        channel.send(Imsg.of(4));
        for (int type : new int[]{1, 3, 4})
            assertThat(peer.receive().type()).isEqualTo(type);
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(channel::flush)
                .satisfies(e -> assertThat(e.name()).isEqualTo("EBADF"));
        channel.flush();
        assertThat(channel.queuelen()).isZero();
    }

    @Test
    void a_send_whose_own_descriptor_is_refused_takes_nothing() throws Exception {
        Fd fd = witness.open();
        int number = fd.intValue();
        Imsg message = Imsg.of(1).withFd(fd);
        Descriptors.close(number);
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> channel.send(message))
                .satisfies(e -> assertThat(e.name()).isEqualTo("EBADF"));
        assertThat(message.hasFd()).isTrue();
        message.takeFd().release();
        channel.send(Imsg.of(2));
        assertThat(peer.receive().type()).isEqualTo(2);
    }

    @Test
    void more_descriptors_on_the_way_than_the_kernel_allows_are_waited_for_up_to_the_deadline() throws Exception {
        assertThat(new ChildJvm().unprivileged().mostDescriptors(200).run(DescriptorsInFlight.class).lines())
                .containsExactly("timed out, nothing taken", "write: something is left", "flush: 1 queued",
                        "all sent once the peers have read");
    }

    @Test
    void a_close_beside_a_send_that_waits_leaves_the_descriptor_the_callers() throws Exception {
        fillSocket(16000);
        try (Imsg message = Imsg.of(2).withFd(witness.open())) {
            Call<Void> sending = Call.<Void>start(Call.On.PLATFORM, () -> {
                channel.send(message);
                return null;
            }).awaitWaiting();
            channel.close();
            assertThat(sending.failure()).isInstanceOf(IOException.class);
            assertThat(message.hasFd()).isTrue();
        }
    }
}
