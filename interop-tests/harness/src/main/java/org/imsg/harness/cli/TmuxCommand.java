package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.harness.describe.JsonObject;
import org.imsg.peers.tmux.TmuxClient;
import org.imsg.peers.tmux.TmuxOutcome;
import org.imsg.peers.tmux.TmuxVersion;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(name = "tmux", description = {"Has a tmux server run a command, without a terminal.",
        "Versions 3.3a, 3.5a and 3.7c, or a package's such as 3.5a-3.",
        "Exit code 1 if the command fails, or the server leaves or is silent for ten seconds."}, footer = {
                "%nExample:%n",
                "  imsg tmux /tmp/tmux-0/default --version 3.5a run -- display-message -p '#{version}'",
                "  imsg tmux /tmp/tmux-0/default --version 3.5a save-buffer moon moon.txt"})
final class TmuxCommand extends DaemonCommand {
    private static final class Actions extends ArrayList<String> {
        private static final long serialVersionUID = 1;

        Actions() {
            super(List.of("run", "load-buffer", "save-buffer"));
        }
    }

    @Parameters(index = "1", paramLabel = "ACTION", completionCandidates = Actions.class, description = {
            "run COMMAND...: prints its output; -- goes before a command with options of its own",
            "load-buffer NAME FILE: fills a paste buffer; FILE may be /dev/stdin",
            "save-buffer NAME FILE: writes a paste buffer as it is; FILE may be /dev/stdout"})
    private String action;

    @Parameters(index = "2..*", arity = "0..*", paramLabel = "ARGUMENT", description = "What the action takes.")
    private List<String> arguments = List.of();

    @Override
    DaemonRequest request() throws IOException {
        TmuxClient tmux = new TmuxClient(socket, TmuxVersion.of(version));
        switch (action) {
            case "run" -> expect(action, arguments, 1, Integer.MAX_VALUE);
            case "load-buffer", "save-buffer" -> expect(action, arguments, 2, 2);
            default -> throw unknown(action, new Actions());
        }
        return switch (action) {
            case "run" -> () -> ended(tmux.run(arguments.toArray(String[]::new)));
            case "load-buffer" -> load(tmux);
            default -> () -> save(tmux.run("save-buffer", "-b", arguments.getFirst(), "-"));
        };
    }

    private DaemonRequest load(TmuxClient tmux) throws IOException {
        byte[] content = Files.readAllBytes(Reading.file(Path.of(arguments.getLast())));
        return () -> ended(tmux.run(content, "load-buffer", "-b", arguments.getFirst(), "-"));
    }

    private int save(TmuxOutcome outcome) throws IOException {
        if (outcome.code() != 0)
            return ended(outcome);
        Output.write("buffer", Path.of(arguments.getLast()), outcome.output());
        return ExitCode.OK;
    }

    private int ended(TmuxOutcome outcome) {
        if (json)
            spec.commandLine().getOut().println(new JsonObject().number("code", String.valueOf(outcome.code()))
                    .string("output", outcome.text()).string("errors", outcome.errors()));
        else
            print(outcome);
        return outcome.code() == 0 ? ExitCode.OK : ExitCode.DIFFERENT;
    }

    private void print(TmuxOutcome outcome) {
        spec.commandLine().getOut().print(outcome.text());
        if (outcome.code() != 0)
            spec.commandLine().getErr().println("imsg: tmux ended with " + outcome.code() + ": "
                    + outcome.errors().strip().replaceAll("\\s*\\R\\s*", " "));
        else if (!outcome.errors().isEmpty())
            spec.commandLine().getErr().print(outcome.errors());
        spec.commandLine().getErr().flush();
    }
}
