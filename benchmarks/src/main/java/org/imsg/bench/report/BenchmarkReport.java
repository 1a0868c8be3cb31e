package org.imsg.bench.report;

import java.io.PrintStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.imsg.bench.Comparison;
import org.imsg.bench.Comparison.Bound;
import org.imsg.bench.Effort;
import org.imsg.bench.Machine;
import org.imsg.bench.Measurement;
import org.imsg.bench.Metric;
import org.imsg.bench.Series;
import org.imsg.bench.Spread;

/**
 * Everything a pass found.
 *
 * @param machine where
 * @param started when
 * @param effort how long
 * @param groups what was measured
 * @param measured by group and contender
 * @param outcomes how that compares
 */
public record BenchmarkReport(Machine machine, Instant started, Effort effort, List<Measurement> groups,
        Map<String, Map<String, Series>> measured, List<Comparison.Outcome> outcomes) {

    /** One figure of one contender: a line of the CSV file, an element of the JSON file. */
    record Figure(String group, String contender, Metric metric, String unit, Spread spread, List<Double> values) {}

    List<Figure> figures() {
        List<Figure> figures = new ArrayList<>();
        measured.forEach((group, contenders) -> contenders.forEach((contender, series) -> series.values()
                .forEach((metric, values) -> figures
                        .add(new Figure(group, contender, metric, metric.unit(), Spread.of(values), values)))));
        return figures;
    }

    /**
     * Prints the medians, and at the end a line for each comparison.
     *
     * @param out where to
     */
    public void print(PrintStream out) {
        out.printf("%n%-18s %-20s %-12s %12s %12s %12s  %s%n", "group", "contender", "metric", "median", "quarter",
                "three q.", "unit");
        for (Figure figure : figures())
            out.printf("%-18s %-20s %-12s %12s %12s %12s  %s%n", figure.group(), figure.contender(), figure.metric(),
                    number(figure.spread().median()), number(figure.spread().lowerQuartile()),
                    number(figure.spread().upperQuartile()), figure.unit());
        out.println();
        for (Comparison.Outcome outcome : outcomes)
            out.printf(Locale.ROOT, "SPREAD %s ratio=%.3f..%.3f quartiles=%.3f..%.3f pairs=%d%n",
                    outcome.comparison().name(), outcome.ratio().least(), outcome.ratio().most(),
                    outcome.ratio().lowerQuartile(), outcome.ratio().upperQuartile(), outcome.ratio().count());
        outcomes.forEach(outcome -> out.println(line(outcome)));
    }

    static String line(Comparison.Outcome outcome) {
        Comparison comparison = outcome.comparison();
        return String.format(Locale.ROOT, "RATIO %s ours=%s other=%s unit=%s ratio=%.3f goal=%s %s", comparison.name(),
                number(outcome.ours()), number(outcome.other()), comparison.metric().unit(), outcome.ratio().median(),
                comparison.bound() == Bound.NONE ? "none" : number(comparison.goal()),
                outcome.reached() ? "ok" : "short");
    }

    /** As many digits as are worth reading. */
    static String number(double value) {
        if (value >= 100)
            return String.format(Locale.ROOT, "%.0f", value);
        return String.format(Locale.ROOT, value >= 10 ? "%.1f" : value >= 0.1 ? "%.2f" : "%.4f", value);
    }
}
