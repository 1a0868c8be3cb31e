package org.imsg;

import java.nio.channels.ClosedChannelException;
import java.util.Arrays;
import org.imsg.sys.Descriptors;
import org.imsg.unix.Fd;

/**
 * The descriptors in a send queue, each with the place in the stream it goes out at: a ring of primitives. Thread-safe, so that a
 * channel can be closed while a message is being composed, and no descriptor is left behind.
 */
final class Marks {
    /** The place of a mark that does not exist. */
    static final long NEVER = Long.MAX_VALUE;
    /** In the place of a descriptor that does not exist. */
    static final int NONE = -1;

    private long[] places = new long[4];
    private int[] numbers = new int[4];
    private int first;
    private int count;
    private boolean closed;
    /** The place of the first mark: read on every send, so without the lock. */
    private volatile long firstAt = NEVER;

    /** Takes the descriptor over, unless it throws. */
    synchronized void add(long at, Fd fd) throws ClosedChannelException {
        if (closed)
            throw new ClosedChannelException();
        if (count == numbers.length)
            grow();
        int free = first + count & numbers.length - 1;
        numbers[free] = fd.release();
        places[free] = at;
        if (count++ == 0)
            firstAt = at;
    }

    long firstAt() {
        return firstAt;
    }

    /** The first descriptor, which stays here; {@link #NONE} if they were dropped. */
    synchronized int first() {
        return count == 0 ? NONE : numbers[first];
    }

    /** The place of the mark behind the first. */
    synchronized long secondAt() {
        return count < 2 ? NEVER : places[first + 1 & numbers.length - 1];
    }

    /** Closes the first descriptor: the kernel has it, or its message is dropped. */
    synchronized void removeFirst() {
        if (count == 0)
            return;
        int number = numbers[first];
        first = first + 1 & numbers.length - 1;
        count--;
        firstAt = count == 0 ? NEVER : places[first];
        Descriptors.close(number);
    }

    /** Closes all that were not sent, and takes no more. */
    synchronized void close() {
        closed = true;
        clear();
    }

    /** Closes all that were not sent. */
    synchronized void clear() {
        while (count > 0)
            removeFirst();
    }

    private void grow() {
        int size = numbers.length;
        long[] newPlaces = Arrays.copyOf(places, 2 * size);
        int[] newNumbers = Arrays.copyOf(numbers, 2 * size);
        System.arraycopy(places, 0, newPlaces, size, first);
        System.arraycopy(numbers, 0, newNumbers, size, first);
        places = newPlaces;
        numbers = newNumbers;
    }
}
