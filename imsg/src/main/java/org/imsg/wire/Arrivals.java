package org.imsg.wire;

import java.util.Arrays;

/** A queue of descriptors, each with the part of the stream it came with: a ring of primitives, nothing allocated per entry. */
final class Arrivals {
    private long[] from = new long[4];
    private long[] to = new long[4];
    private int[] fds = new int[4];
    private int first;
    private int count;

    boolean isEmpty() {
        return count == 0;
    }

    /** Makes room for one more, so that {@code add} needs no memory. */
    void makeRoom() {
        if (count == fds.length)
            grow();
    }

    void add(long fromInclusive, long toExclusive, int fd) {
        makeRoom();
        int at = first + count & fds.length - 1;
        from[at] = fromInclusive;
        to[at] = toExclusive;
        fds[at] = fd;
        count++;
    }

    long firstFrom() {
        return from[first];
    }

    long firstTo() {
        return to[first];
    }

    int remove() {
        int fd = fds[first];
        first = first + 1 & fds.length - 1;
        count--;
        return fd;
    }

    private void grow() {
        int size = fds.length;
        long[] newFrom = Arrays.copyOf(from, 2 * size);
        long[] newTo = Arrays.copyOf(to, 2 * size);
        int[] newFds = Arrays.copyOf(fds, 2 * size);
        for (int i = 0; i < first; i++) {
            newFrom[size + i] = from[i];
            newTo[size + i] = to[i];
            newFds[size + i] = fds[i];
        }
        from = newFrom;
        to = newTo;
        fds = newFds;
    }
}
