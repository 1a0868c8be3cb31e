package org.imsg.harness.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

import org.imsg.WireFormat;
import org.imsg.harness.conformance.DefectiveServer.Defect;
import org.imsg.harness.debian.Bgpd;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.Ntpd;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The probe tells format and limit of programs whose format and limit are known. */
@RealPeers
@Timeout(120)
class ProbeTest {
    private static final Duration PATIENCE = Duration.ofMillis(200);

    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource({"CLASSIC", "MODERN"})
    void a_C_program_on_imsg_3(WireFormat format) throws Exception {
        try (ForkingServer server = new ForkingServer(directory.resolve("c"), format)) {
            Probe.ProbeResult found = new Probe(server.socket(), PATIENCE).run();
            assertThat(found.format()).isEqualTo(format.name());
            assertThat(found.limit()).isEqualTo(16384);
            assertThat(found.process()).contains("pid " + ProcessHandle.current().pid());
            assertThat(found.unknownType()).isEqualTo("an answer");
            assertThat(found.halfClose()).isEqualTo("the connection is closed");
        }
    }

    @ParameterizedTest
    @CsvSource({"BOOKWORM, CLASSIC, 16384", "TRIXIE, MODERN, 131072", "FORKY, MODERN, 131088"})
    void the_real_bgpd(DebianSuite suite, String format, int limit) throws Exception {
        try (Bgpd bgpd = Bgpd.start(Peers.chroot(suite), 65001, List.of())) {
            Probe.ProbeResult found = new Probe(bgpd.socket(), PATIENCE).run();
            assertThat(found.format()).isEqualTo(format);
            assertThat(found.limit()).as("bgpd %s", bgpd.version()).isEqualTo(limit);
            assertThat(found.unknownType()).startsWith("nothing");
        }
    }

    @Test
    void the_real_ntpd_passes_the_suite() throws Exception {
        try (Ntpd ntpd = Ntpd.start(Peers.chroot(DebianSuite.FORKY))) {
            assertThat(failedGroups(ntpd, WireFormat.MODERN, Duration.ofSeconds(5))).as(ntpd.version()).isEmpty();
        }
    }

    /** The imsg of its time keeps descriptors that nobody asked for: what the suite is there to find. */
    @Test
    void an_older_ntpd_fails_by_the_descriptors_it_keeps_and_nothing_else() throws Exception {
        try (Ntpd ntpd = Ntpd.start(Peers.chroot(DebianSuite.BOOKWORM))) {
            assertThat(failedGroups(ntpd, WireFormat.CLASSIC, Duration.ofMillis(700))).as(ntpd.version())
                    .isNotEmpty().containsOnly("descriptors");
        }
    }

    private static List<String> failedGroups(Ntpd ntpd, WireFormat format, Duration patience) throws Exception {
        Target target = new Target(ntpd.socket(), format, 16384, 10, 0, new byte[0], List.of(),
                Target.USUAL_CONNECTIONS, patience);
        return new Conformance(target).run(_ -> {
            // only the report matters
        }).outcomes().stream().filter(outcome -> outcome.status() == Report.Status.FAILED)
                .map(Report.Outcome::group).toList();
    }

    @Test
    void a_server_without_a_limit_is_said_to_have_none() throws Exception {
        try (DefectiveServer server = new DefectiveServer(directory.resolve("s"), Defect.HAS_NO_LIMIT)) {
            assertThat(server).isNotNull();
            assertThat(new Probe(directory.resolve("s"), PATIENCE).run().limit()).isEqualTo(-1);
        }
    }
}
