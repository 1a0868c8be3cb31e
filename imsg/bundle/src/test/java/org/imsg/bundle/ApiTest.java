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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** After a release, what breaks its users is seen: each test has a release of its own. */
class ApiTest {
    @TempDir
    private static Path directory;

    @Test
    void the_same_api_as_that_of_the_release_is_let_through() throws Exception {
        Program ended = compareWithARelease("0.0.1", List.of());
        assertThat(ended.status()).as(ended.output()).isZero();
    }

    @Test
    void a_class_that_the_release_has_and_we_no_longer_fails_the_build() throws Exception {
        Program ended = compareWithARelease("0.0.2", List.of("org.imsg.Removed"));
        assertThat(ended.status()).isNotZero();
        assertThat(ended.output()).contains("org.imsg.Removed", "CLASS_REMOVED");
    }

    @Test
    void a_class_that_was_not_api_may_go() throws Exception {
        Program ended = compareWithARelease("0.0.3", List.of("org.imsg.sys.Removed"));
        assertThat(ended.status()).as(ended.output()).isZero();
    }

    /** The release has what there is now, and some classes more. */
    private static Program compareWithARelease(String version, List<String> more) throws Exception {
        Path released = directory.resolve("released");
        Path home = Files.createDirectories(released.resolve("org/imsg/imsg").resolve(version));
        Path jar = Files.copy(Bundle.file("imsg", ".jar"), home.resolve("imsg-" + version + ".jar"));
        try (FileSystem archive = FileSystems.newFileSystem(jar)) {
            for (String name : more)
                Files.write(archive.getPath(name.replace('.', '/') + ".class"),
                        ClassFile.of().build(ClassDesc.of(name), made -> made.withFlags(ClassFile.ACC_PUBLIC)));
        }
        Files.writeString(home.resolve("imsg-" + version + ".pom"), Files.readString(Bundle.file("imsg", ".pom"))
                .replace("<version>" + Bundle.version() + "</version>", "<version>" + version + "</version>"));
        try (Stream<Path> files = Files.list(home)) {
            for (Path file : files.toList())
                Files.writeString(Path.of(file + ".sha1"), CentralBundle.checksum(file, "SHA-1"));
        }
        return new Repositories(directory).maven(Bundle.ROOT, List.of(released, Bundle.DIRECTORY),
                Program.mavenEnvironment(""), "-pl", "imsg", "-Dapi.baseline=" + version,
                "com.github.siom79.japicmp:japicmp-maven-plugin:cmp@api");
    }
}
