package org.imsg.sys;

import java.util.concurrent.TimeUnit;
import org.imsg.concurrency.Duel;
import org.imsg.concurrency.Share;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

@Timeout(value = Share.MOST_MINUTES, unit = TimeUnit.MINUTES, threadMode = ThreadMode.SEPARATE_THREAD)
class PollerSamplesTest {
    @Test
    void a_thread_that_is_about_to_park_is_woken() throws Exception {
        new AwaitAndWake().sample(Share.of(2_000_000), "woken");
    }

    private static final class State {
        final Integer number = NeverReady.open();
        volatile boolean abandoned;
    }

    private static final class AwaitAndWake extends Duel<State> {
        private static final long PATIENCE = TimeUnit.SECONDS.toNanos(20);
        private final Poller poller = NeverReady.poller();

        AwaitAndWake() {
            super(500);
        }

        @Override
        protected State begin() {
            return new State();
        }

        @Override
        protected int one(State state) {
            return poller.await(state.number, System.nanoTime() + PATIENCE, () -> state.abandoned);
        }

        @Override
        protected int other(State state) {
            state.abandoned = true;
            poller.ready(state.number);
            return 0;
        }

        @Override
        protected String outcome(State state, int one, int other) {
            poller.forgetOwn(state.number);
            Posix.close(state.number);
            return one == 1 ? "woken" : one == 0 ? "not woken" : "errno " + -one;
        }
    }
}
