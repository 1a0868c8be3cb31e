package org.imsg.testing;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CodeSizeTest {
    @Test
    void only_lines_of_code_count(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("A.java");
        Files.writeString(file, "/** Says\n * it. */\n\n// why\n".repeat(500) + "int a;\n".repeat(450));
        assertThatCode(() -> CodeSize.check(directory)).doesNotThrowAnyException();
        Files.writeString(file, "int a;\n".repeat(451));
        assertThatThrownBy(() -> CodeSize.check(directory)).isInstanceOf(AssertionError.class)
                .hasMessageContaining("A.java");
    }
}
