package org.imsg.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** In a module that is shipped, nothing is null unless its type says so. */
class NullnessTest {
    private static final Path ROOT = Path.of("..", "..").toAbsolutePath().normalize();

    @Test
    void every_shipped_module_is_null_marked() throws IOException {
        for (String module : List.of("imsg", "imsg/privsep", "imsg/peers", "imsg-netty", "interop-tests/harness"))
            assertThat(Files.readString(ROOT.resolve(module).resolve("src/main/java/module-info.java")))
                    .containsPattern("(?m)^@NullMarked\\R(?:open )?module ");
    }
}
