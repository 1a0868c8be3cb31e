package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.stream.IntStream;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class MessageSizeTest {
    private static byte[] random(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 16, 17, 4079, 4080, 4081, 8176, 16367, 16368})
    void a_payload_of_any_size_up_to_the_limit_arrives(int size) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().send(Imsg.of(1, random(size)));
            pair.first().send(Imsg.of(2));
            Imsg message = pair.second().receive();
            assertThat(message.length()).isEqualTo(size);
            assertThat(message.payload()).isEqualTo(random(size));
            assertThat(pair.second().receive().type()).isEqualTo(2);
        }
    }

    @Test
    void one_byte_over_the_limit_is_refused_with_both_numbers_and_nothing_is_queued() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            ImsgChannel channel = pair.first();
            assertThat(channel.maxSize()).isEqualTo(16368);
            byte[] payload = new byte[16369];
            assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> channel.send(Imsg.of(1, payload)))
                    .withMessage("16369 bytes are too many, the limit is 16368").satisfies(e -> {
                        assertThat(e.size()).isEqualTo(16369);
                        assertThat(e.limit()).isEqualTo(16368);
                    });
            assertThatExceptionOfType(ImsgTooLargeException.class)
                    .isThrownBy(() -> channel.compose(1, 0, 0, payload));
            assertThatExceptionOfType(ImsgTooLargeException.class)
                    .isThrownBy(() -> channel.composev(1, 0, 0, MemorySegment.ofArray(payload)));
            assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> channel.composev(1, 0, 0,
                    MemorySegment.ofArray(payload), MemorySegment.ofArray(payload)));
            assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> channel.create(1, 0, 0, 16369));
            assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> channel.create(1, 0, 0, -1))
                    .withMessage("negative length -1");
            assertThat(channel.queuelen()).isZero();
            channel.send(Imsg.of(2));
            assertThat(pair.second().receive().type()).isEqualTo(2);
        }
    }

    @Test
    void a_limit_can_be_lowered_and_counts_the_payload_alone() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().maxSize(10);
            pair.first().send(Imsg.of(1, new byte[10]));
            assertThatExceptionOfType(ImsgTooLargeException.class)
                    .isThrownBy(() -> pair.first().send(Imsg.of(1, new byte[11])));
            pair.second().maxSize(9);
            assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(() -> pair.second().receive())
                    .satisfies(e -> {
                        assertThat(e.length()).isEqualTo(26);
                        assertThat(e.limit()).isEqualTo(25);
                    });
        }
    }

    @Test
    void a_channel_whose_limit_says_so_takes_messages_over_64_kib_in_the_modern_format() throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().format(WireFormat.MODERN).maxSize(131072);
            pair.second().format(WireFormat.MODERN).maxSize(131072);
            int[] sizes = {65536, 0, 70000, 1, 131072, 131072};
            Call<Void> sending = Call.start(Call.On.PLATFORM, () -> {
                for (int size : sizes)
                    pair.first().send(Imsg.of(size, random(size)));
                return null;
            });
            for (int size : sizes) {
                Imsg message = pair.second().receive();
                assertThat(message.type()).isEqualTo(size);
                assertThat(message.payload()).isEqualTo(random(size));
            }
            sending.result();
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"AUTO", "CLASSIC"})
    void a_format_that_cannot_say_such_a_length_refuses_the_limit(WireFormat format) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            ImsgChannel channel = pair.first().format(format);
            channel.maxSize(65519);
            assertThatIllegalArgumentException().isThrownBy(() -> channel.maxSize(131072))
                    .withMessageContaining("65519")
                    .withMessageContaining("131072");
            assertThat(channel.maxSize()).isEqualTo(65519);
            channel.format(WireFormat.MODERN).maxSize(131072);
            assertThatIllegalArgumentException().isThrownBy(() -> channel.format(format))
                    .withMessageContaining("131088").withMessageContaining("65535");
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_longest_message_of_the_classic_format_passes_in_every_format(WireFormat format) throws Exception {
        try (var pair = ImsgChannel.pair()) {
            pair.first().format(format).maxSize(65519);
            pair.second().format(format).maxSize(65519);
            pair.first().send(Imsg.of(1, random(65519)));
            assertThat(pair.second().receive().payload()).isEqualTo(random(65519));
        }
    }

    @Test
    void random_sizes_read_through_the_handler_come_whole_and_in_order() throws Exception {
        Random sizes = new Random(1);
        int[] expected = IntStream.range(0, 2000).map(_ -> sizes.nextInt(16369)).toArray();
        try (var pair = ImsgChannel.pair()) {
            Call<Void> sending = Call.start(Call.On.PLATFORM, () -> {
                for (int i = 0; i < expected.length; i++) {
                    pair.first().compose(i, 0, 0, random(expected[i]));
                    if (i % 7 == 0)
                        pair.first().flush();
                }
                pair.first().flush();
                return null;
            });
            int[] seen = {0};
            while (seen[0] < expected.length)
                pair.second().read(message -> {
                    assertThat(message.type()).isEqualTo(seen[0]);
                    byte[] payload = new byte[message.length()];
                    message.copyTo(0, payload, 0, payload.length);
                    assertThat(payload).isEqualTo(random(expected[seen[0]++]));
                });
            sending.result();
        }
    }
}
