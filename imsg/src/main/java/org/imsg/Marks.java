package org.imsg;

import java.nio.channels.ClosedChannelException;
import java.util.ArrayDeque;
import org.imsg.unix.Fd;

/**
 * The descriptors in a send queue, each with the place in the stream it goes out at. Thread-safe, so that a channel can be
 * closed while a message is being composed, and no descriptor is left behind.
 */
final class Marks {
    /** The place of a mark that does not exist. */
    static final long NEVER = Long.MAX_VALUE;

    private record Mark(long at, Fd fd) {}

    private final ArrayDeque<Mark> marks = new ArrayDeque<>();
    private boolean closed;
    /** The place of the first mark: read on every send, so without the lock. */
    private volatile long firstAt = NEVER;

    /** Takes the descriptor over, unless it throws. */
    synchronized void add(long at, Fd fd) throws ClosedChannelException {
        if (closed)
            throw new ClosedChannelException();
        marks.add(new Mark(at, fd.move()));
        if (firstAt == NEVER)
            firstAt = at;
    }

    long firstAt() {
        return firstAt;
    }

    synchronized Fd first() {
        return marks.isEmpty() ? null : marks.peekFirst().fd;
    }

    /** The place of the mark behind the first. */
    synchronized long secondAt() {
        if (marks.size() < 2)
            return NEVER;
        var iterator = marks.iterator();
        iterator.next();
        return iterator.next().at;
    }

    /** Closes the first descriptor: the kernel has it, or its message is dropped. */
    synchronized void removeFirst() {
        Mark first = marks.pollFirst();
        if (first != null)
            first.fd.close();
        firstAt = marks.isEmpty() ? NEVER : marks.peekFirst().at;
    }

    /** Closes all that were not sent, and takes no more. */
    synchronized void close() {
        closed = true;
        clear();
    }

    /** Closes all that were not sent. */
    synchronized void clear() {
        while (!marks.isEmpty())
            removeFirst();
    }
}
