package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
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
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "fuzz", mixinStandardHelpOptions = true, description = {
        "Changes what a client says until the daemon is not well any more, and writes what did it to a file for replay.",
        "The first message is also the request by which one sees whether the daemon is well."}, footer = {
                "%nExample:%n",
                "  imsg fuzz daemon.sock --from session.imsg --describe daemon.structs --seconds 60 \\",
                "      --restart 'systemctl restart daemon'"})
final class FuzzCommand implements Callable<Integer> {
    private static final long EVERY = 1_000_000_000L;

    @Parameters(paramLabel = "SOCKET", description = "The daemon's socket.")
    private Path socket;

    @Option(names = "--from", paramLabel = "FILE", description = "A recording of what a client says.")
    private Path from;

    @Option(names = "--type", description = "Without a recording: the type of a message.")
    private String type;

    @Option(names = "--hex", defaultValue = "", paramLabel = "HEX", description = "Its payload.")
    private String hex;

    @Option(names = "--seconds", defaultValue = "10", paramLabel = "N", description = "How long (default: ${DEFAULT-VALUE}).")
    private int seconds;

    @Option(names = "--seed", paramLabel = "N", description = "Of the random numbers; the same seed makes the same attempts.")
    private Long seed;

    @Option(names = "--restart", paramLabel = "COMMAND", description = "Starts the daemon anew; needed to shrink what was found.")
    private String restart;

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
        long used = seed != null ? seed : new SplittableRandom().nextLong();
        Fuzzer fuzzer = new Fuzzer(socket, exchange(), reading.protocol(), patience,
                restart == null ? null : restart(), used);
        if (!output.json)
            output.out().println("seed " + used);
        output.out().flush();
        Progress progress = output.progress(EVERY);
        Optional<Finding> found = fuzzer.run(Duration.ofSeconds(seconds), Long.MAX_VALUE,
                attempt -> progress.show(attempt + " attempts"));
        progress.erase();
        if (found.isPresent())
            found.get().recording().write(out);
        if (output.json)
            output.out().println(json(found, used));
        else if (found.isPresent())
            show(found.get());
        else
            output.out().println("nothing found");
        output.out().flush();
        return found.isPresent() ? ExitCode.DIFFERENT : ExitCode.OK;
    }

    private Recording exchange() throws IOException {
        if (from != null)
            return Recording.read(from);
        if (type == null)
            throw new IllegalArgumentException("what does a client say? Give --from FILE or --type TYPE");
        WireFormat format = reading.format == WireFormat.CLASSIC ? WireFormat.CLASSIC : WireFormat.MODERN;
        return new Recording(Instant.now(), List.of(Event.message(Direction.TO_SERVER, format,
                reading.protocol().type(type), 0, (int) ProcessHandle.current().pid(), HexFormat.of().parseHex(hex),
                List.of())));
    }

    private Restart restart() {
        return () -> {
            Process process = new ProcessBuilder("/bin/sh", "-c", restart).redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
            int status = process.waitFor();
            if (status != 0)
                throw new IOException("the restart command ended with status " + status);
        };
    }

    private void show(Finding finding) throws IOException {
        output.out().println("found in attempt " + finding.attempt() + ": " + finding.complaint());
        output.out().println(finding.reproduced()
                ? "shrunk from " + finding.found().size() + " to " + finding.shrunk().size() + " writes, "
                        + bytes(finding.found()) + " to " + bytes(finding.shrunk()) + " bytes"
                : restart == null ? "not shrunk: there is no --restart" : "it did not happen a second time");
        finding.shrunk().forEach(output.witness(reading.protocol(), null));
        output.out().println("written to " + out + "; imsg replay " + out + " " + socket + " --compare nothing");
    }

    private static int bytes(List<Event> events) {
        return events.stream().mapToInt(event -> event.bytes().length).sum();
    }

    private JsonObject json(Optional<Finding> found, long used) {
        JsonObject json = new JsonObject().number("seed", String.valueOf(used)).number("found",
                String.valueOf(found.isPresent()));
        found.ifPresent(finding -> json.string("complaint", finding.complaint())
                .number("attempt", String.valueOf(finding.attempt()))
                .number("reproduced", String.valueOf(finding.reproduced())).string("file", out.toString()));
        return json;
    }
}
