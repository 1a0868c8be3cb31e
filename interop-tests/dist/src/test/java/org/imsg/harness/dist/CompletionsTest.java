package org.imsg.harness.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.imsg.harness.dist.Programs.Ended;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the shells complete with the scripts of the archive. */
@Timeout(120)
class CompletionsTest {
    private static Path script(String name) throws IOException {
        try (Stream<Path> trees = Files.list(Programs.MADE.resolve("archive"))) {
            return trees.findFirst().orElseThrow().resolve("share").resolve(name);
        }
    }

    private static final String WORDS = """
            imsg con                   | conformance
            imsg send x --des          | --describe
            imsg send x --format CL    | CLASSIC
            imsg bgp x neigh           | neighbors
            """;

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = WORDS)
    void bash_completes(String line, String whole) throws Exception {
        Ended bash = Programs.run("bash", "-c", "source \"$1\"; COMP_WORDS=($2); COMP_CWORD=$((${#COMP_WORDS[@]} - 1));"
                + " COMP_LINE=$2; COMP_POINT=${#COMP_LINE}; _complete_imsg; printf '%s\\n' \"${COMPREPLY[@]}\"", "bash",
                script("bash-completion/completions/imsg"), line);
        assertThat(bash.out().lines().map(String::strip)).as(bash.err()).contains(whole);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = WORDS)
    void fish_completes(String line, String whole) throws Exception {
        Programs.need("fish");
        Ended fish = Programs.run("fish", "--no-config", "-c", "source $argv[1]; complete -C $argv[2]",
                script("fish/vendor_completions.d/imsg.fish"), line);
        assertThat(fish.err()).isEmpty();
        assertThat(fish.out().lines().map(each -> each.replaceFirst("\t.*", ""))).contains(whole);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = WORDS)
    void zsh_completes(String line, String whole) throws Exception {
        Programs.need("zsh");
        Ended zsh = Programs.run("zsh", "-f", "-c",
                """
                        zmodload zsh/zpty
                        zpty shell zsh -f -i
                        zpty -w shell "PS1= PS2=; fpath=('${1:h}' \\$fpath); autoload -Uz compinit; compinit -u -D; cd /; echo ready"
                        zpty -r -m shell line '*ready*ready*'
                        zpty -n -w shell "$2"$'\\t'
                        zpty -r -m shell line "*$3*" && print -r -- "$line"
                        zpty -d shell
                        """,
                "zsh", script("zsh/site-functions/_imsg"), line, whole);
        assertThat(zsh.out()).as(zsh.err()).contains(whole);
    }
}
