package org.imsg.unix;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

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
        return Call.<Void>start(Call.On.PLATFORM, () -> {
            Lifeline.awaitHangUp(socket);
            return null;
        }).awaitWaiting();
    }
}
