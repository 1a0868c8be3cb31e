package org.imsg.privsep;

import java.time.Duration;

/**
 * How long the parent waits for what a child, or its own finish hook, has to do.
 *
 * @param ready from the start of a child until it is confined and says so; then SIGKILL
 * @param end from the end of a child's channel until it has ended; then SIGTERM
 * @param term from SIGTERM until it has ended; then SIGKILL
 * @param finish for {@link Parent#finished(ParentProcess, Finish)}
 */
public record Deadlines(Duration ready, Duration end, Duration term, Duration finish) {
    private static final Duration LONGEST = Duration.ofDays(1);
    /** 30 seconds to be ready, 5 to end, 2 more after SIGTERM, 5 for the finish hook. */
    public static final Deadlines USUAL = new Deadlines(Duration.ofSeconds(30), Duration.ofSeconds(5),
            Duration.ofSeconds(2), Duration.ofSeconds(5));

    /** For a training run, at whose end the JVM writes a cache. */
    static final Deadlines TRAINING = new Deadlines(Duration.ofMinutes(2), Duration.ofMinutes(2), Duration.ofSeconds(2),
            Duration.ofSeconds(5));

    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException if one is not between 0, not included, and one day
     */
    public Deadlines {
        check("ready", ready);
        check("end", end);
        check("term", term);
        check("finish", finish);
    }

    private static void check(String name, Duration deadline) {
        if (!deadline.isPositive() || deadline.compareTo(LONGEST) > 0)
            throw new IllegalArgumentException(
                    "the deadline " + name + " is more than 0 and at most " + LONGEST + ", not " + deadline);
    }
}
