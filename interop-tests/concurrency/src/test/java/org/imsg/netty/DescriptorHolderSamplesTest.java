package org.imsg.netty;

import io.netty.buffer.Unpooled;
import io.netty.util.IllegalReferenceCountException;
import java.util.concurrent.TimeUnit;
import org.imsg.concurrency.Duel;
import org.imsg.concurrency.Share;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

@Timeout(value = Share.MOST_MINUTES, unit = TimeUnit.MINUTES, threadMode = ThreadMode.SEPARATE_THREAD)
class DescriptorHolderSamplesTest {
    @Test
    void of_two_releases_one_is_the_last() throws Exception {
        new ReleaseAndRelease().sample(Share.of(25_000_000), "one is the last");
    }

    @Test
    void what_was_released_is_not_retained_again() throws Exception {
        new RetainAndRelease().sample(Share.of(20_000_000), "retained", "refused");
    }

    private static ImsgMessage message() {
        return new ImsgMessage(1, 2, 3, Unpooled.buffer(4));
    }

    private static int release(ImsgMessage message) {
        return message.release() ? 1 : 0;
    }

    private static final class ReleaseAndRelease extends Duel<ImsgMessage> {
        ReleaseAndRelease() {
            super(10_000);
        }

        @Override
        protected ImsgMessage begin() {
            ImsgMessage message = message();
            message.retain();
            return message;
        }

        @Override
        protected int one(ImsgMessage state) {
            return release(state);
        }

        @Override
        protected int other(ImsgMessage state) {
            return release(state);
        }

        @Override
        protected String outcome(ImsgMessage state, int one, int other) {
            return state.refCnt() > 0 || state.content().refCnt() > 0
                    ? "not freed"
                    : one + other == 1 ? "one is the last" : one + other + " are the last";
        }
    }

    private static final class RetainAndRelease extends Duel<ImsgMessage> {
        private static final int REFUSED = 2;

        RetainAndRelease() {
            super(10_000);
        }

        @Override
        protected ImsgMessage begin() {
            return message();
        }

        @Override
        protected int one(ImsgMessage state) {
            try {
                state.retain();
            } catch (IllegalReferenceCountException _) {
                return REFUSED;
            }
            return release(state);
        }

        @Override
        protected int other(ImsgMessage state) {
            return release(state);
        }

        @Override
        protected String outcome(ImsgMessage state, int one, int other) {
            if (state.refCnt() > 0 || state.content().refCnt() > 0)
                return "not freed";
            if (one == REFUSED)
                return other == 1 ? "refused" : "refused, and not the last";
            return one + other == 1 ? "retained" : one + other + " are the last";
        }
    }
}
