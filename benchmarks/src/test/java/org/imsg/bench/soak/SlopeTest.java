package org.imsg.bench.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;

/** Which curves are flat. */
class SlopeTest {
    private static final int SILENCES = 60;
    private static final int WARM_UP = 10;

    /** A silence a minute. */
    private static Curve curve(Figure figure, IntToDoubleFunction value) {
        Curve curve = new Curve("daemon", figure);
        for (int i = 0; i < SILENCES; i++) {
            if (i == WARM_UP)
                curve.warm();
            curve.add(i / 60.0, value.applyAsDouble(i));
        }
        return curve;
    }

    @Test
    void a_descriptor_lost_every_minute_is_told_with_its_numbers() {
        assertThat(curve(Figure.DESCRIPTORS, i -> 20 + i).fault())
                .hasValue("daemon, descriptors: 60.00 more an hour, "
                        + "from 30.00 to 79.00 in 49.0 minutes and 50 silences; 0.50 are allowed in that time");
    }

    @Test
    void one_thread_that_came_and_stayed_is_a_fault() {
        assertThat(curve(Figure.THREADS, i -> i < SILENCES / 2 ? 12 : 13).fault()).isPresent();
    }

    @Test
    void one_thread_that_came_and_went_is_none() {
        assertThat(curve(Figure.THREADS, i -> i == SILENCES / 2 ? 13 : 12).fault()).isEmpty();
    }

    @Test
    void what_came_during_the_warm_up_is_none() {
        assertThat(curve(Figure.CHILDREN, i -> i < WARM_UP ? i : WARM_UP).fault()).isEmpty();
    }

    @Test
    void messages_that_are_kept_are_found_in_a_heap_that_goes_up_and_down() {
        assertThat(curve(Figure.HEAP, i -> 5 + i % 3 * 0.3).fault()).isEmpty();
        assertThat(curve(Figure.HEAP, i -> 5 + i % 3 * 0.3 + i * 0.05).fault().orElseThrow())
                .startsWith("daemon, heap in use: 3.0");
    }

    @Test
    void what_falls_is_no_fault() {
        for (Figure figure : Figure.values())
            assertThat(curve(figure, i -> 1000 - i).fault()).isEmpty();
    }

    @Test
    void a_straight_line_is_its_own_slope() {
        Slope slope = curve(Figure.MEMORY, i -> 100 + 2 * i).slope();
        assertThat(slope.perHour()).isCloseTo(120, within(1e-9));
        assertThat(slope.rise()).isCloseTo(98, within(1e-9));
    }

    @Test
    void one_silence_or_none_has_no_slope() {
        Curve curve = new Curve("daemon", Figure.HEAP);
        assertThat(curve.slope()).isEqualTo(new Slope(0, 0));
        curve.add(1, 5);
        assertThat(curve.slope()).isEqualTo(new Slope(0, 0));
        assertThat(curve.fault()).isEmpty();
    }
}
