package org.imsg.harness.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.imsg.harness.describe.Grammar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "help", mixinStandardHelpOptions = true, description = "Shows the help of a command, or the language of scripts, of struct descriptions, of JSON.", footer = {
        "%nExample:%n", "  imsg help script"})
final class HelpCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "TOPIC", description = "A command, or one of script, structs, json.")
    private @Nullable String topic;

    @Override
    public Integer call() {
        CommandLine program = spec.commandLine().getParent();
        CommandLine command = topic == null ? program : program.getSubcommands().get(topic);
        if (command != null) {
            command.usage(spec.commandLine().getOut());
            return ExitCode.OK;
        }
        Grammar grammar = Arrays.stream(Grammar.values()).filter(one -> one.toString().equals(topic)).findFirst()
                .orElseThrow(() -> new ParameterException(spec.commandLine(), "there is no help on " + topic
                        + "; there is on " + String.join(", ", topics(program))));
        spec.commandLine().getOut().print(grammar.text());
        return ExitCode.OK;
    }

    private static List<String> topics(CommandLine program) {
        List<String> topics = new ArrayList<>(Arrays.stream(Grammar.values()).map(Grammar::toString).toList());
        topics.addAll(program.getSubcommands().keySet());
        return topics;
    }
}
