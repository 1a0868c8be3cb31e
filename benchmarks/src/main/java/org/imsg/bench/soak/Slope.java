package org.imsg.bench.soak;

import java.util.List;

/**
 * The straight line nearest to some points, by least squares.
 *
 * @param perHour how steep it is
 * @param hours the time from the first point to the last
 */
record Slope(double perHour, double hours) {
    /** A value and its time. */
    record Point(double hours, double value) {}

    static Slope of(List<Point> points) {
        double time = points.stream().mapToDouble(Point::hours).average().orElse(0);
        double value = points.stream().mapToDouble(Point::value).average().orElse(0);
        double together = 0;
        double alone = 0;
        for (Point point : points) {
            together += (point.hours - time) * (point.value - value);
            alone += (point.hours - time) * (point.hours - time);
        }
        return new Slope(alone == 0 ? 0 : together / alone,
                points.isEmpty() ? 0 : points.getLast().hours - points.getFirst().hours);
    }

    /** From its beginning to its end. */
    double rise() {
        return perHour * hours;
    }
}
