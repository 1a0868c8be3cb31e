package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WorkersTest {
    @Test
    void a_change_that_takes_long_is_told_to_end_and_has_ended_when_they_are_closed() throws Exception {
        Workers workers = new Workers(Permits.HOST, "test", 1);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch told = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicBoolean ended = new AtomicBoolean();
        workers.execute(() -> workers.change(() -> {
            begun.countDown();
            Call.until(workers::isClosing);
            told.countDown();
            await(goOn);
            ended.set(true);
        }));
        begun.await();
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
    void a_look_up_that_takes_long_does_not_hold_up_their_end() throws Exception {
        Workers workers = new Workers(Permits.HOST, "test", 1);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        workers.execute(() -> {
            begun.countDown();
            await(goOn);
        });
        begun.await();
        long since = System.nanoTime();
        workers.close();
        assertThat(Duration.ofNanos(System.nanoTime() - since)).isLessThan(Duration.ofSeconds(3));
        goOn.countDown();
    }

    @Test
    void as_many_threads_work_at_once_as_are_allowed_and_no_more() throws Exception {
        try (Workers workers = new Workers(Permits.HOST, "test", 2)) {
            CountDownLatch two = new CountDownLatch(2);
            CountDownLatch goOn = new CountDownLatch(1);
            CountDownLatch third = new CountDownLatch(1);
            for (int i = 0; i < 2; i++)
                workers.execute(() -> {
                    two.countDown();
                    await(goOn);
                });
            two.await();
            workers.execute(third::countDown);
            assertThat(third.getCount()).isEqualTo(1);
            goOn.countDown();
            third.await();
        }
    }

    @Test
    void work_that_is_forgotten_is_not_begun() throws Exception {
        try (Workers workers = new Workers(Permits.HOST, "test", 1)) {
            CountDownLatch begun = new CountDownLatch(1);
            CountDownLatch goOn = new CountDownLatch(1);
            CountDownLatch last = new CountDownLatch(1);
            AtomicBoolean forgotten = new AtomicBoolean();
            Runnable second = () -> forgotten.set(true);
            workers.execute(() -> {
                begun.countDown();
                await(goOn);
            });
            begun.await();
            workers.execute(second);
            workers.execute(last::countDown);
            workers.forget(second);
            goOn.countDown();
            last.await();
            assertThat(forgotten).isFalse();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
