package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.imsg.WireFormat;
import org.imsg.harness.record.DaemonLife;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.imsg.harness.record.Replayer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "replay", mixinStandardHelpOptions = true, description = {
        "Says to a daemon what a client said in a recording, and compares the answers.",
        "Afterwards a new client's request must be answered: the first in the recording",
        "that was answered to a client as its first, which each finding of fuzz has, or",
        "that of --ask. Exit code 1 tells of a daemon that died or hangs, too."}, footer = {
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

    @ArgGroup(exclusive = false)
    private @Nullable Question question;

    private static final class Question {
        @Option(names = "--ask", required = true, paramLabel = "TYPE", description = "The type of a request that the daemon answers when it is well, to be sent afterwards.")
        String type = "";

        @Option(names = "--hex", paramLabel = "HEX", converter = Numbers.Hex.class, description = "Its payload in hexadecimal.")
        String payload = "";
    }

    @Mixin
    private Reading reading;

    @Mixin
    private Output output;

    @Override
    public Integer call() throws Exception {
        SocketPath.check(socket);
        if (once && question != null)
            throw new IllegalArgumentException("--ask needs a daemon that serves another client: leave out --once");
        Recording recording = Recording.read(Reading.file(file), reading.limit());
        return output.whileRead(() -> replay(recording));
    }

    private int replay(Recording recording) throws IOException {
        long all = recording.events().stream()
                .filter(event -> event.connection() == connection && event.direction() != Direction.NONE).count();
        Event request = once ? null : request(recording);
        Progress progress = output.progress(0);
        Optional<DaemonLife> life = once ? Optional.empty() : Optional.of(DaemonLife.of(socket));
        List<String> differences = new Replayer(socket, comparison, wait).replay(recording, connection,
                output.witness(reading.protocol(), null, progress,
                        passed -> passed.events() + " of " + all + " events"));
        String fault = life.map(daemon -> daemon.fault(request, wait)).orElse("");
        if (!fault.isEmpty())
            differences.add(fault);
        progress.erase();
        differences.forEach(difference -> output.spec.commandLine().getErr().println("imsg: " + difference));
        if (differences.isEmpty() && !once && request == null)
            output.spec.commandLine().getErr().println("imsg: whether the daemon still serves was not asked: no request"
                    + " is answered in " + file + "; give --ask TYPE");
        return differences.isEmpty() ? ExitCode.OK : ExitCode.DIFFERENT;
    }

    /** What a daemon that is well answers; null if that is not known. */
    private @Nullable Event request(Recording recording) throws IOException {
        if (question == null)
            return recording.answeredRequest().orElse(null);
        WireFormat format = reading.format != WireFormat.AUTO
                ? reading.format
                : recording.events().stream().filter(Event::isMessage).map(Event::format).findFirst()
                        .orElse(WireFormat.MODERN);
        return Event.message(Direction.TO_SERVER, format, reading.type("--ask", question.type), 0,
                (int) ProcessHandle.current().pid(), HexFormat.of().parseHex(question.payload), List.of());
    }
}
