package org.imsg.harness.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.imsg.harness.record.DaemonLife;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Recording;
import org.imsg.harness.record.Replayer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "replay", mixinStandardHelpOptions = true, description = {
        "Says to a daemon what a client said in a recording, and compares the answers.",
        "Afterwards the daemon must still be there: a new client must be able to connect and stay connected."}, footer = {
                "%nExample:%n", "  imsg replay session.imsg /run/ntpd.sock --compare types"})
final class ReplayCommand implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "FILE", description = "A recording: text or pcapng.")
    private Path file;

    @Parameters(index = "1", paramLabel = "SOCKET", description = "The daemon's socket.")
    private Path socket;

    @Option(names = "--connection", defaultValue = "1", paramLabel = "N", converter = Numbers.Positive.class, description = "Which connection of the recording (default: ${DEFAULT-VALUE}).")
    private int connection;

    @Option(names = "--compare", defaultValue = "TYPES", description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private Replayer.ComparedPart comparison;

    @Option(names = "--wait", defaultValue = "1s", paramLabel = "TIME", description = "How long an answer may take (default: ${DEFAULT-VALUE}).")
    private Duration wait;

    @Option(names = "--once", description = "The daemon serves one client and ends: it is not looked for afterwards.")
    private boolean once;

    @Mixin
    private Reading reading;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws Exception {
        SocketPath.check(socket);
        Recording recording = Recording.read(file);
        long all = recording.events().stream()
                .filter(event -> event.connection() == connection && event.direction() != Direction.NONE).count();
        Progress progress = output.progress(0);
        Optional<DaemonLife> life = once ? Optional.empty() : Optional.of(DaemonLife.of(socket));
        List<String> differences = new Replayer(socket, comparison, wait).replay(recording, connection,
                output.witness(reading.protocol(), null, progress,
                        passed -> passed.events() + " of " + all + " events"));
        String fault = life.map(daemon -> daemon.fault(wait)).orElse("");
        if (!fault.isEmpty())
            differences.add(fault);
        progress.erase();
        differences.forEach(difference -> output.spec.commandLine().getErr().println("imsg: " + difference));
        return differences.isEmpty() ? ExitCode.OK : ExitCode.DIFFERENT;
    }
}
