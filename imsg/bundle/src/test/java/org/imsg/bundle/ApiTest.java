package org.imsg.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** After a release, what breaks its users is seen. */
class ApiTest {
    private static final String RELEASE = "0.0.1";

    @TempDir
    private Path directory;
    private Path home;
    private Path released;

    /** A release with what there is now. */
    @BeforeEach
    void release() throws Exception {
        home = Files.createDirectories(directory.resolve("released/org/imsg/imsg").resolve(RELEASE));
        released = Files.copy(Bundle.file("imsg", ".jar"), home.resolve("imsg-" + RELEASE + ".jar"));
        Files.writeString(home.resolve("imsg-" + RELEASE + ".pom"), Files.readString(Bundle.file("imsg", ".pom"))
                .replace("<version>" + Bundle.version() + "</version>", "<version>" + RELEASE + "</version>"));
    }

    @Test
    void the_same_api_as_that_of_the_release_is_let_through() throws Exception {
        Program ended = compare();
        assertThat(ended.status()).as(ended.output()).isZero();
    }

    @Test
    void a_class_that_the_release_has_and_we_no_longer_fails_the_build() throws Exception {
        add("org.imsg.Removed");
        Program ended = compare();
        assertThat(ended.status()).isNotZero();
        assertThat(ended.output()).contains("org.imsg.Removed", "CLASS_REMOVED");
    }

    @Test
    void a_class_that_was_not_api_may_go() throws Exception {
        add("org.imsg.sys.Removed");
        Program ended = compare();
        assertThat(ended.status()).as(ended.output()).isZero();
    }

    private void add(String name) throws Exception {
        try (FileSystem jar = FileSystems.newFileSystem(released)) {
            Files.write(jar.getPath(name.replace('.', '/') + ".class"),
                    ClassFile.of().build(ClassDesc.of(name), made -> made.withFlags(ClassFile.ACC_PUBLIC)));
        }
    }

    private Program compare() throws Exception {
        try (Stream<Path> files = Files.list(home)) {
            for (Path file : files.toList())
                Files.writeString(Path.of(file + ".sha1"), CentralBundle.checksum(file, "SHA-1"));
        }
        return new Repositories(directory).maven(Bundle.ROOT, List.of(directory.resolve("released")), "-pl", "imsg",
                "-Dapi.baseline=" + RELEASE, "com.github.siom79.japicmp:japicmp-maven-plugin:cmp@api");
    }
}
