package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class BackoffTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    private final Backoff backoff = new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(10));

    /** Starts and ends at once: when it is started again, in seconds after the start. */
    private long pauseAfterAShortLife(long now) {
        backoff.started(now);
        return (backoff.restartAt(now) - now) / SECOND;
    }

    @Test
    void the_pauses_double_up_to_the_longest() {
        long now = 1000 * SECOND;
        for (long expected : new long[]{1, 2, 4, 8, 10, 10}) {
            assertThat(pauseAfterAShortLife(now)).isEqualTo(expected);
            now += expected * SECOND;
        }
    }

    @Test
    void a_child_that_ran_for_the_longest_pause_begins_with_the_shortest_again() {
        pauseAfterAShortLife(0);
        pauseAfterAShortLife(SECOND);
        backoff.started(10 * SECOND);
        assertThat(backoff.restartAt(20 * SECOND)).isEqualTo(20 * SECOND);
        assertThat(pauseAfterAShortLife(20 * SECOND)).isEqualTo(2);
    }

    @Test
    void pauses_count_from_the_last_start_so_time_that_was_run_is_not_waited_again() {
        pauseAfterAShortLife(0);
        backoff.started(SECOND);
        assertThat(backoff.restartAt(2 * SECOND)).isEqualTo(3 * SECOND);
        backoff.started(3 * SECOND);
        assertThat(backoff.restartAt(12 * SECOND)).isEqualTo(12 * SECOND);
    }

    @Test
    void a_re_execution_waits_for_the_second_between_two_starts_only_and_is_no_failure() {
        pauseAfterAShortLife(0);
        backoff.started(SECOND);
        assertThat(backoff.reexecuteAt(SECOND + 1)).isEqualTo(2 * SECOND);
        assertThat(backoff.reexecuteAt(5 * SECOND)).isEqualTo(5 * SECOND);
        assertThat(backoff.restartAt(SECOND)).isEqualTo(3 * SECOND);
    }
}
