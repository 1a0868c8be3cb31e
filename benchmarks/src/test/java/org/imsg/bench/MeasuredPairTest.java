package org.imsg.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.imsg.bench.Contender.Seen;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** That every contender does what it is asked, not how fast. */
@Timeout(60)
class MeasuredPairTest {
    private static final Path PROGRAMS = Path.of(System.getProperty("imsg.c-reference"));
    private static final Contenders THE = new Contenders(PROGRAMS, Contenders.ABSENT);

    @TempDir
    Path scratch;

    static List<Contender> contenders() {
        return Stream.concat(thereAndBack().stream(),
                Stream.of(THE.floorFramed, THE.records, THE.grpc, THE.netty, THE.nettyMessages, THE.nettyStock,
                        THE.nettyStockGathered))
                .toList();
    }

    static List<Contender> thereAndBack() {
        return List.of(THE.ours, THE.spinning, THE.c, THE.floor, THE.jdk, THE.junixsocket);
    }

    static List<Contender> withDescriptors() {
        return List.of(THE.ours, THE.c, THE.floor, THE.floorBare, THE.floorThreaded, THE.floorFramed, THE.junixsocket);
    }

    private Map<Metric, Double> measure(Contender contender, Load load, boolean roundTrips, long interval)
            throws IOException {
        ContenderGroup group = new ContenderGroup("group", load, roundTrips, interval, Pinning.oneEach(),
                List.of(contender));
        try (MeasuredPair pair = new MeasuredPair(contender, group, scratch)) {
            pair.warmUp(0.01, 0.01);
            return pair.measure(Series.histogram());
        }
    }

    @ParameterizedTest
    @MethodSource("contenders")
    void messages_go_one_way(Contender contender) throws Exception {
        assertThat(measure(contender, new Load(64, 0, 16), false, 0)).hasEntrySatisfying(Metric.RATE,
                rate -> assertThat(rate).isPositive());
    }

    @ParameterizedTest
    @MethodSource("contenders")
    @Tag("torture")
    void the_largest_messages_go_one_way(Contender contender) throws Exception {
        if (contender != THE.records) // whose struct has one size
            assertThat(measure(contender, new Load(16368, 0, 512), false, 0)).containsKey(Metric.SEND_CPU);
    }

    @ParameterizedTest
    @MethodSource("withDescriptors")
    void descriptors_are_counted(Contender contender) throws Exception {
        assertThat(measure(contender, new Load(64, 1, 512), false, 0)).containsKey(Metric.RATE);
    }

    @ParameterizedTest
    @MethodSource("withDescriptors")
    @Tag("torture")
    void descriptors_among_messages_are_counted(Contender contender) throws Exception {
        assertThat(measure(contender, new Load(64, 100, 512), false, 0)).containsKey(Metric.RATE);
    }

    @ParameterizedTest
    @MethodSource("thereAndBack")
    void messages_go_there_and_back(Contender contender) throws Exception {
        assertThat(measure(contender, new Load(64, 0, 1), true, 0)).containsKeys(Metric.P50, Metric.P99);
        assertThat(measure(contender, new Load(64, 0, 1), true, 20_000)).containsKey(Metric.P999);
    }

    @ParameterizedTest
    @MethodSource("servers")
    void many_connections_are_answered(Contender contender) throws Exception {
        assertThat(measure(contender, new Load(64, 0, 1, 100), false, 0)).containsKey(Metric.RATE);
    }

    static List<Contender> servers() {
        return List.of(THE.nettyServer, THE.nettyPassingServer, THE.nettyStockServer);
    }

    @Test
    void who_has_not_looked_at_the_messages_is_caught() {
        Contender idle = new Contender("idle", THE.floor.command(), List.of(), List.of(), true, Seen.PAYLOAD);
        assertThatIOException().isThrownBy(() -> measure(idle, new Load(64, 0, 16), false, 0))
                .withMessageContaining("idle was sent");
    }

    @Test
    void a_program_that_fails_is_named() {
        Contender failing = Contender.c("failing", Path.of("/bin/false"), Seen.NOTHING);
        assertThatIOException().isThrownBy(() -> measure(failing, new Load(64, 0, 16), false, 0))
                .withMessageContaining("/bin/false");
    }

    @Test
    void libraries_are_named_after_the_role() {
        assertThat(THE.c.after(List.of("a.so", "b.so")).commandLine(List.of("-z", "64"), "send"))
                .containsExactly(PROGRAMS.resolve("bench-imsg").toString(), "-z", "64", "send", "a.so", "b.so");
    }
}
