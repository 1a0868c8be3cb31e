package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WorkersTest {
    private static final AutoCloseable NOTHING = () -> {};

    @Test
    void what_changes_something_and_takes_long_is_told_to_end_and_has_ended_when_they_are_closed() throws Exception {
        Workers workers = new Workers("test", 1);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch told = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicBoolean ended = new AtomicBoolean();
        Call<AutoCloseable> work = Call.start(Call.On.PLATFORM, () -> workers.perform(true, () -> {
            begun.countDown();
            Call.until(workers::isClosing);
            told.countDown();
            await(goOn);
            ended.set(true);
            return NOTHING;
        }, TimeUnit.MINUTES.toNanos(1)));
        begun.await();
        work.thread().interrupt();
        assertThat(work.failure()).isInstanceOf(InterruptedException.class);
        Call<Boolean> closing = Call.start(Call.On.PLATFORM, () -> {
            workers.close();
            return ended.get();
        });
        told.await();
        closing.awaitWaiting();
        goOn.countDown();
        assertThat(closing.result()).isTrue();
    }

    @Test
    void what_only_looks_something_up_keeps_nobody_waiting() throws Exception {
        Workers workers = new Workers("test", 1);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Call<AutoCloseable> lookup = Call.start(Call.On.PLATFORM, () -> workers.perform(false, () -> {
            begun.countDown();
            await(goOn);
            return NOTHING;
        }, TimeUnit.MINUTES.toNanos(1)));
        begun.await();
        long since = System.nanoTime();
        workers.close();
        assertThat(Duration.ofNanos(System.nanoTime() - since)).isLessThan(Duration.ofSeconds(3));
        goOn.countDown();
        assertThat(lookup.result()).isSameAs(NOTHING);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
