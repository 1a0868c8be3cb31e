package org.imsg;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.imsg.cstruct.CStruct;
import org.imsg.cstruct.MalformedStructException;
import org.imsg.sys.Memory;
import org.imsg.unix.Fd;
import org.imsg.wire.Framer;
import org.imsg.wire.ImsgHeader;

/**
 * A message where it was received, without a copy: valid inside the call to {@link ImsgHandler#message} it was passed to, and
 * refused afterwards. One view serves all messages of a channel, so nothing is allocated for a message. For the thread of that
 * call only: it reads the receive buffer by its address, which another thread could still do when the buffer is gone.
 *
 * <p>Type, id and pid are unsigned 32-bit numbers in ints; offsets are in bytes from the first of the payload.
 */
public final class ImsgView {
    private static final ValueLayout.OfShort N16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt N32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong N64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final int TAKEN = -4;

    /** The receive buffer, which stays reachable by it, and the address of the header in it. */
    private MemorySegment memory;
    private long header;
    /** The payload's length, or -1 while the view is not valid. */
    private int length = -1;
    /** The descriptor, or a state of {@link Framer}'s, or TAKEN. */
    private int descriptor;

    ImsgView() {}

    void show(MemorySegment buffer, long headerAddress, int wholeLength, int descriptorOrState) {
        memory = buffer;
        header = headerAddress;
        length = wholeLength - ImsgHeader.SIZE;
        descriptor = descriptorOrState;
    }

    /** Whether its header has the mark, which also says what format it is in. */
    boolean isMarked() {
        return descriptor != Framer.NONE;
    }

    /** Ends the view's validity; returns the descriptor if nobody took it, or a negative number. */
    int end() {
        length = -1;
        return descriptor;
    }

    /**
     * The type: imsg_get_type.
     *
     * @return an unsigned 32-bit number
     * @throws IllegalStateException if the view is no longer valid, as every method here
     */
    public int type() {
        valid();
        return ImsgHeader.type(Memory.ALL, header);
    }

    /**
     * The id, peerid in the header: imsg_get_id.
     *
     * @return an unsigned 32-bit number
     */
    public int id() {
        valid();
        return ImsgHeader.peerid(Memory.ALL, header);
    }

    /**
     * The pid in the header, which proves nothing: imsg_get_pid.
     *
     * @return an unsigned 32-bit number
     */
    public int pid() {
        valid();
        return ImsgHeader.pid(Memory.ALL, header);
    }

    /**
     * The payload's length: imsg_get_len.
     *
     * @return bytes, 0 or more
     */
    public int length() {
        valid();
        return length;
    }

    /**
     * A byte.
     *
     * @param offset where
     * @return 0 to 255
     * @throws TruncatedMessageException if the payload ends before it, as with every method that takes an offset
     */
    public int getN8(int offset) {
        return Memory.ALL.get(JAVA_BYTE, at(offset, 1)) & 0xFF;
    }

    /**
     * A 16-bit number in network byte order.
     *
     * @param offset where
     * @return 0 to 65535
     */
    public int getN16(int offset) {
        return Memory.ALL.get(N16, at(offset, 2)) & 0xFFFF;
    }

    /**
     * A 32-bit number in network byte order.
     *
     * @param offset where
     * @return 0 to 4294967295
     */
    public long getN32(int offset) {
        return Memory.ALL.get(N32, at(offset, 4)) & 0xFFFF_FFFFL;
    }

    /**
     * A 64-bit number in network byte order.
     *
     * @param offset where
     * @return its 64 bits
     */
    public long getN64(int offset) {
        return Memory.ALL.get(N64, at(offset, 8));
    }

    /**
     * A 16-bit number in the machine's byte order.
     *
     * @param offset where
     * @return 0 to 65535
     */
    public int getH16(int offset) {
        return Memory.ALL.get(ValueLayout.JAVA_SHORT_UNALIGNED, at(offset, 2)) & 0xFFFF;
    }

    /**
     * A 32-bit number in the machine's byte order.
     *
     * @param offset where
     * @return 0 to 4294967295
     */
    public long getH32(int offset) {
        return Memory.ALL.get(ValueLayout.JAVA_INT_UNALIGNED, at(offset, 4)) & 0xFFFF_FFFFL;
    }

    /**
     * A 64-bit number in the machine's byte order.
     *
     * @param offset where
     * @return its 64 bits
     */
    public long getH64(int offset) {
        return Memory.ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, at(offset, 8));
    }

    /**
     * A C struct amid the payload; one with a flexible array reaches to the end.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @param offset where
     * @return the record
     * @throws MalformedStructException if the bytes cannot be the struct
     */
    public <T extends Record> T get(CStruct<T> struct, int offset) {
        int size = struct.flexible() ? Math.max(0, length() - offset) : struct.size();
        return struct.read(memory, place(offset, size), size);
    }

    /**
     * The C struct that the payload is, and nothing else: imsg_get_data.
     *
     * @param <T> the record that describes the struct
     * @param struct the struct
     * @return the record
     * @throws MalformedStructException if the payload has another size than the struct, both are named, or cannot be
     *     the struct otherwise
     */
    public <T extends Record> T getData(CStruct<T> struct) {
        return struct.read(memory, place(0, length()), length);
    }

    /**
     * The payload where it lies. The segment itself is not refused after the call, it then shows other bytes: do not keep it.
     *
     * @return a read-only segment of {@link #length} bytes
     */
    public MemorySegment payload() {
        valid();
        return memory.asSlice(place(0, length), length).asReadOnly();
    }

    /**
     * The payload as a buffer to read from: imsg_get_ibuf. As with {@link #payload}, do not keep it.
     *
     * @return a view, positioned at the first byte
     */
    public Ibuf getIbuf() {
        return Ibuf.fromBuffer(payload());
    }

    /**
     * Copies a part of the payload.
     *
     * @param offset where it begins
     * @param into the array to copy to
     * @param index where in the array
     * @param count how many bytes
     */
    public void copyTo(int offset, byte[] into, int index, int count) {
        MemorySegment.copy(Memory.ALL, JAVA_BYTE, at(offset, count), into, index, count);
    }

    /**
     * What became of the message's descriptor.
     *
     * @return its state
     */
    public Descriptor descriptor() {
        valid();
        return switch (descriptor) {
            case TAKEN -> Descriptor.TAKEN;
            case Framer.NONE -> Descriptor.NONE;
            case Framer.LOST -> Descriptor.LOST;
            case Framer.MISSING -> Descriptor.MISSING;
            default -> Descriptor.PRESENT;
        };
    }

    /**
     * Whether there is a descriptor to take.
     *
     * @return true if {@link #takeFd} would give one
     */
    public boolean hasFd() {
        valid();
        return descriptor >= 0;
    }

    /**
     * Takes the descriptor out: imsg_get_fd. What is not taken is closed after the call.
     *
     * @return the descriptor, the caller's; null if there is none to take, {@link #descriptor} says why
     */
    public Fd takeFd() {
        if (!hasFd())
            return null;
        Fd fd = Fd.of(descriptor);
        descriptor = TAKEN;
        return fd;
    }

    /**
     * The message on the heap, with the descriptor if there is one to take.
     *
     * @return a message of the caller's
     */
    public Imsg copy() {
        valid();
        byte[] bytes = new byte[length];
        MemorySegment.copy(Memory.ALL, JAVA_BYTE, header + ImsgHeader.SIZE, bytes, 0, length);
        Descriptor state = descriptor();
        return new Imsg(type(), id(), pid(), bytes, state, takeFd());
    }

    /** The address of a part of the payload. */
    private long at(int offset, int count) {
        valid();
        if (offset < 0 || count < 0)
            throw new IndexOutOfBoundsException(count + " bytes at offset " + offset);
        if (offset > length - count)
            throw new TruncatedMessageException(count, Math.max(0, length - offset));
        return header + ImsgHeader.SIZE + offset;
    }

    /** Where in the receive buffer a part of the payload lies. */
    private long place(int offset, int count) {
        return at(offset, count) - memory.address();
    }

    private void valid() {
        if (length < 0)
            throw new IllegalStateException(
                    "a view of a message is valid inside the handler's call only: copy() keeps it");
    }

    @Override
    public String toString() {
        return length < 0
                ? "imsg view, no longer valid"
                : "imsg type " + Integer.toUnsignedString(type()) + " id " + Integer.toUnsignedString(id()) + " pid "
                        + Integer.toUnsignedString(pid()) + ", " + length + " bytes, descriptor " + descriptor();
    }
}
