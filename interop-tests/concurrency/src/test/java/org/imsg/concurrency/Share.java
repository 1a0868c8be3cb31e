package org.imsg.concurrency;

/** How much is done of what {@code -Ptorture} does. */
public final class Share {
    /** After which a test is hanging. */
    public static final int MOST_MINUTES = 30;

    /** The tag of what {@code mvn verify} leaves out. */
    public static final String TORTURE = "torture";

    private static final long THOUSANDTHS = Long.getLong("imsg.concurrency.share", 3);

    private Share() {}

    public static long of(long all) {
        return Math.max(1, all * THOUSANDTHS / 1000);
    }
}
