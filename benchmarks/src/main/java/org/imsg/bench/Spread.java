package org.imsg.bench;

import java.util.List;

/**
 * Where values lie.
 *
 * @param least the smallest
 * @param lowerQuartile a quarter is below
 * @param median half is below
 * @param upperQuartile three quarters are below
 * @param most the largest
 * @param count how many values there are
 */
public record Spread(double least, double lowerQuartile, double median, double upperQuartile, double most, int count) {

    /**
     * Of some values.
     *
     * @param values one or more
     * @return their spread
     * @throws IllegalArgumentException if there is none
     */
    public static Spread of(List<Double> values) {
        if (values.isEmpty())
            throw new IllegalArgumentException("no values, no spread");
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return new Spread(sorted[0], at(sorted, 0.25), at(sorted, 0.5), at(sorted, 0.75), sorted[sorted.length - 1],
                sorted.length);
    }

    /** Between two values, the share of the way. */
    private static double at(double[] sorted, double part) {
        double place = part * (sorted.length - 1);
        int below = (int) place;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
    }
}
