package org.imsg.bench;

/** A quantity measured in a window. */
public enum Metric {
    /** Messages a second. */
    RATE("msg/s", "messages a second"),
    /** Processor time of the sending process. */
    SEND_CPU("ns/msg", "sender's processor time a message"),
    /** Processor time of the receiving process. */
    RECEIVE_CPU("ns/msg", "receiver's processor time a message"),
    /** Java heap allocated by all threads of both ends. */
    ALLOCATED("B/msg", "heap allocated a message, both ends"),
    /** The receiver's part of that. */
    RECEIVE_ALLOCATED("B/msg", "heap allocated a message received"),
    /** The median of a window's round trips. */
    P50("ns", "round trip, p50"),
    /** The 99th percentile. */
    P99("ns", "round trip, p99"),
    /** The 99.9th percentile. */
    P999("ns", "round trip, p99.9"),
    /** The first of new processes. */
    FIRST("ns", "the first");

    private final String unit;
    private final String title;

    Metric(String unit, String title) {
        this.unit = unit;
        this.title = title;
    }

    /**
     * The unit.
     *
     * @return as results name it, without spaces
     */
    public String unit() {
        return unit;
    }

    /**
     * What the number is.
     *
     * @return for people
     */
    public String title() {
        return title;
    }
}
