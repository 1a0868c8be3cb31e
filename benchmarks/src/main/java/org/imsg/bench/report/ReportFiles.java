package org.imsg.bench.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.bench.Comparison.Bound;
import org.imsg.bench.Effort;
import org.imsg.bench.Machine;
import org.imsg.bench.Spread;

/** The files of a report: figures as JSON and CSV, charts, and a page that shows them. */
public final class ReportFiles {
    private final BenchmarkReport report;

    /** A comparison as the JSON file has it. */
    record Ratio(String name, double ours, double other, String unit, Spread ratio, Bound bound, double goal,
            boolean reached) {}

    private record Json(Machine machine, String started, Effort effort, List<String> groups, List<Ratio> ratios,
            List<BenchmarkReport.Figure> figures) {}

    /**
     * The files of a report.
     *
     * @param report what was found
     */
    public ReportFiles(BenchmarkReport report) {
        this.report = report;
    }

    /**
     * Writes all files.
     *
     * @param directory where to; the page is {@code index.html} in it
     * @throws IOException if a file cannot be written
     */
    public void write(Path directory) throws IOException {
        List<Ratio> ratios = report.outcomes().stream()
                .map(outcome -> new Ratio(outcome.comparison().name(), outcome.ours(), outcome.other(),
                        outcome.comparison().metric().unit(), outcome.ratio(), outcome.comparison().bound(),
                        outcome.comparison().goal(), outcome.reached()))
                .toList();
        List<String> described = report.groups().stream().map(group -> group.name() + ": " + group.sent()).toList();
        new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValue(
                directory.resolve("results.json").toFile(),
                new Json(report.machine(), report.started().toString(), report.effort(), described, ratios,
                        report.figures()));
        writeCsv(directory.resolve("results.csv"));
        List<String> charts = new Charts(report).write(directory);
        Files.writeString(directory.resolve("index.html"), new Page(report, charts).html());
    }

    private void writeCsv(Path file) throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add("group,contender,metric,unit,windows,least,lower_quartile,median,upper_quartile,most");
        for (BenchmarkReport.Figure figure : report.figures()) {
            Spread s = figure.spread();
            lines.add(String.join(",", figure.group(), figure.contender(), figure.metric().name(), figure.unit(),
                    "" + s.count(), "" + s.least(), "" + s.lowerQuartile(), "" + s.median(), "" + s.upperQuartile(),
                    "" + s.most()));
        }
        Files.write(file, lines);
    }
}
