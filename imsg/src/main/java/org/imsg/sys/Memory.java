package org.imsg.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory by its address: for the two places where every nanosecond of a message counts, and for memory that is given back when
 * its owner says so, not when the collector runs. An arena of that kind that several threads may use stops them all to close.
 */
public final class Memory {
    /**
     * All of it: the offset of an access is its address. The JIT compiler knows this one segment's class, bounds and lifetime,
     * and drops the checks of each access that another segment in a field costs, and which halve the rate of small messages. So
     * nothing is checked: the caller has compared offset and length with the buffer's capacity before, and holds the
     * segment the address came from until after.
     */
    public static final MemorySegment ALL = all();

    private static final CFunction REALLOC = new CFunction("realloc");
    private static final CFunction FREE = new CFunction("free");

    private Memory() {}

    /**
     * Makes a segment of memory whose lifetime is an arena's: once that is closed, an access throws.
     *
     * @param address the first byte
     * @param size in bytes
     * @param arena the lifetime; it does not free the memory
     * @return the segment
     */
    @SuppressWarnings("restricted")
    public static MemorySegment segment(long address, long size, Arena arena) {
        return MemorySegment.ofAddress(address).reinterpret(size, arena, null);
    }

    /**
     * Allocates memory, or makes allocated memory larger or smaller: realloc(3). Its contents stay as far as they fit; new
     * bytes are not cleared.
     *
     * @param address the memory, which may move, or 0 for none
     * @param size its new size in bytes, 1 or more
     * @return its address, to be freed by the caller
     * @throws OutOfMemoryError if there is no room; what there was stays
     */
    public static long resize(long address, long size) {
        long resized = REALLOC.pointer(address, size);
        if (resized < 0)
            throw new OutOfMemoryError("no room for " + size + " bytes outside of the heap");
        return resized;
    }

    /**
     * Allocates cleared memory as a segment, which is valid for any thread and does not know when it is freed.
     *
     * @param size in bytes, 1 or more
     * @return the segment, its address to be freed by the caller
     */
    @SuppressWarnings("restricted")
    static MemorySegment allocate(long size) {
        return MemorySegment.ofAddress(resize(0, size)).reinterpret(size).fill((byte) 0);
    }

    /**
     * Gives memory back: free(3). Allocates nothing.
     *
     * @param address memory allocated here that no thread uses any more, or 0
     */
    public static void free(long address) {
        if (address != 0)
            FREE.callAnyway(address, 0, 0);
    }

    @SuppressWarnings("restricted")
    private static MemorySegment all() {
        return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    }
}
