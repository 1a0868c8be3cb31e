package org.imsg;

import java.io.IOException;
import org.imsg.concurrency.Model;
import org.imsg.concurrency.Share;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag(Share.TORTURE)
class TurnModelTest {
    @Test
    void one_thread_at_a_time_has_the_turn_and_memory_goes_with_it_in_every_order() {
        Model.check(Threads.class, Specification.class);
    }

    @Test
    void one_thread_at_a_time_has_the_turn_and_memory_goes_with_it_under_stress() {
        Model.stress(Threads.class, Specification.class);
    }

    @Test
    void memory_is_freed_once_the_last_of_three_threads_has_left() {
        Model.check(Threads.class, Specification.class, new String[]{"use"}, new String[]{"close"},
                new String[]{"use"});
    }

    /** What the threads do. */
    public static final class Threads {
        private final GuardedMemory memory = GuardedMemory.ofNewChannel();
        private volatile boolean closed;

        @Operation
        public String use() throws IOException {
            return memory.use(0) ? "used" : "closed";
        }

        @Operation(runOnce = true)
        public void close() throws IOException {
            memory.closeChannel();
            closed = true;
        }

        @Validate
        public void memoryIsFreedAndOnlyAfterAClose() throws IOException {
            if (closed != memory.isFreed())
                throw new IllegalStateException(closed ? "closed and not freed" : "freed and not closed");
            memory.closeChannel();
        }
    }

    /** What one thread would see. */
    public static final class Specification {
        private boolean closed;

        public String use() {
            return closed ? "closed" : "used";
        }

        public void close() {
            closed = true;
        }
    }
}
