package org.imsg.privsep.ops;

import java.time.Duration;

/**
 * The share of the monitor that one child can have. A child that asks faster than {@code perSecond} after a {@code burst} is
 * slowed, and so is one with {@code unanswered} requests: the next is taken when there is room for its answer. A child is dropped,
 * and its channel closed, after {@code malformed} messages that are no requests, and when it leaves its answers unread for
 * {@code unread}.
 *
 * @param perSecond requests a second, 1 to 1000000
 * @param burst requests at once, 1 or more
 * @param unanswered requests without an answer in the socket, but for programs that run, 1 or more
 * @param programs programs that run at once, 0 or more; one more fails with EAGAIN
 * @param malformed messages that are no requests, 0 or more
 * @param threads requests that are worked on at once, 1 to 1024; no more descriptors than that wait for the child to read
 * @param lines lines a second about the child in the log, refusals included, 1 or more; as many at once. The others are counted
 * @param deadline the longest time of a request, and its time if it does not say; a program that runs has its rule's instead
 * @param unread the longest time that answers wait for the child to read
 */
public record Limits(int perSecond, int burst, int unanswered, int programs, int malformed, int threads, int lines,
        Duration deadline, Duration unread) {
    /**
     * 1000 requests a second after 200 at once, 256 unanswered, 64 programs, 3 malformed, 8 threads, 20 lines a second, 30 and 10
     * seconds.
     */
    public static final Limits USUAL = new Limits(1000, 200, 256, 64, 3, 8, 20, Duration.ofSeconds(30),
            Duration.ofSeconds(10));

    /**
     * Checks the ranges.
     *
     * @throws IllegalArgumentException if a number is out of range; the message has it
     */
    public Limits {
        check("requests a second", perSecond, 1, 1_000_000);
        check("requests at once", burst, 1, Integer.MAX_VALUE);
        check("unanswered requests", unanswered, 1, Integer.MAX_VALUE);
        check("programs", programs, 0, Integer.MAX_VALUE);
        check("malformed messages", malformed, 0, Integer.MAX_VALUE);
        check("threads", threads, 1, 1024);
        check("lines a second", lines, 1, 1_000_000);
        if (!deadline.isPositive() || !unread.isPositive())
            throw new IllegalArgumentException("deadlines are more than nothing, not " + deadline + " and " + unread);
    }

    private static void check(String what, int value, int least, int most) {
        if (value < least || value > most)
            throw new IllegalArgumentException(what + " are " + least + " to " + most + ", not " + value);
    }
}
