package org.imsg.sys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.sys.Readiness.FOREVER;

import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PollerTest {
    private static final BooleanSupplier NOT_ABANDONED = () -> false;

    @BeforeAll
    static void startSharedPollers() {
        OpenDescriptor.prepareWaiting();
    }

    private static long in(long millis) {
        return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    }

    /** Whether a wait ended before its deadline. */
    private static boolean waits(Poller poller, int number, long deadline, BooleanSupplier abandoned) {
        int result = poller.await(number, deadline, abandoned);
        assertThat(result).isNotNegative();
        return result > 0;
    }

    /** Waits as a channel does. */
    private static boolean wait(Readiness what, Fd fd, long deadline) throws IOException {
        return OpenDescriptor.of(fd).await(what, deadline);
    }

    private static void untilWaiting(Thread thread) {
        while (thread.getState() != Thread.State.WAITING && Stream.of(thread.getStackTrace())
                .noneMatch(frame -> frame.getClassName().equals(Waker.class.getName())))
            Thread.onSpinWait();
    }

    /** A call under way in a virtual thread. */
    private static final class Call<T> {
        private final FutureTask<T> task;
        final Thread thread;

        Call(Callable<T> callable) {
            task = new FutureTask<>(callable);
            thread = Thread.startVirtualThread(task);
        }

        T result() throws Exception {
            try {
                return task.get();
            } catch (ExecutionException e) {
                throw new AssertionError(e.getCause());
            }
        }

        boolean isDone() {
            return task.isDone();
        }

        Call<T> untilParked() {
            while (thread.getState() != Thread.State.WAITING && thread.getState() != Thread.State.TIMED_WAITING) {
                assertThat(thread.isAlive()).as("waits still").isTrue();
                Thread.onSpinWait();
            }
            return this;
        }
    }

    /** What each poller does. */
    abstract static class Contract {
        private RunningPoller reading;
        private RunningPoller writing;

        abstract Poller poller(Readiness what);

        @BeforeEach
        void startPollers() {
            reading = new RunningPoller(poller(Readiness.READABLE), false);
            writing = new RunningPoller(poller(Readiness.WRITABLE), true);
        }

        @AfterEach
        void endPollers() throws IOException {
            reading.close();
            writing.close();
        }

        private Call<Boolean> waitToRead(Fd fd) {
            int number = fd.intValue();
            return new Call<>(() -> waits(reading.poller, number, FOREVER, NOT_ABANDONED));
        }

        private Call<Boolean> waitToWrite(Fd fd) {
            int number = fd.intValue();
            return new Call<>(() -> waits(writing.poller, number, FOREVER, NOT_ABANDONED));
        }

        private void forget(Fd fd) {
            reading.poller.forgetOwn(fd.intValue());
            writing.poller.forgetOwn(fd.intValue());
        }

        @Test
        void a_reader_is_let_go_when_something_comes() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                Call<Boolean> reader = waitToRead(pipe.first()).untilParked();
                RunningPoller.put(pipe.second(), 1);
                assertThat(reader.result()).isTrue();
                forget(pipe.first());
            }
        }

        @Test
        void a_reader_is_let_go_when_something_is_there_already() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                RunningPoller.put(pipe.second(), 1);
                assertThat(waitToRead(pipe.first()).result()).isTrue();
                forget(pipe.first());
            }
        }

        @Test
        void a_reader_is_let_go_when_the_stream_ends() throws Exception {
            try (Fd.Pair pair = Fd.socketpair()) {
                Call<Boolean> reader = waitToRead(pair.first()).untilParked();
                pair.second().close();
                assertThat(reader.result()).isTrue();
                forget(pair.first());
            }
        }

        @Test
        void a_writer_is_let_go_when_there_is_room_again() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                RunningPoller.fill(pipe.second());
                Call<Boolean> writer = waitToWrite(pipe.second()).untilParked();
                RunningPoller.drain(pipe.first());
                assertThat(writer.result()).isTrue();
                forget(pipe.second());
            }
        }

        @Test
        void a_writer_is_let_go_when_nobody_reads_any_more() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                RunningPoller.fill(pipe.second());
                Call<Boolean> writer = waitToWrite(pipe.second()).untilParked();
                pipe.first().close();
                assertThat(writer.result()).isTrue();
                forget(pipe.second());
            }
        }

        @Test
        void a_reader_and_a_writer_can_wait_for_one_descriptor() throws Exception {
            try (Fd.Pair pair = Fd.socketpair()) {
                RunningPoller.fill(pair.first());
                Call<Boolean> reader = waitToRead(pair.first()).untilParked();
                Call<Boolean> writer = waitToWrite(pair.first()).untilParked();
                RunningPoller.put(pair.second(), 1);
                assertThat(reader.result()).isTrue();
                assertThat(writer.isDone()).isFalse();
                RunningPoller.drain(pair.second());
                assertThat(writer.result()).isTrue();
                forget(pair.first());
            }
        }

        @Test
        void every_wait_on_a_descriptor_gets_a_report_of_its_own() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                for (int i = 0; i < 50; i++) {
                    Call<Boolean> reader = waitToRead(pipe.first()).untilParked();
                    RunningPoller.put(pipe.second(), i);
                    assertThat(reader.result()).isTrue();
                    assertThat(RunningPoller.take(pipe.first())).isEqualTo(i);
                }
                forget(pipe.first());
            }
        }

        @Test
        void a_wait_ends_at_its_deadline_and_not_before() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                int number = pipe.first().intValue();
                for (int millis : new int[]{1, 5, 20}) {
                    long deadline = in(millis);
                    Call<Boolean> reader = new Call<>(() -> waits(reading.poller, number, deadline, NOT_ABANDONED));
                    assertThat(reader.result()).isFalse();
                    assertThat(System.nanoTime() - deadline).isNotNegative();
                }
                forget(pipe.first());
            }
        }

        @Test
        void a_deadline_that_has_passed_ends_the_wait_at_once() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                int number = pipe.first().intValue();
                assertThat(waits(reading.poller, number, in(-1), NOT_ABANDONED)).isFalse();
                forget(pipe.first());
            }
        }

        @Test
        void a_waiting_thread_can_be_woken() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                Call<Boolean> reader = waitToRead(pipe.first()).untilParked();
                reading.poller.ready(pipe.first().intValue());
                assertThat(reader.result()).isTrue();
                forget(pipe.first());
            }
        }

        @Test
        void a_thread_does_not_wait_for_what_was_abandoned_before() {
            try (Fd.Pair pipe = Fd.pipe()) {
                assertThat(waits(reading.poller, pipe.first().intValue(), FOREVER, () -> true)).isTrue();
                forget(pipe.first());
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        @Test
        void an_interrupt_ends_a_wait_and_stays_set() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                int number = pipe.first().intValue();
                Call<Boolean> reader = new Call<>(() -> waits(reading.poller, number, FOREVER, NOT_ABANDONED)
                        && Thread.currentThread().isInterrupted()).untilParked();
                reader.thread.interrupt();
                assertThat(reader.result()).isTrue();
                forget(pipe.first());
            }
        }

        @Test
        void a_regular_file_is_always_ready(@TempDir Path directory) throws Exception {
            Path file = Files.createFile(directory.resolve("empty"));
            try (Fd fd = Fd.open(file, OpenFlag.READ_WRITE)) {
                for (int i = 0; i < 2; i++) {
                    assertThat(waitToRead(fd).result()).isTrue();
                    assertThat(waitToWrite(fd).result()).isTrue();
                }
                forget(fd);
            }
        }

        @Test
        void forgetting_what_was_never_waited_for_is_without_effect() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                forget(pipe.first());
                RunningPoller.put(pipe.second(), 1);
                assertThat(waitToRead(pipe.first()).result()).isTrue();
                forget(pipe.first());
                forget(pipe.first());
            }
        }

        @Test
        void a_number_that_was_forgotten_and_is_used_again_is_watched_anew() throws Exception {
            Fd.Pair old = Fd.pipe();
            try (old; Fd.Pair fresh = Fd.pipe(); Fd shared = old.first().dup()) {
                int number = old.first().intValue();
                assertThat(waits(reading.poller, number, in(1), NOT_ABANDONED)).isFalse();
                forget(old.first());
                // The number now is another pipe's, while the old pipe lives on in its duplicate.
                Posix.dup2(fresh.first().intValue(), number);
                Call<Boolean> reader = waitToRead(old.first()).untilParked();
                RunningPoller.put(fresh.second(), 1);
                assertThat(reader.result()).isTrue();
                RunningPoller.put(old.second(), 2);
                assertThat(RunningPoller.take(shared)).isEqualTo(2);
                forget(old.first());
            }
        }

        @Test
        void thousands_of_virtual_threads_wait_at_once_and_each_is_let_go_for_its_own_descriptor() throws Exception {
            long seed = 20251121;
            int count = 1500;
            List<Fd.Pair> pipes = new ArrayList<>();
            try {
                List<Call<Integer>> readers = new ArrayList<>();
                List<Call<Boolean>> writers = new ArrayList<>();
                for (int i = 0; i < count; i++) {
                    Fd.Pair pipe = Fd.socketpair();
                    pipes.add(pipe);
                    int number = pipe.first().intValue();
                    readers.add(new Call<>(() -> {
                        waits(reading.poller, number, FOREVER, NOT_ABANDONED);
                        return RunningPoller.take(pipe.first());
                    }));
                    writers.add(waitToWrite(pipe.second()));
                }
                readers.forEach(Call::untilParked);
                for (Call<Boolean> writer : writers)
                    assertThat(writer.result()).isTrue();
                List<Integer> order = new ArrayList<>();
                for (int i = 0; i < count; i++)
                    order.add(i);
                Collections.shuffle(order, new Random(seed));
                for (int i : order)
                    RunningPoller.put(pipes.get(i).second(), i);
                for (int i = 0; i < count; i++)
                    assertThat(readers.get(i).result()).as("reader %d, seed %d", i, seed).isEqualTo(i & 0xFF);
            } finally {
                for (Fd.Pair pipe : pipes) {
                    forget(pipe.first());
                    forget(pipe.second());
                    pipe.close();
                }
            }
        }
    }

    @Nested
    @EnabledOnOs(OS.LINUX)
    class Epoll extends Contract {
        @Override
        Poller poller(Readiness what) {
            return new EpollPoller(what);
        }

        @Test
        void a_forgotten_descriptor_leaves_the_set_though_its_open_file_lives_on() throws Exception {
            try (RunningPoller running = new RunningPoller(new EpollPoller(Readiness.READABLE), false);
                    Fd.Pair pipe = Fd.pipe();
                    Fd shared = pipe.first().dup()) {
                Poller poller = running.poller;
                int number = pipe.first().intValue();
                assertThat(waits(poller, number, in(1), NOT_ABANDONED)).isFalse();
                assertThat(RunningPoller.watches(poller, number)).isTrue();
                poller.forgetOwn(number);
                pipe.first().close();
                assertThat(RunningPoller.watches(poller, number)).isFalse();
                assertThat(shared.isOpen()).isTrue();
            }
        }

        @Test
        void closing_an_fd_takes_it_out_of_the_shared_pollers_sets_though_its_open_file_lives_on() throws Exception {
            try (Fd.Pair pair = Fd.socketpair(); Fd shared = pair.first().dup()) {
                int number = pair.first().intValue();
                RunningPoller.fill(pair.first());
                for (Readiness what : List.of(Readiness.READABLE, Readiness.WRITABLE))
                    assertThat(new Call<>(() -> PollerTest.wait(what, pair.first(), in(1))).result()).isFalse();
                assertThat(RunningPoller.watches(Poller.running(Readiness.READABLE), number)).isTrue();
                assertThat(RunningPoller.watches(Poller.running(Readiness.WRITABLE), number)).isTrue();
                pair.first().close();
                assertThat(RunningPoller.watches(Poller.running(Readiness.READABLE), number)).isFalse();
                assertThat(RunningPoller.watches(Poller.running(Readiness.WRITABLE), number)).isFalse();
                assertThat(shared.isOpen()).isTrue();
            }
        }
    }

    @Nested
    class Poll extends Contract {
        @Override
        Poller poller(Readiness what) {
            return new PollPoller(what);
        }

        @Test
        void a_descriptor_that_was_closed_without_being_forgotten_lets_its_thread_go_and_stops_nobody()
                throws Exception {
            try (RunningPoller running = new RunningPoller(new PollPoller(Readiness.READABLE), false);
                    Fd.Pair pipe = Fd.pipe()) {
                Poller poller = running.poller;
                // A number that no open descriptor has, and none that the JVM opens meanwhile will get.
                assertThat(new Call<>(() -> waits(poller, 1_000_000, FOREVER, NOT_ABANDONED)).result()).isTrue();
                RunningPoller.put(pipe.second(), 1);
                assertThat(waits(poller, pipe.first().intValue(), FOREVER, NOT_ABANDONED)).isTrue();
            }
        }

        @Test
        void an_interrupted_poll_has_nothing_left_to_interrupt_the_next() throws Exception {
            PollPoller poller = new PollPoller(Readiness.READABLE);
            poller.open();
            try (Fd.Pair pipe = Fd.pipe()) {
                poller.arm(pipe.first().intValue());
                poller.arm(pipe.first().intValue());
                poller.waitForEvents();
                assertThat(Readiness.READABLE.isNow(poller.interruptedBy())).isFalse();
            } finally {
                poller.close();
            }
        }
    }

    @Nested
    class ThroughReadiness {
        @Test
        void a_platform_thread_waits_in_poll_until_something_comes() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                FutureTask<Boolean> waiting = new FutureTask<>(
                        () -> PollerTest.wait(Readiness.READABLE, pipe.first(), FOREVER));
                Thread thread = Thread.ofPlatform().start(waiting);
                RunningPoller.put(pipe.second(), 1);
                assertThat(waiting.get()).isTrue();
                thread.join();
            }
        }

        @Test
        void a_platform_thread_gives_up_at_its_deadline_and_not_before() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                long deadline = in(20);
                assertThat(PollerTest.wait(Readiness.READABLE, pipe.first(), deadline)).isFalse();
                assertThat(System.nanoTime() - deadline).isNotNegative();
                assertThat(PollerTest.wait(Readiness.READABLE, pipe.first(), in(-1))).isFalse();
            }
        }

        @Test
        void one_waker_serves_one_wait_after_another_on_any_descriptor() throws Exception {
            try (Fd.Pair pipe = Fd.pipe(); Fd.Pair full = Fd.pipe()) {
                RunningPoller.fill(full.second());
                assertThat(PollerTest.wait(Readiness.WRITABLE, pipe.second(), FOREVER)).isTrue();
                assertThat(PollerTest.wait(Readiness.WRITABLE, full.second(), in(1))).isFalse();
                assertThat(PollerTest.wait(Readiness.WRITABLE, pipe.second(), FOREVER)).isTrue();
            }
        }

        @Test
        void a_virtual_thread_is_parked_until_something_comes() throws Exception {
            try (Fd.Pair pipe = Fd.pipe()) {
                Call<Boolean> reader = new Call<>(() -> PollerTest.wait(Readiness.READABLE, pipe.first(), FOREVER))
                        .untilParked();
                RunningPoller.put(pipe.second(), 1);
                assertThat(reader.result()).isTrue();
            }
        }

        @Test
        void closing_wakes_readers_and_writers_platform_threads_and_virtual_ones() throws Exception {
            for (ThreadFactory factory : List.of(Thread.ofPlatform().factory(), Thread.ofVirtual().factory())) {
                try (Fd.Pair pair = Fd.socketpair(); Fd other = pair.first().dup()) {
                    RunningPoller.fill(pair.first());
                    List<FutureTask<Boolean>> waits = new ArrayList<>();
                    for (Readiness what : Readiness.values()) {
                        FutureTask<Boolean> wait = new FutureTask<>(
                                () -> PollerTest.wait(what, pair.first(), FOREVER));
                        Thread thread = factory.newThread(wait);
                        thread.start();
                        untilWaiting(thread);
                        waits.add(wait);
                    }
                    pair.first().close();
                    for (FutureTask<Boolean> wait : waits)
                        assertThatThrownBy(wait::get).hasCauseInstanceOf(AsynchronousCloseException.class);
                    RunningPoller.drain(pair.second());
                    RunningPoller.put(other, 1);
                    assertThat(RunningPoller.take(pair.second())).as("the connection lives on").isEqualTo(1);
                }
            }
        }

        @Test
        void a_regular_file_is_always_ready_to_a_virtual_thread(@TempDir Path directory) throws Exception {
            try (Fd fd = Fd.open(Files.createFile(directory.resolve("empty")), OpenFlag.READ_WRITE)) {
                int number = fd.intValue();
                assertThat(new Call<>(() -> PollerTest.wait(Readiness.READABLE, fd, FOREVER)).result()).isTrue();
                assertThat(new Call<>(() -> PollerTest.wait(Readiness.WRITABLE, fd, FOREVER)).result()).isTrue();
            }
        }
    }

    @Test
    void the_kqueue_poller_initialises_on_a_system_without_kqueue() {
        assertThatCode(() -> Class.forName(KqueuePoller.class.getName(), true, KqueuePoller.class.getClassLoader()))
                .doesNotThrowAnyException();
    }
}
