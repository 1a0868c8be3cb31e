package org.imsg.cstruct;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.File;
import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Records of another module, which says what of it can be seen. */
class CStructAccessTest {
    private static final Map<String, String> SOURCES = Map.of("module-info",
            "module neighbour { exports seen; opens opened to org.imsg; }", "seen/Public",
            "package seen; public record Public(int value) {}", "seen/Hidden",
            "package seen; record Hidden(int value) {}", "seen/Nesting",
            "package seen; public record Nesting(int value, Hidden inner) {}", "closed/Public",
            "package closed; public record Public(int value) {}", "opened/Hidden",
            "package opened; record Hidden(int value) {}");

    @TempDir
    private static Path directory;
    private static ClassLoader neighbour;

    @BeforeAll
    static void compile() throws IOException, InterruptedException {
        Path classes = directory.resolve("classes");
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "javac").toString(), "-Xlint:-module", "-d",
                classes.toString()));
        for (Map.Entry<String, String> source : SOURCES.entrySet()) {
            Path file = directory.resolve(source.getKey() + ".java");
            Files.createDirectories(file.getParent());
            line.add(Files.writeString(file, source.getValue()).toString());
        }
        // Without pipes: the JDK closes those of an ended process when it likes, such as during the first test.
        Process javac = new ProcessBuilder(line).redirectErrorStream(true)
                .redirectInput(new File("/dev/null")).redirectOutput(directory.resolve("log").toFile()).start();
        assertThat(javac.waitFor()).as(Files.readString(directory.resolve("log"))).isZero();
        ModuleLayer boot = ModuleLayer.boot();
        Configuration modules = boot.configuration().resolve(ModuleFinder.of(classes), ModuleFinder.of(),
                Set.of("neighbour"));
        neighbour = boot.defineModulesWithOneLoader(modules, null).findLoader("neighbour");
    }

    private static CStruct<?> struct(String record) throws ClassNotFoundException {
        return CStruct.of(neighbour.loadClass(record).asSubclass(Record.class));
    }

    @ParameterizedTest
    @ValueSource(strings = {"seen.Public", "opened.Hidden"})
    void a_record_that_is_exported_and_public_or_opened_is_a_struct(String record) throws ClassNotFoundException {
        assertThat(struct(record).read(new byte[]{1, 0, 0, 0})).hasToString(record.substring(
                record.indexOf('.') + 1) + "[value=" + (CAbi.host() == CAbi.X86_64 ? 1 : 1 << 24) + "]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"seen.Hidden", "closed.Public"})
    void a_record_that_cannot_be_seen_is_refused_with_what_would_make_it_visible(String record) {
        assertThatIllegalArgumentException().isThrownBy(() -> struct(record)).withMessage("record " + record
                + " is not accessible to org.imsg: make it public in an exported package, open "
                + record.substring(0, record.indexOf('.'))
                + " to org.imsg, or pass MethodHandles.lookup() of a class that sees it")
                .withCauseInstanceOf(IllegalAccessException.class);
    }

    @Test
    void a_hidden_record_inside_a_visible_one_is_named() {
        assertThatIllegalArgumentException().isThrownBy(() -> struct("seen.Nesting"))
                .withMessageStartingWith("record seen.Hidden is not accessible to org.imsg: ");
    }
}
