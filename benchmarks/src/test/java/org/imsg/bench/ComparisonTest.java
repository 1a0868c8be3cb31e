package org.imsg.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.imsg.bench.Comparison.Bound;
import org.junit.jupiter.api.Test;

class ComparisonTest {
    private static Comparison comparison(Bound bound, double goal) {
        return new Comparison("name", "group", "ours", "other", Metric.RATE, bound, goal);
    }

    @Test
    void the_ratio_is_the_median_of_pairs_and_not_the_ratio_of_medians() {
        Comparison.Outcome outcome = comparison(Bound.AT_LEAST, 2).of(List.of(2.0, 30.0, 400.0),
                List.of(1.0, 10.0, 200.0));
        assertThat(outcome.ratio().median()).isEqualTo(2);
        assertThat(outcome.ours()).isEqualTo(30);
        assertThat(outcome.other()).isEqualTo(10);
        assertThat(outcome.reached()).isTrue();
    }

    @Test
    void a_rate_is_to_reach_its_goal_and_a_time_not_to_exceed_it() {
        List<Double> ours = List.of(1.0, 1.0, 1.0);
        List<Double> other = List.of(2.0, 2.0, 2.0);
        assertThat(comparison(Bound.AT_LEAST, 0.6).of(ours, other).reached()).isFalse();
        assertThat(comparison(Bound.AT_MOST, 0.6).of(ours, other).reached()).isTrue();
        assertThat(comparison(Bound.AT_MOST, 0.4).of(ours, other).reached()).isFalse();
        assertThat(comparison(Bound.NONE, 0).of(ours, other).reached()).isTrue();
    }

    @Test
    void within_the_spread_a_quarter_of_the_pairs_is_enough() {
        List<Double> other = List.of(1.0, 1.0, 1.0, 1.0, 1.0);
        assertThat(comparison(Bound.AT_MOST_WITHIN_SPREAD, 1).of(List.of(0.9, 1.0, 1.1, 1.2, 1.3), other).reached())
                .isTrue();
        assertThat(comparison(Bound.AT_MOST_WITHIN_SPREAD, 1).of(List.of(0.9, 1.05, 1.1, 1.2, 1.3), other).reached())
                .isFalse();
    }

    @Test
    void without_another_our_figure_itself_is_held_against_the_goal() {
        Comparison.Outcome outcome = comparison(Bound.AT_MOST, 0.5).of(List.of(0.1, 0.2, 0.6), null);
        assertThat(outcome.ratio().median()).isEqualTo(0.2);
        assertThat(outcome.reached()).isTrue();
    }
}
