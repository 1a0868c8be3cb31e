package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

import org.imsg.unix.Fd;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class IbufQueueTest {
    private final IbufQueue queue = new IbufQueue();

    private static Ibuf numbered(int number) {
        return Ibuf.open(4).addN32(number);
    }

    private static IbufQueue queueOf(int... numbers) {
        IbufQueue queue = new IbufQueue();
        for (int number : numbers) {
            queue.push(numbered(number));
        }
        return queue;
    }

    private static List<Long> popAll(IbufQueue queue) {
        List<Long> numbers = new ArrayList<>();
        for (Ibuf ibuf; (ibuf = queue.pop()) != null;) {
            numbers.add(ibuf.getN32());
        }
        return numbers;
    }

    @Nested
    class InOneThread {
        @Test
        void buffers_come_out_in_the_order_they_went_in() {
            for (int number = 1; number <= 3; number++) {
                queue.push(numbered(number));
            }
            assertThat(queue.queuelen()).isEqualTo(3);
            assertThat(popAll(queue)).containsExactly(1L, 2L, 3L);
            assertThat(queue.queuelen()).isZero();
        }

        @Test
        void an_empty_queue_has_nothing_to_pop_and_no_time_to_wait() throws InterruptedException {
            assertThat(queue.pop()).isNull();
            assertThat(queue.poll(Duration.ZERO)).isNull();
            assertThat(queue.poll(Duration.ofSeconds(Long.MIN_VALUE))).isNull();
            assertThat(queue.poll(Duration.ofNanos(1))).isNull();
        }

        @Test
        void what_is_there_needs_no_waiting() throws InterruptedException {
            queue.push(numbered(1));
            queue.push(numbered(2));
            assertThat(queue.take().getN32()).isEqualTo(1);
            assertThat(queue.poll(Duration.ofSeconds(Long.MAX_VALUE)).getN32()).isEqualTo(2);
        }

        @Test
        void a_pushed_buffer_has_left_its_pusher(@TempDir Path directory) throws IOException {
            Witness witness = new Witness(directory);
            Ibuf pushed = numbered(1).fdSet(witness.open());
            queue.push(pushed);
            pushed.close();
            assertThatIllegalStateException().isThrownBy(() -> queue.push(pushed)).withMessage("this Ibuf was moved");
            assertThat(queue.queuelen()).isEqualTo(1);
            try (Ibuf popped = queue.pop(); Fd fd = popped.fdGet()) {
                assertThat(fd.isOpen()).isTrue();
                assertThat(popped.getN32()).isEqualTo(1);
                assertThat(witness.openDescriptors()).isEqualTo(1);
            }
            assertThat(witness.openDescriptors()).isZero();
        }

        @Test
        void a_view_cannot_be_queued() {
            Ibuf view = Ibuf.fromBuffer(new byte[4]);
            assertThatIllegalStateException().isThrownBy(() -> queue.push(view)).withMessageContaining("view");
            assertThat(queue.queuelen()).isZero();
            assertThat(view.getN32()).isZero();
        }

        @Test
        void flushing_closes_what_was_queued_and_leaves_the_queue_open(@TempDir Path directory) throws IOException {
            Witness witness = new Witness(directory);
            queue.push(numbered(1).fdSet(witness.open()));
            queue.push(numbered(2).fdSet(witness.open()));
            assertThat(witness.openDescriptors()).isEqualTo(2);
            queue.flush();
            assertThat(witness.openDescriptors()).isZero();
            assertThat(queue.queuelen()).isZero();
            queue.push(numbered(3));
            assertThat(popAll(queue)).containsExactly(3L);
        }

        @Test
        void closing_closes_what_was_queued_and_refuses_more(@TempDir Path directory) throws Exception {
            Witness witness = new Witness(directory);
            queue.push(numbered(1).fdSet(witness.open()));
            queue.close();
            assertThat(witness.openDescriptors()).isZero();
            assertThat(queue.take()).isNull();
            assertThat(queue.poll(Duration.ofDays(1))).isNull();
            assertThat(queue.pop()).isNull();
            Ibuf late = numbered(2);
            assertThatIllegalStateException().isThrownBy(() -> queue.push(late));
            assertThat(late.getN32()).as("still the caller's").isEqualTo(2);
            assertThatCode(queue::close).doesNotThrowAnyException();
        }
    }

    @Nested
    class Concatenating {
        @Test
        void everything_moves_behind_what_is_there() {
            IbufQueue to = queueOf(1, 2);
            IbufQueue from = queueOf(3, 4);
            to.concat(from);
            assertThat(from.queuelen()).isZero();
            assertThat(to.queuelen()).isEqualTo(4);
            assertThat(popAll(to)).containsExactly(1L, 2L, 3L, 4L);
        }

        @Test
        void a_queue_may_be_older_or_younger_than_the_one_it_takes_from() {
            IbufQueue older = queueOf(1);
            IbufQueue younger = queueOf(2);
            younger.concat(older);
            assertThat(popAll(younger)).containsExactly(2L, 1L);
        }

        @Test
        void a_queue_added_to_itself_stays_as_it_is() {
            IbufQueue both = queueOf(1, 2);
            both.concat(both);
            assertThat(popAll(both)).containsExactly(1L, 2L);
        }

        @Test
        void a_closed_queue_takes_nothing_and_gives_nothing() {
            IbufQueue closed = queueOf(1);
            closed.close();
            IbufQueue open = queueOf(2);
            assertThatIllegalStateException().isThrownBy(() -> closed.concat(open));
            open.concat(closed);
            assertThat(popAll(open)).containsExactly(2L);
        }

        @Test
        void two_threads_may_concatenate_in_opposite_directions() throws InterruptedException {
            IbufQueue left = queueOf(1, 2, 3);
            IbufQueue right = queueOf(4, 5, 6);
            CountDownLatch start = new CountDownLatch(1);
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                boolean toTheLeft = i % 2 == 0;
                threads.add(Thread.startVirtualThread(() -> {
                    await(start);
                    for (int round = 0; round < 20_000; round++) {
                        if (toTheLeft) {
                            left.concat(right);
                        } else {
                            right.concat(left);
                        }
                    }
                }));
            }
            start.countDown();
            for (Thread thread : threads) {
                assertThat(thread.join(Duration.ofSeconds(50))).as("no deadlock").isTrue();
            }
            left.concat(right);
            assertThat(popAll(left)).containsExactlyInAnyOrder(1L, 2L, 3L, 4L, 5L, 6L);
        }
    }

    @Nested
    class BetweenThreads {
        @Test
        void a_waiting_thread_gets_what_another_pushes() throws Exception {
            Waiting<Ibuf> taker = new Waiting<>(queue::take);
            queue.push(numbered(7));
            assertThat(taker.result().getN32()).isEqualTo(7);
            Waiting<Ibuf> poller = new Waiting<>(() -> queue.poll(Duration.ofDays(1)));
            queue.push(numbered(8));
            assertThat(poller.result().getN32()).isEqualTo(8);
        }

        @Test
        void a_concatenation_wakes_every_thread_it_has_something_for() throws Exception {
            Waiting<Ibuf> first = new Waiting<>(queue::take);
            Waiting<Ibuf> second = new Waiting<>(queue::take);
            queue.concat(queueOf(1, 2));
            assertThat(List.of(first.result().getN32(), second.result().getN32())).containsExactlyInAnyOrder(1L, 2L);
        }

        @Test
        void closing_ends_every_wait() throws Exception {
            Waiting<Ibuf> taker = new Waiting<>(queue::take);
            Waiting<Ibuf> poller = new Waiting<>(() -> queue.poll(Duration.ofDays(1)));
            queue.close();
            assertThat(taker.result()).isNull();
            assertThat(poller.result()).isNull();
        }

        @Test
        void an_interrupt_ends_a_wait_and_takes_nothing() throws Exception {
            Waiting<Ibuf> taker = new Waiting<>(queue::take);
            taker.thread.interrupt();
            assertThatExceptionOfType(Exception.class).isThrownBy(taker::result)
                    .withCauseInstanceOf(InterruptedException.class);
            queue.push(numbered(1));
            assertThat(queue.queuelen()).isEqualTo(1);
        }

        @Test
        void a_thousand_virtual_threads_lose_nothing_and_keep_the_order_of_each_producer() throws Exception {
            int producers = 500;
            int each = 40;
            List<FutureTask<List<Long>>> consumers = new ArrayList<>();
            for (int i = 0; i < producers; i++) {
                int producer = i;
                consumers.add(startVirtual(() -> consume(each)));
                startVirtual(() -> {
                    for (int number = 0; number < each; number++) {
                        try (Ibuf ibuf = numbered(producer * each + number)) {
                            queue.push(ibuf);
                        }
                    }
                    return null;
                });
            }
            boolean[] seen = new boolean[producers * each];
            for (FutureTask<List<Long>> consumer : consumers) {
                long[] last = new long[producers];
                for (long number : consumer.get()) {
                    assertThat(seen[(int) number]).as("twice").isFalse();
                    seen[(int) number] = true;
                    int producer = (int) number / each;
                    assertThat(number + 1).as("order").isGreaterThan(last[producer]);
                    last[producer] = number + 1;
                }
            }
            assertThat(seen).doesNotContain(false);
            assertThat(queue.queuelen()).isZero();
        }

        private List<Long> consume(int count) throws InterruptedException {
            List<Long> numbers = new ArrayList<>();
            while (numbers.size() < count) {
                try (Ibuf ibuf = queue.take()) {
                    numbers.add(ibuf.getN32());
                }
            }
            return numbers;
        }
    }

    @Test
    void both_directions_of_a_concatenation_wait_for_the_same_queue_first() throws Exception {
        IbufQueue older = queue;
        IbufQueue younger = new IbufQueue();
        Ibuf held = numbered(1).move();
        Waiting<Void> pusher;
        List<Waiting<Void>> concatenations;
        synchronized (held) { // the pusher, the first to use it, waits for it and has locked the queue by then
            pusher = Waiting.on(() -> older.push(held));
            concatenations = List.of(Waiting.on(() -> older.concat(younger)),
                    Waiting.on(() -> younger.concat(older)));
            assertThat(startVirtual(younger::queuelen).get(10, TimeUnit.SECONDS)).as("not locked").isZero();
        }
        pusher.result();
        for (Waiting<Void> concatenation : concatenations) {
            concatenation.result();
        }
        assertThat(older.queuelen() + younger.queuelen()).isEqualTo(1);
    }

    private static <T> FutureTask<T> startVirtual(Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread.startVirtualThread(task);
        return task;
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** A virtual thread that is inside a wait by the time the constructor returns. */
    private static final class Waiting<T> {
        private final FutureTask<T> task;
        private final Thread thread;

        Waiting(Callable<T> wait) {
            task = new FutureTask<>(wait);
            thread = Thread.startVirtualThread(task);
            Set<Thread.State> waiting = EnumSet.of(Thread.State.WAITING, Thread.State.TIMED_WAITING,
                    Thread.State.BLOCKED);
            while (!waiting.contains(thread.getState())) {
                Thread.onSpinWait();
            }
        }

        static Waiting<Void> on(Runnable wait) {
            return new Waiting<>(() -> {
                wait.run();
                return null;
            });
        }

        T result() throws Exception {
            return task.get(30, TimeUnit.SECONDS);
        }
    }
}
