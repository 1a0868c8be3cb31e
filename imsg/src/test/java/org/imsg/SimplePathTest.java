package org.imsg;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import org.imsg.unix.Fd;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class SimplePathTest {
    private static final int OWN_PID = (int) ProcessHandle.current().pid();

    @Test
    void a_message_arrives_as_it_was_sent_and_so_does_the_answer() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(1, "ping".getBytes(UTF_8)));
            Imsg request = pair.second().receive();
            assertThat(request.type()).isEqualTo(1);
            assertThat(request.getString(request.length())).isEqualTo("ping");

            pair.second().send(Imsg.of(2, request.id(), 0, "pong".getBytes(UTF_8)));
            Imsg answer = pair.first().receive();
            assertThat(answer.type()).isEqualTo(2);
            assertThat(answer.payload()).isEqualTo("pong".getBytes(UTF_8));
            assertThat(answer.descriptor()).isEqualTo(DescriptorState.NONE);
        }
    }

    @Test
    void header_fields_are_unsigned_32_bit_numbers() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(0xFFFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, new byte[0]));
            Imsg message = pair.second().receive();
            assertThat(Integer.toUnsignedLong(message.type())).isEqualTo(4294967295L);
            assertThat(Integer.toUnsignedLong(message.id())).isEqualTo(2147483648L);
            assertThat(Integer.toUnsignedLong(message.pid())).isEqualTo(4294967294L);
            assertThat(message).hasToString("imsg type 4294967295 id 2147483648 pid 4294967294, 0 bytes");
        }
    }

    @Test
    void a_pid_of_0_becomes_the_senders_own() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(1));
            assertThat(pair.second().receive().pid()).isEqualTo(OWN_PID);
            pair.first().compose(1, 0, 0, new byte[0]);
            pair.first().flush();
            assertThat(pair.second().receive().pid()).isEqualTo(OWN_PID);
        }
    }

    @Test
    void the_clean_end_of_the_stream_is_null_again_and_again() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(1));
            pair.first().close();
            assertThat(pair.second().receive()).isNotNull();
            assertThat(pair.second().receive()).isNull();
            assertThat(pair.second().receive(Duration.ofSeconds(1))).isNull();
            assertThat(pair.second().isOpen()).isTrue();
        }
    }

    @Test
    void after_the_output_is_shut_down_the_answer_can_still_be_received() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(1));
            pair.first().shutdownOutput();
            assertThat(pair.second().receive().type()).isEqualTo(1);
            assertThat(pair.second().receive()).isNull();
            pair.second().send(Imsg.of(2));
            assertThat(pair.first().receive().type()).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @EnumSource
    void several_senders_at_once_lose_nothing_and_mix_nothing_up(Call.On kind) throws Exception {
        int senders = 8;
        int each = 500;
        try (var pair = ImsgChannel.pair()) {
            List<Call<Void>> calls = new ArrayList<>();
            for (int sender = 0; sender < senders; sender++) {
                int id = sender;
                calls.add(Call.start(kind, () -> {
                    for (int i = 0; i < each; i++)
                        pair.first().send(Imsg.of(i, id, 0, payload(id, i)));
                    return null;
                }));
            }
            Map<Integer, Integer> next = new HashMap<>();
            for (int i = 0; i < senders * each; i++) {
                Imsg message = pair.second().receive();
                assertThat(message.type()).isEqualTo(next.merge(message.id(), 1, Integer::sum) - 1);
                assertThat(message.payload()).isEqualTo(payload(message.id(), message.type()));
            }
            for (Call<Void> call : calls)
                call.result();
        }
    }

    private static byte[] payload(int sender, int i) {
        byte[] payload = new byte[(sender * 31 + i * 7) % 3000];
        java.util.Arrays.fill(payload, (byte) (sender + i));
        return payload;
    }

    @ParameterizedTest
    @EnumSource
    void several_receivers_at_once_get_each_message_once(Call.On kind) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            List<Call<List<Integer>>> receivers = new ArrayList<>();
            for (int i = 0; i < 4; i++)
                receivers.add(Call.start(kind, () -> {
                    List<Integer> types = new ArrayList<>();
                    for (Imsg message; (message = pair.second().receive()) != null;)
                        types.add(message.type());
                    return types;
                }));
            for (int type = 0; type < 1000; type++)
                pair.first().send(Imsg.of(type));
            pair.first().close();
            List<Integer> all = new ArrayList<>();
            for (Call<List<Integer>> receiver : receivers)
                all.addAll(receiver.result());
            assertThat(all).hasSize(1000).doesNotHaveDuplicates();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 15, 16, 17, 19})
    void a_receive_that_times_out_keeps_the_part_of_a_message_that_came(int part) throws Exception {
        byte[] whole = RawPeer.message(7, (byte) 1, (byte) 2, (byte) 3, (byte) 4);
        try (RawPeer peer = RawPeer.connected()) {
            peer.send(java.util.Arrays.copyOf(whole, part));
            assertThatExceptionOfType(SocketTimeoutException.class)
                    .isThrownBy(() -> peer.channel.receive(Duration.ofMillis(1)));
            peer.send(java.util.Arrays.copyOfRange(whole, part, whole.length));
            Imsg message = peer.channel.receive(Duration.ZERO);
            assertThat(message.type()).isEqualTo(7);
            assertThat(message.payload()).containsExactly(1, 2, 3, 4);
        }
    }

    @Test
    void a_reply_is_a_stream_that_ends_with_the_message_of_an_end_type() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            for (int type : new int[]{5, 5, 9, 5, 8})
                pair.first().send(Imsg.of(type));
            try (Stream<Imsg> reply = pair.second().replies(8, 9)) {
                assertThat(reply.map(Imsg::type)).containsExactly(5, 5, 9);
            }
            assertThat(pair.second().replies(Duration.ofSeconds(5), 8, 9).map(Imsg::type)).containsExactly(5, 8);
        }
    }

    @Test
    void closing_a_reply_closes_the_descriptors_that_a_filter_dropped_and_none_that_was_taken() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().format(WireFormat.MODERN).allowFdPassing();
            for (int type : new int[]{1, 2, 3})
                pair.first().send(Imsg.of(type).withFd(Fd.open(Path.of("/dev/null"))));
            List<Fd> taken;
            try (Stream<Imsg> reply = pair.second().allowFdPassing().replies(3)) {
                taken = reply.filter(message -> message.type() == 2).map(Imsg::takeFd).toList();
            }
            assertThat(taken).singleElement().satisfies(fd -> assertThat(fd.isOpen()).isTrue());
            taken.getFirst().close();
        }
    }

    @Test
    void a_reply_is_received_only_as_far_as_it_is_read() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            for (int type : new int[]{1, 2, 3})
                pair.first().send(Imsg.of(type));
            assertThat(pair.second().replies(3).limit(1).map(Imsg::type)).containsExactly(1);
            assertThat(pair.second().receive().type()).isEqualTo(2);
        }
    }

    @Test
    void a_peer_that_ends_before_the_reply_does_is_an_error_that_names_the_end_types() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(5));
            pair.first().close();
            var types = new ArrayList<Integer>();
            assertThatThrownBy(() -> pair.second().replies(8, 9).forEach(message -> types.add(message.type())))
                    .isInstanceOf(UncheckedIOException.class).cause().isExactlyInstanceOf(EOFException.class)
                    .hasMessageContaining("[8, 9]");
            assertThat(types).containsExactly(5);
        }
    }

    @Test
    void a_reply_that_pauses_too_long_is_a_timeout() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(5));
            assertThatThrownBy(() -> pair.second().replies(Duration.ofMillis(1), 8).toList())
                    .isInstanceOf(UncheckedIOException.class).hasCauseInstanceOf(SocketTimeoutException.class);
        }
    }

    @Test
    void a_reply_without_an_end_type_is_refused() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            assertThatThrownBy(() -> pair.first().replies()).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void a_message_waits_for_room_in_the_queue_too() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().maxQueued(1000).compose(1, 0, 0, new byte[900]);
            pair.first().send(Imsg.of(2, new byte[500]));
            assertThat(pair.second().receive().type()).isEqualTo(1);
            assertThat(pair.second().receive().type()).isEqualTo(2);
        }
    }

    @Test
    void a_message_that_no_empty_queue_would_hold_is_refused() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().maxQueued(1000);
            assertThatExceptionOfType(ImsgQueueFullException.class)
                    .isThrownBy(() -> pair.first().send(Imsg.of(1, new byte[1000])));
        }
    }
}
