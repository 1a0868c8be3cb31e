package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** The command lines of the manuals are ones that the program takes. */
class ManualTest {
    private static final Pattern ROW = Pattern.compile("(?m)^\\| `((?!imsg )[a-z]+(?: [^`]*)?)` \\|");
    private static final Pattern LINE = Pattern.compile("(?m)(?:^\\$ |^# (?=imsg ctl)|`)imsg ([a-z]+ [^`&|#\\n]+)");
    private static final List<Path> MANUALS = Stream
            .of("README.md", "imsg/README.md", "imsg/peers/README.md", "imsg/privsep/README.md",
                    "interop-tests/README.md")
            .map(name -> Path.of("..", "..", name)).toList();
    /** What stands for a word of the user's own. */
    private static final Map<String, String> VALUES = Map.of("N", "7", "V", "7.6", "COMMAND", "true");

    static Stream<String> rows() throws IOException {
        return ROW.matcher(Files.readString(MANUALS.getLast())).results().map(row -> row.group(1));
    }

    static Stream<String> lines() throws IOException {
        Stream.Builder<String> lines = Stream.builder();
        for (Path manual : MANUALS)
            LINE.matcher(Files.readString(manual)).results().forEach(line -> lines.add(line.group(1).strip()));
        return lines.build();
    }

    @ParameterizedTest
    @MethodSource({"rows", "lines"})
    void a_command_line_of_a_manual_is_one_the_program_takes(String line) {
        String[] words = Stream.of(line.split(" +")).map(word -> VALUES.getOrDefault(word, word))
                .toArray(String[]::new);
        assertThatCode(() -> ImsgCommand.commandLine().parseArgs(words)).doesNotThrowAnyException();
    }

    @Test
    void every_command_has_its_row() throws IOException {
        CommandLine program = ImsgCommand.commandLine();
        assertThat(rows().map(row -> row.replaceAll(" .*", "")))
                .containsExactlyInAnyOrderElementsOf(program.getSubcommands().keySet());
        assertThat(lines()).isNotEmpty();
    }
}
