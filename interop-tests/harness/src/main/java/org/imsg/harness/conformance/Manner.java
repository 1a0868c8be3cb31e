package org.imsg.harness.conformance;

import java.time.Duration;

/**
 * How a daemon behaves where it is free to.
 *
 * @param greeting how many messages it sends to a client that has said nothing
 * @param moment how long it may be silent when it has begun to answer
 * @param time how long an answer takes
 * @param ends whether it closes the connection after each answer
 */
record Manner(int greeting, Duration moment, Duration time, boolean ends) {
    /** Beyond that a crowd of clients would take too long. */
    private static final Duration SLOW = Duration.ofMillis(100);

    /** Of a daemon that is not known yet. */
    static Manner unknown(Target target, int greeting) {
        return new Manner(greeting, target.moment(), Duration.ZERO, false);
    }

    /** When it has answered. */
    Manner answering(Duration took, boolean ending, Duration patience) {
        Duration several = took.multipliedBy(4);
        Duration longest = several.compareTo(patience) < 0 ? several : patience;
        return new Manner(greeting, moment.compareTo(longest) < 0 ? longest : moment, took, ending);
    }

    boolean isSlow() {
        return time.compareTo(SLOW) > 0;
    }
}
