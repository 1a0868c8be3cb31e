package org.imsg.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A bundle that is made with a key is signed with it. */
class SigningTest {
    private static final String KEY = "A key of this test";

    @TempDir
    private Path directory;
    private Path bundle;
    private Map<String, String> keys;

    @BeforeEach
    void makeAKey() throws Exception {
        bundle = directory.resolve("central");
        // Short, for the agent's socket stands in it.
        Path home = Files.createTempDirectory(Path.of("/tmp"), "gpg",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        keys = Map.of("GNUPGHOME", home.toString());
        assertThat(gpg("--passphrase", "", "--quick-generate-key", KEY, "ed25519", "sign", "never").status()).isZero();
    }

    @AfterEach
    void endTheAgent() throws Exception {
        Program.run(directory, keys, List.of("gpgconf", "--kill", "all"));
        try (Stream<Path> files = Files.walk(Path.of(keys.get("GNUPGHOME")))) {
            for (Path file : files.toList().reversed())
                Files.deleteIfExists(file);
        }
    }

    @Test
    void every_file_but_the_checksums_has_a_signature_that_the_key_made() throws Exception {
        Program made = make(KEY);
        assertThat(made.status()).as(made.output()).isZero();
        try (Stream<Path> files = Files.walk(bundle)) {
            List<Path> signed = files.filter(file -> file.toString().matches(".*\\.(jar|pom|json|xml)")).toList();
            assertThat(signed).hasSizeGreaterThan(20);
            for (Path file : signed)
                assertThat(gpg("--verify", file + ".asc", file.toString()).output()).contains("Good signature", KEY);
        }
        Path jar = bundle.resolve(Bundle.DIRECTORY.relativize(Bundle.file("imsg", ".jar")));
        Files.write(jar, new byte[1]);
        assertThat(gpg("--verify", jar + ".asc", jar.toString()).output()).contains("BAD signature");
    }

    @Test
    void a_key_that_is_not_there_makes_no_bundle() throws Exception {
        Program ended = make("Another key");
        assertThat(ended.status()).isNotZero();
        assertThat(ended.output()).contains("gpg did not sign", "Another key");
        assertThat(directory.resolve("bundle.zip")).doesNotExist();
    }

    private Program make(String key) throws Exception {
        return Program.java(keys, "-Dgpg.keyname=" + key, "-cp", System.getProperty("java.class.path"),
                CentralBundle.class.getName(), Bundle.ROOT.toString(), bundle.toString(),
                directory.resolve("bundle.zip").toString());
    }

    private Program gpg(String... arguments) throws Exception {
        return Program.run(directory, keys,
                Stream.concat(Stream.of("gpg", "--batch"), Stream.of(arguments)).toList());
    }
}
