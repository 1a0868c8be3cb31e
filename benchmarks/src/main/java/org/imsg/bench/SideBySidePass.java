package org.imsg.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.imsg.bench.report.BenchmarkReport;
import org.imsg.bench.report.ReportFiles;

/**
 * The side-by-side pass: {@code SideBySidePass C_PROGRAMS RESULTS}. The property {@code bench.full} measures more and longer,
 * {@code bench.only} names some groups.
 */
public final class SideBySidePass {
    private final Effort effort;
    private final List<Measurement> groups;
    private final Path results;
    private final Instant started = Instant.now();

    private SideBySidePass(Effort effort, List<Measurement> groups, Path results) {
        this.effort = effort;
        this.groups = groups;
        this.results = results;
    }

    /**
     * Measures, writes the results, and prints how they compare.
     *
     * @param args the directory of the C programs, and the one results go to
     * @throws IOException if a contender fails, or results cannot be written
     * @throws InterruptedException if interrupted
     */
    public static void main(String... args) throws IOException, InterruptedException {
        String fullProperty = System.getProperty("bench.full", "false");
        boolean full = fullProperty.isEmpty() || Boolean.parseBoolean(fullProperty);
        String only = System.getProperty("bench.only", "");
        Pinning pinning = Pinning.oneEach();
        Path programs = Path.of(args[0]);
        List<Measurement> groups = new Plan(pinning, new Contenders(programs, Contenders.frr(programs)), full)
                .measurements(only.isEmpty() ? Set.of() : Set.of(only.split(",")),
                        new ConnectionProcess(programs, Path.of(System.getProperty("java.class.path"))));
        Path results = Files.createDirectories(Path.of(args[1]));
        SideBySidePass pass = new SideBySidePass(full ? Effort.FULL : Effort.SHORT, groups, results);
        try (Awake awake = new Awake(programs, pinning)) {
            pass.run(Machine.here(pinning, awake));
        }
    }

    private void run(Machine machine) throws IOException, InterruptedException {
        System.out.println(machine);
        System.out.println("Each contender: " + effort + ".");
        Map<String, Map<String, Series>> measured = new LinkedHashMap<>();
        Path scratch = Files.createTempDirectory("imsg-bench");
        try {
            for (Measurement group : groups)
                measured.put(group.name(), group.measure(effort, scratch, this::say));
        } finally {
            Files.delete(scratch);
        }
        List<Comparison.Outcome> outcomes = outcomes(measured);
        BenchmarkReport report = new BenchmarkReport(machine, started, effort, groups, measured, outcomes);
        new ReportFiles(report).write(results);
        report.print(System.out);
    }

    private void say(String what) {
        Duration spent = Duration.between(started, Instant.now());
        System.out.printf(Locale.ROOT, "%2d:%02d %s%n", spent.toMinutes(), spent.toSecondsPart(), what);
    }

    private static List<Comparison.Outcome> outcomes(Map<String, Map<String, Series>> measured) {
        List<Comparison.Outcome> outcomes = new ArrayList<>();
        for (Comparison comparison : Plan.comparisons()) {
            Map<String, Series> group = measured.getOrDefault(comparison.group(), Map.of());
            Series ours = group.get(comparison.ours());
            Series other = comparison.other() == null ? null : group.get(comparison.other());
            // Left out, because the group was not asked for or the other cannot be had here.
            if (ours != null && (other != null || comparison.other() == null))
                outcomes.add(comparison.of(ours.of(comparison.metric()),
                        other == null ? null : other.of(comparison.metric())));
        }
        return outcomes;
    }
}
