package org.imsg.bench.report;

import java.util.List;
import java.util.stream.Collectors;
import org.imsg.bench.Comparison;
import org.imsg.bench.Comparison.Bound;
import org.imsg.bench.Measurement;

/** One page of HTML with everything on it. */
final class Page {
    private static final String FRAME = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <title>imsg for the JVM: side by side</title>
            <style>
            body { font-family: sans-serif; margin: 2em auto; max-width: 60em; }
            table { border-collapse: collapse; margin: 1em 0; }
            td, th { border: 1px solid #ccc; padding: 0.2em 0.6em; text-align: left; }
            td.n { text-align: right; font-variant-numeric: tabular-nums; }
            tr.short td { background: #fde8e8; }
            img { max-width: 100%%; }
            </style>
            </head>
            <body>
            <h1>imsg for the JVM: side by side</h1>
            <p>%s</p>
            <p>%s. Each contender: %s.</p>
            <h2>Comparisons</h2>
            <p>The ratio is the median of pairs measured in turns, ours divided by the other's; beside it the middle half of
            the pairs. Rates are to reach their goal, times and allocation are not to exceed it. Red is short of its goal.</p>
            <table>
            <tr><th>comparison</th><th>figure</th><th>ours</th><th>other</th><th>unit</th><th>ratio</th><th>middle half</th><th>goal</th></tr>
            %s
            </table>
            <h2>Charts</h2>
            %s
            <h2>What was sent</h2>
            <table>
            <tr><th>group</th><th>messages</th><th>where</th></tr>
            %s
            </table>
            <h2>All figures</h2>
            <table>
            <tr><th>group</th><th>contender</th><th>figure</th><th>unit</th><th>median</th><th>least</th><th>most</th><th>windows</th></tr>
            %s
            </table>
            </body>
            </html>
            """;

    private final BenchmarkReport report;
    private final List<String> charts;

    Page(BenchmarkReport report, List<String> charts) {
        this.report = report;
        this.charts = charts;
    }

    String html() {
        return FRAME.formatted(escape(report.machine().toString()), report.started(),
                escape(report.effort().toString()),
                lines(report.outcomes().stream().map(Page::comparison).toList()),
                lines(charts.stream().map(
                        name -> "<p><a href=\"%s.png\"><img src=\"%s.svg\" alt=\"%s\"></a></p>".formatted(name, name,
                                name))
                        .toList()),
                lines(report.groups().stream().map(Page::group).toList()),
                lines(report.figures().stream().map(Page::figure).toList()));
    }

    private static String comparison(Comparison.Outcome outcome) {
        Comparison comparison = outcome.comparison();
        return row(outcome.reached() ? "" : "short", cell(comparison.name()), cell(comparison.metric().title()),
                cell(outcome.ours()), cell(outcome.other()), cell(comparison.metric().unit()),
                cell(outcome.ratio().median()),
                cell(BenchmarkReport.number(outcome.ratio().lowerQuartile()) + " to "
                        + BenchmarkReport.number(outcome.ratio().upperQuartile())),
                comparison.bound() == Bound.NONE ? cell("none") : cell(comparison.goal()));
    }

    private static String group(Measurement group) {
        return row("", cell(group.name()), cell(group.sent()), cell(group.where()));
    }

    private static String figure(BenchmarkReport.Figure figure) {
        return row("", cell(figure.group()), cell(figure.contender()), cell(figure.metric().title()),
                cell(figure.unit()), cell(figure.spread().median()), cell(figure.spread().least()),
                cell(figure.spread().most()), cell(figure.spread().count()));
    }

    private static String row(String style, String... cells) {
        return "<tr class=\"" + style + "\">" + String.join("", cells) + "</tr>";
    }

    private static String cell(String text) {
        return "<td>" + escape(text) + "</td>";
    }

    private static String cell(double value) {
        return "<td class=\"n\">" + BenchmarkReport.number(value) + "</td>";
    }

    private static String lines(List<String> lines) {
        return lines.stream().collect(Collectors.joining("\n"));
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
