package org.imsg.examples;

import java.nio.file.Path;
import org.imsg.testing.CodeSize;
import org.imsg.testing.FileLayers;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
    @Test
    void no_files_of_a_package_need_each_other() {
        FileLayers.of(Path.of("target", "classes")).check();
    }

    @Test
    void no_class_has_so_much_code_that_it_may_be_two_ideas() {
        CodeSize.check(Path.of("src", "main", "java"));
    }
}
