package org.imsg.privsep.ops;

/** Ids from the first to the last, both included. */
record IdRange(long first, long last) {
    private static final long MOST = 0xFFFF_FFFEL;

    IdRange {
        if (first < 0 || last > MOST || first > last)
            throw new IllegalArgumentException("ids are 0 to " + MOST + ", the lower first, not " + first + "-" + last);
    }

    /** Returns the only id of the range. */
    long one() {
        if (first != last)
            throw new IllegalArgumentException("expected one id, not " + this);
        return first;
    }

    static IdRange of(int id) {
        long unsigned = Integer.toUnsignedLong(id);
        return new IdRange(unsigned, unsigned);
    }

    /** Reads {@code 1000} or {@code 64000-64099}, or a name that the accounts know. */
    static IdRange parse(String text, Names names) {
        int dash = text.indexOf('-', 1);
        try {
            if (text.matches("[0-9].*"))
                return dash < 0
                        ? new IdRange(Long.parseLong(text), Long.parseLong(text))
                        : new IdRange(Long.parseLong(text.substring(0, dash)),
                                Long.parseLong(text.substring(dash + 1)));
        } catch (NumberFormatException _) {
            throw new IllegalArgumentException("a range of ids is such as 64000-64099, not " + text);
        }
        long id = names.id(text);
        return new IdRange(id, id);
    }

    /** Finds the id of a user's or a group's name. */
    interface Names {
        /** Throws IllegalArgumentException if there is no such name. */
        long id(String name);
    }

    boolean contains(int id) {
        long unsigned = Integer.toUnsignedLong(id);
        return unsigned >= first && unsigned <= last;
    }

    @Override
    public String toString() {
        return first == last ? Long.toString(first) : first + "-" + last;
    }
}
