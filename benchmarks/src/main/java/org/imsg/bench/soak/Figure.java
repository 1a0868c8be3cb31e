package org.imsg.bench.soak;

/** A figure of each part in each silence, and how much its line may rise. */
enum Figure {
    /** Whole heaps are resident from the start on, so what rises is the JVM's or the C library's own memory. */
    MEMORY("resident memory", "MiB", 8, 8),
    /** After a full collection. */
    HEAP("heap in use", "MiB", 0.5, 1),
    /** A rise of half a one over the whole time is one that came and stayed. */
    THREADS("threads", "", 0.5, 0),
    /** As with threads. */
    DESCRIPTORS("descriptors", "", 0.5, 0),
    /** As with threads. */
    CHILDREN("children", "", 0.5, 0);

    private final String title;
    private final String unit;
    private final double once;
    private final double hourly;

    /** The rise that is allowed in any time, and further in each hour. */
    Figure(String title, String unit, double once, double hourly) {
        this.title = title;
        this.unit = unit;
        this.once = once;
        this.hourly = hourly;
    }

    String title() {
        return title;
    }

    String unit() {
        return unit;
    }

    /** Whether it is a number of things, which is the same in every silence. */
    boolean isCount() {
        return unit.isEmpty();
    }

    double allowedRise(double hours) {
        return once + hourly * hours;
    }
}
