package org.imsg.unix;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.util.List;
import java.util.stream.Stream;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(30)
class LifelineTest {
    @Test
    void the_peers_close_is_noticed_behind_what_was_not_read() throws Exception {
        try (Fd.Pair pair = Fd.socketpair()) {
            Call<Void> waiting = await(pair.first());
            try (FdChannel peer = new FdChannel(pair.second())) {
                peer.write(ByteBuffer.allocate(100));
                assertThat(waiting.thread().isAlive()).isTrue();
            }
            waiting.result();
        }
    }

    @ParameterizedTest
    @EnumSource
    void any_number_of_threads_wait_for_one_peer(Call.On kind) throws Exception {
        for (boolean closedHere : new boolean[]{false, true}) {
            try (Fd.Pair pair = Fd.socketpair()) {
                List<Call<Void>> waiting = Stream.generate(() -> await(pair.first(), kind)).limit(3).toList();
                (closedHere ? pair.first() : pair.second()).close();
                for (Call<Void> each : waiting) {
                    if (closedHere)
                        assertThat(each.failure()).isInstanceOf(ClosedChannelException.class);
                    else
                        each.result();
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_interrupt_is_kept_until_the_peer_has_gone(Call.On kind) throws Exception {
        try (Fd.Pair pair = Fd.socketpair()) {
            Call<Boolean> waiting = Call.start(kind, () -> {
                Thread.currentThread().interrupt();
                Lifeline.awaitHangUp(pair.first());
                return Thread.interrupted();
            }).awaitWaiting();
            waiting.thread().interrupt();
            Call.until(() -> kind == Call.On.PLATFORM || !waiting.thread().isInterrupted() && waiting.isWaiting());
            pair.second().close();
            assertThat(waiting.result()).isTrue();
        }
    }

    @Test
    void the_end_of_the_peers_sending_direction_is_not_its_death() throws Exception {
        try (Fd.Pair pair = Fd.socketpair()) {
            Call<Void> waiting = await(pair.first());
            Sockets.shutdownOutput(pair.second());
            try (FdChannel reader = new FdChannel(pair.first().dup())) {
                assertThat(reader.read(ByteBuffer.allocate(1))).isEqualTo(-1);
            }
            waiting.awaitWaiting();
            pair.second().close();
            waiting.result();
        }
    }

    @Test
    void closing_the_socket_here_ends_the_wait() throws Exception {
        try (Fd.Pair pair = Fd.socketpair()) {
            Call<Void> waiting = await(pair.first());
            pair.first().close();
            assertThat(waiting.failure()).isInstanceOf(AsynchronousCloseException.class);
        }
    }

    private static Call<Void> await(Fd socket) {
        return await(socket, Call.On.PLATFORM);
    }

    private static Call<Void> await(Fd socket, Call.On kind) {
        return Call.<Void>start(kind, () -> {
            Lifeline.awaitHangUp(socket);
            return null;
        }).awaitWaiting();
    }
}
