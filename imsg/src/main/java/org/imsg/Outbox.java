package org.imsg;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.imsg.sys.Constants.EACCES;
import static org.imsg.sys.Constants.EBADF;
import static org.imsg.sys.Constants.EINTR;
import static org.imsg.sys.Constants.EINVAL;
import static org.imsg.sys.Constants.EPERM;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedChannelException;
import org.imsg.sys.DescriptorCleaner;
import org.imsg.sys.Memory;
import org.imsg.sys.Msghdr;
import org.imsg.unix.Fd;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;

/**
 * The sending side of a channel: messages encoded one behind the other in one native buffer, and the descriptors that go out
 * with the first byte of some of them. For one thread at a time, but for {@link #drop}.
 */
final class Outbox {
    private static final int FIRST_CAPACITY = 4096;
    private static final int KEPT_CAPACITY = 1 << 20;

    private final Marks marks = new Marks();
    private boolean remembered;
    private Msghdr header;
    private MemorySegment buffer;
    private long address;
    private int capacity;
    /** Where the first message begins that is not sent whole, the first byte not sent, the first byte not composed. */
    private int head;
    private int start;
    private int end;
    /** How many are not sent whole. Other threads may ask, and get the number of some moment. */
    private int messages;
    /** How many bytes have been sent in all: with it, places in the buffer are places in the stream. */
    private long sent;
    private int bound = 16 << 20;
    /** How the lengths of queued messages are read back: as the channel reads, which is both formats for AUTO. */
    private Dialect dialect = Dialect.AUTO;

    void bound(int bytes) {
        bound = bytes;
    }

    void dialect(Dialect read) {
        dialect = read;
    }

    /** Bytes not sent yet. */
    int pending() {
        return end - start;
    }

    boolean hasRoom(int length) {
        return length <= bound - pending();
    }

    /**
     * Makes room for a message. Its payload is then copied to {@link #payloadAt}, and {@link #commit} queues it: whatever fails
     * before that leaves the queue as it was.
     */
    void reserve(int length) {
        if (!hasRoom(length))
            throw new ImsgQueueFullException(length, pending(), bound);
        if (capacity - end < length)
            makeRoom(length);
    }

    MemorySegment buffer() {
        return buffer;
    }

    /** Where in {@link #buffer} the payload of the message goes that {@link #reserve} made room for. */
    int payloadAt() {
        return end + ImsgHeader.SIZE;
    }

    void copy(byte[] payload, int from, int count) {
        MemorySegment.copy(payload, from, Memory.ALL, JAVA_BYTE, address + end + ImsgHeader.SIZE, count);
    }

    /**
     * Queues the message whose payload is in its place.
     *
     * @param fd taken over unless this throws; may be null
     */
    void commit(Dialect written, int type, int id, int pid, Fd fd, int length) throws ClosedChannelException {
        if (fd != null)
            mark(fd);
        ImsgHeader.write(Memory.ALL, address + end, written, type, length, fd != null, id, pid);
        end += length;
        messages++;
    }

    private void mark(Fd fd) throws ClosedChannelException {
        // Must not refer to this outbox, or the cleaner would keep it reachable.
        if (!remembered)
            DescriptorCleaner.CLEANER.register(this, marks::close);
        remembered = true;
        marks.add(sent + end - start, fd);
    }

    /**
     * One sendmsg(2): everything up to the next descriptor, or one descriptor and everything up to the one after it.
     *
     * @return the bytes sent, or the negative errno; where it {@linkplain #refusesDescriptor refuses the descriptor}, its message has been dropped
     */
    int sendOnce(int socket, int flags) {
        if (header == null)
            header = Msghdr.forSend();
        int count = end - start;
        int descriptor = -1;
        long firstMark = marks.firstAt();
        if (firstMark != Marks.NEVER) {
            long next = firstMark;
            if (firstMark == sent) {
                descriptor = marks.first();
                if (descriptor == Marks.NONE)
                    return -EBADF;
                next = marks.secondAt();
            }
            count = (int) Math.min(count, next - sent);
        }
        int n;
        do {
            n = header.send(socket, address + start, count, descriptor, flags);
        } while (n == -EINTR);
        if (n > 0)
            sent(n, descriptor >= 0);
        else if (descriptor >= 0 && refusesDescriptor(n))
            sent(length(start), true);
        return n;
    }

    /** Whether sendmsg(2) failed for the sake of the descriptor passed, and would again. */
    static boolean refusesDescriptor(int result) {
        return result == -EBADF || result == -EINVAL || result == -EPERM || result == -EACCES;
    }

    /** How many messages are not sent whole. */
    int messages() {
        return messages;
    }

    /** Drops everything queued and closes its descriptors. */
    void clear() {
        marks.clear();
        sent += end - start;
        head = start = end = messages = 0;
    }

    /** Closes the descriptors queued, and refuses more. Safe beside a thread that composes. */
    void drop() {
        marks.close();
    }

    private void sent(int n, boolean withDescriptor) {
        if (withDescriptor)
            marks.removeFirst();
        sent += n;
        start += n;
        if (start == end) {
            head = start = end = messages = 0;
            if (capacity > KEPT_CAPACITY)
                allocate(FIRST_CAPACITY);
        } else {
            for (int length; head + (length = length(head)) <= start; messages--)
                head += length;
        }
    }

    private int length(int at) {
        return ImsgHeader.length(buffer, at, dialect);
    }

    private void makeRoom(int length) {
        int kept = end - head;
        MemorySegment old = buffer;
        int needed = kept + length;
        // Moving pays as long as half of the buffer becomes free; else it would be moved again and again.
        if (old == null || needed > capacity / 2)
            allocate(Math.max(needed, Math.max(FIRST_CAPACITY, 2 * capacity)));
        if (old != null)
            MemorySegment.copy(old, head, buffer, 0, kept);
        start -= head;
        end -= head;
        head = 0;
    }

    private void allocate(int newCapacity) {
        buffer = Arena.ofAuto().allocate(newCapacity, 8);
        address = buffer.address();
        capacity = newCapacity;
    }
}
