package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RateTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final ManualTime time = new ManualTime();

    @Test
    void as_many_as_the_burst_are_in_time_and_then_so_many_a_second() {
        Rate rate = new Rate(10, 3, time);
        for (int i = 0; i < 3; i++)
            assertThat(rate.early()).isZero();
        assertThat(rate.early()).isEqualTo(SECOND / 10);
        assertThat(rate.early()).isEqualTo(2 * SECOND / 10);
        time.advance(2 * SECOND / 10);
        assertThat(rate.early()).isEqualTo(SECOND / 10);
    }

    @Test
    void a_pause_earns_a_burst_and_not_more() {
        Rate rate = new Rate(10, 3, time);
        time.advance(1000 * SECOND);
        for (int i = 0; i < 3; i++)
            assertThat(rate.early()).isZero();
        assertThat(rate.early()).isEqualTo(SECOND / 10);
    }
}
