package org.imsg.concurrency;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Two short acts on one state, each done by a thread of its own, at the same time as nearly as can be. Each sample has a
 * state of its own unless the duel says otherwise; its outcome is counted, and one that is not allowed fails the test.
 *
 * @param <S> the state
 */
public abstract class Duel<S> {
    private static final VarHandle AT = MethodHandles.arrayElementVarHandle(int[].class);
    /** Far enough apart for two lines of the cache. */
    private static final int APART = 64;
    /** How long a thread waits for the other before a sample: some microseconds. */
    private static final int SPINS = 60;
    /** By how much one begins before the other at most: by another amount in each sample. */
    private static final int MOST_AHEAD = 24;
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private final int batch;

    /** A duel whose states are made that many at once. */
    protected Duel(int batch) {
        this.batch = batch;
    }

    protected abstract S begin() throws Exception;

    protected abstract int one(S state) throws Exception;

    protected abstract int other(S state) throws Exception;

    /** Looks at the state when both are done, and gives back what it holds. */
    protected abstract String outcome(S state, int one, int other) throws Exception;

    /** Takes that many samples, and fails if one of them has another outcome than those. */
    public final void sample(long samples, String... allowed) throws Exception {
        Map<String, Long> outcomes = new TreeMap<>();
        List<S> states = new ArrayList<>(batch);
        int[] ones = new int[batch];
        int[] others = new int[batch];
        long began = System.nanoTime();
        for (long done = 0; done < samples; done += batch) {
            for (int i = 0; i < batch; i++)
                states.add(begin());
            fight(states, ones, others);
            for (int i = 0; i < batch; i++)
                outcomes.merge(outcome(states.get(i), ones[i], others[i]), 1L, Long::sum);
            states.clear();
        }
        System.out.printf("%s: %s in %d s%n", getClass().getName(), outcomes,
                (System.nanoTime() - began) / 1_000_000_000);
        assertThat(outcomes.keySet()).isSubsetOf(allowed);
    }

    private void fight(List<S> states, int[] ones, int[] others) throws Exception {
        int[] at = new int[2 * APART];
        List<Throwable> failures = new ArrayList<>();
        Thread opponent = Thread.ofPlatform().daemon().start(() -> {
            try {
                for (int i = 0; i < batch; i++) {
                    meet(at, APART, 0, i);
                    wait(MOST_AHEAD - i % (2 * MOST_AHEAD));
                    others[i] = other(states.get(i));
                }
            } catch (Throwable e) {
                failures.add(e);
            }
            AT.setVolatile(at, APART, Integer.MAX_VALUE);
        });
        try {
            for (int i = 0; i < batch; i++) {
                meet(at, 0, APART, i);
                wait(i % (2 * MOST_AHEAD) - MOST_AHEAD);
                ones[i] = one(states.get(i));
            }
        } finally {
            AT.setVolatile(at, 0, Integer.MAX_VALUE);
        }
        if (!opponent.join(PATIENCE))
            throw new AssertionError("a thread does not come back from its act: " + List.of(opponent.getStackTrace()));
        if (!failures.isEmpty())
            throw new AssertionError(failures.getFirst());
    }

    private static void wait(int spins) {
        for (int i = 0; i < spins; i++)
            Thread.onSpinWait();
    }

    /** Both begin the first sample together; later a thread that the other keeps waiting for long goes on alone. */
    private static void meet(int[] at, int mine, int its, int sample) {
        AT.setOpaque(at, mine, sample + 1);
        for (int i = 0; (i < SPINS || sample == 0) && (int) AT.getOpaque(at, its) <= sample; i++)
            if (i < SPINS)
                Thread.onSpinWait();
            else
                Thread.yield();
    }
}
