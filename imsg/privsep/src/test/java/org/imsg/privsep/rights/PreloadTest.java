package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.RawSyscall;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PreloadTest {
    @Test
    void a_program_without_a_class_path_does_not_have_its_working_directory_searched() {
        assertThat(Preload.places("")).isEmpty();
    }

    @Test
    void a_directory_in_a_place_of_classes_that_may_not_be_read_is_passed_over(@TempDir Path place) throws Exception {
        assumeThat(Ids.current().isRoot()).as("root, one of whose threads becomes another user").isTrue();
        Files.setPosixFilePermissions(place, PosixFilePermissions.fromString("rwxr-xr-x"));
        for (String each : List.of("a", "secret", "z")) {
            Files.createFile(Files.createDirectory(place.resolve(each)).resolve("Some.class"));
            Files.setPosixFilePermissions(place.resolve(each),
                    PosixFilePermissions.fromString(each.equals("secret") ? "rwx------" : "rwxr-xr-x"));
        }
        Call<List<String>> found = Call.start(Call.On.PLATFORM, () -> {
            RawSyscall.call(LinuxSyscalls.host().number("setfsuid"), 64000);
            return Preload.classFiles(place);
        });
        assertThat(found.result()).containsExactlyInAnyOrder("a/Some.class", "z/Some.class");
        // The kernel takes it from a process one of whose threads has changed its ids.
        Confining.prctl(Confining.PR_SET_DUMPABLE, 1);
    }

    @Test
    void a_place_of_classes_may_be_a_symbolic_link(@TempDir Path directory) throws Exception {
        Path classes = Files.createDirectory(directory.resolve("classes"));
        Files.createFile(classes.resolve("Some.class"));
        assertThat(Preload.classFiles(Files.createSymbolicLink(directory.resolve("link"), classes)))
                .containsExactly("Some.class");
    }

    @Test
    void every_entry_of_a_class_path_is_searched() {
        assertThat(Preload.places("/a" + File.pathSeparator + "b.jar")).containsExactly(Path.of("/a"),
                Path.of("b.jar"));
    }
}
