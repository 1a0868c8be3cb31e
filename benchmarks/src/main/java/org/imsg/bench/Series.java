package org.imsg.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/** What a contender's windows gave, in the order they were measured in: the n-th of two contenders of a group are a pair. */
public final class Series {
    private static final long TOP_NANOS = 10_000_000_000L;
    private static final int DIGITS = 3;

    private final Map<Metric, List<Double>> values = new EnumMap<>(Metric.class);
    private final Histogram roundTrips = histogram();

    static Histogram histogram() {
        return new Histogram(TOP_NANOS, DIGITS);
    }

    void add(Map<Metric, Double> window) {
        window.forEach((metric, value) -> values.computeIfAbsent(metric, _ -> new ArrayList<>()).add(value));
    }

    void add(Series others) {
        others.values.forEach((metric, list) -> values.computeIfAbsent(metric, _ -> new ArrayList<>()).addAll(list));
        roundTrips.add(others.roundTrips);
    }

    /**
     * All windows' values.
     *
     * @param metric of what
     * @return in order; empty if it was not measured
     */
    public List<Double> of(Metric metric) {
        return values.getOrDefault(metric, List.of());
    }

    /**
     * Everything measured.
     *
     * @return all values
     */
    public Map<Metric, List<Double>> values() {
        return values;
    }

    /**
     * All round trips of all windows.
     *
     * @return nanoseconds; empty where none were made
     */
    public Histogram roundTrips() {
        return roundTrips;
    }
}
