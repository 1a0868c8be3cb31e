package org.imsg.interop.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.imsg.Imsg;
import org.imsg.harness.debian.ChrootOutcome;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.imsg.privsep.Privsep;
import org.imsg.testing.ProgramJar;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Confined roles on the JDK as Debian packs it: its configuration is in /etc, and its trust store is where Debian's package
 * ca-certificates-java makes it. The program lies below /tmp, which a private root has empty but for that.
 */
@RealPeers
class DebianJdkTest {
    private static final String JAVA = "/usr/lib/jvm/java-25-openjdk-amd64/bin/java";

    @Test
    void confined_roles_start_on_debians_own_jdk_and_see_its_trust_store(@TempDir Path directory) throws Exception {
        Path jar = ProgramJar.in(directory, TrustingProgram.class, Privsep.class, Imsg.class);
        ChrootOutcome outcome = Peers.chroot(DebianSuite.TRIXIE)
                .command(JAVA, "-XX:TieredStopAtLevel=1", "-jar", "/tmp/program/program.jar")
                .bind(directory, "/tmp/program").file("/etc/hostname", "debian\n").run();
        List<String> said = outcome.output().lines().sorted().toList();
        assertThat(said).as("%s", outcome).hasSize(3);
        assertThat(said.get(0)).startsWith("free[0] trusts ").endsWith(" passwd true hostname true");
        int trusted = Integer.parseInt(said.get(0).split(" ")[2]);
        assertThat(trusted).isGreaterThan(100);
        assertThat(said.get(1)).isEqualTo("rooted[0] trusts " + trusted + " passwd false hostname false");
        assertThat(said.get(2)).isEqualTo("unveiled[0] trusts " + trusted + " passwd false hostname true");
    }
}
