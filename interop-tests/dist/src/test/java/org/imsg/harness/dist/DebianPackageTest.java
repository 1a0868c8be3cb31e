package org.imsg.harness.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.imsg.harness.dist.Programs.Ended;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The package of the jar alone. */
@Timeout(900)
class DebianPackageTest {
    /** The checks made in the chroot, where no Java 25 is before the package. */
    private static final String CHECK = """
            set -eux
            test ! -e /usr/lib/jvm
            apt-get install --yes --no-install-recommends /tmp/imsg.deb
            test "$(imsg --version)" = "imsg 0.1.0"
            ls /var/cache/imsg/*.aot
            sh -x /usr/bin/imsg --version 2>&1 | grep -q "AOTCache=/var/cache/imsg/"
            JAVA_TOOL_OPTIONS=-XX:AOTMode=on imsg --version
            imsg listen /tmp/s --echo --once &
            until imsg send /tmp/s --type 7 --data hello --wait 200ms; do :; done
            wait
            dpkg -V imsg
            # A Java that has changed: the trigger makes the cache anew, and leaves no other.
            before=$(ls /var/cache/imsg)
            touch /usr/lib/jvm/java-25-openjdk-*/lib/modules
            dpkg-trigger --no-await --by-package=openjdk-25-jre-headless /usr/lib/jvm
            dpkg --configure --pending
            test "$before" != "$(ls /var/cache/imsg)"
            test "$(ls /var/cache/imsg | wc -l)" = 1
            apt-get remove --yes imsg
            for gone in /var/cache/imsg /usr/share/imsg /usr/bin/imsg; do test ! -e $gone; done
            apt-get purge --yes imsg
            echo all well
            """;

    @TempDir
    private Path directory;

    private static Path deb;

    @BeforeAll
    static void find() throws Exception {
        deb = Programs.made(".deb");
    }

    @Test
    void lintian_finds_no_error() throws Exception {
        Programs.need("lintian");
        Ended lintian = Programs.run("lintian", "--allow-root", "--no-cfg", "--fail-on", "error", deb);
        System.out.print("lintian: " + lintian.out());
        assertThat(lintian.code()).as(lintian.out() + lintian.err()).isZero();
        assertThat(lintian.out()).doesNotContain("E: ");
    }

    @Test
    void it_is_for_every_architecture_and_needs_a_Java() throws Exception {
        Ended fields = Programs.run("dpkg-deb", "--field", deb, "Architecture", "Depends", "Version");
        assertThat(fields.out().lines()).containsExactly("Architecture: all",
                "Depends: openjdk-25-jre-headless | java25-runtime-headless", "Version: 0.1.0~snapshot");
        assertThat(Programs.run("dpkg-deb", "--contents", deb).out()).contains("usr/share/man/man1/imsg-send.1.gz",
                "usr/share/man/man5/imsg-script.5.gz", "usr/share/bash-completion/completions/imsg",
                "usr/share/zsh/vendor-completions/_imsg", "usr/share/fish/vendor_completions.d/imsg.fish",
                "usr/share/doc/imsg/copyright");
    }

    @Test
    void on_this_machines_Java_a_start_and_a_message_take_little_processor_time() throws Exception {
        Path root = directory.resolve("root");
        assertThat(Programs.run("dpkg-deb", "--extract", deb, root).code()).isZero();
        Path imsg = root.resolve("usr/bin/imsg");
        if (Programs.run(imsg, "--version").code() == 3)
            Programs.lack("there is no Java 25 in /usr/lib/jvm");
        assertThat(Programs.run(root.resolve("usr/share/imsg/make-cache")).code()).isZero();
        assertThat(root.resolve("var/cache/imsg")).isDirectoryContaining("glob:**.aot");
        InstalledTreeTest.checkTimes(imsg);
    }

    @Test
    void it_works_in_a_fresh_trixie_until_it_is_removed() throws Exception {
        Programs.needRoot();
        Programs.need("mmdebstrap", "unshare");
        Path check = Files.writeString(directory.resolve("check"), CHECK);
        Path keys = Path.of("/usr/share/keyrings/debian-archive-keyring.gpg");
        if (!Files.isReadable(keys))
            Programs.lack("the keyring " + keys + " is missing");
        Ended made = Programs.run(Map.of("TMPDIR", directory.toString()), "unshare", "--mount", "--pid", "--fork",
                "--kill-child=KILL", "--mount-proc", "mmdebstrap", "--quiet",
                "--variant=minbase", "--keyring=" + keys, "--aptopt=Acquire::Check-Valid-Until \"false\"",
                "--customize-hook=cp " + deb + " \"$1\"/tmp/imsg.deb",
                "--customize-hook=cp " + check + " \"$1\"/tmp/check",
                "--customize-hook=chroot \"$1\" sh /tmp/check", "trixie", "/dev/null", mirror());
        Files.writeString(Programs.MADE.resolve("trixie.log"), made.out() + made.err());
        assertThat(made.code()).as(made.out() + made.err()).isZero();
        assertThat(made.out() + made.err()).contains("all well", "imsg 0.1.0", "hello");
    }

    /** The mirror that apt uses here. */
    private static String mirror() throws Exception {
        List<String> uris = Programs
                .run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main")
                .out()
                .lines().filter(line -> !line.contains("security")).toList();
        if (uris.isEmpty())
            Programs.lack("apt has no source of Debian's packages on this machine");
        return uris.getFirst();
    }
}
