package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.imsg.Ibuf;
import org.imsg.privsep.ops.Operation.Effect;

/** Sets the clock, or changes it by some time. */
record SetClock(boolean relative, long seconds, int nanoseconds) implements Operation.Request {
    static final Operation<SetClock, Rule> OPERATION = new Operation<>(Effect.CHANGE, 9, "clock", SetClock::read,
            Rule::of, SetClock::perform);
    /** Instant and Duration both hold so many, with room to calculate. */
    private static final long MOST_SECONDS = 1L << 34;
    private static final int MOST_NANOSECONDS = 999_999_999;

    @Override
    public int number() {
        return OPERATION.number();
    }

    @Override
    public void addTo(Ibuf payload) {
        payload.addN8(relative ? 1 : 0).addN64(seconds).addN32(nanoseconds);
    }

    private static SetClock read(Fields fields) throws MalformedRequestException {
        SetClock clock = new SetClock(fields.truth("relative"), fields.n64("seconds"), fields.n32("nanoseconds"));
        if (clock.nanoseconds < 0 || clock.nanoseconds > MOST_NANOSECONDS)
            throw new MalformedRequestException("nanoseconds are 0 to " + MOST_NANOSECONDS + ", not "
                    + clock.nanoseconds);
        if (clock.seconds < -MOST_SECONDS || clock.seconds > MOST_SECONDS)
            throw new MalformedRequestException(clock.seconds + " seconds are more than any clock shows");
        return clock;
    }

    @Override
    public String toString() {
        return relative ? "adjust the clock by " + seconds + " s" : "set the clock to " + seconds + " s";
    }

    /** {@code clock [within=SECONDS]}. */
    record Rule(Optional<Duration> within, Changes changes) implements Operation.Rule<SetClock> {
        private static Rule of(PolicyLine line) {
            line.options("within=");
            return new Rule(line.seconds("within="), new Changes());
        }

        @Override
        public Verdict verdict(SetClock request) {
            return Verdict.ALLOWED;
        }
    }

    /** The sum of what a line has let the clock be changed by: many small steps would else go any way. */
    private static final class Changes {
        private Duration sum = Duration.ZERO;

        private synchronized void make(Permit<SetClock, Rule> permit) throws IOException {
            SetClock request = permit.request();
            Instant now = permit.host().clock().now();
            Duration given = Duration.ofSeconds(request.seconds, request.nanoseconds);
            Duration change = request.relative ? given : Duration.between(now, Instant.EPOCH.plus(given));
            Duration after = sum.plus(change);
            Optional<Duration> within = permit.rule().within;
            if (within.isPresent() && after.abs().compareTo(within.get()) > 0)
                throw permit.refusal("the clock may be changed by " + within.get().toSeconds() + " s in all, not by "
                        + after.toSeconds() + " s");
            permit.host().clock().set(now.plus(change));
            sum = after;
        }
    }

    private static Answer perform(Permit<SetClock, Rule> permit) throws IOException {
        permit.rule().changes.make(permit);
        return Answer.done(List.of());
    }
}
