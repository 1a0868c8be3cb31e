package org.imsg;

import java.util.Arrays;
import org.imsg.sys.Descriptors;
import org.imsg.unix.Fd;

/** The descriptors in a send queue, each with the place in the stream it goes out at: a ring of primitives. */
final class QueuedDescriptors {
    /** How many a queue may hold. */
    static final int MOST = 1024;
    /** The place of a descriptor that does not exist. */
    static final long NEVER = Long.MAX_VALUE;

    private long[] places = new long[4];
    private int[] numbers = new int[4];
    private int first;
    private int count;

    /** Takes the descriptor over, unless it throws. */
    void add(long place, Fd fd) {
        if (count == numbers.length)
            grow();
        numbers[index(count)] = fd.release();
        places[index(count++)] = place;
    }

    boolean isFull() {
        return count >= MOST;
    }

    long firstPlace() {
        return place(0);
    }

    long secondPlace() {
        return place(1);
    }

    /** The place of the descriptor added last. */
    long lastPlace() {
        return place(count - 1);
    }

    /** The first descriptor, which stays here. */
    int first() {
        return numbers[first];
    }

    /** Closes the first descriptor: the kernel has it, or its message is dropped. */
    void closeFirst() {
        int number = numbers[first];
        first = first + 1 & numbers.length - 1;
        count--;
        Descriptors.close(number);
    }

    /** Gives the descriptor back that was added last. */
    Fd takeLast() {
        Fd fd = Fd.of(numbers[index(count - 1)]);
        count--;
        return fd;
    }

    /** Closes all. */
    void close() {
        while (count > 0)
            closeFirst();
    }

    private long place(int nth) {
        return nth < 0 || nth >= count ? NEVER : places[index(nth)];
    }

    private int index(int nth) {
        return first + nth & numbers.length - 1;
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
