package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.SynchronousQueue;
import org.imsg.testing.Call;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CountersTest {
    private static final Duration MOST = Duration.ofSeconds(30);

    @Test
    void a_channel_counts_what_it_has_sent_and_received_by_either_path() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(1, 0, 0, new byte[4]));
            pair.first().compose(2, 0, 0, new byte[0]);
            pair.first().compose(3, 0, 0, new byte[0]);
            assertThat(pair.first().counters()).isEqualTo(new ImsgChannel.Counters(1, 20, 0, 0, 2, 32, 0));
            pair.first().flush();
            assertThat(pair.first().counters()).isEqualTo(new ImsgChannel.Counters(3, 52, 0, 0, 0, 0, 0));
            pair.second().receive();
            assertThat(pair.second().counters().messagesReceived()).isEqualTo(1);
            pair.second().read(_ -> {});
            assertThat(pair.second().counters()).isEqualTo(new ImsgChannel.Counters(0, 0, 3, 52, 0, 0, 0));
        }
    }

    @Test
    void a_message_whose_handler_fails_was_received_and_those_behind_it_not_yet() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            for (int type = 1; type <= 3; type++)
                pair.first().compose(type, 0, 0, new byte[0]);
            pair.first().flush();
            assertThatExceptionOfType(IOException.class).isThrownBy(() -> pair.second().read(message -> {
                if (message.type() == 2)
                    throw new IOException("no");
            }));
            assertThat(pair.second().counters()).isEqualTo(new ImsgChannel.Counters(0, 0, 2, 48, 0, 0, 0));
        }
    }

    @Test
    void what_is_dropped_was_not_sent_and_what_is_sent_in_parts_counts_once_it_is_whole() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            ImsgChannel channel = pair.first();
            for (int i = 0; i < 500; i++)
                channel.compose(i, 0, 0, new byte[10_000 - ImsgChannel.HEADER_SIZE]);
            assertThat(channel.write()).isFalse();
            ImsgChannel.Counters before = channel.counters();
            assertThat(before.bytesSent() + before.queuedBytes()).isEqualTo(5_000_000);
            assertThat(before.messagesSent()).isEqualTo(before.bytesSent() / 10_000).isEqualTo(500 - before.queuelen());
            channel.clear();
            assertThat(channel.counters()).isEqualTo(new ImsgChannel.Counters(before.messagesSent(),
                    before.bytesSent(), 0, 0, 0, 0, 0));
        }
    }

    @Test
    void a_listener_counts_the_connections_that_it_accepts_refuses_and_serves() throws Exception {
        UnixAddress address = UnixAddress.ofAbstract("imsg-counters-" + ProcessHandle.current().pid());
        SynchronousQueue<UnixListener.Counters> seen = new SynchronousQueue<>();
        ImsgListener listener = ImsgListener.at(address).listen();
        try {
            listener.allow(_ -> false);
            try (ImsgChannel _ = ImsgChannel.connect(address, MOST)) {
                assertThatExceptionOfType(SocketTimeoutException.class)
                        .isThrownBy(() -> listener.accept(Duration.ZERO));
            }
            listener.allow(_ -> true).maxConnectionsOfUid(1);
            Call<Void> serving = Call.start(Call.On.PLATFORM, () -> {
                listener.serve((channel, _) -> {
                    seen.put(listener.counters());
                    channel.receive();
                });
                return null;
            });
            try (ImsgChannel _ = ImsgChannel.connect(address, MOST)) {
                assertThat(seen.take()).isEqualTo(new UnixListener.Counters(1, 1, 0, 1));
                try (ImsgChannel second = ImsgChannel.connect(address, MOST)) {
                    assertThat(second.receive()).isNull();
                }
                assertThat(listener.counters()).isEqualTo(new UnixListener.Counters(1, 1, 1, 1));
            }
            listener.close();
            serving.result();
            assertThat(listener.counters()).isEqualTo(new UnixListener.Counters(1, 1, 1, 0));
        } finally {
            listener.close();
        }
    }
}
