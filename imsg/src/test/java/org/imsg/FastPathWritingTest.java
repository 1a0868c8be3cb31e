package org.imsg;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.imsg.testing.Call;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class FastPathWritingTest {
    private ImsgChannel.Pair pair;
    private ImsgChannel channel;
    private ImsgChannel peer;

    @BeforeEach
    void connect() throws Exception {
        pair = ImsgChannel.pair();
        channel = pair.first();
        peer = pair.second();
    }

    @AfterEach
    void close() throws Exception {
        pair.close();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private String received() throws Exception {
        return new String(peer.receive(Duration.ofSeconds(10)).payload(), UTF_8);
    }

    @Test
    void a_peer_that_does_not_read_holds_up_a_bounded_number_of_descriptors() throws Exception {
        try (ImsgChannel.Pair pair = ImsgChannel.pair(); Fd.Pair pipe = Fd.pipe()) {
            ImsgChannel sending = pair.first().allowFdPassing().format(WireFormat.MODERN);
            for (int i = 0; i < ImsgChannel.MAX_QUEUED_DESCRIPTORS; i++)
                sending.compose(1, 0, 0, pipe.first().dup(), new byte[0]);
            try (Fd oneMore = pipe.first().dup()) {
                assertThatExceptionOfType(ImsgQueueFullException.class)
                        .isThrownBy(() -> sending.compose(1, 0, 0, oneMore, new byte[0]))
                        .withMessage(
                                "no room for another descriptor: 1024 are queued, 1024 may be; flush() sends them");
                assertThat(oneMore.isOpen()).isTrue();
                sending.compose(2, 0, 0, new byte[0]);
                assertThat(sending.queuelen()).isEqualTo(ImsgChannel.MAX_QUEUED_DESCRIPTORS + 1);
                sending.clear();
                sending.compose(1, 0, 0, oneMore, new byte[0]);
            }
        }
    }

    @Test
    void many_messages_are_queued_and_go_out_with_one_flush() throws Exception {
        for (int type = 0; type < 100; type++)
            channel.compose(type, 0, 0, bytes("payload " + type));
        assertThat(channel.queuelen()).isEqualTo(100);
        assertThat(peer.poll(_ -> {})).isZero();
        channel.flush();
        assertThat(channel.queuelen()).isZero();
        List<Integer> types = new ArrayList<>();
        assertThat(peer.read(message -> types.add(message.type()))).isEqualTo(100);
        assertThat(types).isSorted().hasSize(100);
    }

    @Test
    void a_payload_can_be_a_segment_on_the_heap_or_outside() throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            channel.composev(1, 0, 0, MemorySegment.ofArray(bytes("on the heap")));
            channel.composev(1, 0, 0, MemorySegment.ofArray(new int[]{0x41414141}));
            channel.composev(1, 0, 0, arena.allocateFrom("outside").asSlice(0, 7));
        }
        channel.flush();
        assertThat(received()).isEqualTo("on the heap");
        assertThat(received()).isEqualTo("AAAA");
        assertThat(received()).isEqualTo("outside");
    }

    @Test
    void a_payload_can_be_gathered_from_parts() throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            channel.composev(4, 5, 6, MemorySegment.ofArray(bytes("one ")), MemorySegment.NULL,
                    arena.allocateFrom("two").asSlice(0, 3));
            channel.composev(7, 8, 9);
        }
        channel.flush();
        Imsg message = peer.receive();
        assertThat(message).hasToString("imsg type 4 id 5 pid 6, 7 bytes");
        assertThat(message.payload()).isEqualTo(bytes("one two"));
        assertThat(peer.receive()).hasToString("imsg type 7 id 8 pid 9, 0 bytes");
    }

    @Test
    void what_is_left_to_read_in_a_buffer_becomes_a_payload_and_the_buffer_is_closed() throws Exception {
        Ibuf buffer = Ibuf.open(10).add(bytes("skipped"));
        buffer.skip(4);
        channel.composeIbuf(1, 0, 0, buffer);
        channel.flush();
        assertThat(received()).isEqualTo("ped");
        assertThatExceptionOfType(IllegalStateException.class).isThrownBy(buffer::size);
    }

    @Test
    void a_message_is_created_filled_piece_by_piece_and_closed_into_the_queue() throws Exception {
        Ibuf message = channel.create(42, 7, 0, 4);
        message.addN32(0xCAFEBABEL).add(bytes("grown past what was expected"));
        assertThat(channel.queuelen()).isZero();
        channel.compose(message);
        assertThat(channel.queuelen()).isEqualTo(1);
        channel.flush();
        Imsg received = peer.receive();
        assertThat(received.type()).isEqualTo(42);
        assertThat(received.id()).isEqualTo(7);
        assertThat(received.pid()).isEqualTo((int) ProcessHandle.current().pid());
        Ibuf payload = received.getIbuf();
        assertThat(payload.getN32()).isEqualTo(0xCAFEBABEL);
        assertThat(payload.getString(payload.size())).isEqualTo("grown past what was expected");
    }

    @Test
    void a_created_message_grows_no_further_than_the_channels_limit() throws Exception {
        Ibuf message = channel.create(1, 0, 0, 0).add(new byte[16368]);
        assertThatExceptionOfType(ImsgTooLargeException.class).isThrownBy(() -> message.addN8(1))
                .withMessageContaining("16368");
        channel.compose(message);
        channel.flush();
        assertThat(peer.receive().length()).isEqualTo(16368);
    }

    @Test
    void messages_under_construction_do_not_disturb_each_other_and_one_can_be_dropped() throws Exception {
        Ibuf first = channel.create(1, 0, 0, 8);
        Ibuf second = channel.create(2, 0, 0, 8);
        Ibuf dropped = channel.create(3, 0, 0, 8);
        first.add(bytes("first"));
        second.add(bytes("second"));
        dropped.close();
        channel.compose(second);
        channel.compose(first);
        channel.flush();
        assertThat(received()).isEqualTo("second");
        assertThat(received()).isEqualTo("first");
    }

    @Test
    void a_buffer_that_was_not_created_as_a_message_cannot_be_closed_into_the_queue() {
        try (Ibuf buffer = Ibuf.open(4).addN32(1)) {
            assertThatIllegalArgumentException().isThrownBy(() -> channel.compose(buffer))
                    .withMessageContaining("create");
            assertThat(buffer.size()).isEqualTo(4);
        }
        assertThat(channel.queuelen()).isZero();
    }

    @Test
    void a_received_message_is_forwarded_as_it_is_and_more_than_once() throws Exception {
        try (var onward = ImsgChannel.pair()) {
            channel.send(Imsg.of(7, 8, 9, bytes("pass it on")));
            Imsg message = peer.receive();
            assertThat(message.getBuf(4)).hasSize(4);
            onward.first().forward(message);
            onward.first().forward(message);
            onward.first().flush();
            for (int i = 0; i < 2; i++) {
                Imsg copy = onward.second().receive();
                assertThat(copy).hasToString("imsg type 7 id 8 pid 9, 10 bytes");
                assertThat(copy.payload()).isEqualTo(bytes("pass it on"));
            }
        }
    }

    @Test
    void a_view_is_forwarded_out_of_the_handler_to_another_channel_and_back_to_its_own() throws Exception {
        try (var onward = ImsgChannel.pair()) {
            channel.send(Imsg.of(7, 8, 9, bytes("pass it on")));
            peer.read(message -> {
                onward.first().forward(message);
                onward.first().forward(message);
                peer.forward(message);
            });
            onward.first().flush();
            peer.flush();
            for (ImsgChannel receiver : List.of(onward.second(), onward.second(), channel)) {
                Imsg copy = receiver.receive();
                assertThat(copy).hasToString("imsg type 7 id 8 pid 9, 10 bytes");
                assertThat(copy.payload()).isEqualTo(bytes("pass it on"));
            }
        }
    }

    @Test
    void an_event_loop_writes_what_the_socket_takes_and_is_told_whether_to_wait_for_room() throws Exception {
        assertThat(channel.wantsWrite()).isFalse();
        assertThat(channel.write()).isTrue();
        byte[] payload = new byte[10000];
        int composed = 0;
        do {
            channel.compose(composed++, 0, 0, payload);
            assertThat(channel.wantsWrite()).isTrue();
        } while (channel.write());
        assertThat(channel.queuelen()).isPositive();
        assertThat(channel.queuedBytes()).isPositive().isLessThanOrEqualTo(channel.queuelen() * 10016);

        int[] seen = {0};
        while (channel.wantsWrite()) {
            peer.poll(message -> assertThat(message.type()).isEqualTo(seen[0]++));
            channel.write();
        }
        assertThat(channel.queuedBytes()).isZero();
        while (seen[0] < composed)
            assertThat(peer.poll(message -> assertThat(message.type()).isEqualTo(seen[0]++))).isPositive();
        assertThat(peer.poll(_ -> {})).isZero();
    }

    @Test
    void a_flush_that_times_out_keeps_the_rest_queued_and_a_later_one_delivers_all() throws Exception {
        int count = 200;
        for (int type = 0; type < count; type++)
            channel.compose(type, 0, 0, new byte[10000]);
        assertThatExceptionOfType(ImsgQueuedException.class)
                .isThrownBy(() -> channel.flush(Duration.ofMillis(1)))
                .withMessageMatching("no room in time, still queued: \\d+ message\\(s\\), \\d+ bytes")
                .satisfies(e -> {
                    assertThat(e.messages()).isEqualTo(channel.queuelen());
                    assertThat(e.bytes()).isEqualTo(channel.queuedBytes());
                });
        assertThat(channel.queuelen()).isPositive().isLessThan(count);
        assertThatExceptionOfType(SocketTimeoutException.class)
                .isThrownBy(() -> channel.send(Imsg.of(count), Duration.ZERO));
        assertThatExceptionOfType(ImsgQueuedException.class).isThrownBy(() -> channel.flush(Duration.ZERO));

        Call<Void> flushing = Call.start(Call.On.VIRTUAL, () -> {
            channel.flush();
            return null;
        });
        for (int type = 0; type < count; type++)
            assertThat(peer.receive().type()).isEqualTo(type);
        flushing.result();
        assertThat(channel.queuelen()).isZero();
    }

    @Test
    void the_queue_has_a_bound_and_says_so_with_the_numbers() throws Exception {
        channel.maxQueued(100);
        channel.compose(1, 0, 0, new byte[60]);
        assertThatExceptionOfType(ImsgQueueFullException.class)
                .isThrownBy(() -> channel.compose(2, 0, 0, new byte[9]))
                .withMessage(
                        "no room for a message of 25 bytes: 76 bytes are queued, 100 may be; flush() sends them, maxQueued allows more")
                .satisfies(e -> {
                    assertThat(e.queued()).isEqualTo(76);
                    assertThat(e.bound()).isEqualTo(100);
                });
        channel.compose(3, 0, 0, new byte[8]);
        channel.flush();
        channel.compose(4, 0, 0, new byte[84]);
        channel.flush();
        for (int type : new int[]{1, 3, 4})
            assertThat(peer.receive().type()).isEqualTo(type);
    }

    @Test
    void what_is_queued_can_be_dropped() throws Exception {
        channel.compose(1, 0, 0, bytes("never sent"));
        channel.clear();
        assertThat(channel.wantsWrite()).isFalse();
        channel.send(Imsg.of(2));
        assertThat(peer.receive().type()).isEqualTo(2);
    }

    @Test
    void nothing_is_queued_on_a_closed_channel() throws Exception {
        channel.close();
        assertThatExceptionOfType(ClosedChannelException.class)
                .isThrownBy(() -> channel.compose(1, 0, 0, new byte[0]));
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(channel::flush);
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(() -> channel.send(Imsg.of(1)));
        assertThat(peer.receive()).isNull();
    }

    @Test
    void any_thread_may_ask_how_long_the_queue_is() throws Exception {
        Thread receiver = Thread.ofPlatform().daemon().start(() -> {
            try {
                while (peer.receive() != null)
                    Thread.yield();
            } catch (Exception _) {
                // closed at the end
            }
        });
        Call<Integer> asking = Call.start(Call.On.PLATFORM, () -> {
            int longest = 0;
            while (receiver.isAlive())
                longest = Math.max(longest, channel.queuelen());
            return longest;
        });
        for (int i = 0; i < 100; i++) {
            for (int j = 0; j < 50; j++)
                channel.compose(1, 0, 0, new byte[10000]);
            channel.write();
            if (channel.queuedBytes() > 1 << 20)
                channel.flush();
        }
        pair.close();
        assertThat(asking.result()).isBetween(1, 1000);
    }
}
