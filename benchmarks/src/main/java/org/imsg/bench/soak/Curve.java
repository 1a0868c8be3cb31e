package org.imsg.bench.soak;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.imsg.bench.soak.Slope.Point;

/** One figure of one part, silence after silence. */
final class Curve {
    private final String part;
    private final Figure figure;
    private final List<Point> points = new ArrayList<>();
    private int warmUp;

    Curve(String part, Figure figure) {
        this.part = part;
        this.figure = figure;
    }

    String part() {
        return part;
    }

    Figure figure() {
        return figure;
    }

    List<Point> points() {
        return points;
    }

    void add(double hours, double value) {
        points.add(new Point(hours, value));
    }

    /** Leaves the points so far out of the judgement: a program opens and loads some things when it first needs them. */
    void warm() {
        warmUp = points.size();
    }

    List<Point> judged() {
        return points.subList(warmUp, points.size());
    }

    Slope slope() {
        return Slope.of(judged());
    }

    /** Says what rises, by how much an hour, from what and to what; empty if it rises no more than it may. */
    Optional<String> fault() {
        Slope slope = slope();
        double allowed = figure.allowedRise(slope.hours());
        if (slope.rise() <= allowed)
            return Optional.empty();
        return Optional.of(String.format(Locale.ROOT,
                "%s, %s: %.2f%s more an hour, from %.2f to %.2f in %.1f minutes and %d silences; %.2f are allowed in that time",
                part, figure.title(), slope.perHour(), figure.isCount() ? "" : " " + figure.unit(),
                judged().getFirst().value(), judged().getLast().value(), slope.hours() * 60, judged().size(), allowed));
    }

    /** A row of a Markdown table: part, figure, first, last, least and most value after the warm-up, rise an hour, rise, allowed. */
    String row() {
        Slope slope = slope();
        return String.format(Locale.ROOT, figure.isCount()
                ? "| %s | %s | %.0f | %.0f | %.0f to %.0f | %.2f | %.2f | %.2f |"
                : "| %s | %s | %.2f | %.2f | %.2f to %.2f | %.2f | %.2f | %.2f |", part,
                figure.title() + (figure.isCount() ? "" : ", " + figure.unit()), judged().getFirst().value(),
                judged().getLast().value(), judged().stream().mapToDouble(Point::value).min().orElse(0),
                judged().stream().mapToDouble(Point::value).max().orElse(0), slope.perHour(), slope.rise(),
                figure.allowedRise(slope.hours()));
    }
}
