package org.imsg.harness.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.imsg.harness.dist.Programs.Ended;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The man pages of the archive, as man(1) shows them. */
@Timeout(120)
class ManualPagesTest {
    private static final Pattern OPTION = Pattern.compile("(?<![\\w-])--[a-z][a-z-]*");

    private static Path tree;

    @BeforeAll
    static void find() throws IOException {
        try (Stream<Path> trees = Files.list(Programs.MADE.resolve("archive"))) {
            tree = trees.findFirst().orElseThrow();
        }
        Programs.need("man");
    }

    static List<Path> pages() throws IOException {
        try (Stream<Path> all = Files.walk(Programs.MADE.resolve("archive"))) {
            return all.filter(file -> file.toString().matches(".*/man/man[15]/.*\\.[15]")).sorted().toList();
        }
    }

    /** A page as plain text. */
    static String shown(Path page) throws Exception {
        Ended man = Programs.run(Map.of("MANWIDTH", "80", "GROFF_NO_SGR", "1"), "man", "--warnings", "-E", "UTF-8",
                "-l", page);
        assertThat(man.err()).as(page.toString()).isEmpty();
        assertThat(man.code()).isZero();
        return man.out().replaceAll(".\b", "");
    }

    @ParameterizedTest
    @MethodSource("pages")
    void man_shows_a_page_without_a_warning(Path page) throws Exception {
        String text = shown(page);
        assertThat(text).contains("NAME", "DESCRIPTION", "SEE ALSO");
        assertThat(text.lines().filter(line -> line.matches(" {7}\\S.*")).map(String::strip).findFirst().orElse(""))
                .startsWith(page.getFileName().toString().replaceFirst("\\..*", "") + " - ");
        assertThat(Pattern.compile("(imsg[a-z-]*)\\((\\d)\\)").matcher(text.substring(text.indexOf("SEE ALSO")))
                .results()).isNotEmpty()
                .allSatisfy(other -> assertThat(tree.resolve("share/man/man" + other.group(2) + "/" + other.group(1)
                        + "." + other.group(2))).exists());
    }

    @Test
    void every_command_has_a_page_with_all_its_options_and_examples() throws Exception {
        String help = Programs.run(tree.resolve("bin/imsg"), "--help").out();
        List<String> commands = help.substring(help.indexOf("Commands:"), help.indexOf("Exit codes:")).lines()
                .filter(line -> line.matches("  [a-z].*")).map(line -> line.strip().split(" ")[0]).toList();
        assertThat(commands).hasSize(pages().size() - 4).contains("send", "ctl");
        for (String command : commands) {
            String own = Programs.run(tree.resolve("bin/imsg"), command, "--help").out();
            String page = shown(tree.resolve("share/man/man1/imsg-" + command + ".1"));
            assertThat(page).contains("EXAMPLES", "EXIT STATUS");
            assertThat(OPTION.matcher(own).results().map(MatchResult::group)).isNotEmpty()
                    .allSatisfy(option -> assertThat(page).contains(option));
            own.substring(own.indexOf("Example:")).lines().skip(1).filter(line -> !line.isBlank())
                    .forEach(line -> assertThat(page).contains(line.strip()));
        }
    }
}
