package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.imsg.testing.Call;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.UnixAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Closing a channel that another thread waits in, and interrupting the thread. */
@Timeout(60)
class ClosingTest {
    /** A call that waits, by the name it has in the test's report. */
    private enum Waiting {
        RECEIVE, RECEIVE_WITH_TIMEOUT, READ, READ_WITH_HANDLER, FLUSH, FLUSH_WITH_TIMEOUT, SEND;

        Callable<Object> on(ImsgChannel channel) {
            return switch (this) {
                case RECEIVE -> channel::receive;
                case RECEIVE_WITH_TIMEOUT -> () -> channel.receive(Duration.ofMinutes(5));
                case READ -> channel::read;
                case READ_WITH_HANDLER -> () -> channel.read(_ -> {});
                case FLUSH -> () -> {
                    fill(channel);
                    channel.flush();
                    return null;
                };
                case FLUSH_WITH_TIMEOUT -> () -> {
                    fill(channel);
                    channel.flush(Duration.ofMinutes(5));
                    return null;
                };
                case SEND -> () -> {
                    fill(channel);
                    channel.send(Imsg.of(1));
                    return null;
                };
            };
        }

        private static void fill(ImsgChannel channel) throws IOException {
            do
                channel.compose(1, 0, 0, new byte[10000]);
            while (channel.write());
        }
    }

    private ImsgChannel.Pair pair;

    static Stream<Arguments> everyWaitOnEveryThread() {
        return Stream.of(Call.On.values())
                .flatMap(kind -> Stream.of(Waiting.values()).map(wait -> Arguments.of(wait, kind)));
    }

    @BeforeEach
    void connect() throws IOException {
        pair = ImsgChannel.pair();
    }

    @AfterEach
    void close() throws IOException {
        pair.close();
    }

    @ParameterizedTest
    @MethodSource("everyWaitOnEveryThread")
    void closing_from_another_thread_ends_a_wait(Waiting wait, Call.On kind) throws Exception {
        Call<Object> waiting = Call.start(kind, wait.on(pair.first())).awaitWaiting();
        pair.first().close();
        assertThat(waiting.failure()).isExactlyInstanceOf(AsynchronousCloseException.class);
    }

    @ParameterizedTest
    @MethodSource("everyWaitOnEveryThread")
    void an_interrupt_ends_a_wait_and_closes_the_channel(Waiting wait, Call.On kind) throws Exception {
        Call<Object> waiting = Call.start(kind, wait.on(pair.first())).awaitWaiting();
        waiting.thread().interrupt();
        assertThat(waiting.failure()).isExactlyInstanceOf(ClosedByInterruptException.class);
        assertThat(pair.first().isOpen()).isFalse();
        assertThat(pair.second().receive(Duration.ofSeconds(10)) == null || wait.ordinal() > 3).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void a_thread_interrupted_before_it_waits_does_not_wait(Call.On kind) throws Exception {
        Call<Imsg> call = Call.start(kind, () -> {
            Thread.currentThread().interrupt();
            return pair.first().receive();
        });
        assertThat(call.failure()).isExactlyInstanceOf(ClosedByInterruptException.class);
    }

    @ParameterizedTest
    @MethodSource("everyWaitOnEveryThread")
    void closing_leaves_the_connection_to_every_other_holder_of_the_socket(Waiting wait, Call.On kind)
            throws Exception {
        try (ImsgChannel other = ImsgChannel.of(pair.first().dup())) {
            Call<Object> waiting = Call.start(kind, wait.on(pair.first())).awaitWaiting();
            pair.first().close();
            assertThat(waiting.failure()).isExactlyInstanceOf(AsynchronousCloseException.class);
            pair.second().send(Imsg.of(5));
            assertThat(other.receive().type()).isEqualTo(5);
            assertThat(pair.second().poll(_ -> {})).isNotNegative();
        }
    }

    @Test
    void a_channel_whose_duplicate_a_child_has_may_be_closed_while_it_is_waited_in() throws Exception {
        try (ImsgChannel peer = pair.second()) {
            Call<Imsg> waiting = Call.start(Call.On.PLATFORM, pair.first()::receive).awaitWaiting();
            Child child;
            try (Fd duplicate = pair.first().dup()) {
                child = Child.of(Path.of("/bin/sh"), "-c", "head -c 16 <&3 | cat >&3").descriptor(3, duplicate).start();
            }
            pair.first().close();
            assertThat(waiting.failure()).isInstanceOf(AsynchronousCloseException.class);
            peer.send(Imsg.of(7));
            assertThat(peer.receive().type()).isEqualTo(7);
            assertThat(child.waitFor().success()).isTrue();
            assertThat(peer.receive()).isNull();
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_interrupt_is_not_noticed_by_a_call_that_need_not_wait(Call.On kind) throws Exception {
        for (int i = 0; i < 4; i++)
            pair.second().send(Imsg.of(i));
        Call<Boolean> call = Call.start(kind, () -> {
            Thread.currentThread().interrupt();
            pair.first().receive();
            pair.first().receive(Duration.ofMinutes(1));
            pair.first().read(_ -> {});
            pair.first().poll(_ -> {});
            pair.first().send(Imsg.of(1));
            pair.first().compose(1, 0, 0, new byte[1]);
            pair.first().flush(Duration.ZERO);
            return Thread.interrupted() && pair.first().isOpen();
        });
        assertThat(call.result()).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void closing_ends_a_reader_that_spins_before_it_waits(Call.On kind) throws Exception {
        pair.first().spinBeforeWaiting(Duration.ofMinutes(5));
        Call<Imsg> spinning = Call.start(kind, () -> pair.first().receive());
        Call.until(() -> isInside(spinning, "fillSpinning"));
        pair.first().close();
        assertThat(spinning.failure()).isInstanceOf(AsynchronousCloseException.class);
    }

    @ParameterizedTest
    @EnumSource
    void an_interrupt_ends_a_reader_that_spins_before_it_waits(Call.On kind) throws Exception {
        pair.first().spinBeforeWaiting(Duration.ofMinutes(5));
        Call<Imsg> spinning = Call.start(kind, () -> pair.first().receive());
        Call.until(() -> isInside(spinning, "fillSpinning"));
        spinning.thread().interrupt();
        assertThat(spinning.failure()).isExactlyInstanceOf(ClosedByInterruptException.class);
    }

    private static boolean isInside(Call<?> call, String method) {
        return Stream.of(call.thread().getStackTrace()).anyMatch(frame -> frame.getMethodName().equals(method));
    }

    @ParameterizedTest
    @EnumSource
    void a_message_still_arrives_while_a_reader_spins(Call.On kind) throws Exception {
        pair.first().spinBeforeWaiting(Duration.ofMinutes(5));
        Call<Imsg> spinning = Call.start(kind, () -> pair.first().receive());
        Call.until(() -> isInside(spinning, "fillSpinning"));
        pair.second().send(Imsg.of(7));
        assertThat(spinning.result().type()).isEqualTo(7);
    }

    @ParameterizedTest
    @EnumSource
    void closing_ends_the_reader_the_writer_and_those_who_wait_for_their_turn(Call.On kind) throws Exception {
        Call<Object> reader = Call.start(kind, Waiting.RECEIVE.on(pair.first())).awaitWaiting();
        Call<Object> nextReader = Call.start(kind, Waiting.RECEIVE.on(pair.first())).awaitWaiting();
        Call<Object> writer = Call.start(kind, Waiting.FLUSH.on(pair.first())).awaitWaiting();
        Call<Object> nextWriter = Call.start(kind, () -> {
            pair.first().send(Imsg.of(1));
            return null;
        }).awaitWaiting();
        pair.first().close();
        assertThat(reader.failure()).isInstanceOf(AsynchronousCloseException.class);
        assertThat(writer.failure()).isInstanceOf(AsynchronousCloseException.class);
        assertThat(nextReader.failure()).isInstanceOf(ClosedChannelException.class);
        assertThat(nextWriter.failure()).isInstanceOf(ClosedChannelException.class);
    }

    @ParameterizedTest
    @EnumSource
    void closing_ends_a_wait_for_a_turn_that_a_handler_or_a_batch_keeps(Call.On kind) throws Exception {
        pair.second().send(Imsg.of(1));
        try (ImsgChannel.Batch _ = pair.first().batch()) {
            pair.first().read(_ -> {
                var reader = Call.start(kind, () -> pair.first().receive()).awaitWaiting();
                var writer = Call.start(kind, Waiting.SEND.on(pair.first())).awaitWaiting();
                var nextWriter = Call.start(kind, Waiting.FLUSH.on(pair.first())).awaitWaiting();
                pair.first().close();
                assertThat(failure(reader)).isExactlyInstanceOf(AsynchronousCloseException.class);
                assertThat(failure(writer)).isExactlyInstanceOf(AsynchronousCloseException.class);
                assertThat(failure(nextWriter)).isInstanceOf(ClosedChannelException.class);
            });
        }
    }

    private static Throwable failure(Call<?> call) {
        try {
            return call.failure();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_interrupt_of_a_thread_that_waits_for_its_turn_closes_the_channel_too(Call.On kind) throws Exception {
        Call<Imsg> reader = Call.start(kind, () -> pair.first().receive()).awaitWaiting();
        Call<Imsg> next = Call.start(kind, () -> pair.first().receive()).awaitWaiting();
        next.thread().interrupt();
        assertThat(next.failure()).isExactlyInstanceOf(ClosedByInterruptException.class);
        assertThat(reader.failure()).isExactlyInstanceOf(AsynchronousCloseException.class);
    }

    @ParameterizedTest
    @EnumSource
    void a_writer_can_work_while_a_reader_waits(Call.On kind) throws Exception {
        Call<Imsg> reader = Call.start(kind, () -> pair.first().receive()).awaitWaiting();
        pair.first().send(Imsg.of(1));
        assertThat(pair.second().receive().type()).isEqualTo(1);
        pair.second().send(Imsg.of(2));
        assertThat(reader.result().type()).isEqualTo(2);
    }

    @ParameterizedTest
    @EnumSource
    void closing_at_any_moment_is_never_taken_for_the_peers_end(Call.On kind) throws Exception {
        for (int i = 0; i < 2000; i++) {
            try (var ends = ImsgChannel.pair()) {
                Call<Imsg> receiving = Call.start(kind, () -> ends.first().receive());
                Call<Object> flushing = Call.start(kind, () -> {
                    for (;;)
                        ends.first().send(Imsg.of(1));
                });
                for (int n = i % 100; n > 0; n--)
                    Thread.onSpinWait();
                ends.first().close();
                assertThat(receiving.failure()).isInstanceOf(ClosedChannelException.class);
                assertThat(flushing.failure()).isInstanceOf(ClosedChannelException.class);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void closing_a_listener_ends_its_accept(Call.On kind) throws Exception {
        var listener = ImsgListener.at(UnixAddress.ofAbstract("imsg-closing-" + ProcessHandle.current().pid()))
                .listen();
        Call<ImsgChannel> accepting = Call.start(kind, listener::accept).awaitWaiting();
        Call<ImsgChannel> next = Call.start(kind, listener::accept).awaitWaiting();
        listener.close();
        assertThat(accepting.failure()).isExactlyInstanceOf(AsynchronousCloseException.class);
        assertThat(next.failure()).isInstanceOf(ClosedChannelException.class);
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(listener::accept);
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(listener::fd);
    }

    @ParameterizedTest
    @EnumSource
    void an_interrupt_ends_an_accept_and_closes_the_listener(Call.On kind) throws Exception {
        try (var listener = ImsgListener.at(UnixAddress.ofAbstract("imsg-closing-" + ProcessHandle.current().pid()))
                .listen()) {
            Call<ImsgChannel> accepting = Call.start(kind, listener::accept).awaitWaiting();
            accepting.thread().interrupt();
            assertThat(accepting.failure()).isExactlyInstanceOf(ClosedByInterruptException.class);
            assertThat(listener.isOpen()).isFalse();
        }
    }

    @Test
    void a_closed_channel_is_refused_everywhere() throws Exception {
        ImsgChannel closed = pair.first();
        closed.close();
        closed.close();
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(closed::receive);
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(() -> closed.receive(Duration.ZERO));
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(() -> closed.read(_ -> {}));
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(() -> closed.poll(_ -> {}));
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(closed::read);
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(closed::get);
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(closed::write);
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(closed::batch);
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(closed::fd);
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(closed::dup);
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(closed::peerCredentials);
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(closed::shutdownOutput);
    }
}
