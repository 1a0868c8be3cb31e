package org.imsg.harness.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.imsg.WireFormat;
import org.imsg.harness.describe.JsonObject;
import org.imsg.harness.fuzz.Finding;
import org.imsg.harness.fuzz.Fuzzer;
import org.imsg.harness.fuzz.Restart;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "fuzz", mixinStandardHelpOptions = true, description = {
        "Changes what a client says until the daemon is not well any more, and writes what did it to a file for replay.",
        "The first message is also the request by which one sees whether the daemon is well."}, footer = {
                "%nExample:%n",
                "  imsg fuzz daemon.sock --from session.imsg --describe daemon.structs --seconds 20 \\",
                "      --restart 'systemctl restart daemon'"})
final class FuzzCommand implements Callable<Integer> {
    private static final long EVERY = 1_000_000_000L;

    @Parameters(paramLabel = "SOCKET", description = "The daemon's socket.")
    private Path socket;

    @Option(names = "--from", paramLabel = "FILE", description = "A recording of what a client says.")
    private @Nullable Path from;

    @Option(names = "--type", description = "Without a recording: the type of a message.")
    private @Nullable String type;

    @Option(names = "--hex", defaultValue = "", paramLabel = "HEX", converter = Numbers.Hex.class, description = "Its payload.")
    private String hex;

    @Option(names = "--seconds", defaultValue = "10", paramLabel = "N", converter = Numbers.Positive.class, description = "How long (default: ${DEFAULT-VALUE}).")
    private int seconds;

    @Option(names = "--seed", paramLabel = "N", converter = Numbers.Seed.class, description = "Of the random numbers; the same seed makes the same attempts.")
    private @Nullable Long seed;

    @Option(names = "--not-type", paramLabel = "TYPE", split = ",", description = "Types that are never sent, such as that which stops the daemon.")
    private List<String> forbidden = List.of();

    @Option(names = "--keep-going", description = "Looks on after a finding until the time is over; the next are written to FILE-2 and so on. Needs --restart.")
    private boolean keepGoing;

    @Option(names = "--restart", paramLabel = "COMMAND", description = "Starts the daemon anew; needed to shrink what was found.")
    private @Nullable String restart;

    @Option(names = "--out", defaultValue = "finding.imsg", paramLabel = "FILE", description = "Where to write what was found (default: ${DEFAULT-VALUE}).")
    private Path out;

    @Option(names = "--wait", defaultValue = "1s", paramLabel = "TIME", description = "How long a daemon that is well may take to answer (default: ${DEFAULT-VALUE}).")
    private Duration patience;

    @Mixin
    private Reading reading;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws Exception {
        SocketPath.check(socket);
        Output.checkWritable(out, "--out");
        Output.refuseSame("--out", out, from, reading.description);
        if (keepGoing && restart == null)
            throw new IllegalArgumentException(
                    "--keep-going needs --restart COMMAND: a daemon that died finds nothing more");
        long used = seed != null ? seed : new SplittableRandom().nextLong();
        Fuzzer fuzzer = new Fuzzer(socket, exchange(), reading.protocol(), patience,
                restart == null ? null : restart(restart), used).without(forbidden());
        if (!output.json)
            output.out().println("seed " + used);
        output.out().flush();
        Progress progress = output.progress(EVERY);
        output.endWithReader(() -> {
            // the next attempt is not made
        });
        long deadline = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        int findings = 0;
        do {
            Optional<Finding> found = fuzzer.run(Duration.ofNanos(deadline - System.nanoTime()), Long.MAX_VALUE,
                    attempt -> show(progress, attempt));
            progress.erase();
            if (found.isPresent())
                report(found.get(), used, numbered(++findings));
        } while (keepGoing && System.nanoTime() < deadline);
        if (findings == 0)
            output.out().println(output.json
                    ? json(used, false).number("noticesHangs", String.valueOf(fuzzer.noticesHangs()))
                    : fuzzer.noticesHangs()
                            ? "nothing found"
                            : "nothing found; but the first message is not answered, so a daemon that hangs is not noticed");
        output.out().flush();
        return findings > 0 ? ExitCode.DIFFERENT : ExitCode.OK;
    }

    private void show(Progress progress, long attempt) {
        try {
            output.checkReader();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        progress.show(attempt + " attempts");
    }

    /** The file of a finding: as given for the first, with a number before the extension for the next. */
    private Path numbered(int finding) {
        String name = out.getFileName().toString();
        int dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length();
        return finding == 1 ? out : out.resolveSibling(name.substring(0, dot) + "-" + finding + name.substring(dot));
    }

    private void report(Finding finding, long used, Path file) throws IOException {
        finding.recording().write(file);
        if (output.json)
            output.out().println(json(used, true).string("complaint", finding.complaint())
                    .number("attempt", String.valueOf(finding.attempt()))
                    .number("reproduced", String.valueOf(finding.reproduced())).string("file", file.toString()));
        else
            show(finding, file);
        output.out().flush();
    }

    private Set<Integer> forbidden() throws IOException {
        Set<Integer> types = new HashSet<>();
        for (String one : forbidden)
            types.add(reading.type("--not-type", one));
        return types;
    }

    private Recording exchange() throws IOException {
        if (from != null)
            return Recording.read(Reading.file(from), reading.limit());
        if (type == null)
            throw new IllegalArgumentException("what does a client say? Give --from FILE or --type TYPE");
        WireFormat format = reading.format == WireFormat.CLASSIC ? WireFormat.CLASSIC : WireFormat.MODERN;
        return new Recording(Instant.now(), List.of(Event.message(Direction.TO_SERVER, format,
                reading.type("--type", type), 0, (int) ProcessHandle.current().pid(), HexFormat.of().parseHex(hex),
                List.of())));
    }

    private static Restart restart(String command) {
        return () -> {
            Process process = new ProcessBuilder("/bin/sh", "-c", command).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
            int status = process.waitFor();
            if (status != 0)
                throw new IOException("the restart command ended with status " + status);
        };
    }

    private void show(Finding finding, Path file) throws IOException {
        output.out().println("found in attempt " + finding.attempt() + ": " + finding.complaint());
        output.out().println(finding.reproduced()
                ? "shrunk from " + finding.found().size() + " to " + finding.shrunk().size() + " writes, "
                        + bytes(finding.found()) + " to " + bytes(finding.shrunk()) + " bytes"
                : restart == null ? "not shrunk: there is no --restart" : "it did not happen a second time");
        finding.shrunk().forEach(output.witness(reading.protocol(), null));
        output.out().println("written to " + file + "; imsg replay " + file + " " + socket + " --compare nothing");
    }

    private static int bytes(List<Event> events) {
        return events.stream().mapToInt(event -> event.bytes().length).sum();
    }

    private static JsonObject json(long used, boolean found) {
        return new JsonObject().string("seed", String.valueOf(used)).number("found", String.valueOf(found));
    }
}
