package org.imsg.harness.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Completion scripts for the shells that picocli writes none for, made of the table of commands. */
final class ShellCompletion {
    private static final Set<String> FILES = Set.of("FILE", "SOCKET", "PATH", "LISTEN", "TARGET", "PROGRAM");

    private ShellCompletion() {}

    /** A script for zsh, to be found in its {@code fpath} as {@code _imsg}, or sourced. */
    static String zsh(CommandLine program) {
        StringBuilder script = new StringBuilder(
                "#compdef imsg\n\n_imsg() {\n    local context state state_descr line\n"
                        + "    typeset -A opt_args\n    _arguments -C \\\n");
        for (OptionSpec option : program.getCommandSpec().options())
            script.append("        ").append(zsh(option)).append(" \\\n");
        script.append("        '1:command:->command' '*::argument:->argument' && return\n    case $state in\n"
                + "    command)\n        local -a commands\n        commands=(\n");
        program.getSubcommands().forEach((name, command) -> script.append("            ")
                .append(quoted(name + ":" + summary(command.getCommandSpec().usageMessage().description())))
                .append('\n'));
        script.append("        )\n        _describe command commands\n        ;;\n    argument)\n"
                + "        case $line[1] in\n");
        program.getSubcommands().forEach((name, command) -> script.append("        ").append(name).append(")\n")
                .append("            _arguments").append(zsh(command.getCommandSpec())).append("\n            ;;\n"));
        return script.append("        esac\n        ;;\n    esac\n}\n\nif [ \"$funcstack[1]\" = _imsg ]; then\n"
                + "    _imsg \"$@\"\nelse\n    compdef _imsg imsg\nfi\n").toString();
    }

    private static String zsh(CommandSpec command) {
        List<String> specs = new ArrayList<>(command.options().stream().map(ShellCompletion::zsh).toList());
        for (PositionalParamSpec each : command.positionalParameters()) {
            String place = each.index().isVariable() || each.arity().isVariable()
                    ? "*"
                    : String.valueOf(each.index().min() + 1);
            specs.add(quoted(place + ":" + label(each) + ":" + zshValues(each)));
        }
        return specs.stream().map(spec -> " \\\n                " + spec).collect(Collectors.joining());
    }

    private static String zsh(OptionSpec option) {
        String explained = "[" + summary(option.description()).replaceAll("[\\[\\]]", "\\\\$0") + "]";
        String value = option.arity().max() == 0 ? "" : ":" + label(option) + ":" + zshValues(option);
        return Arrays.stream(option.names()).map(name -> quoted((option.isMultiValue() ? "*" : "") + name + explained
                + value)).collect(Collectors.joining(" "));
    }

    private static String label(ArgSpec argument) {
        return argument.paramLabel().replaceAll("[<>]", "");
    }

    private static String zshValues(ArgSpec argument) {
        List<String> candidates = candidates(argument);
        if (!candidates.isEmpty())
            return "(" + String.join(" ", candidates) + ")";
        return isFile(argument) ? "_files" : "";
    }

    /** A script for fish, to be found among its completions as {@code imsg.fish}, or sourced. */
    static String fish(CommandLine program) {
        StringBuilder script = new StringBuilder("complete -c imsg -f\n");
        for (OptionSpec option : program.getCommandSpec().options())
            script.append(fish("__fish_use_subcommand", option));
        program.getSubcommands().forEach((name, command) -> script
                .append("complete -c imsg -n __fish_use_subcommand -a ").append(name).append(" -d ")
                .append(fishQuoted(summary(command.getCommandSpec().usageMessage().description()))).append('\n'));
        program.getSubcommands().forEach((name, command) -> {
            String seen = fishQuoted("__fish_seen_subcommand_from " + name);
            for (OptionSpec option : command.getCommandSpec().options())
                script.append(fish(seen, option));
            for (PositionalParamSpec each : command.getCommandSpec().positionalParameters())
                script.append(fishValues(each).isEmpty()
                        ? ""
                        : "complete -c imsg -n " + seen + fishValues(each) + "\n");
        });
        return script.toString();
    }

    private static String fish(String condition, OptionSpec option) {
        String names = Arrays.stream(option.names())
                .map(name -> name.startsWith("--") ? " -l " + name.substring(2) : " -s " + name.substring(1))
                .collect(Collectors.joining());
        String value = option.arity().max() == 0
                ? ""
                : isFile(option)
                        ? " -r" + fishValues(option)
                        : " -x"
                                + fishValues(option);
        return "complete -c imsg -n " + condition + names + value + " -d " + fishQuoted(summary(option.description()))
                + "\n";
    }

    private static String fishValues(ArgSpec argument) {
        List<String> candidates = candidates(argument);
        if (!candidates.isEmpty())
            return " -a " + fishQuoted(String.join(" ", candidates));
        return isFile(argument) ? " -F" : "";
    }

    private static List<String> candidates(ArgSpec argument) {
        @Nullable
        Iterable<String> given = argument.completionCandidates();
        List<String> candidates = new ArrayList<>();
        if (given != null)
            given.forEach(candidates::add);
        return candidates;
    }

    private static boolean isFile(ArgSpec argument) {
        return FILES.contains(argument.paramLabel());
    }

    /** The first sentence, without the point. */
    private static String summary(String... description) {
        String all = String.join(" ", description);
        return all.replaceFirst("[.;:] .*", "").replaceFirst("\\.$", "").replace(":", "");
    }

    private static String quoted(String text) {
        return "'" + text.replace("'", "'\\''") + "'";
    }

    private static String fishQuoted(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
}
