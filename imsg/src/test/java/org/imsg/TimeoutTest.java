package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.nio.channels.AsynchronousCloseException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.imsg.testing.Call;
import org.imsg.testing.CapturedLog;
import org.imsg.unix.Fd;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class TimeoutTest {
    private static final Duration SHORT = Duration.ofMillis(20);

    private static UnixAddress address() {
        return UnixAddress.ofAbstract("imsg-timeout-" + ProcessHandle.current().pid());
    }

    /** Makes the call on such a thread; it must time out, and not before its time. */
    private static void assertTimesOut(Call.On kind, Call.Failing call) throws Exception {
        assertTimesOut(SocketTimeoutException.class, kind, call);
    }

    private static void assertTimesOut(Class<? extends IOException> how, Call.On kind, Call.Failing call)
            throws Exception {
        long started = System.nanoTime();
        Throwable failure = Call.start(kind, () -> {
            call.run();
            return null;
        }).failure();
        assertThat(failure).isExactlyInstanceOf(how);
        assertThat(System.nanoTime() - started).isGreaterThanOrEqualTo(SHORT.toNanos());
    }

    @ParameterizedTest
    @EnumSource
    void receiving_and_reading_time_out_and_the_channel_stays_usable(Call.On kind) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            assertTimesOut(kind, () -> pair.first().receive(SHORT));
            assertTimesOut(kind, () -> pair.first().read(_ -> {}, SHORT));
            pair.second().send(Imsg.of(1));
            assertThat(pair.first().receive(SHORT).type()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void receiving_times_out_also_while_another_thread_waits_to_receive(Call.On kind) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            Call<Imsg> other = Call.start(kind, () -> pair.first().receive()).awaitWaiting();
            assertTimesOut(kind, () -> pair.first().receive(SHORT));
            assertThat(pair.first().poll(_ -> {})).isZero();
            pair.second().send(Imsg.of(1));
            assertThat(other.result().type()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void sending_and_flushing_time_out_while_the_peer_does_not_read(Call.On kind) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            int type = 0;
            do
                pair.first().compose(type++, 0, 0, new byte[10000]);
            while (pair.first().write());
            assertTimesOut(ImsgQueuedException.class, kind, () -> pair.first().flush(SHORT));
            int last = type - 1;
            assertTimesOut(kind, () -> pair.first().send(Imsg.of(99), SHORT));
            Call<Void> flushing = Call.start(kind, () -> {
                pair.first().flush(Duration.ofMinutes(1));
                return null;
            });
            for (int expected = 0; expected <= last; expected++)
                assertThat(pair.second().receive().type()).isEqualTo(expected);
            flushing.result();
        }
    }

    @ParameterizedTest
    @EnumSource
    void sending_times_out_also_while_another_thread_waits_for_room(Call.On kind) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            Call<Void> other = Call.start(kind, () -> {
                for (;;)
                    pair.first().send(Imsg.of(1, new byte[10000]));
            });
            other.awaitWaiting();
            int queued = pair.first().queuelen();
            assertTimesOut(kind, () -> pair.first().send(Imsg.of(2), SHORT));
            assertTimesOut(ImsgQueuedException.class, kind, () -> pair.first().flush(SHORT));
            assertThat(pair.first().write()).isFalse();
            assertThat(pair.first().queuelen()).isEqualTo(queued);
            pair.first().close();
            assertThat(other.failure()).isInstanceOf(AsynchronousCloseException.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void accepting_times_out_and_the_listener_stays_usable(Call.On kind) throws Exception {
        try (var listener = ImsgListener.at(address()).listen()) {
            assertTimesOut(kind, () -> listener.accept(SHORT));
            try (var client = ImsgChannel.connect(address(), SHORT); var server = listener.accept(SHORT)) {
                client.send(Imsg.of(1));
                assertThat(server.receive().type()).isEqualTo(1);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void accepting_times_out_also_while_another_thread_waits_to_accept(Call.On kind) throws Exception {
        try (var listener = ImsgListener.at(address()).listen()) {
            Call<ImsgChannel> other = Call.start(kind, listener::accept).awaitWaiting();
            assertTimesOut(kind, () -> listener.accept(SHORT));
            try (var client = ImsgChannel.connect(address(), SHORT); var server = other.result()) {
                assertThat(client.isOpen() && server.isOpen()).isTrue();
            }
        }
    }

    /** Connects until the backlog, in which one waits, is full: nobody accepts. */
    private static List<Fd> fillBacklog() throws Exception {
        List<Fd> connected = new ArrayList<>();
        for (;;)
            try {
                connected.add(Sockets.connect(address(), Duration.ZERO));
            } catch (SocketTimeoutException full) {
                return connected;
            }
    }

    @ParameterizedTest
    @EnumSource
    void accepting_times_out_also_while_one_peer_after_the_other_is_not_allowed(Call.On kind) throws Exception {
        try (CapturedLog _ = new CapturedLog(UnixListener.class);
                var listener = ImsgListener.at(address()).listen().allow(_ -> {
                    connectAndLeave();
                    return false;
                })) {
            connectAndLeave();
            assertTimesOut(kind, () -> listener.accept(SHORT));
        }
    }

    private static void connectAndLeave() {
        try {
            ImsgChannel.connect(address(), Duration.ZERO).close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @EnumSource
    void connecting_times_out_while_the_backlog_is_full_and_leaves_nothing_open(Call.On kind) throws Exception {
        try (var listener = ImsgListener.at(address()).backlog(1).listen()) {
            List<Fd> connected = fillBacklog();
            assertTimesOut(kind, () -> ImsgChannel.connect(address(), SHORT));

            Call<ImsgChannel> patient = Call.start(kind, () -> ImsgChannel.connect(address(), Duration.ofMinutes(1)));
            patient.awaitWaiting();
            listener.accept().close();
            patient.result().close();
            connected.forEach(Fd::close);
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_interrupt_ends_a_wait_for_room_in_the_backlog(Call.On kind) throws Exception {
        try (var listener = ImsgListener.at(address()).backlog(1).listen()) {
            List<Fd> connected = fillBacklog();
            Call<ImsgChannel> connecting = Call.start(kind, () -> ImsgChannel.connect(address(), Duration.ofDays(1)));
            connecting.awaitWaiting().thread().interrupt();
            assertThat(connecting.failure()).isExactlyInstanceOf(InterruptedIOException.class);
            connected.forEach(Fd::close);
            assertThat(listener.isOpen()).isTrue();
        }
    }

    @Test
    void a_timeout_longer_than_the_clock_can_count_is_no_timeout() throws Exception {
        Duration forever = Duration.ofSeconds(Long.MAX_VALUE);
        try (var pair = ImsgChannel.pair()) {
            for (Duration timeout : List.of(forever, Duration.ofNanos(Long.MAX_VALUE), Duration.ofDays(106_000))) {
                Call<Imsg> receiving = Call.start(Call.On.PLATFORM, () -> pair.first().receive(timeout))
                        .awaitWaiting();
                pair.second().send(Imsg.of(1), timeout);
                assertThat(receiving.result().type()).isEqualTo(1);
            }
        }
    }

    @Test
    void a_negative_timeout_is_refused() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            Duration negative = Duration.ofNanos(-1);
            assertThatIllegalArgumentException().isThrownBy(() -> pair.first().receive(negative));
            assertThatIllegalArgumentException().isThrownBy(() -> pair.first().flush(negative));
            assertThatIllegalArgumentException().isThrownBy(() -> pair.first().spinBeforeWaiting(negative));
            try (var listener = ImsgListener.at(address()).listen()) {
                assertThatIllegalArgumentException().isThrownBy(() -> listener.accept(negative));
                assertThatIllegalArgumentException().isThrownBy(() -> ImsgChannel.connect(address(), negative));
            }
            assertThatExceptionOfType(SocketTimeoutException.class)
                    .isThrownBy(() -> pair.first().receive(Duration.ZERO));
        }
    }

    @Test
    void sending_behind_a_full_queue_times_out_and_the_message_stays_the_callers() throws Exception {
        try (var pair = ImsgChannel.pair(); Fd.Pair pipe = Fd.pipe()) {
            pair.first().format(WireFormat.MODERN).allowFdPassing().maxQueued(10500);
            do
                pair.first().compose(1, 0, 0, new byte[10000]);
            while (pair.first().write());
            pair.first().compose(1, 0, 0, new byte[10500 - 16 - pair.first().queuedBytes()]);
            try (Imsg message = Imsg.of(2).withFd(pipe.first())) {
                assertThatExceptionOfType(SocketTimeoutException.class)
                        .isThrownBy(() -> pair.first().send(message, SHORT)).withMessageContaining("not queued");
                assertThat(message.hasFd()).isTrue();
            }
        }
    }

    @Test
    void polling_does_not_spin() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().spinBeforeWaiting(Duration.ofSeconds(30));
            long started = System.nanoTime();
            assertThat(pair.first().poll(_ -> {})).isZero();
            assertThatExceptionOfType(SocketTimeoutException.class).isThrownBy(() -> pair.first().receive(SHORT));
            assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(10));
        }
    }
}
