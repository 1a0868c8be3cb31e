package org.imsg.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.imsg.bench.Comparison;
import org.imsg.bench.Comparison.Bound;
import org.imsg.bench.Metric;
import org.imsg.bench.Spread;
import org.junit.jupiter.api.Test;

class ReportTest {
    private static Comparison.Outcome outcome(Bound bound, double ratio) {
        Comparison comparison = new Comparison("64B/c", "one-way-64", "imsg-java", "c", Metric.RATE, bound, 6);
        return new Comparison.Outcome(comparison, 12_345_678.9, 2_000_000,
                new Spread(ratio, ratio, ratio, ratio, ratio, 9));
    }

    @Test
    void a_comparison_is_one_line() {
        assertThat(BenchmarkReport.line(outcome(Bound.AT_LEAST, 6.1728)))
                .isEqualTo("RATIO 64B/c ours=12345679 other=2000000 unit=msg/s ratio=6.173 goal=6.00 ok");
        assertThat(BenchmarkReport.line(outcome(Bound.AT_LEAST, 5))).endsWith("ratio=5.000 goal=6.00 short");
        assertThat(BenchmarkReport.line(outcome(Bound.NONE, 5))).endsWith("goal=none ok");
    }

    @Test
    void numbers_have_as_many_digits_as_are_worth_reading() {
        assertThat(new String[]{BenchmarkReport.number(123.4), BenchmarkReport.number(12.34),
                BenchmarkReport.number(1.234),
                BenchmarkReport.number(0.01234), BenchmarkReport.number(0)})
                .containsExactly("123", "12.3", "1.23", "0.0123", "0.0000");
    }
}
