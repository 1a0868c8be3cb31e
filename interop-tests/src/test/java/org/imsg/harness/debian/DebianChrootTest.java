package org.imsg.harness.debian;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@RealPeers
class DebianChrootTest {
    @ParameterizedTest
    @EnumSource
    void every_suite_has_a_chroot_with_the_real_programs(DebianSuite suite) throws Exception {
        DebianChroot chroot = Peers.chroot(suite);
        assertThat(chroot.versions()).containsOnlyKeys(suite.packages());
        assertThat(chroot.command("id", "-u", "tuser").run().output()).isEqualTo("1000\n");
        assertThat(
                chroot.command("which", "bgpd", "bgpctl", "ntpd", "ntpctl", "smtpd", "smtpctl", "tmux").run().output())
                .hasLineCount(7);
    }

    @Test
    void a_chroot_is_kept_between_runs() throws Exception {
        DebianChroot first = Peers.chroot(DebianSuite.BOOKWORM);
        Object key = Files.readAttributes(first.root(), "unix:ino").get("ino");
        DebianChroot again = DebianChroot.of(DebianSuite.BOOKWORM);
        assertThat(Files.readAttributes(again.root(), "unix:ino").get("ino")).isEqualTo(key);
    }

    @Test
    void a_program_writes_into_a_copy_of_its_own() throws Exception {
        DebianChroot chroot = Peers.chroot(DebianSuite.BOOKWORM);
        ChrootOutcome outcome = chroot
                .command("sh", "-c", "echo changed > /etc/hostname; touch /new; cat /etc/hostname")
                .run();
        assertThat(outcome).isEqualTo(new ChrootOutcome(0, "changed\n", ""));
        assertThat(chroot.root().resolve("new")).doesNotExist();
        assertThat(chroot.command("cat", "/etc/hostname").run().output()).isNotEqualTo("changed\n");
    }

    @Test
    void files_binds_environment_and_input_reach_the_program(@TempDir Path shared) throws Exception {
        Files.writeString(shared.resolve("of-host"), "from the host\n");
        ChrootOutcome outcome = Peers.chroot(DebianSuite.BOOKWORM)
                .command("sh", "-c",
                        "cat /etc/my.conf /srv/shared/of-host -; echo $COLOR; echo back > /srv/shared/of-peer")
                .file("/etc/my.conf", "it's \"a\" $file\n").bind(shared, "/srv/shared").environment("COLOR", "blue")
                .input("typed\n").run();
        assertThat(outcome.output()).isEqualTo("it's \"a\" $file\nfrom the host\ntyped\nblue\n");
        assertThat(shared.resolve("of-peer")).hasContent("back\n");
    }

    @Test
    void a_program_sees_no_network_but_its_loopback() throws Exception {
        ChrootOutcome outcome = Peers.chroot(DebianSuite.BOOKWORM).command("cat", "/proc/net/dev").run();
        assertThat(outcome.output().lines().skip(2)).singleElement().asString().contains("lo:");
    }

    @Test
    void an_unreachable_mirror_is_given_as_the_reason(@TempDir Path directory) throws Exception {
        Peers.chroot(DebianSuite.BOOKWORM); // so that what follows fails for the mirror and nothing else
        Mmdebstrap nowhere = new Mmdebstrap(DebianSuite.BOOKWORM, List.of(),
                "http://127.0.0.1:" + closedPort() + "/debian", DebianHost.here().keyring());
        assertThatExceptionOfType(PeerUnavailableException.class)
                .isThrownBy(() -> DebianChroot.of(nowhere, directory))
                .withMessageStartingWith("no bookworm chroot could be made from http://127.0.0.1:")
                .withMessageNotContaining("\n");
        assertThat(names(directory)).containsExactly("bookworm.lock");
    }

    @Test
    void a_builder_killed_in_the_middle_leaves_nothing_that_runs_and_the_next_one_builds(@TempDir Path directory)
            throws Exception {
        Peers.chroot(DebianSuite.BOOKWORM);
        Process builder = JavaProgram.start(Builder.class, directory.toString());
        awaitHalfBuilt(directory, builder);
        ProcessHandle mmdebstrap = builder.children().findFirst().orElseThrow();
        builder.destroyForcibly().waitFor();
        builder.getInputStream().close();
        builder.getOutputStream().close();
        mmdebstrap.onExit().get(10, TimeUnit.SECONDS);
        assertThat(names(directory)).anyMatch(name -> name.startsWith("bookworm.tmp-")).doesNotContain("bookworm");

        DebianChroot chroot = Builder.build(directory);
        assertThat(names(directory)).containsExactlyInAnyOrder("bookworm", "bookworm.lock", "logs");
        assertThat(chroot.command("true").run().status()).isZero();
        Trees.delete(chroot.root());
    }

    /** Debian's smallest, with nothing included. */
    static final class Builder {
        private Builder() {}

        public static void main(String[] arguments) throws Exception {
            build(Path.of(arguments[0]));
        }

        static DebianChroot build(Path directory) throws Exception {
            DebianHost host = DebianHost.here();
            return DebianChroot.of(new Mmdebstrap(DebianSuite.BOOKWORM, List.of(), host.mirror(), host.keyring()),
                    directory);
        }
    }

    private static void awaitHalfBuilt(Path directory, Process builder) throws IOException {
        while (builder.isAlive() && !isHalfBuilt(directory)) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
        assertThat(builder.isAlive()).as("the builder is at work").isTrue();
    }

    private static boolean isHalfBuilt(Path directory) throws IOException {
        return names(directory).stream()
                .anyMatch(name -> Files.exists(directory.resolve(name).resolve("content/usr/bin/dpkg")));
    }

    private static int closedPort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
