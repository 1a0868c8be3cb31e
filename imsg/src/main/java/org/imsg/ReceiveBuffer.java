package org.imsg;

import static org.imsg.sys.Constants.EAGAIN;
import static org.imsg.sys.Constants.ECONNABORTED;
import static org.imsg.sys.Constants.EINTR;
import static org.imsg.sys.Constants.ENOBUFS;
import static org.imsg.sys.Constants.ENOMEM;
import static org.imsg.sys.Constants.MSG_DONTWAIT;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.imsg.sys.Descriptors;
import org.imsg.sys.Memory;
import org.imsg.sys.Msghdr;
import org.imsg.wire.Dialect;
import org.imsg.wire.Framer;
import org.imsg.wire.ImsgHeader;
import org.jspecify.annotations.Nullable;

/**
 * The receiving side of a channel: one native buffer that recvmsg(2) fills and the framer reads in place. For the thread that has
 * the turn, but for {@link #surplus()} and {@link #received()}.
 *
 * <p>The buffer begins small and doubles as reads fill it, so that it follows what has arrived and not what a header announces:
 * up to 64 KiB, and beyond only while the message at its front needs it. Ten thousand idle channels cost little.
 */
final class ReceiveBuffer {
    private static final int FIRST_CAPACITY = 4096;
    private static final int FULL_CAPACITY = 65536;
    /** The capacity that may stay between two reads: shrinking and growing again costs a stream of long messages a quarter of its rate. */
    private static final int KEPT_CAPACITY = 4 * FULL_CAPACITY;

    private final Framer framer;
    private @Nullable Msghdr header;
    private boolean descriptorsAllowed;
    private long address;
    private int capacity;
    /** The first byte not delivered yet, and the first byte not received yet. */
    private int start;
    private int end;
    private boolean ended;
    /** The errno that ended the stream, or 0: the kernel tells it once. */
    private int failure;
    /**
     * The header that cannot be one, or the payload that was shorter than its handler took for granted; or null. Nothing is read
     * any more then, whatever the settings become.
     */
    private @Nullable ImsgProtocolException fault;
    private volatile long surplus;
    private long received;

    ReceiveBuffer(Dialect dialect, int limit) {
        framer = new Framer(dialect, limit, this::closeUnclaimed);
    }

    /** Takes over the settings of the channel, for the headers and reads to come. */
    void settings(Dialect dialect, int limit, boolean withDescriptors) {
        framer.dialect(dialect);
        framer.limit(limit);
        descriptorsAllowed = withDescriptors;
    }

    /** The format of the last marked message, or null. */
    @Nullable
    Dialect lastMarked() {
        return framer.lastMarked();
    }

    /** How many descriptors came and were closed because no message claims them. */
    long surplus() {
        return surplus;
    }

    /** How many bytes have come. */
    long received() {
        return received;
    }

    boolean ended() {
        return ended;
    }

    /**
     * One recvmsg(2), which does not wait.
     *
     * @return the bytes received; 0 if the stream has ended; 1 also if the buffer is full of messages not taken yet, or what
     *     comes next is a fault, behind which nothing is read any more; or the negative errno
     */
    int fill(int socket) {
        if (failure != 0)
            return -failure;
        if (ended)
            return 0;
        if (fault != null)
            return 1;
        makeRoom();
        framer.makeRoom();
        int free = capacity - end;
        if (free == 0)
            return 1;
        int n = receive(socket, free);
        if (n == 0)
            ended = true;
        else if (n < 0 && n != -EAGAIN && n != -ENOMEM && n != -ENOBUFS)
            fail(-n);
        if (n > 0)
            arrived(n);
        if (n == free && capacity < FULL_CAPACITY)
            resizeIfPossible(2 * capacity);
        return n;
    }

    /** Takes no memory. A thread without stack for it has lost a part of the stream, which ends here then. */
    private void arrived(int n) {
        failure = ECONNABORTED;
        int closed = header.closeSurplus();
        if (closed > 0)
            surplus += closed;
        framer.arrived(n, header.descriptorCount() > 0 ? header.descriptor(0) : -1, header.controlTruncated());
        end += n;
        received += n;
        failure = 0;
    }

    private int receive(int socket, int free) {
        if (header == null || header.receivesDescriptors() != descriptorsAllowed) {
            closeHeader();
            header = Msghdr.forReceive(descriptorsAllowed);
        }
        int n;
        do {
            n = header.receive(socket, address + end, free, MSG_DONTWAIT);
        } while (n == -EINTR);
        return n;
    }

    /** Ends the stream with an errno, which every later read tells again. It is no clean end, even if the kernel says so. */
    int fail(int errno) {
        failure = errno;
        ended = false;
        return -errno;
    }

    /**
     * Moves to the next whole message and shows it.
     *
     * @return false if there is none
     * @throws IOException if what comes next is no message, an {@link ImsgProtocolException}, or the stream has ended inside
     *     one, an {@link ImsgEofException}; every time
     */
    boolean next(ImsgView view) throws IOException {
        if (fault != null)
            throw fault.again();
        int available = end - start;
        if (available == 0)
            return false;
        long message = address + start;
        int length = framer.next(Memory.ALL, message, available);
        if (length <= 0) {
            checkPart(length);
            return false;
        }
        start += length;
        view.show(message, length, framer.descriptor());
        return true;
    }

    /** Puts back the message that was shown last, and could not be taken: it comes again. */
    void putBack(int length, int descriptor) {
        start -= length;
        framer.putBack(length, descriptor);
    }

    /** Throws for what cannot become a whole message. */
    private void checkPart(int length) throws IOException {
        if (length == Framer.BAD_HEADER) {
            framer.close();
            long message = address + start;
            fault = new ImsgProtocolException(ImsgHeader.type(Memory.ALL, message),
                    framer.saidLength(Memory.ALL, message), framer.limit(), ImsgHeader.word(Memory.ALL, message));
            throw fault;
        }
        if (ended) {
            framer.close();
            throw new ImsgEofException(end - start, framer.needed());
        }
    }

    /** Ends the stream for a message that is shorter than its handler took for granted. */
    ImsgProtocolException malformed(ImsgView message, RuntimeException cause) {
        fault = ImsgProtocolException.malformed(message, framer.limit(), cause);
        framer.close();
        return fault;
    }

    /** Gives memory back that a long message needed. To be called when no message is shown. */
    void shrink() {
        if (capacity > KEPT_CAPACITY && end - start <= FULL_CAPACITY / 2 && framer.needed() <= FULL_CAPACITY) {
            moveToFront();
            resizeIfPossible(FULL_CAPACITY);
        }
    }

    /** Closes every descriptor of messages that were not delivered and frees the memory. A second call has no effect. */
    void free() {
        ended = true;
        start = end = 0;
        framer.close();
        Memory.free(address);
        address = capacity = 0;
        closeHeader();
    }

    private void closeHeader() {
        if (header != null)
            header.close();
        header = null;
    }

    private void closeUnclaimed(int descriptor) {
        surplus++;
        Descriptors.close(descriptor);
    }

    /** Moves what is left to the front, and grows the buffer if what has arrived fills it and the message is not whole. */
    private void makeRoom() {
        if (capacity == 0)
            resize(FIRST_CAPACITY);
        moveToFront();
        if (end == capacity && framer.needed() > capacity)
            resize((int) Math.min(framer.needed(), 2L * capacity));
    }

    private void moveToFront() {
        if (start == 0)
            return;
        if (end > start)
            MemorySegment.copy(Memory.ALL, address + start, Memory.ALL, address, end - start);
        end -= start;
        start = 0;
    }

    /** For speed or thrift only: without memory for it, things go on as they are. */
    private void resizeIfPossible(int newCapacity) {
        try {
            resize(newCapacity);
        } catch (OutOfMemoryError _) {
            // another time
        }
    }

    private void resize(int newCapacity) {
        address = Memory.resize(address, newCapacity);
        capacity = newCapacity;
    }
}
