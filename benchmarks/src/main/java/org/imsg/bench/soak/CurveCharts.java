package org.imsg.bench.soak;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.imsg.bench.soak.Slope.Point;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Draws the curves: a chart a figure with a line a part, as SVG and as PNG. */
final class CurveCharts {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 320;
    private static final double MINUTES = 60;

    private CurveCharts() {}

    static void write(List<Curve> curves, Path directory) throws IOException {
        for (Figure figure : Figure.values()) {
            XYChart chart = chart(figure, curves.stream().filter(curve -> curve.figure() == figure).toList());
            String file = directory.resolve(figure.name().toLowerCase(Locale.ROOT)).toString();
            VectorGraphicsEncoder.saveVectorGraphic(chart, file, VectorGraphicsFormat.SVG);
            BitmapEncoder.saveBitmap(chart, file, BitmapFormat.PNG);
        }
    }

    private static XYChart chart(Figure figure, List<Curve> curves) {
        XYChart chart = new XYChartBuilder().width(WIDTH).height(HEIGHT).title(figure.title()).xAxisTitle("minutes")
                .yAxisTitle(figure.unit()).build();
        chart.getStyler().setLegendPosition(LegendPosition.OutsideE).setChartBackgroundColor(Color.WHITE);
        chart.getStyler().setYAxisMin(0.0);
        for (Curve curve : curves)
            chart.addSeries(curve.part(), curve.points().stream().mapToDouble(Point::hours).map(h -> h * MINUTES)
                    .toArray(), curve.points().stream().mapToDouble(Point::value).toArray())
                    .setMarker(SeriesMarkers.NONE);
        return chart;
    }
}
