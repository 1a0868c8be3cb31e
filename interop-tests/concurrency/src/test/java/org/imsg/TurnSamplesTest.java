package org.imsg;

import java.io.IOException;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.imsg.concurrency.Duel;
import org.imsg.concurrency.Share;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

@Timeout(value = Share.MOST_MINUTES, unit = TimeUnit.MINUTES, threadMode = ThreadMode.SEPARATE_THREAD)
class TurnSamplesTest {
    @Test
    void two_threads_that_take_the_turn_are_never_inside_together_and_neither_waits_for_good() throws Exception {
        TakeAndTake duel = new TakeAndTake();
        duel.sample(Share.of(30_000_000), "one after the other");
        duel.memory.closeChannel();
    }

    @Test
    void memory_is_freed_after_a_close_although_the_turn_is_given_back_without_a_fence() throws Exception {
        new UseAndClose().sample(Share.of(1_000_000), "used, freed", "closed, freed");
    }

    /** One turn for all samples. */
    private static final class TakeAndTake extends Duel<GuardedMemory> {
        private final GuardedMemory memory = GuardedMemory.ofNewChannel();

        TakeAndTake() {
            super(20_000);
        }

        @Override
        protected GuardedMemory begin() {
            return memory;
        }

        @Override
        protected int one(GuardedMemory state) throws IOException {
            return state.use(0) ? 1 : 0;
        }

        @Override
        protected int other(GuardedMemory state) throws IOException {
            return state.use(0) ? 1 : 0;
        }

        @Override
        protected String outcome(GuardedMemory state, int one, int other) {
            return one + other == 2 ? "one after the other" : "closed";
        }
    }

    private static final class UseAndClose extends Duel<GuardedMemory> {
        private static final int[] SPINS = {0, 0, 0, 3000};
        private final Random random = new Random(13);

        UseAndClose() {
            super(500);
        }

        @Override
        protected GuardedMemory begin() {
            return GuardedMemory.ofNewChannel();
        }

        @Override
        protected int one(GuardedMemory state) throws IOException {
            return state.use(SPINS[random.nextInt(SPINS.length)]) ? 1 : 0;
        }

        @Override
        protected int other(GuardedMemory state) throws IOException {
            state.closeChannel();
            return 0;
        }

        @Override
        protected String outcome(GuardedMemory state, int one, int other) {
            return (one == 1 ? "used, " : "closed, ") + (state.isFreed() ? "freed" : "not freed");
        }
    }
}
