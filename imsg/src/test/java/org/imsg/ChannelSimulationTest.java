package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Two channels at random, and between them a peer that cuts, holds back, resets, ends and says what is no message, and a
 * descriptor table that is full now and then. {@code -Dimsg.simulation.runs=N -Dimsg.simulation.seed=N} sets how many runs and from
 * which seed on; a seed is one order of events.
 */
class ChannelSimulationTest {
    private static final int RUNS = Integer.getInteger("imsg.simulation.runs", 2000);
    private static final long SEED = Long.getLong("imsg.simulation.seed", 13);
    /** Before the table is full for the first time every class is loaded: from a directory it could not be then. */
    private static final int WARM_UP = 200;

    @Test
    void messages_come_whole_once_and_in_order_descriptors_come_or_are_told_as_lost_and_every_end_is_told()
            throws Exception {
        try (PassedFiles files = new PassedFiles()) {
            for (long seed = SEED - WARM_UP; seed < SEED; seed++)
                run(seed, files, false);
            ChannelSimulation.Tally tally = new ChannelSimulation.Tally();
            for (long seed = SEED; seed < SEED + RUNS; seed++)
                tally.add(run(seed, files, true));
            System.out.println("simulated: " + tally);
            if (RUNS >= 1000)
                assertThat(tally.counts()).as("%s", tally).doesNotContain(0L);
        }
    }

    private static ChannelSimulation.Tally run(long seed, PassedFiles files, boolean withFullTable) {
        try (ChannelSimulation simulation = new ChannelSimulation(new Random(seed), files, withFullTable)) {
            return simulation.run();
        } catch (Exception | AssertionError e) {
            throw new AssertionError("-Dimsg.simulation.runs=1 -Dimsg.simulation.seed=" + seed, e);
        }
    }
}
