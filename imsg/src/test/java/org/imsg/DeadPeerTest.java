package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.ArrayList;
import java.util.List;
import org.imsg.testing.Call;
import org.imsg.unix.ErrnoException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is seen of a peer that died, at either end of the exchange. */
@Timeout(60)
class DeadPeerTest {
    private static List<Integer> receiveToTheEnd(ImsgChannel channel) throws Exception {
        List<Integer> types = new ArrayList<>();
        for (Imsg message; (message = channel.receive()) != null;)
            types.add(message.type());
        return types;
    }

    @Test
    void a_write_to_a_dead_peer_fails_and_what_it_sent_before_is_still_received() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.second().send(Imsg.of(1));
            pair.second().send(Imsg.of(2));
            pair.second().close();
            for (int i = 0; i < 2; i++)
                assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> pair.first().send(Imsg.of(9)))
                        .withMessageStartingWith("sendmsg: EPIPE (32): ");
            assertThat(receiveToTheEnd(pair.first())).containsExactly(1, 2);
        }
    }

    @Test
    void a_peer_that_dies_without_reading_resets_the_connection_and_its_replies_are_received_first() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(9));
            pair.second().send(Imsg.of(1));
            pair.second().send(Imsg.of(2));
            pair.second().close();
            assertThat(pair.first().receive().type()).isEqualTo(1);
            assertThat(pair.first().receive().type()).isEqualTo(2);
            for (Call.Failing read : List.<Call.Failing>of(pair.first()::receive, () -> pair.first().read(_ -> {}),
                    pair.first()::read, () -> pair.first().poll(_ -> {}), pair.first()::receive))
                assertThatExceptionOfType(ErrnoException.class).isThrownBy(read::run)
                        .satisfies(e -> assertThat(e.name()).isEqualTo("ECONNRESET"));
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_reset_is_told_to_every_receiver_that_waits(Call.On kind) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(9));
            List<Call<Imsg>> receivers = new ArrayList<>();
            for (int i = 0; i < 3; i++)
                receivers.add(Call.start(kind, () -> pair.first().receive()).awaitWaiting());
            pair.second().close();
            for (Call<Imsg> receiver : receivers)
                assertThat(receiver.failure()).isInstanceOfSatisfying(ErrnoException.class,
                        e -> assertThat(e.name()).isEqualTo("ECONNRESET"));
        }
    }

    @Test
    void a_write_after_such_a_death_does_not_hide_the_replies() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(9));
            pair.second().send(Imsg.of(1));
            pair.second().close();
            for (int i = 0; i < 2; i++)
                assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> pair.first().send(Imsg.of(9)))
                        .satisfies(e -> assertThat(e.name()).isIn("ECONNRESET", "EPIPE"));
            assertThat(pair.first().receive().type()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_receiver_that_waits_is_told_of_the_end(Call.On kind) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            Call<Imsg> receiving = Call.start(kind, () -> pair.first().receive()).awaitWaiting();
            pair.second().close();
            assertThat(receiving.result()).isNull();
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_sender_that_waits_for_room_is_told_of_the_end(Call.On kind) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            Call<Void> sending = Call.start(kind, () -> {
                for (;;)
                    pair.first().send(Imsg.of(1, new byte[10000]));
            });
            sending.awaitWaiting();
            pair.second().close();
            assertThat(sending.failure()).isInstanceOfSatisfying(ErrnoException.class,
                    e -> assertThat(e.name()).isIn("EPIPE", "ECONNRESET"));
        }
    }

    @Test
    void both_ends_may_die_with_messages_under_way() throws Exception {
        var pair = ImsgChannel.pair();
        pair.first().send(Imsg.of(1));
        pair.second().send(Imsg.of(2));
        pair.close();
        pair.close();
        assertThat(pair.first().isOpen()).isFalse();
        assertThat(pair.second().isOpen()).isFalse();
    }
}
