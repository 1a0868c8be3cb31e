package org.imsg.netty;

import static org.assertj.core.api.Assertions.assertThat;

import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** How much of the process's memory channels and loops keep; a JVM of its own says, whose collector frees nothing for them. */
@Timeout(300)
class ResidentMemoryTest {
    private static long grownKib(String what, int count) throws Exception {
        return Long.parseLong(new ChildJvm().option("-Xms64m").option("-Xmx64m").option("-XX:+AlwaysPreTouch")
                .option("-XX:+DisableExplicitGC").option("-XX:TieredStopAtLevel=1")
                .option("-XX:MaxDirectMemorySize=64m")
                .option("--sun-misc-unsafe-memory-access=allow")
                .run(ResidentMemory.class, what, Integer.toString(count)).strip());
    }

    @ParameterizedTest
    @MethodSource("org.imsg.netty.Loops#available")
    void pairs_opened_used_and_closed_leave_the_process_as_large_as_it_was(Loops kind) throws Exception {
        assertThat(grownKib(kind.name(), 1_500)).isLessThan(8 << 10);
    }

    @Test
    void what_the_channels_of_a_loop_share_goes_with_it() throws Exception {
        assertThat(grownKib("threads", 10_000)).isLessThan(8 << 10);
    }
}
