package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.imsg.sys.Os;
import org.imsg.sys.Timex;
import org.imsg.unix.ErrnoException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Slewing. No clock is changed here: one remembers what it would do, and the machine's is set to what it has. */
@Timeout(30)
class SlewingTest {
    /** A clock whose slews never get anywhere, so that all of the last one is always left. */
    private static final class Standing implements SystemClock {
        private final List<String> changes = new CopyOnWriteArrayList<>();
        private Duration left = Duration.ZERO;
        private long frequency;

        @Override
        public Instant now() {
            return Instant.EPOCH;
        }

        @Override
        public void set(Instant time) {
            changes.add("set " + time);
        }

        @Override
        public synchronized Duration slew(Duration change) {
            changes.add("slew " + change);
            Duration before = left;
            left = change;
            return before;
        }

        @Override
        public synchronized long frequency(long partsPerBillion) {
            changes.add("frequency " + partsPerBillion);
            long before = frequency;
            frequency = partsPerBillion;
            return before;
        }
    }

    private final Standing clock = new Standing();

    private Served served(String... lines) throws IOException {
        return Served.by(Policy.of(lines), monitor -> monitor.clock(clock));
    }

    @Test
    void a_slew_within_bounds_takes_the_place_of_the_one_before_and_says_what_was_left_of_it() throws Exception {
        try (Served served = served("slew within=2 frequency=100"); Privileged privileged = served.privileged()) {
            assertThat(privileged.slewClock(Duration.ofSeconds(2))).isZero();
            assertThat(privileged.slewClock(Duration.ofNanos(-1_500_999))).isEqualTo(Duration.ofSeconds(2));
            assertThat(privileged.slewClock(Duration.ZERO)).isEqualTo(Duration.ofNanos(-1_500_000));
            assertThat(privileged.clockFrequency(-100_000)).isZero();
            assertThat(privileged.clockFrequency(7)).isEqualTo(-100_000);
        }
        assertThat(clock.changes).containsExactly("slew PT2S", "slew PT-0.0015S", "slew PT0S", "frequency -100000",
                "frequency 7");
    }

    @Test
    void a_slew_out_of_bounds_is_refused_and_changes_nothing() throws Exception {
        try (Served served = served("slew within=2 frequency=100"); Privileged privileged = served.privileged()) {
            for (Duration change : List.of(Duration.ofNanos(2_000_001_000), Duration.ofSeconds(-2145)))
                assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> privileged.slewClock(change))
                        .withMessageContaining("allows to slew by 2 s");
            for (long frequency : new long[]{100_001, -500_000})
                assertThatExceptionOfType(RefusedException.class)
                        .isThrownBy(() -> privileged.clockFrequency(frequency))
                        .withMessageContaining("allows a frequency of 100000 ppb");
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> privileged.setClock(Instant.EPOCH));
        }
        assertThat(clock.changes).isEmpty();
    }

    @Test
    void slewing_needs_a_line_of_its_own_and_a_frequency_its_option() throws Exception {
        try (Served served = served("clock"); Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> privileged.slewClock(Duration.ZERO));
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> privileged.clockFrequency(0));
        }
        try (Served served = served("slew"); Privileged privileged = served.privileged()) {
            assertThat(privileged.slewClock(Duration.ofSeconds(2145))).isZero();
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> privileged.clockFrequency(0))
                    .withMessageContaining("allows no frequency");
        }
        assertThat(clock.changes).containsExactly("slew PT35M45S");
    }

    @ParameterizedTest
    @CsvSource({"slew within=x,expected a number of seconds", "slew frequency=501,expected 0 to 500 parts per million",
            "slew frequency=-1,expected 0 to 500 parts per million", "slew 5,expected the end of the line"})
    void a_line_that_makes_no_sense_is_told_why(String line, String why) {
        assertThatExceptionOfType(PolicyException.class).isThrownBy(() -> Policy.of(line)).withMessageContaining(why);
    }

    /** The frequency is set to the one that is there, and a slew to nothing only where none goes on. */
    @Test
    void the_machines_clock_takes_both_calls_from_a_process_that_may_change_it() throws Exception {
        assumeThat(Os.current()).isEqualTo(Os.LINUX);
        long[] scaled = {0};
        assertThat(Timex.readFrequency(scaled)).isNotNegative();
        long[] left = {0};
        assertThat(Timex.readSlew(left))
                .isNotNegative();
        assumeThat(scaled[0] % 65_536).as("a frequency of whole parts per million").isZero();
        assumeThat(left[0]).as("microseconds left of another program's slew").isZero();
        long frequency = Math.round(scaled[0] / 65.536);
        try (Served served = Served.by(Policy.of("slew within=0 frequency=500"));
                Privileged privileged = served.privileged()) {
            assertThat(privileged.clockFrequency(frequency)).isEqualTo(frequency);
            assertThat(privileged.slewClock(Duration.ZERO)).isZero();
        } catch (ErrnoException e) {
            assumeThat(e.getMessage()).as("this process may not change the clock").doesNotContain("EPERM");
            throw e;
        }
        long[] after = {0};
        Timex.readFrequency(after);
        assertThat(after[0]).isEqualTo(scaled[0]);
    }
}
