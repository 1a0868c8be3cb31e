package org.imsg;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.MalformedStructException;
import org.imsg.sys.Memory;
import org.imsg.unix.Fd;
import org.imsg.wire.Framer;
import org.imsg.wire.ImsgHeader;
import org.jspecify.annotations.Nullable;

/**
 * A message where it was received, without a copy. One view serves all messages of a channel, so that a message allocates
 * nothing.
 *
 * <p>A view is valid inside the call to {@link ImsgHandler#message(ImsgView)} it was passed to, for the thread of that call.
 * Afterwards, and in any other thread, every method throws {@link IllegalStateException}.
 *
 * <p>Type, id and pid are unsigned 32-bit numbers in ints. Offsets are in bytes from the first of the payload. A method that
 * takes one throws {@link TruncatedMessageException} if the payload ends too early, and {@link IndexOutOfBoundsException} if
 * the offset is negative. Numbers are unsigned and named as in {@link Ibuf}: {@code N} for network byte order, {@code H} for
 * the byte order of this host.
 */
public final class ImsgView {
    private static final ValueLayout.OfShort H16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt H32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong H64 = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfShort N16 = H16.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt N32 = H32.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong N64 = H64.withOrder(ByteOrder.BIG_ENDIAN);

    private static final int TAKEN = -4;

    /** The thread that is shown a message, or null. No other gets past it, so that none reads memory that may be gone. */
    private @Nullable Thread reader;
    /** The address of the header. */
    private long header;
    /** The length of the payload. */
    private int length;
    /** The descriptor, or a state of {@link Framer}'s, or TAKEN. */
    private int descriptor;
    /** The lifetime of the segments handed out; null while there is none. */
    private @Nullable Arena scope;

    ImsgView() {}

    /** Shows the current thread a message; the memory must stay until {@link #end()}. */
    void show(long headerAddress, int wholeLength, int descriptorOrState) {
        header = headerAddress;
        length = wholeLength - ImsgHeader.SIZE;
        descriptor = descriptorOrState;
        reader = Thread.currentThread();
    }

    /** Returns whether the header has the mark, which also says what format it is in. */
    boolean isMarked() {
        return descriptor != Framer.NONE;
    }

    /** Ends the view's validity; returns the descriptor if it was not taken, or a negative number. */
    int end() {
        reader = null;
        if (scope != null) {
            Arena ended = scope;
            scope = null;
            ended.close();
        }
        return descriptor;
    }

    /**
     * Returns the type. C counterpart: {@code imsg_get_type}.
     *
     * @return an unsigned 32-bit number
     */
    public int type() {
        valid();
        return ImsgHeader.type(Memory.ALL, header);
    }

    /**
     * Returns the id, peerid in the header. C counterpart: {@code imsg_get_id}.
     *
     * @return an unsigned 32-bit number
     */
    public int id() {
        valid();
        return ImsgHeader.peerid(Memory.ALL, header);
    }

    /**
     * Returns the pid in the header, which proves nothing. C counterpart: {@code imsg_get_pid}.
     *
     * @return an unsigned 32-bit number
     */
    public int pid() {
        valid();
        return ImsgHeader.pid(Memory.ALL, header);
    }

    /**
     * Returns the length of the payload. C counterpart: {@code imsg_get_len}.
     *
     * @return bytes, 0 or more
     */
    public int length() {
        valid();
        return length;
    }

    /**
     * Reads a byte.
     *
     * @param offset its place
     * @return 0 to 255
     */
    public int getN8(int offset) {
        return Memory.ALL.get(JAVA_BYTE, at(offset, 1)) & 0xFF;
    }

    /**
     * Reads a 16-bit number in network byte order.
     *
     * @param offset its place
     * @return 0 to 65535
     */
    public int getN16(int offset) {
        return Memory.ALL.get(N16, at(offset, 2)) & 0xFFFF;
    }

    /**
     * Reads a 32-bit number in network byte order.
     *
     * @param offset its place
     * @return 0 to 4294967295
     */
    public long getN32(int offset) {
        return Memory.ALL.get(N32, at(offset, 4)) & 0xFFFF_FFFFL;
    }

    /**
     * Reads a 64-bit number in network byte order.
     *
     * @param offset its place
     * @return its 64 bits
     */
    public long getN64(int offset) {
        return Memory.ALL.get(N64, at(offset, 8));
    }

    /**
     * Reads a 16-bit number in the byte order of this host.
     *
     * @param offset its place
     * @return 0 to 65535
     */
    public int getH16(int offset) {
        return Memory.ALL.get(H16, at(offset, 2)) & 0xFFFF;
    }

    /**
     * Reads a 32-bit number in the byte order of this host.
     *
     * @param offset its place
     * @return 0 to 4294967295
     */
    public long getH32(int offset) {
        return Memory.ALL.get(H32, at(offset, 4)) & 0xFFFF_FFFFL;
    }

    /**
     * Reads a 64-bit number in the byte order of this host.
     *
     * @param offset its place
     * @return its 64 bits
     */
    public long getH64(int offset) {
        return Memory.ALL.get(H64, at(offset, 8));
    }

    /**
     * Reads a C struct; one with a flexible array reaches to the end.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @param offset its place
     * @return the record
     * @throws MalformedStructException if the bytes cannot be the struct
     */
    public <T extends Record> T get(CStruct<T> struct, int offset) {
        int size = struct.flexible() ? Math.max(0, length() - offset) : struct.size();
        return struct.read(Memory.ALL, at(offset, size), size);
    }

    /**
     * Reads the payload as one C struct. C counterpart: {@code imsg_get_data}.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @return the record
     * @throws MalformedStructException if the struct has another size, both are named, or the bytes cannot be the struct
     */
    public <T extends Record> T getData(CStruct<T> struct) {
        return struct.read(Memory.ALL, at(0, length()), length);
    }

    /**
     * Returns the payload where it lies.
     *
     * @return a read-only segment of {@link #length()} bytes, as long valid as this view and for the same thread
     */
    public MemorySegment payload() {
        long address = at(0, length());
        if (scope == null) {
            scope = Arena.ofConfined();
        }
        return Memory.segment(address, length, scope).asReadOnly();
    }

    /** Returns the payload where it lies, for use inside of one call. */
    MemorySegment bytes() {
        return Memory.ALL.asSlice(at(0, length()), length);
    }

    /**
     * Returns the payload as a buffer to read from. C counterpart: {@code imsg_get_ibuf}.
     *
     * @return a view of the whole payload, as long valid as this view and for the same thread
     */
    public Ibuf getIbuf() {
        return Ibuf.fromBuffer(payload());
    }

    /**
     * Copies a part of the payload.
     *
     * @param offset the place of its first byte
     * @param into the array to copy to
     * @param index the first index in the array
     * @param count how many bytes
     */
    public void copyTo(int offset, byte[] into, int index, int count) {
        MemorySegment.copy(Memory.ALL, JAVA_BYTE, at(offset, count), into, index, count);
    }

    /**
     * Returns what became of the descriptor of the message.
     *
     * @return its state
     */
    public DescriptorState descriptor() {
        valid();
        return switch (descriptor) {
            case TAKEN -> DescriptorState.TAKEN;
            case Framer.NONE -> DescriptorState.NONE;
            case Framer.LOST -> DescriptorState.LOST;
            case Framer.MISSING -> DescriptorState.MISSING;
            default -> DescriptorState.PRESENT;
        };
    }

    /**
     * Returns whether there is a descriptor to take.
     *
     * @return true if {@link #takeFd()} would give one
     */
    public boolean hasFd() {
        valid();
        return descriptor >= 0;
    }

    /**
     * Takes the descriptor out; otherwise it is closed after the call. C counterpart: {@code imsg_get_fd}.
     *
     * @return the descriptor, the caller's to close; null if there is none to take, {@link #descriptor()} says why
     */
    public @Nullable Fd takeFd() {
        if (!hasFd()) {
            return null;
        }
        Fd fd = Fd.of(descriptor);
        descriptor = TAKEN;
        return fd;
    }

    /**
     * Copies the message to the heap, and moves the descriptor to the copy if there is one to take.
     *
     * @return a message of the caller's
     */
    public Imsg copy() {
        byte[] bytes = new byte[length()];
        copyTo(0, bytes, 0, length);
        Imsg message = new Imsg(type(), id(), pid(), bytes, descriptor(), null);
        if (hasFd())
            message.putBack(takeFd());
        return message;
    }

    /** Returns the address of a part of the payload. */
    private long at(int offset, int count) {
        valid();
        if (offset < 0 || count < 0) {
            throw new IndexOutOfBoundsException(count + " bytes at offset " + offset);
        }
        if (offset > length - count) {
            throw new TruncatedMessageException(count, Math.max(0, length - offset));
        }
        return header + ImsgHeader.SIZE + offset;
    }

    private void valid() {
        if (reader != Thread.currentThread()) {
            throw new IllegalStateException(
                    "a view of a message is valid inside the handler's call and for its thread only: copy() keeps it");
        }
    }

    @Override
    public String toString() {
        return reader != Thread.currentThread()
                ? "imsg view, not valid here"
                : Imsg.describe(type(), id(), pid(), length, descriptor());
    }
}
