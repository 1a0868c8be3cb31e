package org.imsg.cstruct;

import java.lang.foreign.MemorySegment;

/** What {@link CodecCompiler} makes for one record: it reads and writes where it is told, and checks no size. */
interface Codec {
    /** Makes a record of the bytes from {@code at}; a flexible array ends at {@code end}. */
    Object read(MemorySegment bytes, long at, long end);

    /** Writes a record from {@code at}, padding included. */
    void write(Object value, MemorySegment bytes, long at);

    /** The bytes in the flexible array of a record, 0 if the struct has none. */
    long flexibleBytes(Object value);
}
