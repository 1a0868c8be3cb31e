package org.imsg;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.SocketTimeoutException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.imsg.testing.Call;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class FastPathReadingTest {
    private ImsgChannel.Pair pair;
    private ImsgChannel channel;
    private ImsgChannel peer;
    private final List<Integer> types = new ArrayList<>();

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

    private void peerSends(int... messageTypes) throws IOException {
        for (int type : messageTypes)
            peer.compose(type, 0, 0, new byte[0]);
        peer.flush();
    }

    private void note(ImsgView message) {
        types.add(message.type());
    }

    @Test
    void one_read_shows_every_whole_message_and_the_end_is_minus_one() throws Exception {
        peerSends(1, 2, 3);
        assertThat(channel.read(this::note)).isEqualTo(3);
        assertThat(types).containsExactly(1, 2, 3);
        peerSends(4);
        peer.close();
        assertThat(channel.read(this::note, Duration.ofSeconds(5))).isEqualTo(1);
        assertThat(channel.read(this::note)).isEqualTo(-1);
        assertThat(channel.poll(this::note)).isEqualTo(-1);
    }

    @Test
    void a_read_of_less_than_a_message_shows_none() throws Exception {
        try (RawPeer raw = RawPeer.connected()) {
            byte[] message = RawPeer.message(1, (byte) 2);
            raw.send(java.util.Arrays.copyOf(message, 16));
            assertThat(raw.channel.read(this::note)).isZero();
            raw.send(new byte[]{2});
            assertThat(raw.channel.read(this::note)).isEqualTo(1);
        }
    }

    @Test
    void a_handlers_own_timeout_is_not_taken_for_the_polls() throws Exception {
        peer.send(Imsg.of(1));
        peer.send(Imsg.of(2));
        var own = new SocketTimeoutException("of another channel");
        assertThatThrownBy(() -> channel.poll(_ -> {
            throw own;
        })).isSameAs(own);
        assertThat(channel.poll(this::note)).isEqualTo(1);
    }

    @Test
    void a_poll_with_nothing_there_shows_none_and_does_not_wait() throws Exception {
        assertThat(channel.poll(this::note)).isZero();
        assertThatExceptionOfType(SocketTimeoutException.class)
                .isThrownBy(() -> channel.read(this::note, Duration.ofMillis(1)));
        peerSends(1);
        assertThat(channel.poll(this::note)).isEqualTo(1);
    }

    @Test
    void messages_behind_the_one_a_handler_failed_on_come_with_the_next_read() throws Exception {
        peerSends(1, 2, 3, 4);
        assertThatThrownBy(() -> channel.read(message -> {
            note(message);
            if (message.type() == 2)
                throw new IOException("the handler's own");
        })).isInstanceOf(IOException.class).hasMessage("the handler's own");
        assertThatThrownBy(() -> channel.read(message -> {
            note(message);
            throw new IllegalArgumentException("another");
        })).isInstanceOf(IllegalArgumentException.class);
        assertThat(types).containsExactly(1, 2, 3);
        assertThat(channel.read(this::note)).isEqualTo(1);
        assertThat(types).containsExactly(1, 2, 3, 4);
    }

    @Test
    void a_fault_of_another_channel_that_a_handler_lets_out_is_not_taken_for_this_ones() throws Exception {
        peerSends(1, 2);
        try (RawPeer other = RawPeer.connected()) {
            other.send(RawPeer.header(9, 15));
            assertThatExceptionOfType(ImsgProtocolException.class).isThrownBy(() -> channel.read(message -> {
                note(message);
                if (message.type() == 2)
                    other.channel.receive();
            })).withMessageContaining("type 9");
        }
        assertThat(types).containsExactly(1, 2);
    }

    @Test
    void receive_and_read_can_follow_each_other() throws Exception {
        peerSends(1, 2, 3);
        assertThat(channel.receive().type()).isEqualTo(1);
        assertThat(channel.read(this::note)).isEqualTo(2);
        assertThat(types).containsExactly(2, 3);
    }

    @Test
    void a_view_is_refused_after_the_call() throws Exception {
        peerSends(1);
        ImsgView[] kept = new ImsgView[1];
        channel.read(message -> kept[0] = message);
        List<Runnable> uses = List.of(kept[0]::type, kept[0]::id, kept[0]::pid, kept[0]::length, kept[0]::payload,
                kept[0]::getIbuf, kept[0]::copy, kept[0]::descriptor, kept[0]::hasFd, kept[0]::takeFd,
                () -> kept[0].getN8(0), () -> kept[0].copyTo(0, new byte[0], 0, 0));
        for (Runnable use : uses)
            assertThatIllegalStateException().isThrownBy(use::run).withMessageContaining("copy()");
        assertThat(kept[0]).hasToString("imsg view, not valid here");
    }

    @Test
    void a_view_is_refused_in_another_thread() throws Exception {
        peer.send(Imsg.of(1, new byte[8]));
        channel.read(message -> {
            MemorySegment payload = message.payload();
            FutureTask<Void> other = new FutureTask<>(() -> {
                assertThatIllegalStateException().isThrownBy(() -> message.getN8(0)).withMessageContaining("thread");
                assertThatIllegalStateException().isThrownBy(message::takeFd);
                assertThatExceptionOfType(WrongThreadException.class).isThrownBy(() -> payload.get(JAVA_BYTE, 0));
                assertThat(message).hasToString("imsg view, not valid here");
                return null;
            });
            Thread.ofVirtual().start(other);
            assertThatCode(() -> other.get(30, TimeUnit.SECONDS)).doesNotThrowAnyException();
            assertThat(message.getN8(0)).isZero();
        });
    }

    @Test
    void what_a_view_showed_ends_with_the_call() throws Exception {
        peer.send(Imsg.of(1, new byte[8]));
        peer.send(Imsg.of(2, new byte[8]));
        List<MemorySegment> segments = new ArrayList<>();
        List<Ibuf> buffers = new ArrayList<>();
        channel.read(message -> {
            buffers.forEach(kept -> assertThatIllegalStateException().isThrownBy(kept::getN8));
            segments.add(message.payload());
            buffers.add(message.getIbuf());
            assertThat(buffers.getLast().getN32()).isZero();
        });
        assertThat(segments).hasSize(2).allSatisfy(
                kept -> assertThatIllegalStateException().isThrownBy(() -> kept.get(JAVA_BYTE, 0)));
        assertThat(buffers).allSatisfy(kept -> assertThatIllegalStateException().isThrownBy(kept::getN32)
                .withMessage("this Ibuf is a view of memory that is gone"));
    }

    @Test
    void a_copy_of_a_view_is_good_after_the_call() throws Exception {
        peer.send(Imsg.of(1, 2, 3, "kept".getBytes(UTF_8)));
        List<Imsg> kept = new ArrayList<>();
        channel.read(message -> kept.add(message.copy()));
        peer.send(Imsg.of(9, "over it".getBytes(UTF_8)));
        channel.read(_ -> {});
        assertThat(kept).singleElement().hasToString("imsg type 1 id 2 pid 3, 4 bytes")
                .extracting(Imsg::payload).isEqualTo("kept".getBytes(UTF_8));
    }

    @Test
    void a_handler_cannot_read_from_the_channel_whose_message_it_is_shown() throws Exception {
        peerSends(1);
        List<ImsgHandler> attempts = List.of(_ -> channel.read(this::note), _ -> channel.poll(this::note),
                _ -> channel.read(), _ -> channel.get(), _ -> channel.receive(),
                _ -> channel.receive(Duration.ofSeconds(1)));
        channel.read(message -> {
            for (ImsgHandler attempt : attempts)
                assertThatIllegalStateException().isThrownBy(() -> attempt.message(message))
                        .withMessageContaining("handler");
            note(message);
        });
        assertThat(types).containsExactly(1);
    }

    @Test
    void a_handler_can_answer() throws Exception {
        peerSends(1, 2);
        channel.read(message -> channel.send(Imsg.of(message.type() + 10)));
        assertThat(peer.receive().type()).isEqualTo(11);
        assertThat(peer.receive().type()).isEqualTo(12);
    }

    @Test
    void a_handler_that_closes_the_channel_sees_no_further_message() throws Exception {
        peerSends(1, 2, 3);
        assertThat(channel.read(message -> {
            note(message);
            channel.close();
            assertThat(message.length()).isZero();
        })).isEqualTo(1);
        assertThat(types).containsExactly(1);
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(() -> channel.read(this::note));
        assertThat(peer.receive()).isNull();
    }

    @Test
    void a_view_reads_numbers_of_every_width_at_any_offset() throws Exception {
        Ibuf payload = peer.create(0xFFFF_FFFF, 2, 3, 40);
        payload.addN8(0xFF).addN16(0xFFFE).addN32(0xFFFF_FFFDL).addN64(-4).addH16(0xFFFB).addH32(0xFFFF_FFFAL)
                .addH64(-7);
        peer.compose(payload);
        peer.flush();
        assertThat(channel.read(message -> {
            assertThat(message).hasToString("imsg type 4294967295 id 2 pid 3, 29 bytes");
            assertThat(message.getN8(0)).isEqualTo(0xFF);
            assertThat(message.getN16(1)).isEqualTo(0xFFFE);
            assertThat(message.getN32(3)).isEqualTo(0xFFFF_FFFDL);
            assertThat(message.getN64(7)).isEqualTo(-4);
            assertThat(message.getH16(15)).isEqualTo(0xFFFB);
            assertThat(message.getH32(17)).isEqualTo(0xFFFF_FFFAL);
            assertThat(message.getH64(21)).isEqualTo(-7);
        })).isEqualTo(1);
    }

    @Test
    void a_view_that_holds_less_than_asked_says_how_much() throws Exception {
        peer.send(Imsg.of(1, new byte[7]));
        assertThat(channel.read(message -> {
            List<Runnable> tooLong = List.of(() -> message.getN8(7), () -> message.getN16(6), () -> message.getN32(4),
                    () -> message.getN64(0), () -> message.getH16(6), () -> message.getH32(4),
                    () -> message.getH64(0), () -> message.copyTo(1, new byte[7], 0, 7));
            for (Runnable read : tooLong)
                assertThatExceptionOfType(TruncatedMessageException.class).isThrownBy(read::run)
                        .satisfies(e -> assertThat(e.asked()).isGreaterThan(e.left()));
            assertThatExceptionOfType(TruncatedMessageException.class).isThrownBy(() -> message.getN64(3))
                    .withMessage("asked for 8 bytes, 4 left");
            assertThatExceptionOfType(TruncatedMessageException.class)
                    .isThrownBy(() -> message.getN8(Integer.MAX_VALUE)).withMessage("asked for 1 bytes, 0 left");
            assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> message.getN8(-1));
        })).isEqualTo(1);
    }

    @Test
    void the_payload_of_a_view_is_a_read_only_segment_or_a_buffer() throws Exception {
        peer.send(Imsg.of(1, "where it lies".getBytes(UTF_8)));
        assertThat(channel.read(message -> {
            MemorySegment segment = message.payload();
            assertThat(segment.isReadOnly()).isTrue();
            assertThat(segment.toArray(ValueLayout.JAVA_BYTE)).isEqualTo("where it lies".getBytes(UTF_8));
            assertThat(message.getIbuf().getString(5)).isEqualTo("where");
            byte[] into = "_____________".getBytes(UTF_8);
            message.copyTo(6, into, 1, 2);
            assertThat(into).isEqualTo("_it__________".getBytes(UTF_8));
        })).isEqualTo(1);
    }

    @Test
    void read_and_get_work_as_imsgbuf_read_and_imsgbuf_get() throws Exception {
        assertThat(channel.get()).isNull();
        peerSends(1, 2);
        peer.close();
        assertThat(channel.read()).isPositive();
        assertThat(channel.get().type()).isEqualTo(1);
        assertThat(channel.get().type()).isEqualTo(2);
        assertThat(channel.get()).isNull();
        assertThat(channel.read()).isEqualTo(-1);
        assertThat(channel.get()).isNull();
        assertThat(channel.read()).isEqualTo(-1);
    }

    @Test
    void reading_on_without_getting_fills_the_buffer_and_no_more() throws Exception {
        Call<Void> sending = Call.start(Call.On.VIRTUAL, () -> {
            for (int i = 0; i < 100; i++)
                peer.send(Imsg.of(i, new byte[10000]));
            return null;
        });
        for (int i = 0; i < 1000; i++)
            assertThat(channel.read()).isPositive();
        for (int i = 0; i < 100;) {
            Imsg message = channel.get();
            if (message == null)
                channel.read();
            else
                assertThat(message.type()).isEqualTo(i++);
        }
        sending.result();
    }
}
