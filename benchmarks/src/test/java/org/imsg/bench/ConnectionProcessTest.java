package org.imsg.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.imsg.Imsg;
import org.imsg.bench.worker.ConnectionServer;
import org.imsg.privsep.Privsep;
import org.imsg.testing.ProgramJar;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** That each contender serves each connection by a process, not how fast. */
@Timeout(120)
class ConnectionProcessTest {
    private static final Path PROGRAMS = Path.of(System.getProperty("imsg.c-reference"));

    @TempDir
    private Path directory;

    @Test
    void each_contender_serves_each_connection_and_leaves_nothing() throws Exception {
        assumeThat((int) Files.getAttribute(Path.of("/proc/self"), "unix:uid")).as("the uid of root").isZero();
        Path jar = ProgramJar.in(directory, ConnectionServer.class, Privsep.class, Imsg.class);
        Path scratch = Files.createDirectory(directory.resolve("scratch"));
        List<String> said = new ArrayList<>();
        Map<String, Series> measured = new ConnectionProcess(PROGRAMS, jar).tryOut(scratch, said::add);
        assertThat(measured).containsOnlyKeys(ConnectionProcess.C, ConnectionProcess.NO_SPARE, ConnectionProcess.SPARE);
        measured.forEach((name, series) -> {
            for (Metric metric : new Metric[]{Metric.FIRST, Metric.P50, Metric.P99})
                assertThat(series.of(metric)).as(name).hasSize(1).allMatch(time -> time > 0);
        });
        assertThat(said)
                .anyMatch(line -> line.matches(".*privsep-spare: 1 processes, .* before, 1 processes, .* after"));
        assertThat(scratch).isEmptyDirectory();
    }

    @Test
    void it_is_measured_where_it_is_named_and_in_the_full_pass() {
        ConnectionProcess connections = new ConnectionProcess(PROGRAMS, directory);
        for (boolean full : new boolean[]{false, true}) {
            Plan plan = new Plan(new Pinning(Optional.empty(), 0, 0), new Contenders(PROGRAMS, Contenders.ABSENT),
                    full);
            assertThat(plan.measurements(Set.of(), connections).contains(connections)).isEqualTo(full);
            assertThat(plan.measurements(Set.of(ConnectionProcess.NAME), connections)).containsExactly(connections);
        }
    }
}
