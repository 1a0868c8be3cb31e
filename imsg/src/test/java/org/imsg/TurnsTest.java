package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.ConcurrentModificationException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.testing.Call;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One channel used by several threads at once, in every way. */
@Timeout(60)
class TurnsTest {
    private static final int MESSAGES = 2000;

    private ImsgChannel.Pair pair;
    private ImsgChannel channel;
    private ImsgChannel peer;

    @BeforeEach
    void connect() throws IOException {
        pair = ImsgChannel.pair();
        channel = pair.first().format(WireFormat.MODERN).allowFdPassing();
        peer = pair.second().format(WireFormat.MODERN).allowFdPassing();
    }

    @AfterEach
    void close() throws IOException {
        pair.close();
    }

    /** Something that queues or sends a message. */
    @FunctionalInterface
    private interface Way {
        void take(int type, int id, byte[] payload) throws IOException;
    }

    /** Messages of one type, numbered, their payloads full of the type's number and as long as the number says. */
    private static Call<Void> start(Call.On kind, int type, Way way) {
        return Call.start(kind, () -> {
            for (int id = 0; id < MESSAGES; id++) {
                byte[] payload = new byte[id * 7 % 3000];
                Arrays.fill(payload, (byte) type);
                way.take(type, id, payload);
            }
            return null;
        });
    }

    private void assertWholeAndInOrder(int types) throws IOException {
        int[] next = new int[types + 1];
        for (int i = 0; i < types * MESSAGES; i++) {
            Imsg message = peer.receive(Duration.ofSeconds(20));
            assertThat(message.id()).as("type " + message.type()).isEqualTo(next[message.type()]++);
            byte[] expected = new byte[message.id() * 7 % 3000];
            Arrays.fill(expected, (byte) message.type());
            assertThat(message.payload()).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @EnumSource
    void composing_flushing_and_sending_threads_mix_no_message_up(Call.On kind) throws Exception {
        Call<Void> composer = start(kind, 1, (type, id, payload) -> {
            channel.compose(type, id, 0, payload);
            if (id % 20 == 19)
                channel.flush();
        });
        Call<Void> creator = start(kind, 2, (type, id, payload) -> {
            channel.compose(channel.create(type, id, 0, 0).add(payload));
            channel.flush();
        });
        Call<Void> sender = start(kind, 3, (type, id, payload) -> channel.send(Imsg.of(type, id, 0, payload)));
        Call<Void> batches = start(kind, 4, (type, id, payload) -> {
            try (ImsgChannel.Batch _ = channel.batch()) {
                channel.compose(type, id, 0, payload);
                channel.flush();
            }
        });
        assertWholeAndInOrder(4);
        for (Call<Void> call : List.of(composer, creator, sender, batches))
            call.result();
    }

    @ParameterizedTest
    @EnumSource
    void answers_out_of_a_handler_stand_beside_news_of_another_thread(Call.On kind) throws Exception {
        Call<Void> requests = start(kind, 1, (type, id, payload) -> peer.send(Imsg.of(type, id, 0, payload)));
        Call<Void> news = start(kind, 2, (type, id, payload) -> channel.send(Imsg.of(type, id, 0, payload)));
        Call<Void> answers = Call.start(kind, () -> {
            while (channel.read(channel::forward) >= 0)
                channel.flush();
            return null;
        });
        assertWholeAndInOrder(2);
        requests.result();
        news.result();
        peer.close();
        answers.result();
    }

    @ParameterizedTest
    @EnumSource
    void threads_that_receive_read_get_and_poll_share_the_messages_out(Call.On kind) throws Exception {
        int total = 4000;
        AtomicInteger seen = new AtomicInteger();
        AtomicInteger sum = new AtomicInteger();
        ImsgHandler take = message -> {
            sum.addAndGet(message.id());
            seen.incrementAndGet();
        };
        List<Call<Void>> readers = new ArrayList<>();
        readers.add(Call.start(kind, () -> {
            for (Imsg message; (message = channel.receive()) != null;) {
                sum.addAndGet(message.id());
                seen.incrementAndGet();
            }
            return null;
        }));
        readers.add(Call.start(kind, () -> {
            while (channel.read(take) >= 0)
                Thread.onSpinWait();
            return null;
        }));
        readers.add(Call.start(kind, () -> {
            while (channel.read() >= 0)
                for (Imsg message; (message = channel.get()) != null;) {
                    sum.addAndGet(message.id());
                    seen.incrementAndGet();
                }
            return null;
        }));
        readers.add(Call.start(kind, () -> {
            while (channel.poll(take) >= 0)
                Thread.yield();
            return null;
        }));
        for (int id = 0; id < total; id++)
            peer.send(Imsg.of(1, id, 0, new byte[id % 500]));
        peer.close();
        for (Call<Void> reader : readers)
            reader.result();
        channel.poll(take);
        assertThat(seen.get()).isEqualTo(total);
        assertThat(sum.get()).isEqualTo(total * (total - 1) / 2);
    }

    @Test
    void parts_that_another_thread_changes_meanwhile_make_no_message_of_bytes_nobody_gave() throws Exception {
        MemorySegment[] parts = {MemorySegment.NULL};
        var done = new AtomicBoolean();
        Call<Void> changing = Call.start(Call.On.PLATFORM, () -> {
            var sevens = MemorySegment.ofArray(new byte[64]).fill((byte) 7);
            while (!done.get()) {
                parts[0] = sevens;
                parts[0] = MemorySegment.NULL;
            }
            return null;
        });
        try {
            for (int i = 0; i < 50 * MESSAGES; i++) {
                try {
                    channel.composev(1, 0, 0, parts);
                } catch (ConcurrentModificationException e) {
                    assertThat(channel.queuelen()).isZero();
                    continue;
                }
                channel.flush();
                for (byte b : peer.receive().payload())
                    assertThat(b).isEqualTo((byte) 7);
            }
        } finally {
            done.set(true);
            changing.result();
        }
    }

    @Test
    @SuppressWarnings("restricted")
    void parts_whose_lengths_overflow_together_are_too_many_bytes() {
        var endless = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
        assertThatExceptionOfType(ImsgTooLargeException.class)
                .isThrownBy(() -> channel.composev(1, 0, 0, endless, endless));
    }

    @Test
    void a_batch_keeps_its_messages_together_and_lets_the_others_go_on_behind_it() throws Exception {
        Call<Void> sending;
        try (ImsgChannel.Batch _ = channel.batch()) {
            channel.compose(1, 0, 0, new byte[0]);
            sending = Call.<Void>start(Call.On.PLATFORM, () -> {
                channel.compose(9, 0, 0, new byte[0]);
                channel.flush();
                return null;
            }).awaitWaiting();
            for (int type = 2; type <= 4; type++)
                channel.compose(type, 0, 0, new byte[0]);
            assertThat(Call.start(Call.On.PLATFORM, channel::write).result()).isFalse();
        }
        sending.result();
        for (int type : new int[]{1, 2, 3, 4, 9})
            assertThat(peer.receive().type()).isEqualTo(type);
    }

    @Test
    void a_batch_is_given_back_once_and_by_its_own_thread() throws Exception {
        ImsgChannel.Batch batch = channel.batch();
        assertThat(Call.start(Call.On.PLATFORM, () -> {
            batch.close();
            return null;
        }).failure()).isInstanceOf(IllegalStateException.class).hasMessageContaining("thread that began it");
        try (ImsgChannel.Batch _ = channel.batch()) {
            batch.close();
            batch.close();
            assertThat(Call.start(Call.On.PLATFORM, channel::write).result()).as("the inner one is open").isFalse();
        }
        assertThat(Call.start(Call.On.PLATFORM, channel::write).result()).isTrue();
    }

    @Test
    void a_batch_whose_thread_has_ended_is_over() throws Exception {
        Call<ImsgChannel.Batch> forgetful = Call.start(Call.On.PLATFORM, channel::batch);
        forgetful.thread().join();
        channel.send(Imsg.of(1), Duration.ofSeconds(10));
        assertThat(peer.receive().type()).isEqualTo(1);
        try (ImsgChannel.Batch _ = channel.batch()) {
            assertThatIllegalStateException().isThrownBy(forgetful.result()::close)
                    .withMessageContaining("thread that began it");
            assertThat(Call.start(Call.On.PLATFORM, channel::write).result()).as("the second one is open").isFalse();
        }
    }

    @Test
    void settings_hold_for_what_a_thread_receives_that_was_waiting_already() throws Exception {
        try (ImsgChannel.Pair fresh = ImsgChannel.pair(); Fd.Pair pipe = Fd.pipe()) {
            ImsgChannel reader = fresh.first();
            ImsgChannel sender = fresh.second().format(WireFormat.MODERN).maxSize(100_000).allowFdPassing();
            Call<Imsg> receiving = Call.start(Call.On.PLATFORM, reader::receive).awaitWaiting();
            reader.format(WireFormat.MODERN).maxSize(100_000).allowFdPassing();
            sender.send(Imsg.of(1, new byte[100_000]).withFd(pipe.first()));
            try (Imsg received = receiving.result()) {
                assertThat(received.length()).isEqualTo(100_000);
                assertThat(received.descriptor()).isEqualTo(DescriptorState.PRESENT);
            }
        }
    }

    @Test
    void a_batch_may_close_its_channel_and_takes_no_message_then() throws Exception {
        try (ImsgChannel.Batch _ = channel.batch()) {
            channel.compose(1, 0, 0, new byte[100]);
            channel.close();
            assertThatExceptionOfType(ClosedChannelException.class)
                    .isThrownBy(() -> channel.compose(2, 0, 0, new byte[100]));
        }
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(channel::batch);
        assertThat(peer.receive()).isNull();
    }

    @Test
    void a_view_that_another_thread_was_given_shows_it_nothing() throws Exception {
        peer.send(Imsg.of(1, new byte[10]));
        channel.read(message -> assertThatIllegalStateException().isThrownBy(() -> {
            try {
                throw Call.start(Call.On.PLATFORM, message::length).failure();
            } catch (IllegalStateException e) {
                throw e;
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }));
    }

    /** Whatever the threads do to each other, it is an exception, and the process and its descriptors are as before. */
    @ParameterizedTest
    @EnumSource
    void every_call_beside_every_other_and_a_close_is_right_or_throws(Call.On kind) throws Exception {
        for (int round = 0; round < 40; round++) {
            ImsgChannel.Pair ends = ImsgChannel.pair();
            List<Call<Integer>> calls = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                Random random = new Random(100L * round + i);
                ImsgChannel end = i % 2 == 0 ? ends.first() : ends.second();
                calls.add(Call.start(kind, () -> useUntilClosed(end, random)));
            }
            Call.until(() -> calls.stream().allMatch(call -> call.thread().getState() != Thread.State.NEW));
            for (int n = round * 2000; n > 0; n--)
                Thread.onSpinWait();
            ends.close();
            for (Call<Integer> call : calls)
                assertThat(call.result()).isNotNegative();
        }
    }

    /** Returns how many calls it made; fails for an exception that no method names. */
    private static int useUntilClosed(ImsgChannel end, Random random) throws IOException {
        int calls = 0;
        for (; end.isOpen(); calls++) {
            try {
                use(end, random);
            } catch (ClosedChannelException _) {
                break;
            } catch (IOException | IllegalStateException | ImsgTooLargeException _) {
                // a timeout, an end, a full queue, a format that cannot change now, a handler inside a handler
            }
        }
        return calls;
    }

    private static void use(ImsgChannel end, Random random) throws IOException {
        Duration moment = Duration.ofNanos(random.nextInt(100_000));
        byte[] payload = new byte[random.nextInt(5000)];
        switch (random.nextInt(16)) {
            case 0 -> end.compose(1, 0, 0, payload);
            case 1 -> end.compose(end.create(1, 0, 0, 10).add(payload));
            case 2 -> end.send(Imsg.of(1, payload), moment);
            case 3 -> end.flush(moment);
            case 4 -> end.write();
            case 5 -> end.poll(end::forward);
            case 6 -> end.read(message -> assertThat(message.payload().byteSize()).isEqualTo(message.length()), moment);
            case 7 -> closing(end.receive(moment));
            case 8 -> closing(end.get());
            case 9 -> end.maxSize(random.nextInt(6000)).maxQueued(1 + random.nextInt(1 << 20));
            case 10 -> end.format(WireFormat.values()[random.nextInt(3)]).assume(WireFormat.MODERN);
            case 11 -> end.allowFdPassing().spinBeforeWaiting(moment);
            case 12 -> {
                try (Fd fd = Fd.open(Path.of("/dev/null")); Imsg message = Imsg.of(2).withFd(fd)) {
                    end.send(message, moment);
                }
            }
            case 13 -> {
                try (ImsgChannel.Batch _ = end.batch()) {
                    end.compose(3, 0, 0, payload);
                    end.write();
                }
            }
            case 14 -> assertThat(end.queuedBytes() + end.queuelen()).isNotNegative();
            default -> end.clear();
        }
    }

    private static void closing(Imsg message) {
        if (message != null)
            message.close();
    }
}
