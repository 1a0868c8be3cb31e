package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class LoggerNamesTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern LOGGER = Pattern
            .compile("System\\.getLogger\\(((?:[^()]|\\(\\))+(?:\\([^()]*\\))?)\\)");
    private static final Pattern CLASS = Pattern.compile("(\\w+)\\.class\\.getName\\(\\)");
    /** Names that a program gives. */
    private static final Set<String> OF_PROGRAMS = Set.of("name", "program", "program + \".\" + instance.role.name()");

    @Test
    void the_manual_lists_the_loggers_that_the_code_uses() throws IOException {
        Set<String> used = new TreeSet<>();
        for (Path source : sources()) {
            Matcher logger = LOGGER.matcher(Files.readString(source));
            while (logger.find())
                add(used, source, logger.group(1));
        }
        String list = Files.readString(Path.of("README.md")).split("### Loggers\n")[1].split("\n## ")[0];
        assertThat(used).hasSizeGreaterThan(8)
                .isEqualTo(Pattern.compile("`(org\\.imsg[\\w.]+)`").matcher(list).results()
                        .map(name -> name.group(1)).collect(Collectors.toSet()));
    }

    private static void add(Set<String> used, Path source, String name) throws IOException {
        Matcher ofClass = CLASS.matcher(name);
        if (ofClass.matches())
            used.add(Files.readString(source).replaceFirst("(?s).*?package ([\\w.]+);.*", "$1") + "."
                    + ofClass.group(1));
        else if (name.startsWith("\""))
            used.add(name.replace("\"", ""));
        else
            assertThat(OF_PROGRAMS).as("a logger in " + source + " that the manual does not list").contains(name);
    }

    /** Those of the modules that are shipped, and not the ones that examples show. */
    private static Iterable<Path> sources() throws IOException {
        try (Stream<Path> all = Stream.of("imsg", "imsg-netty", "interop-tests/harness").map(ROOT::resolve)
                .flatMap(LoggerNamesTest::files)) {
            return all.filter(file -> file.toString().matches(".*/src/main/java/.*\\.java"))
                    .filter(file -> !file.startsWith(ROOT.resolve("imsg/examples"))
                            && !file.startsWith(ROOT.resolve("imsg/testing")))
                    .toList();
        }
    }

    private static Stream<Path> files(Path directory) {
        try {
            return Files.walk(directory);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
