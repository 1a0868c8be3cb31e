package org.imsg;

import static org.imsg.sys.Constants.EINTR;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.imsg.sys.Descriptors;
import org.imsg.sys.DescriptorCleaner;
import org.imsg.sys.Memory;
import org.imsg.sys.Msghdr;
import org.imsg.wire.Dialect;
import org.imsg.wire.Framer;
import org.imsg.wire.ImsgHeader;

/**
 * The receiving side of a channel: one native buffer that recvmsg(2) fills and the framer reads in place. For one thread at a
 * time. The buffer begins small and doubles as reads fill it, up to 64 KiB, or as far as one message needs: ten thousand idle
 * channels cost little.
 */
final class Inbox {
    private static final int FIRST_CAPACITY = 4096;
    private static final int FULL_CAPACITY = 65536;

    private final Framer framer;
    private Msghdr header;
    private boolean descriptorsAllowed;
    private MemorySegment buffer;
    private long address;
    private int capacity;
    /** The first byte not delivered yet, and the first byte not received yet. */
    private int start;
    private int end;
    private boolean ended;
    private ImsgProtocolException fault;

    Inbox(Dialect dialect, int limit) {
        // Must not refer to this inbox, or the cleaner would keep it reachable.
        framer = new Framer(dialect, limit, Descriptors::close);
    }

    Framer framer() {
        return framer;
    }

    void allowDescriptors() {
        if (!descriptorsAllowed)
            DescriptorCleaner.CLEANER.register(this, framer::close);
        descriptorsAllowed = true;
        header = null;
    }

    /**
     * One recvmsg(2).
     *
     * @return the bytes received; 0 if the stream has ended; 1 also if the buffer is full of messages not taken yet, or
     *     what comes next is a fault, behind which nothing is read any more; or the negative errno
     */
    int fill(int socket, int flags) {
        if (ended)
            return 0;
        if (fault != null)
            return 1;
        if (header == null)
            header = Msghdr.forReceive(descriptorsAllowed);
        makeRoom();
        int free = capacity - end;
        if (free == 0)
            return 1;
        int n;
        do {
            n = header.receive(socket, address + end, free, flags);
        } while (n == -EINTR);
        if (n == 0)
            ended = true;
        if (n <= 0)
            return n;
        framer.arrived(n, takeDescriptor(), header.controlTruncated());
        end += n;
        if (n == free && capacity < FULL_CAPACITY)
            grow(2 * capacity);
        return n;
    }

    /**
     * Moves to the next whole message and shows it.
     *
     * @return false if there is none
     * @throws IOException if what comes next is no message, an {@link ImsgProtocolException}, or the stream has ended
     *     inside one, an {@link ImsgEofException}
     */
    boolean next(ImsgView view) throws IOException {
        int available = end - start;
        if (available == 0)
            return false;
        long header = address + start;
        int length = framer.next(Memory.ALL, header, available);
        if (length <= 0) {
            checkPart(length);
            return false;
        }
        start += length;
        view.show(header, length, framer.descriptor());
        return true;
    }

    /** What cannot become a whole message is an error, and the same one every time. */
    private void checkPart(int length) throws IOException {
        if (fault != null)
            throw (IOException) fault.fillInStackTrace();
        if (length == Framer.BAD_LENGTH) {
            fault = new ImsgProtocolException(ImsgHeader.type(buffer, start), framer.saidLength(buffer, start),
                    framer.limit(), ImsgHeader.word(buffer, start));
            framer.close();
            throw fault;
        }
        if (ended) {
            framer.close();
            throw new ImsgEofException(end - start, framer.needed());
        }
    }

    boolean ended() {
        return ended;
    }

    /** Closes every descriptor held for messages that were not delivered. */
    void drop() {
        ended = true;
        start = end;
        framer.close();
    }

    /** One descriptor is a message's, as in C; the others that came with the same bytes are closed. */
    private int takeDescriptor() {
        int count = header.descriptorCount();
        for (int i = 1; i < count; i++)
            Descriptors.close(header.descriptor(i));
        return count > 0 ? header.descriptor(0) : -1;
    }

    /** Moves what is left to the front, and makes the buffer as large as the message at the front needs. */
    private void makeRoom() {
        if (buffer == null)
            allocate(FIRST_CAPACITY);
        if (start > 0) {
            if (end > start)
                MemorySegment.copy(buffer, start, buffer, 0, end - start);
            end -= start;
            start = 0;
        }
        if (framer.needed() > capacity)
            grow(Math.max(framer.needed(), Math.min(2 * capacity, FULL_CAPACITY)));
    }

    private void grow(int newCapacity) {
        MemorySegment old = buffer;
        allocate(newCapacity);
        MemorySegment.copy(old, 0, buffer, 0, end);
    }

    private void allocate(int newCapacity) {
        buffer = Arena.ofAuto().allocate(newCapacity, 8);
        address = buffer.address();
        capacity = newCapacity;
    }
}
