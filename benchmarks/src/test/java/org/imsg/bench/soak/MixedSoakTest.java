package org.imsg.bench.soak;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.imsg.Imsg;
import org.imsg.harness.debian.Bgpd;
import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.PeerUnavailableException;
import org.imsg.privsep.Privsep;
import org.imsg.testing.ProgramJar;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A daemon, a tap, a Netty server, a program with children on demand and a bgpd are used together, every answer is right, and nothing
 * grows. {@code mvn -Psoak} makes it a long run.
 */
class MixedSoakTest {
    private static final int MINUTES = Integer.getInteger("soak.minutes", 0);
    private static final Path RESULTS = Path.of("target", "soak");

    @TempDir
    private Path directory;

    @Test
    void all_parts_together_answer_everything_and_hold_no_more_silence_after_silence() throws Exception {
        assumeThat((int) Files.getAttribute(Path.of("/proc/self"), "unix:uid")).as("the uid of root").isZero();
        Path jar = ProgramJar.in(directory, MixedSoak.class, Privsep.class, Imsg.class);
        Optional<Bgpd> bgpd = bgpd();
        List<String> faults;
        try (MixedSoak soak = new MixedSoak(jar, directory, RESULTS, MINUTES == 0 ? Load.SHORT : Load.LONG, bgpd,
                System.out::println)) {
            faults = soak.run(Duration.ofMinutes(MINUTES), Long.getLong("soak.seed", System.nanoTime()));
        } finally {
            bgpd.ifPresent(Bgpd::close);
        }
        assertThat(faults).as("charts and logs are in " + RESULTS.toAbsolutePath()).isEmpty();
    }

    private static Optional<Bgpd> bgpd() throws IOException, InterruptedException {
        try {
            return Optional.of(Bgpd.start(DebianChroot.of(DebianSuite.BOOKWORM), BgpdPart.AS,
                    List.of(BgpdPart.NEIGHBOR)));
        } catch (PeerUnavailableException e) {
            if ("required".equals(System.getenv("IMSG_PEERS")))
                throw new IllegalStateException("IMSG_PEERS=required, but " + e.getMessage(), e);
            System.out.println("soak: WITHOUT bgpd: " + e.getMessage());
            return Optional.empty();
        }
    }
}
