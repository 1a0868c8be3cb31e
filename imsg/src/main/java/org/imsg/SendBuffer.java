package org.imsg;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.imsg.sys.Constants.EACCES;
import static org.imsg.sys.Constants.EBADF;
import static org.imsg.sys.Constants.EINTR;
import static org.imsg.sys.Constants.EINVAL;
import static org.imsg.sys.Constants.EPERM;
import static org.imsg.sys.Constants.MSG_DONTWAIT;

import java.lang.foreign.MemorySegment;
import org.imsg.sys.Memory;
import org.imsg.sys.Msghdr;
import org.imsg.sys.Recorder;
import org.imsg.unix.Fd;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;
import org.jspecify.annotations.Nullable;

/**
 * The send queue of a channel: messages encoded one behind the other in one native buffer, and the descriptors that go out with
 * the first byte of some of them. For the thread that has the turn, but for the numbers that a channel tells.
 */
final class SendBuffer {
    private static final int FIRST_CAPACITY = 4096;
    private static final int KEPT_CAPACITY = 1 << 20;

    /** The number of the socket, to name it to the flight recorder. */
    private final int socket;
    private final QueuedDescriptors descriptors = new QueuedDescriptors();
    private @Nullable Msghdr header;
    private long address;
    private int capacity;
    /** Where the first message begins that is not sent whole, the first byte not sent, the first byte not composed. */
    private int head;
    private int start;
    private int end;
    /** Messages that are not sent whole and bytes not sent, for other threads: the numbers of some moment. */
    private int messages;
    private int queued;
    private long messagesSent;
    private long bytesSent;
    /** How many bytes have been sent in all: with it, places in the buffer are places in the stream. */
    private long sent;
    private volatile int bound = 16 << 20;
    /** How the lengths of queued messages are read back: as the channel reads, which is both formats for AUTO. */
    private Dialect dialect = Dialect.AUTO;
    /** Takes the messages that are sent, while the flight recorder wants them; or null. */
    private ChannelEvents.@Nullable MessageSent recorded;

    SendBuffer(int socket) {
        this.socket = socket;
    }

    void bound(int bytes) {
        bound = bytes;
    }

    /** Changes how lengths are read back; only while nothing is queued. */
    void dialect(Dialect read) {
        dialect = read;
    }

    boolean isEmpty() {
        return start == end;
    }

    /** How many messages are not sent whole. */
    int messages() {
        return messages;
    }

    /** How many bytes are not sent. */
    int queued() {
        return queued;
    }

    /** How many messages have been sent whole. */
    long messagesSent() {
        return messagesSent;
    }

    long bytesSent() {
        return bytesSent;
    }

    boolean hasRoom(int length, boolean withDescriptor) {
        return length <= bound - (end - start) && !(withDescriptor && descriptors.isFull());
    }

    /** The place in the stream of the first byte that is not sent. */
    long sentPlace() {
        return sent;
    }

    /** The place in the stream where the next message will begin. */
    long endPlace() {
        return sent + end - start;
    }

    // Composing: reserve, copy the payload, commit; a failure before the end leaves the queue as it was

    void reserve(int length, boolean withDescriptor) {
        if (!hasRoom(length, withDescriptor))
            throw full(length);
        if (capacity - end < length)
            makeRoom(length);
    }

    private ImsgQueueFullException full(int length) {
        if (Recorder.started())
            ChannelEvents.queueFull(socket, length, end - start, bound);
        return length <= bound - (end - start)
                ? new ImsgQueueFullException(QueuedDescriptors.MOST)
                : new ImsgQueueFullException(length, end - start, bound);
    }

    void copy(byte[] payload) {
        MemorySegment.copy(payload, 0, Memory.ALL, JAVA_BYTE, address + end + ImsgHeader.SIZE, payload.length);
    }

    /** Copies a part of the payload to its place. */
    void copy(MemorySegment part, long offset) {
        MemorySegment.copy(part, 0, Memory.ALL, address + end + ImsgHeader.SIZE + offset, part.byteSize());
    }

    /** Queues the message whose payload is in its place; takes the descriptor over, if there is one, unless it throws. */
    void commit(Dialect written, int type, int id, int pid, @Nullable Fd fd, int length) {
        ImsgHeader.write(Memory.ALL, address + end, written, type, length, fd != null, id, pid);
        if (fd != null)
            descriptors.add(endPlace(), fd);
        end += length;
        queued = end - start;
        messages++;
    }

    /** Whether no byte of a message has gone out that begins at that place. */
    boolean isUntouched(long place) {
        return sent <= place;
    }

    /** Takes the last message back, of which nothing has gone out; returns its descriptor or null. */
    @Nullable
    Fd takeBack(long place) {
        Fd fd = descriptors.lastPlace() == place ? descriptors.takeLast() : null;
        end = start + (int) (place - sent);
        queued = end - start;
        messages--;
        shrink();
        return fd;
    }

    // Sending

    /** Begins a flush, of one or more sends. */
    void beginSending() {
        recorded = Recorder.started() ? ChannelEvents.sending(socket) : null;
    }

    /**
     * One sendmsg(2), which does not wait: everything up to the next descriptor, or one descriptor and everything up to the one
     * after it.
     *
     * @return the bytes sent, or the negative errno
     */
    int send(int socket) {
        if (header == null)
            header = Msghdr.forSend();
        boolean withDescriptor = descriptors.firstPlace() == sent;
        long next = withDescriptor ? descriptors.secondPlace() : descriptors.firstPlace();
        int count = (int) Math.min(end - start, next - sent);
        int n;
        do {
            n = header.send(socket, address + start, count, withDescriptor ? descriptors.first() : -1, MSG_DONTWAIT);
        } while (n == -EINTR);
        if (n > 0) {
            int before = messages;
            bytesSent += n;
            sent(n, withDescriptor, recorded);
            messagesSent += before - messages;
        }
        return n;
    }

    /** Whether sendmsg(2) failed for the descriptor it was to pass, and would again. */
    boolean refusesDescriptor(int result) {
        return descriptors.firstPlace() == sent
                && (result == -EBADF || result == -EINVAL || result == -EPERM || result == -EACCES);
    }

    /** Drops the first message and closes its descriptor, which the kernel refuses. */
    void dropRefused() {
        sent(length(start), true, null);
    }

    /** Drops everything queued and closes its descriptors. */
    void clear() {
        drop();
        shrink();
    }

    private void drop() {
        descriptors.close();
        sent += end - start;
        head = start = end = messages = queued = 0;
    }

    /** Closes every descriptor and frees the memory. A second call has no effect. */
    void free() {
        drop();
        Memory.free(address);
        address = capacity = 0;
        if (header != null)
            header.close();
        header = null;
    }

    private void sent(int n, boolean withDescriptor, ChannelEvents.@Nullable MessageSent event) {
        // First of all, and without a call that could fail: no byte must go twice.
        sent += n;
        start += n;
        queued = end - start;
        if (start == end && event == null)
            head = start = end = messages = 0;
        if (withDescriptor)
            descriptors.closeFirst();
        for (int length; head < start && head + (length = length(head)) <= start; messages--) {
            if (event != null)
                event.sent(address + head, dialect);
            head += length;
        }
        shrink();
    }

    /** Gives memory back of which little is used. */
    private void shrink() {
        if (start == end)
            head = start = end = 0;
        int kept = end - head;
        if (capacity > KEPT_CAPACITY && kept < capacity / 8)
            try {
                moveToFront();
                resize(Math.max(FIRST_CAPACITY, 2 * kept));
            } catch (OutOfMemoryError _) {
                // It stays large until the next time.
            }
    }

    private int length(int at) {
        return ImsgHeader.length(Memory.ALL, address + at, dialect);
    }

    private void makeRoom(int length) {
        moveToFront();
        int kept = end;
        // Moving pays as long as half of the buffer becomes free; else it would be moved again and again.
        if (kept + length > capacity / 2)
            resize(Math.max(kept + length, Math.max(FIRST_CAPACITY, 2 * capacity)));
    }

    private void moveToFront() {
        if (head > 0)
            MemorySegment.copy(Memory.ALL, address + head, Memory.ALL, address, end - head);
        start -= head;
        end -= head;
        head = 0;
    }

    private void resize(int newCapacity) {
        address = Memory.resize(address, newCapacity);
        capacity = newCapacity;
    }
}
