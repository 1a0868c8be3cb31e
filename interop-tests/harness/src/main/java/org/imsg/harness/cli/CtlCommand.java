package org.imsg.harness.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.imsg.harness.describe.JsonObject;
import org.imsg.harness.describe.Words;
import org.imsg.privsep.ControlClient;
import org.imsg.privsep.ControlRefusedException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "ctl", mixinStandardHelpOptions = true, description = {
        "Controls a program of org.imsg.privsep by its control socket.",
        "Exit code 1 if the program refuses, or a process is otherwise than its role declares."}, footer = {
                "%nExample:%n", "  imsg ctl /run/relayd.ctl status",
                "  imsg ctl /run/relayd.ctl restart resolver"})
final class CtlCommand implements Callable<Integer> {
    private static final List<String> WORDS = List.of("status", "verify", "log", "reload", "start", "stop", "restart");
    /** The heads of the table, as wide as what stands below, and the names of the values. */
    private static final Map<String, String> COLUMNS = new LinkedHashMap<>();
    static {
        String[] columns = {"name          ", "name", "state   ", "state", "pid    ", "pid", "uid  ", "uid", "up s  ",
                "uptime", "starts", "starts", "KiB    ", "memory", "fds ", "descriptors", "in     ", "messages-in",
                "out    ", "messages-out", "bytes in ", "bytes-in", "bytes out", "bytes-out", "queued",
                "queued-messages", "refused", "refusals", "filter", "filter", "Landlock", "landlock", "capabilities",
                "capabilities", "namespaces", "namespaces"};
        for (int i = 0; i < columns.length; i += 2)
            COLUMNS.put(columns[i], columns[i + 1]);
    }
    private static final String NUMBER = "0|[1-9][0-9]{0,14}";

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "SOCKET", description = "The program's control socket.")
    private Path socket;

    @Parameters(index = "1", paramLabel = "ACTION", description = {
            "status: the processes, what they use and what is enforced",
            "verify: each process against what its role declares, thread by thread",
            "log verbose, log brief: more or less in the program's log", "reload: the configuration is read again",
            "start ROLE, stop ROLE, restart ROLE: the processes of a role", "stop: the program",
            "A word may be cut: ctl SOCKET ver"})
    private String action;

    @Parameters(index = "2", arity = "0..1", paramLabel = "WORD", description = "A role, or how much is logged.")
    private @Nullable String word;

    @Option(names = "--watch", paramLabel = "TIME", description = "Shows the status again and again, so often.")
    private @Nullable Duration watch;

    @Option(names = "--wait", defaultValue = "15s", paramLabel = "TIME", description = "How long an answer may take (default: ${DEFAULT-VALUE}).")
    private Duration wait;

    @Option(names = "--json", description = "An object a line, for programs.")
    private boolean json;

    private interface Order {
        void give(ControlClient program) throws IOException;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        action = whole(action);
        boolean takesWord = List.of("log", "start", "restart").contains(action)
                || action.equals("stop") && word != null;
        if (takesWord != (word != null))
            throw new ParameterException(spec.commandLine(),
                    action + (takesWord ? " takes one word" : " takes no word"));
        if (action.equals("log") && !List.of("verbose", "brief").contains(word))
            throw new ParameterException(spec.commandLine(), "log takes verbose or brief, not " + word);
        if (watch != null && !action.equals("status"))
            throw new ParameterException(spec.commandLine(), "--watch goes with status only");
        if (Duration.ZERO.equals(watch))
            throw new ParameterException(spec.commandLine(), "--watch takes a time of 1ms or more");
        SocketPath.check(socket);
        try {
            // A program drops clients that wait: each time is a connection of its own.
            for (; watch != null; Thread.sleep(watch))
                perform();
            return perform();
        } catch (ControlRefusedException e) {
            spec.commandLine().getErr().println("imsg: refused: " + Words.visible(String.valueOf(e.getMessage())));
            return ExitCode.DIFFERENT;
        }
    }

    /** As with bgpctl, a word may be cut as long as it is one word only. */
    private String whole(String given) {
        List<String> meant = WORDS.stream().filter(each -> each.startsWith(given)).toList();
        if (meant.contains(given) || meant.size() == 1)
            return meant.contains(given) ? given : meant.getFirst();
        throw new ParameterException(spec.commandLine(), meant.isEmpty()
                ? given + " is none of " + String.join(", ", WORDS)
                : given + " may be " + String.join(", ", meant));
    }

    private int perform() throws IOException {
        try (ControlClient program = ControlClient.connect(socket, wait)) {
            return perform(program);
        }
    }

    private int perform(ControlClient program) throws IOException {
        switch (action) {
            case "status" -> status(program);
            case "verify" -> {
                return verify(program);
            }
            case "log" -> program.log(word.equals("verbose"));
            case "reload" -> program.reload();
            case "start" -> program.up(word);
            case "restart" -> program.restart(word);
            default -> {
                if (word == null)
                    program.stop();
                else
                    program.down(word);
            }
        }
        return ExitCode.OK;
    }

    private void status(ControlClient program) throws IOException {
        List<Map<String, String>> entries = program.status();
        if (json) {
            entries.forEach(entry -> out().println(object(entry)));
        } else {
            Rows rows = new Rows(out(), false, COLUMNS.keySet().toArray(String[]::new));
            for (Map<String, String> each : entries)
                rows.add(COLUMNS.values().stream().map(name -> value(each, name)).toArray());
        }
        out().flush();
    }

    private int verify(ControlClient program) throws IOException {
        boolean different = false;
        for (Map<String, String> each : program.verify()) {
            String differences = each.get("differences");
            different |= !"0".equals(differences) && (differences != null || each.containsKey("unseen"));
            if (json) {
                out().println(object(each));
                continue;
            }
            out().println(Words.visible(value(each, "name") + ": " + verdict(differences, each)));
            for (int i = 1; each.containsKey("difference-" + i); i++)
                out().println("  " + Words.visible(each.get("difference-" + i)));
        }
        out().flush();
        return different ? ExitCode.DIFFERENT : ExitCode.OK;
    }

    private static String verdict(@Nullable String differences, Map<String, String> entry) {
        if (differences == null)
            return entry.containsKey("unseen") ? "cannot be seen: " + entry.get("unseen") : value(entry, "state");
        return differences.equals("0") ? "as declared" : differences + " differences";
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private static String value(Map<String, String> entry, String name) {
        return entry.getOrDefault(name, "-");
    }

    private static JsonObject object(Map<String, String> entry) {
        JsonObject object = new JsonObject();
        entry.forEach((name, value) -> {
            if (value.matches(NUMBER))
                object.number(name, value);
            else
                object.string(name, value);
        });
        return object;
    }
}
