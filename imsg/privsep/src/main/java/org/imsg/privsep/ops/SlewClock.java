package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.imsg.Ibuf;
import org.imsg.privsep.ops.Operation.Effect;

/** Lets the clock go faster or slower: for a while, until it has changed by some microseconds, or for good, by parts per billion. */
record SlewClock(boolean forGood, long amount) implements Operation.Request {
    static final Operation<SlewClock, Rule> OPERATION = new Operation<>(Effect.CHANGE, 10, "slew", SlewClock::read,
            Rule::of, SlewClock::perform);
    static final Duration MICROSECOND = Duration.ofNanos(1000);
    /** Bounds of adjtime(3) in the GNU C library, and of the kernel: 500 parts per million. */
    static final long MOST_MICROSECONDS = 2_145_000_000L;
    static final long MOST_PARTS_PER_BILLION = 500_000;

    @Override
    public int number() {
        return OPERATION.number();
    }

    @Override
    public void addTo(Ibuf payload) {
        payload.addN8(forGood ? 1 : 0).addN64(amount);
    }

    private static SlewClock read(Fields fields) throws MalformedRequestException {
        SlewClock slew = new SlewClock(fields.truth("for good"), fields.n64("amount"));
        long most = slew.forGood ? MOST_PARTS_PER_BILLION : MOST_MICROSECONDS;
        if (slew.amount < -most || slew.amount > most)
            throw new MalformedRequestException(slew.amount + (slew.forGood ? " parts per billion" : " microseconds")
                    + " are more than a clock can be slewed by");
        return slew;
    }

    @Override
    public String toString() {
        return forGood ? "set the clock's frequency to " + amount + " ppb" : "slew the clock by " + amount + " us";
    }

    /** {@code slew [within=SECONDS] [frequency=PPM]}; without {@code frequency}, none. */
    record Rule(Optional<Duration> within, long partsPerBillion) implements Operation.Rule<SlewClock> {
        private static Rule of(PolicyLine line) {
            line.options("within=", "frequency=");
            return new Rule(line.seconds("within="), line.option("frequency=").map(text -> {
                if (!text.matches("[0-9]{1,3}") || Long.parseLong(text) * 1000 > MOST_PARTS_PER_BILLION)
                    throw new IllegalArgumentException("expected 0 to 500 parts per million, not " + text);
                return Long.parseLong(text) * 1000;
            }).orElse(-1L));
        }

        @Override
        public Verdict verdict(SlewClock request) {
            if (request.forGood)
                return Math.abs(request.amount) <= partsPerBillion
                        ? Verdict.ALLOWED
                        : Verdict.objection(partsPerBillion < 0
                                ? "allows no frequency"
                                : "allows a frequency of " + partsPerBillion + " ppb");
            return within.isEmpty() || Math.abs(request.amount) <= within.get().toMillis() * 1000
                    ? Verdict.ALLOWED
                    : Verdict.objection("allows to slew by " + within.get().toSeconds() + " s");
        }
    }

    private static Answer perform(Permit<SlewClock, Rule> permit) throws IOException {
        SlewClock request = permit.request();
        SystemClock clock = permit.host().clock();
        long before = request.forGood
                ? clock.frequency(request.amount)
                : clock.slew(MICROSECOND.multipliedBy(request.amount))
                        .dividedBy(MICROSECOND);
        return Answer.done(List.of(Long.toString(before)));
    }
}
