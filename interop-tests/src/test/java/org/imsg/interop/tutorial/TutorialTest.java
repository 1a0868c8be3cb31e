package org.imsg.interop.tutorial;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

import org.imsg.ImsgListener;
import org.imsg.harness.debian.ChrootOutcome;
import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.Ntpd;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The programs of the README's two tutorials do what it says. */
@RealPeers
@Timeout(60)
class TutorialTest {
    @ParameterizedTest
    @EnumSource
    @ResourceLock(Resources.SYSTEM_OUT)
    void the_client_prints_the_servers_of_the_real_ntpd(DebianSuite suite) throws Exception {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream before = System.out;
        try (Ntpd ntpd = Ntpd.start(Peers.chroot(suite))) {
            System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
            NtpPeers.main(ntpd.socket().toString());
        } finally {
            System.setOut(before);
        }
        assertThat(printed.toString(StandardCharsets.UTF_8).lines()).hasSize(2)
                .anySatisfy(
                        line -> assertThat(line).matches("127\\.0\\.0\\.1.*: stratum 0, trust \\d+, next in \\d+ s"))
                .anySatisfy(
                        line -> assertThat(line).matches("127\\.0\\.0\\.2.*: stratum 0, trust \\d+, next in \\d+ s"));
    }

    @Test
    void the_real_bgpctl_believes_the_daemon(@TempDir Path directory) throws Exception {
        DebianChroot trixie = Peers.chroot(DebianSuite.TRIXIE);
        assertThat(trixie.version("openbgpd")).startsWith("8.8");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Thread daemon;
        try (ImsgListener listener = ImsgListener.listen(directory.resolve("moon.sock"))) {
            daemon = Thread.ofPlatform().start(() -> serve(listener));
            assertThat(bgpctl(trixie, directory, "show")).containsPattern("(?m)^moon +64999 .* 1234$");
            assertThat(bgpctl(trixie, directory, "show", "neighbor", "moon")).contains("192.0.2.7", "remote AS 64999",
                    "Established");
        }
        daemon.join();
    }

    private static void serve(ImsgListener listener) {
        try {
            MoonBgpd.serve(listener);
        } catch (ClosedChannelException _) {
            // the test is over
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static String bgpctl(DebianChroot chroot, Path directory, String... arguments) throws Exception {
        String[] line = new String[arguments.length + 3];
        line[0] = "/usr/sbin/bgpctl";
        line[1] = "-s";
        line[2] = "/run/imsg/moon.sock";
        System.arraycopy(arguments, 0, line, 3, arguments.length);
        ChrootOutcome outcome = chroot.command(line).bind(directory, "/run/imsg").run();
        assertThat(outcome.errors()).isEmpty();
        assertThat(outcome.status()).isZero();
        return outcome.output();
    }
}
