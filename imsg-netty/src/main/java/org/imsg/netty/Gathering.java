package org.imsg.netty;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.netty.buffer.ByteBuf;
import java.lang.foreign.MemorySegment;
import org.imsg.sys.Memory;
import org.imsg.wire.Dialect;
import org.imsg.wire.ImsgHeader;
import org.jspecify.annotations.Nullable;

/** Messages one behind the other in a buffer that is filled: header by header, and each payload right behind its header. */
final class Gathering {
    private @Nullable ByteBuf buffer;
    /** All memory where the buffer has an address, else the buffer's own; and where the first byte is in it. */
    private @Nullable MemorySegment memory;
    private long base;
    private int capacity;
    private int at;

    /** Begins with an empty buffer; taken over until {@link #end()}. */
    void begin(ByteBuf empty) {
        buffer = empty;
        at = 0;
        map();
    }

    private void map() {
        capacity = buffer.capacity();
        boolean addressed = buffer.hasMemoryAddress();
        memory = addressed ? Memory.ALL : MemorySegment.ofBuffer(buffer.internalNioBuffer(0, capacity));
        base = addressed ? buffer.memoryAddress() : 0;
    }

    boolean isEmpty() {
        return buffer == null;
    }

    /** Bytes so far. */
    int size() {
        return at;
    }

    /** Makes room for so many bytes more. */
    void reserve(int length) {
        if (length > capacity - at) {
            buffer.writerIndex(at).ensureWritable(length);
            map();
        }
    }

    /** Writes a header, for which {@link #reserve(int)} has made room, as for the payload that must follow. */
    void header(Dialect dialect, int type, int length, boolean marked, int id, int pid) {
        // The constant is what the JIT compiler makes fast code of.
        if (memory == Memory.ALL)
            ImsgHeader.write(Memory.ALL, base + at, dialect, type, length, marked, id, pid);
        else
            ImsgHeader.write(memory, at, dialect, type, length, marked, id, pid);
        at += ImsgHeader.SIZE;
    }

    void payload(byte[] bytes, int from, int count) {
        if (memory == Memory.ALL)
            MemorySegment.copy(bytes, from, Memory.ALL, JAVA_BYTE, base + at, count);
        else
            MemorySegment.copy(bytes, from, memory, JAVA_BYTE, at, count);
        at += count;
    }

    /** The readable bytes of a buffer, whose indices stay as they are. */
    void payload(ByteBuf bytes) {
        int count = bytes.readableBytes();
        bytes.getBytes(bytes.readerIndex(), buffer, at, count);
        at += count;
    }

    /** Takes back what the last message wrote. */
    void truncate(int size) {
        at = size;
    }

    /** {@return the buffer, the caller's} */
    ByteBuf end() {
        ByteBuf filled = buffer.writerIndex(at);
        buffer = null;
        memory = null;
        return filled;
    }
}
