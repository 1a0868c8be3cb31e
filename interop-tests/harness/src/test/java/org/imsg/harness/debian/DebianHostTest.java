package org.imsg.harness.debian;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DebianHostTest {
    @TempDir
    private Path root;

    @BeforeEach
    void aBookworm() throws IOException {
        write("etc/os-release", "ID=debian\nVERSION_CODENAME=bookworm\n");
        Files.createDirectories(root.resolve("etc/apt/sources.list.d"));
    }

    @Test
    void the_mirror_is_the_one_that_carries_the_hosts_own_suite() throws Exception {
        write("etc/apt/sources.list", """
                # deb http://old.invalid/debian bookworm main
                deb-src http://src.invalid/debian bookworm main
                deb http://security.invalid/debian bookworm-security main
                deb [arch=amd64 signed-by=/k.gpg] http://mirror.invalid/debian bookworm main contrib # ours
                """);
        assertThat(new DebianHost(root).mirror()).isEqualTo("http://mirror.invalid/debian");
    }

    @Test
    void the_mirror_is_read_from_paragraphs_too() throws Exception {
        write("etc/apt/sources.list.d/debian.sources", """
                Types: deb
                Enabled: no
                URIs: http://disabled.invalid/debian
                Suites: bookworm
                Components: main

                Types: deb deb-src
                # the nearest
                URIs: http://mirror.invalid/debian
                Suites:
                 bookworm
                 bookworm-updates
                Components: main
                Signed-By:
                 -----BEGIN PGP PUBLIC KEY BLOCK-----
                 .
                 mQINBFit
                """);
        assertThat(new DebianHost(root).mirror()).isEqualTo("http://mirror.invalid/debian");
    }

    @Test
    void a_machine_without_such_a_source_is_named_as_the_reason() {
        assertThatExceptionOfType(PeerUnavailableException.class).isThrownBy(() -> new DebianHost(root).mirror())
                .withMessage("apt has no source for bookworm main on this machine");
    }

    @Test
    void another_system_is_named_as_the_reason() throws Exception {
        write("etc/os-release", "ID=fedora\n");
        assertThatExceptionOfType(PeerUnavailableException.class).isThrownBy(() -> new DebianHost(root).require())
                .withMessage("this is not a Debian system");
    }

    private void write(String path, String text) throws IOException {
        Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }
}
