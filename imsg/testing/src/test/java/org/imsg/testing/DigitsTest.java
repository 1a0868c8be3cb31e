package org.imsg.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** In Arabic and other locales, a format without a locale writes numbers in digits that no program reads. */
class DigitsTest {
    private static final Path ROOT = Path.of("..", "..").toAbsolutePath().normalize();
    private static final String NUMBER = "%[-+0-9$,.]*[df]";
    private static final Pattern IN_THE_USERS_DIGITS = Pattern
            .compile("(?:String\\.format|printf)\\(\\s*\"[^;]*?" + NUMBER
                    + "|" + NUMBER + "[^;\"]*\"+\\s*\\)?\\s*\\.formatted\\(");

    @Test
    void main_code_writes_numbers_in_ascii_digits_whatever_the_locale() throws IOException {
        try (Stream<Path> all = Files.walk(ROOT)) {
            List<Path> sources = all.filter(file -> file.toString().matches(".*/src/main/.*\\.java")
                    && !file.toString().contains("/target/")).toList();
            assertThat(sources).hasSizeGreaterThan(300)
                    .allSatisfy(file -> assertThat(Files.readString(file)).doesNotContainPattern(IN_THE_USERS_DIGITS));
        }
    }
}
