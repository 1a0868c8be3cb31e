package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import org.imsg.WireFormat;
import org.imsg.harness.conformance.Conformance;
import org.imsg.harness.conformance.Probe;
import org.imsg.harness.conformance.Report;
import org.imsg.harness.conformance.Target;
import org.imsg.harness.describe.JsonObject;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "conformance", mixinStandardHelpOptions = true, description = {
        "Runs a suite of cases against a daemon's socket: framing, lengths, descriptors, ends, load.",
        "Needs a request that the daemon answers. Format and limit are probed for unless given;",
        "where that cannot be told, MODERN and 16384 are assumed.",
        "Leaks of less than about 300 bytes a client, or 30 a message, are not seen."}, footer = {
                "%nExample:%n", "  imsg conformance /run/ntpd.sock --type 10 --allow-untested --junit out.xml"})
final class ConformanceCommand implements Callable<Integer> {
    private static final int USUAL_LIMIT = 16384;

    @Parameters(paramLabel = "SOCKET", description = "The daemon's socket.")
    private Path socket;

    @Option(names = "--type", required = true, description = "The type of a request that is answered.")
    private String type;

    @Option(names = "--id", defaultValue = "0", converter = Numbers.Unsigned.class, description = "Its peerid (default: ${DEFAULT-VALUE}).")
    private int id;

    @Option(names = "--hex", defaultValue = "", paramLabel = "HEX", converter = Numbers.Hex.class, description = "Its payload in hexadecimal.")
    private String payload;

    @Option(names = "--answer", paramLabel = "TYPE", split = ",", description = "The types of the answer's messages in order, where they are known. Unless given, an answer is taken for whole when nothing more has come for a second, or a quarter of --wait if that is longer.")
    private List<String> answer = List.of();

    @Option(names = "--connections", paramLabel = "N", defaultValue = "50", converter = Numbers.Positive.class, description = "How many clients at once the daemon serves; with 1 no case has two (default: ${DEFAULT-VALUE}).")
    private int connections;

    @Option(names = "--allow-untested", description = "Exit code 0 also if a case could not be tested, or one of --case was left out.")
    private boolean allowUntested;

    @Option(names = "--case", paramLabel = "NAME", split = ",", description = "Only these cases.")
    private @Nullable List<String> cases;

    @Option(names = "--junit", paramLabel = "FILE", description = "Writes the report as JUnit XML as well.")
    private @Nullable Path junit;

    @Option(names = "--wait", defaultValue = "1s", paramLabel = "TIME", description = "How long an answer may take (default: ${DEFAULT-VALUE}).")
    private Duration patience;

    @Mixin
    private Reading reading;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws Exception {
        SocketPath.check(socket);
        if (cases != null)
            for (String one : cases)
                if (!Conformance.names().contains(one))
                    throw new IllegalArgumentException("--case: no case is called " + one + "; there are "
                            + String.join(", ", Conformance.names()));
        if (junit != null)
            Output.checkWritable(junit, "--junit");
        Output.refuseSame("--junit", junit, reading.description);
        return output.whileRead(this::run);
    }

    private int run() throws IOException {
        Target target = target(reading.type("--type", type), answerTypes());
        Report report = new Conformance(target, this::wanted).run(this::show);
        List<String> leftOut = Conformance.names().stream().filter(this::wanted)
                .filter(name -> report.outcomes().stream().noneMatch(outcome -> outcome.name().equals(name))).toList();
        if (!output.json && !leftOut.isEmpty())
            output.out().println("left out, since this daemon's answers would not tell: " + String.join(", ", leftOut));
        if (!output.json)
            output.out().println(report.summary());
        else if (!report.goneSince().isEmpty())
            output.out().println(new JsonObject().string("goneSince", report.goneSince()).number("notRun",
                    String.valueOf(report.count(Report.Status.NOT_RUN))));
        output.out().flush();
        if (junit != null)
            Output.write("report", junit, report.junitXml().getBytes(StandardCharsets.UTF_8));
        boolean tested = allowUntested
                || report.count(Report.Status.NOT_TESTED) == 0 && (cases == null || leftOut.isEmpty());
        return tested && report.count(Report.Status.FAILED) == 0 && report.goneSince().isEmpty()
                ? ExitCode.OK
                : ExitCode.DIFFERENT;
    }

    private boolean wanted(String name) {
        return cases == null || cases.contains(name);
    }

    private Target target(int wanted, List<Integer> types) throws IOException {
        WireFormat format = reading.format;
        int limit = reading.limit == null ? USUAL_LIMIT : reading.limit;
        if (format != WireFormat.AUTO)
            Reading.limit(format, limit);
        if (format == WireFormat.AUTO || reading.limit == null) {
            Probe.ProbeResult found = new Probe(socket, Duration.ofMillis(200)).run();
            if (format == WireFormat.AUTO)
                format = found.format().equals("CLASSIC") ? WireFormat.CLASSIC : WireFormat.MODERN;
            if (reading.limit == null && found.limit() > 0)
                limit = Probe.usual(found.limit());
            if (!output.json)
                output.out().println("probed: " + found.process() + ", format " + found.format() + ", limit " + limit
                        + (found.limit() == limit || found.limit() < 0 || reading.limit != null
                                ? ""
                                : ", as is usual, though the daemon takes up to " + found.limit()
                                        + " (--limit if that is meant)"));
        }
        return new Target(socket, format, Reading.limit(format, limit), wanted, id, HexFormat.of().parseHex(payload),
                types, connections,
                patience);
    }

    private List<Integer> answerTypes() throws IOException {
        List<Integer> types = new ArrayList<>();
        for (String one : answer)
            types.add(reading.type("--answer", one));
        return types;
    }

    private void show(Report.Outcome outcome) {
        if (output.json)
            output.out().println(new JsonObject().string("group", outcome.group()).string("name", outcome.name())
                    .string("status", outcome.status().toString())
                    .string("remark", outcome.remark()).string("c", outcome.inC())
                    .number("milliseconds", String.valueOf(outcome.time().toMillis())));
        else
            output.out().println(coloured(outcome));
        output.out().flush();
    }

    private String coloured(Report.Outcome outcome) {
        if (!output.coloured())
            return outcome.toString();
        String code = switch (outcome.status()) {
            case PASSED -> "\u001B[32m";
            case FAILED -> "\u001B[31m";
            case NOT_TESTED, NOT_RUN -> "\u001B[33m";
        };
        return code + outcome + "\u001B[0m";
    }
}
