package org.imsg.sys;

import static org.imsg.sys.Deadline.FOREVER;

import org.imsg.concurrency.Model;
import org.imsg.concurrency.Share;
import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag(Share.TORTURE)
class PollerModelTest {
    private static final String[] AWAIT = {"await"};
    private static final String[] WAKE = {"wake"};

    @Test
    void a_thread_that_is_about_to_park_is_woken_in_every_order() {
        Model.check(Threads.class, Specification.class, new String[]{"await", "await"}, WAKE);
    }

    @Test
    void each_of_two_threads_that_wait_for_one_descriptor_is_woken() {
        Model.check(Threads.class, Specification.class, AWAIT, WAKE, AWAIT);
    }

    @Test
    void a_thread_that_gives_up_leaves_the_other_in_the_queue() {
        Model.check(Threads.class, Specification.class, AWAIT, WAKE, new String[]{"giveUp"});
    }

    /** What the threads do: as a close does with what waits for the descriptor. */
    public static final class Threads {
        /** One for all: its memory is never given back. */
        private static final Poller POLLER = NeverReady.poller();
        private static final Integer NUMBER = NeverReady.open();

        private volatile boolean abandoned;

        @Operation
        public int await() {
            return POLLER.await(NUMBER, FOREVER, () -> abandoned);
        }

        @Operation
        public void giveUp() {
            POLLER.await(NUMBER, System.nanoTime() - 1, () -> false);
        }

        @Operation
        public void wake() {
            abandoned = true;
            POLLER.ready(NUMBER);
        }
    }

    /** What each thread is told. */
    public static final class Specification {
        public int await() {
            return 1;
        }

        public void giveUp() {
            // told nothing
        }

        public void wake() {
            // told nothing
        }
    }
}
