package org.imsg.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.imsg.testing.Prose.Fault;
import org.imsg.testing.Prose.Finding;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Refuses wordings that are hard to read, in the main code of every module, in C, and in every README. */
class ProseTest {
    private static final Path ROOT = Path.of("..", "..").toAbsolutePath().normalize();

    @Test
    void main_code_and_manuals_have_no_wording_that_is_hard_to_read() throws IOException {
        List<Finding> refused = new ArrayList<>();
        for (Path file : sources())
            refused.addAll(Prose.in(file));
        assertThat(refused).isEmpty();
    }

    @Test
    void no_source_file_is_empty() throws IOException {
        try (Stream<Path> all = Files.walk(ROOT)) {
            assertThat(all.filter(file -> file.toString().endsWith(".java") && !file.toString().contains("/target/")))
                    .hasSizeGreaterThan(500).allSatisfy(file -> assertThat(file).isNotEmptyFile());
        }
    }

    @Test
    void every_refused_wording_is_found_where_it_stands(@TempDir Path directory) throws IOException {
        Path java = Files.writeString(directory.resolve("A.java"), """
                /**
                 * Waits. Who wants to stop waiting
                 * closes it.
                 *
                 * @param path
                 *            the socket that {@link #close} ends
                 */
                // nobody comes by; what must be kept is copied
                String text = "the socket is to be closed by somebody";
                """);
        assertThat(Prose.in(java)).extracting(Finding::line, Finding::fault).containsExactlyInAnyOrder(
                tuple(2, Fault.HEADLESS), tuple(5, Fault.TAG), tuple(6, Fault.LINK), tuple(8, Fault.HEADLESS),
                tuple(8, Fault.PERSON), tuple(9, Fault.TO_BE), tuple(9, Fault.PERSON));
        Path manual = Files.writeString(directory.resolve("README.md"), """
                # Threads

                What is not taken
                is closed.
                """);
        assertThat(Prose.in(manual)).extracting(Finding::line, Finding::fault)
                .containsExactly(tuple(3, Fault.HEADLESS));
    }

    @Test
    void plain_sentences_code_and_questions_are_let_through(@TempDir Path directory) throws IOException {
        Path java = Files.writeString(directory.resolve("A.java"), """
                /**
                 * Runs as {@code nobody}, whom the user nobody knows; see {@link #close()} and {@link #LIMIT}.
                 *
                 * @param path the socket
                 */
                String user = "nobody";
                // The child, who has ended, left what it held.
                """);
        assertThat(Prose.in(java)).isEmpty();
        Path manual = Files.writeString(directory.resolve("README.md"), """
                What happens when a child dies? It is started again.

                ```java
                // what is code is let through
                ```
                """);
        assertThat(Prose.in(manual)).isEmpty();
    }

    private static List<Path> sources() throws IOException {
        try (Stream<Path> all = Files.walk(ROOT)) {
            return all.filter(ProseTest::isSource).sorted().toList();
        }
    }

    private static boolean isSource(Path file) {
        String name = ROOT.relativize(file).toString();
        return !name.contains("target/") && !name.startsWith(".")
                && (name.contains("src/main/") && name.endsWith(".java") || name.matches(".*\\.(md|c|h)"));
    }
}
