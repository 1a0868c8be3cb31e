package org.imsg.bench.report;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;
import org.imsg.bench.ContenderGroup;
import org.imsg.bench.Measurement;
import org.imsg.bench.Metric;
import org.imsg.bench.Series;
import org.imsg.bench.Spread;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.Styler.LegendPosition;

/** Draws what was measured, each chart as SVG and as PNG. */
final class Charts {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 480;
    private static final double[] PERCENTILES = {50, 75, 90, 95, 99, 99.5, 99.9, 99.99};

    private final BenchmarkReport report;
    private final List<String> names = new ArrayList<>();

    Charts(BenchmarkReport report) {
        this.report = report;
    }

    /** Returns the charts' names: files without their endings. */
    List<String> write(Path directory) throws IOException {
        bySize(directory);
        for (Measurement measurement : report.groups())
            if (measurement instanceof ContenderGroup group && group.roundTrips())
                percentiles(directory, group.name());
        bars(directory, "descriptors", Metric.RATE, "descriptor-each", "descriptor-100th");
        bars(directory, "connections", Metric.RATE, "connections-1", "connections-100", "connections-1000",
                "connections-10000");
        bars(directory, "netty", Metric.RATE, "netty-64");
        bars(directory, "routes", Metric.RATE, "routes-100000", "routes-1000000");
        bars(directory, "allocation", Metric.ALLOCATED,
                report.groups().stream().map(Measurement::name).toArray(String[]::new));
        return names;
    }

    private void save(Path directory, String name, Chart<?, ?> chart) throws IOException {
        String file = directory.resolve(name).toString();
        chart.getStyler().setChartBackgroundColor(Color.WHITE);
        VectorGraphicsEncoder.saveVectorGraphic(chart, file, VectorGraphicsFormat.SVG);
        BitmapEncoder.saveBitmap(chart, file, BitmapFormat.PNG);
        names.add(name);
    }

    /** A line a contender. */
    private void bySize(Path directory) throws IOException {
        Map<String, TreeMap<Integer, Double>> lines = new LinkedHashMap<>();
        for (Measurement measurement : report.groups())
            if (measurement instanceof ContenderGroup group && group.name().matches("one-way-[0-9]+"))
                report.measured().get(group.name()).forEach((contender, series) -> lines
                        .computeIfAbsent(contender, _ -> new TreeMap<>()).put(group.load().size(), median(series)));
        if (lines.isEmpty())
            return;
        XYChart chart = new XYChartBuilder().width(WIDTH).height(HEIGHT).title("One way, two processes")
                .xAxisTitle("payload bytes").yAxisTitle("messages a second").build();
        chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true)
                .setLegendPosition(LegendPosition.OutsideE);
        lines.forEach((contender, points) -> chart.addSeries(contender, new ArrayList<>(points.keySet()),
                new ArrayList<>(points.values())));
        save(directory, "throughput-by-size", chart);
    }

    private void percentiles(Path directory, String group) throws IOException {
        XYChart chart = new XYChartBuilder().width(WIDTH).height(HEIGHT).title(group)
                .xAxisTitle("share of round trips that took longer: 1/2 at 0.3, 1/100 at 2, 1/10000 at 4")
                .yAxisTitle("microseconds").build();
        chart.getStyler().setYAxisLogarithmic(true).setLegendPosition(LegendPosition.OutsideE);
        report.measured().get(group).forEach((contender, series) -> {
            Histogram trips = series.roundTrips();
            double[] x = new double[PERCENTILES.length];
            double[] y = new double[PERCENTILES.length];
            for (int i = 0; i < x.length; i++) {
                x[i] = -Math.log10(1 - PERCENTILES[i] / 100);
                y[i] = Math.max(1, trips.getValueAtPercentile(PERCENTILES[i])) / 1000.0;
            }
            chart.addSeries(contender, x, y);
        });
        save(directory, group, chart);
    }

    /** A bar a contender for each of some groups. */
    private void bars(Path directory, String name, Metric metric, String... groups) throws IOException {
        Map<String, Map<String, Double>> byContender = new LinkedHashMap<>();
        List<String> measured = new ArrayList<>();
        for (String group : groups)
            for (Map.Entry<String, Series> entry : report.measured().getOrDefault(group, Map.of()).entrySet())
                if (!entry.getValue().of(metric).isEmpty()) {
                    if (!measured.contains(group))
                        measured.add(group);
                    byContender.computeIfAbsent(entry.getKey(), _ -> new LinkedHashMap<>()).put(group,
                            Spread.of(entry.getValue().of(metric)).median());
                }
        if (measured.isEmpty())
            return;
        CategoryChart chart = new CategoryChartBuilder().width(WIDTH).height(HEIGHT).title(name)
                .yAxisTitle(metric.title()).build();
        chart.getStyler().setXAxisLabelRotation(30).setLegendPosition(LegendPosition.OutsideE);
        byContender.forEach((contender, values) -> chart.addSeries(contender, measured,
                measured.stream().map(group -> values.getOrDefault(group, 0.0)).toList()));
        save(directory, name, chart);
    }

    private static double median(Series series) {
        return Spread.of(series.of(Metric.RATE)).median();
    }
}
