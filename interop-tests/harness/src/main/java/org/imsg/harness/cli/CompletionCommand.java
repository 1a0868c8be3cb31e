package org.imsg.harness.cli;

import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "completion", mixinStandardHelpOptions = true, description = "Prints a completion script for a shell.", footer = {
        "%nExample:%n", "  source <(imsg completion bash)"})
final class CompletionCommand implements Callable<Integer> {
    private enum Shell {
        BASH, ZSH, FISH;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "SHELL", defaultValue = "BASH", description = "One of ${COMPLETION-CANDIDATES}; bash unless given.")
    private Shell shell;

    @Override
    public Integer call() {
        CommandLine program = spec.root().commandLine();
        spec.commandLine().getOut().print(switch (shell) {
            case BASH -> AutoComplete.bash("imsg", program).replaceFirst("^#!.*\n", "");
            case ZSH -> ShellCompletion.zsh(program);
            case FISH -> ShellCompletion.fish(program);
        });
        spec.commandLine().getOut().flush();
        return ExitCode.OK;
    }
}
