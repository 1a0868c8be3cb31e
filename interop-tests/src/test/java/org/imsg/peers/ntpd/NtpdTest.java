package org.imsg.peers.ntpd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

import org.imsg.harness.debian.ChrootOutcome;
import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.Ntpd;
import org.imsg.peers.UnknownVersionException;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Client and server against the real ntpd and ntpctl of each Debian. */
@RealPeers
@Timeout(120)
class NtpdTest {
    // @start region="client"
    static String clock(Path socket, String version) throws IOException {
        try (NtpdClient ntpd = NtpdClient.connect(socket, NtpdVersion.of(version))) {
            NtpStatus status = ntpd.status();
            return status.validPeers() + " of " + ntpd.peers().size() + " servers, "
                    + (status.synced() ? "synced" : "not synced");
        }
    }
    // @end

    // @start region="server"
    /** An ntpd whose clock is right, thanks to one server and one sensor. */
    static final class GoodClock implements NtpdService {
        @Override
        public NtpStatus status() {
            return new NtpStatus(1, 1, 1, 1, true, 3, 0.25, 0, 0, 0);
        }

        @Override
        public List<NtpPeer> peers() {
            return List.of(new NtpPeer("192.0.2.9 moon.example", true, 1, 10, 2, 17, 33, 0.125, 0.5, 0.0625));
        }

        @Override
        public List<NtpSensor> sensors() {
            return List.of(new NtpSensor("nmea7", false, 2, true, 1, 5, 15, -0.75, 0));
        }
    }

    static NtpdServer start(Path socket, String version) throws IOException {
        return NtpdServer.listen(socket, NtpdVersion.of(version), new GoodClock());
    }
    // @end

    @ParameterizedTest
    @EnumSource
    void the_real_ntpd_tells_its_status_and_its_servers(DebianSuite suite) throws Exception {
        try (Ntpd ntpd = Ntpd.start(Peers.chroot(suite));
                NtpdClient client = NtpdClient.connect(ntpd.socket(), NtpdVersion.of(ntpd.version()))) {
            assertThat(client.status()).satisfies(status -> {
                assertThat(status.peers()).isEqualTo(2);
                assertThat(status.validPeers()).isZero();
                assertThat(status.sensors()).isZero();
                assertThat(status.synced()).isFalse();
            });
            assertThat(client.peers()).extracting(peer -> peer.description().split(" ")[0])
                    .containsExactlyInAnyOrder("127.0.0.1", "127.0.0.2");
            assertThat(client.peers()).allSatisfy(peer -> {
                assertThat(peer.weight()).isEqualTo(1);
                assertThat(peer.synced()).isFalse();
            });
            assertThat(client.sensors()).isEmpty();
            assertThat(clock(ntpd.socket(), ntpd.version())).isEqualTo("0 of 2 servers, not synced");
        }
    }

    @ParameterizedTest
    @EnumSource
    void ntpctl_prints_our_clock(DebianSuite suite, @TempDir Path directory) throws Exception {
        DebianChroot chroot = Peers.chroot(suite);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        try (NtpdServer _ = start(directory.resolve("ntpd.sock"), chroot.version("openntpd"));
                NtpdClient client = NtpdClient.connect(directory.resolve("ntpd.sock"),
                        NtpdVersion.of(chroot.version("openntpd")))) {
            assertThat(ntpctl(chroot, directory, "status")).contains("1/1 peers valid", "1/1 sensors valid",
                    "clock synced", "stratum 3");
            assertThat(ntpctl(chroot, directory, "peers")).contains("192.0.2.9 moon.example", "0.125ms", "0.500ms",
                    "0.062ms", "17s", "33s");
            assertThat(ntpctl(chroot, directory, "Sensors")).contains("nmea7", "-0.750ms");
            assertThat(ntpctl(chroot, directory, "all")).contains("1/1 peers valid", "moon.example", "nmea7");
            GoodClock told = new GoodClock();
            assertThat(client.status()).isEqualTo(told.status());
            assertThat(client.peers()).isEqualTo(told.peers());
            assertThat(client.sensors()).isEqualTo(told.sensors());
        }
    }

    @Test
    void a_version_nobody_has_looked_up_is_refused_by_name() {
        assertThatExceptionOfType(UnknownVersionException.class).isThrownBy(() -> NtpdVersion.of("1:8.0p1-1"))
                .withMessage("ntpd 1:8.0p1-1 is not known here, only 6.2p3, 7.9p1");
    }

    private static String ntpctl(DebianChroot chroot, Path directory, String what) throws Exception {
        String path = NtpdVersion.of(chroot.version("openntpd")) == NtpdVersion.V6_2
                ? "/var/lib/openntpd/run/ntpd.sock"
                : "/run/openntpd/ntpd.sock";
        ChrootOutcome outcome = chroot.command("/usr/sbin/ntpctl", "-s", what)
                .bind(directory.resolve("ntpd.sock"), path).run();
        assertThat(outcome.errors()).isEmpty();
        assertThat(outcome.status()).isZero();
        return outcome.output();
    }
}
