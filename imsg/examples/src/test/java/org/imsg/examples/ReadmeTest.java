package org.imsg.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The Java in the README is Java that the build compiles. */
class ReadmeTest {
    private static final Path ROOT = Path.of("..", "..");
    private static final Pattern BLOCK = Pattern.compile("^```java\\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE);
    private static final Pattern SPACE = Pattern.compile("\\s+");

    static List<String> blocks() throws IOException {
        return BLOCK.matcher(Files.readString(ROOT.resolve("README.md"))).results().map(found -> found.group(1))
                .toList();
    }

    @Test
    void the_readme_shows_java() throws IOException {
        assertThat(blocks()).hasSizeGreaterThanOrEqualTo(3);
    }

    @ParameterizedTest
    @MethodSource("blocks")
    void every_block_of_java_stands_word_for_word_in_a_source_that_is_compiled(String block) throws IOException {
        String wanted = words(block);
        assertThat(sources().filter(file -> words(read(file)).contains(wanted)).toList())
                .as("sources that contain\n%s", block).isNotEmpty();
    }

    /** Not all of the tree: chroots stand in it while other tests run. */
    private static Stream<Path> sources() {
        return Stream.of("imsg", "imsg/privsep", "imsg/peers", "imsg/examples", "imsg-netty", "interop-tests",
                "interop-tests/harness").map(module -> ROOT.resolve(module).resolve("src"))
                .flatMap(ReadmeTest::walk).filter(file -> file.toString().endsWith(".java"));
    }

    private static Stream<Path> walk(Path directory) {
        try {
            return Files.walk(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String words(String text) {
        return SPACE.matcher(text).replaceAll(" ").strip();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
