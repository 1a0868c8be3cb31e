package org.imsg.bench.soak;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.imsg.bench.soak.Slope.Point;

/** All curves in one small SVG for a page of text: a strip a figure, each from nothing up to its highest value. */
final class CurvePicture {
    private static final int WIDTH = 720;
    private static final int LEFT = 50;
    private static final int RIGHT = 640;
    private static final int STRIP = 150;
    private static final int TOP = 30;
    private static final int HEIGHT = 100;
    private static final int LINE = 16;
    private static final List<String> COLOURS = List.of("#1b6ca8", "#d1495b", "#3a7d44", "#8e44ad", "#7f7f7f",
            "#e08e0b");

    private CurvePicture() {}

    static String svg(List<Curve> curves) {
        List<String> parts = curves.stream().map(Curve::part).distinct().toList();
        double hours = curves.stream().flatMap(curve -> curve.points().stream()).mapToDouble(Point::hours).max()
                .orElse(0);
        StringBuilder svg = new StringBuilder(text(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
                        + "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                WIDTH, STRIP * Figure.values().length + LINE));
        for (Figure figure : Figure.values())
            svg.append(strip(figure, curves.stream().filter(curve -> curve.figure() == figure).toList(), parts, hours));
        return svg.append(text("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.0f minutes</text>\n</svg>\n", RIGHT,
                STRIP * Figure.values().length, hours * 60)).toString();
    }

    private static String strip(Figure figure, List<Curve> curves, List<String> parts, double hours) {
        double highest = Math.max(1, curves.stream().flatMap(curve -> curve.points().stream())
                .mapToDouble(Point::value).max().orElse(1));
        StringBuilder strip = new StringBuilder(text(
                "<g transform=\"translate(0 %d)\"><text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s</text>"
                        + "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.0f</text>"
                        + "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>"
                        + "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#ccc\"/>\n",
                figure.ordinal() * STRIP, LEFT, TOP - 8,
                figure.title() + (figure.isCount() ? "" : ", " + figure.unit()), LEFT - 4, TOP + LINE / 2, highest,
                LEFT - 4, TOP + HEIGHT, LEFT, TOP, RIGHT - LEFT, HEIGHT));
        for (Curve curve : curves) {
            int number = parts.indexOf(curve.part());
            String colour = COLOURS.get(number % COLOURS.size());
            String points = curve.points().stream().map(point -> text("%.0f,%.1f",
                    LEFT + (RIGHT - LEFT) * point.hours() / hours, TOP + HEIGHT * (1 - point.value() / highest)))
                    .collect(Collectors.joining(" "));
            strip.append(text("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"%s\"/>"
                    + "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n", colour, points, RIGHT + 8,
                    TOP + LINE * (number + 1) - 4, colour, curve.part()));
        }
        return strip.append("</g>\n").toString();
    }

    private static String text(String form, Object... values) {
        return String.format(Locale.ROOT, form, values);
    }
}
