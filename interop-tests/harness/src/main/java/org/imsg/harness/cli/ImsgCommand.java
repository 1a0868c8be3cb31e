package org.imsg.harness.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.imsg.harness.conformance.Probe;
import org.imsg.harness.describe.Words;
import org.imsg.harness.scripted.ScriptFailedException;
import org.imsg.unix.ErrnoException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program's entry, and the table of its commands. */
@Command(name = "imsg", description = "Talks imsg: probes, taps, replays and tests daemons over their Unix sockets.", mixinStandardHelpOptions = true, version = "imsg 0.1.0", exitCodeListHeading = "%nExit codes:%n", exitCodeList = {
        "0:all is well",
        "1:the peer did otherwise than it should: a failed case, a difference, no answer in time, a dead daemon",
        "2:the command line, a description or a script is wrong",
        "3:it could not be done: no such socket, a file that cannot be read",
        "4:the peer sent what cannot be a message"}, footer = {"%nExample:%n",
                "  imsg send /run/openbgpd/bgpd.sock.0 --type 13 --end 1"})
public final class ImsgCommand implements Runnable {
    /** The commands in the order of the help. */
    private static final List<String> COMMANDS = List.of("probe", "send", "listen", "tap", "decode", "replay", "talk",
            "conformance", "fuzz", "bgp", "ntp", "smtp", "tmux", "ctl", "completion", "help");

    @Spec
    CommandSpec spec;

    private ImsgCommand() {}

    /**
     * Runs the program and ends the process.
     *
     * @param arguments the command line
     */
    public static void main(String[] arguments) {
        System.exit(execute(arguments));
    }

    /** Runs one command line, its output to this process's own, and returns the exit code. */
    static int execute(String... arguments) {
        return execute(commandLine(arguments).setOut(new CheckedOutput()), arguments);
    }

    /** Runs one command line that was made for it, and returns the exit code. */
    static int execute(CommandLine command, String... arguments) {
        command.setExecutionStrategy(parsed -> {
            try {
                int code = new CommandLine.RunLast().execute(parsed);
                command.getOut().flush();
                return code;
            } catch (UncheckedIOException e) { // a help is shown outside of the handlers
                return failed(e, command);
            } catch (VirtualMachineError e) {
                return failed(new IOException("this needs more memory than Java may use (-Xmx, -Xss): " + e, e),
                        command);
            }
        });
        return command.execute(arguments);
    }

    /**
     * The program with the commands that a command line needs, since each costs time to load: one if it is named first, none
     * for the version, and otherwise all.
     */
    static CommandLine commandLine(String... arguments) {
        String first = arguments.length == 0 ? "" : arguments[0];
        boolean one = COMMANDS.contains(first) && !first.equals("help") && !first.equals("completion");
        boolean none = arguments.length == 1 && (first.equals("--version") || first.equals("-V"));
        CommandLine program = new CommandLine(new ImsgCommand());
        for (String name : one ? List.of(first) : none ? List.<String>of() : COMMANDS)
            program.addSubcommand(command(name));
        boolean plain = !System.getenv().getOrDefault("NO_COLOR", "").isEmpty() || !Terminal.OUT.isOne();
        return program.setColorScheme(CommandLine.Help.defaultColorScheme(plain ? Ansi.OFF : Ansi.ON))
                .setCaseInsensitiveEnumValuesAllowed(true)
                .registerConverter(Duration.class, new Durations())
                .setParameterExceptionHandler(ImsgCommand::wrongUsage)
                .setExecutionExceptionHandler((failure, command, _) -> failed(failure, command));
    }

    private static Object command(String name) {
        return switch (name) {
            case "probe" -> new ProbeCommand();
            case "send" -> new SendCommand();
            case "listen" -> new ListenCommand();
            case "tap" -> new TapCommand();
            case "decode" -> new DecodeCommand();
            case "replay" -> new ReplayCommand();
            case "talk" -> new TalkCommand();
            case "conformance" -> new ConformanceCommand();
            case "fuzz" -> new FuzzCommand();
            case "bgp" -> new BgpCommand();
            case "ntp" -> new NtpCommand();
            case "smtp" -> new SmtpCommand();
            case "tmux" -> new TmuxCommand();
            case "ctl" -> new CtlCommand();
            case "completion" -> new CompletionCommand();
            case "help" -> new HelpCommand();
            default -> throw new IllegalArgumentException(name);
        };
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "which command?");
    }

    private static int wrongUsage(ParameterException failure, String[] arguments) {
        CommandLine command = failure.getCommandLine();
        PrintWriter err = command.getErr();
        String text = failure instanceof UnmatchedArgumentException unmatched
                ? unknown(unmatched)
                : failure.getMessage() + misspelt(failure, arguments);
        err.println("imsg: " + oneLine(text) + " (see " + command.getCommandSpec().qualifiedName()
                + " --help)");
        return ExitCode.USAGE;
    }

    /** The unknown word, and those that are like it. */
    private static String unknown(UnmatchedArgumentException failure) {
        String word = failure.getUnmatched().getFirst();
        List<String> like = like(failure, word);
        String kind = failure.isUnknownOption()
                ? "no option is called "
                : failure.getCommandLine().getSubcommands().isEmpty()
                        ? "one argument too many: "
                        : "no command is called ";
        return kind + word + (like.isEmpty() ? "" : "; did you mean " + String.join(" or ", like) + "?");
    }

    /** What picocli finds like a word, or what has the same letters. */
    private static List<String> like(UnmatchedArgumentException failure, String word) {
        List<String> like = failure.getSuggestions();
        return like.isEmpty()
                ? failure.getCommandLine().getSubcommands().keySet().stream()
                        .filter(name -> sorted(name).equals(sorted(word))).toList()
                : like;
    }

    private static String sorted(String word) {
        return word.chars().sorted().mapToObj(Character::toString).collect(Collectors.joining());
    }

    /** A required option is missing that may be there under a wrong name. */
    private static String misspelt(ParameterException failure, String[] arguments) {
        CommandSpec command = failure.getCommandLine().getCommandSpec();
        if (!(failure instanceof MissingParameterException))
            return "";
        return Arrays.stream(arguments).map(word -> word.replaceFirst("=.*", ""))
                .filter(word -> word.startsWith("--") && !word.equals("--")
                        && command.findOption(word) == null)
                .findFirst().map(word -> "; " + unknown(
                        new UnmatchedArgumentException(failure.getCommandLine(), List.of(word))))
                .orElse("");
    }

    /** The option that has a file as its value, in brackets; empty if none has. */
    private static String option(CommandLine command, String file) {
        CommandLine innermost = command;
        while (innermost.getParseResult() != null && innermost.getParseResult().hasSubcommand())
            innermost = innermost.getParseResult().subcommand().commandSpec().commandLine();
        if (innermost.getParseResult() == null)
            return "";
        return innermost.getParseResult().matchedOptions().stream()
                .filter(option -> option.stringValues().contains(file)).findFirst()
                .map(option -> " (" + option.longestName() + ")").orElse("");
    }

    private static int failed(Exception thrown, CommandLine command) {
        try {
            command.getOut().flush();
        } catch (UncheckedIOException e) {
            thrown.addSuppressed(e); // it says the same, or less
        }
        Exception failure = thrown instanceof UncheckedIOException wrapped ? wrapped.getCause() : thrown;
        String text = switch (failure) {
            case NoSuchFileException missing ->
                missing.getFile() + ": no such file" + option(command, missing.getFile());
            case AccessDeniedException denied ->
                denied.getFile() + ": permission denied" + option(command, denied.getFile());
            case FileSystemException file when file.getFile() != null && file.getReason() != null ->
                file.getFile() + ": " + file.getReason() + option(command, file.getFile());
            case ErrnoException failed -> failed.getMessage() + SocketPath.advice(failed);
            case IOException io -> io.getMessage() == null ? io.toString() : io.getMessage();
            case IllegalArgumentException wrong -> wrong.getMessage();
            default -> failure.toString();
        };
        command.getErr().println("imsg: " + oneLine(text));
        if (failure instanceof ProtocolFault)
            return ExitCode.PROTOCOL;
        if (failure instanceof ScriptFailedException || failure instanceof Probe.DaemonGoneException)
            return ExitCode.DIFFERENT;
        return failure instanceof IllegalArgumentException ? ExitCode.USAGE : ExitCode.FAILED;
    }

    private static String oneLine(@Nullable String text) {
        return Words.visible(String.valueOf(text).strip().replaceAll("\\s*\\R\\s*", " "));
    }

    /** Times such as 250ms, 5s, 2m; at most a year, so that nothing overflows. */
    private static final class Durations implements ITypeConverter<Duration> {
        private static final Pattern TIME = Pattern.compile("(\\d{1,12})(ms|s|m|)");
        private static final Duration LONGEST = Duration.ofDays(365);

        @Override
        public Duration convert(String value) {
            Matcher words = TIME.matcher(value.toLowerCase(Locale.ROOT));
            if (!words.matches())
                throw new TypeConversionException("a time is such as 250ms, 5s or 2m, not " + value);
            long number = Long.parseLong(words.group(1));
            Duration time = switch (words.group(2)) {
                case "ms" -> Duration.ofMillis(number);
                case "m" -> Duration.ofMinutes(number);
                default -> Duration.ofSeconds(number);
            };
            if (time.compareTo(LONGEST) > 0)
                throw new TypeConversionException("a time is at most a year, not " + value);
            return time;
        }
    }
}
