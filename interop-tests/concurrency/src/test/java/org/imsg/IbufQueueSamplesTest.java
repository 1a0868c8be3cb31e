package org.imsg;

import java.util.concurrent.TimeUnit;
import org.imsg.concurrency.Duel;
import org.imsg.concurrency.Share;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

@Timeout(value = Share.MOST_MINUTES, unit = TimeUnit.MINUTES, threadMode = ThreadMode.SEPARATE_THREAD)
class IbufQueueSamplesTest {
    private static final int NOTHING = 0;

    @Test
    void buffers_come_out_in_the_order_they_were_pushed() throws Exception {
        new PushAndPop().sample(Share.of(5_000_000), "none", "the first late", "the first", "both");
    }

    @Test
    void two_queues_that_are_moved_into_each_other_lose_nothing() throws Exception {
        new ConcatAndBack().sample(Share.of(5_000_000), "both here", "both there");
    }

    private static Ibuf of(int value) {
        return Ibuf.open(4).addN32(value);
    }

    private static int value(Ibuf popped) {
        return popped == null ? NOTHING : (int) popped.getN32();
    }

    private static final class PushAndPop extends Duel<IbufQueue> {
        PushAndPop() {
            super(5000);
        }

        @Override
        protected IbufQueue begin() {
            return new IbufQueue();
        }

        @Override
        protected int one(IbufQueue state) {
            state.push(of(1));
            state.push(of(2));
            return 0;
        }

        @Override
        protected int other(IbufQueue state) {
            return 10 * value(state.pop()) + value(state.pop());
        }

        @Override
        protected String outcome(IbufQueue state, int one, int other) {
            int popped = (other / 10 > 0 ? 1 : 0) + (other % 10 > 0 ? 1 : 0);
            if (state.queuelen() != 2 - popped)
                return "one was lost or is there twice";
            return switch (other) {
                case 0 -> "none";
                case 1 -> "the first late";
                case 10 -> "the first";
                case 12 -> "both";
                default -> "popped " + other;
            };
        }
    }

    private record Two(IbufQueue here, IbufQueue there) {}

    private static final class ConcatAndBack extends Duel<Two> {
        ConcatAndBack() {
            super(5000);
        }

        @Override
        protected Two begin() {
            Two two = new Two(new IbufQueue(), new IbufQueue());
            two.here.push(of(1));
            two.there.push(of(2));
            return two;
        }

        @Override
        protected int one(Two state) {
            state.here.concat(state.there);
            return 0;
        }

        @Override
        protected int other(Two state) {
            state.there.concat(state.here);
            return 0;
        }

        @Override
        protected String outcome(Two state, int one, int other) {
            int here = state.here.queuelen();
            int there = state.there.queuelen();
            return here == 2 && there == 0
                    ? "both here"
                    : here == 0 && there == 2 ? "both there" : here + " and " + there;
        }
    }
}
