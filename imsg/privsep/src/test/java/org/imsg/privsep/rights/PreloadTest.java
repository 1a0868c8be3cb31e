package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class PreloadTest {
    @Test
    void a_program_without_a_class_path_does_not_have_its_working_directory_searched() {
        assertThat(Preload.places("")).isEmpty();
    }

    @Test
    void every_entry_of_a_class_path_is_searched() {
        assertThat(Preload.places("/a" + File.pathSeparator + "b.jar")).containsExactly(Path.of("/a"),
                Path.of("b.jar"));
    }
}
