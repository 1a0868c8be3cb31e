package org.imsg.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Memory by its address, for the two places where every nanosecond of a message counts. */
public final class Memory {
    /**
     * All of it: the offset of an access is its address. The JIT compiler knows this one segment's class, bounds and lifetime,
     * and drops the checks of each access that another segment in a field costs, and which halve the rate of small messages. So
     * nothing is checked: whoever uses it has compared offset and length with the buffer's capacity before, and holds the
     * segment the address came from until after.
     */
    public static final MemorySegment ALL = all();

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

    @SuppressWarnings("restricted")
    private static MemorySegment all() {
        return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    }
}
