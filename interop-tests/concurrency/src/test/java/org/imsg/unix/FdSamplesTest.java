package org.imsg.unix;

import static org.imsg.unix.OpenFiles.ANOTHER;
import static org.imsg.unix.OpenFiles.CLOSED;
import static org.imsg.unix.OpenFiles.OPEN;

import java.nio.channels.ClosedChannelException;
import java.util.concurrent.TimeUnit;
import org.imsg.concurrency.Duel;
import org.imsg.concurrency.Share;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

@Timeout(value = Share.MOST_MINUTES, unit = TimeUnit.MINUTES, threadMode = ThreadMode.SEPARATE_THREAD)
class FdSamplesTest {
    private static final int BATCH = 500;

    @Test
    void a_call_beside_a_close_reaches_its_own_file_or_is_refused() throws Exception {
        new UseAndClose().sample(Share.of(5_000_000), OPEN, CLOSED);
    }

    @Test
    void of_two_threads_that_close_one_closes_the_number() throws Exception {
        new CloseTwice().sample(Share.of(5_000_000), CLOSED);
    }

    @Test
    void a_descriptor_is_moved_or_closed_and_closed_once_in_the_end() throws Exception {
        new MoveAndClose().sample(Share.of(5_000_000), "moved", CLOSED);
    }

    private static class State {
        final Fd fd;
        final int number;
        int later;

        State() throws Exception {
            fd = OpenFiles.used();
            number = fd.intValue();
        }

        /** The fault that is there in the end, or the outcome. */
        String end(String outcome) {
            fd.close();
            if (!OpenFiles.closeLater(later))
                return "the file was closed that had the number next";
            return OpenFiles.state(number).equals(OPEN) ? "not closed" : outcome;
        }
    }

    private abstract static class FdDuel extends Duel<State> {
        FdDuel() {
            super(BATCH);
        }

        @Override
        protected State begin() throws Exception {
            return new State();
        }

        @Override
        protected int other(State state) {
            state.fd.close();
            state.later = OpenFiles.later();
            return 0;
        }
    }

    private static final class UseAndClose extends FdDuel {
        @Override
        protected int one(State state) {
            int inside;
            try {
                inside = state.fd.enter();
            } catch (ClosedChannelException _) {
                return 0;
            }
            try {
                return OpenFiles.state(inside).equals(OPEN) ? 1 : 2;
            } finally {
                state.fd.exit();
            }
        }

        @Override
        protected String outcome(State state, int one, int other) {
            return state.end(one == 0 ? CLOSED : one == 1 ? OPEN : ANOTHER);
        }
    }

    private static final class CloseTwice extends FdDuel {
        @Override
        protected int one(State state) {
            state.fd.close();
            return OpenFiles.later();
        }

        @Override
        protected String outcome(State state, int one, int other) {
            return state.end(OpenFiles.closeLater(one) ? CLOSED : "the file was closed that had the number next");
        }
    }

    private static final class MoveAndClose extends FdDuel {
        @Override
        protected int one(State state) {
            try (Fd moved = state.fd.move()) {
                return OpenFiles.state(moved.intValue()).equals(OPEN) ? 1 : 2;
            } catch (IllegalStateException _) {
                return 0;
            }
        }

        @Override
        protected String outcome(State state, int one, int other) {
            return state.end(one == 0 ? CLOSED : one == 1 ? "moved" : ANOTHER);
        }
    }
}
