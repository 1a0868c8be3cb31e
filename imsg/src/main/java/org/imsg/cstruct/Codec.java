package org.imsg.cstruct;

import java.lang.foreign.MemorySegment;

/** Reads and writes one kind of record at any place, and checks no size: a class that {@link CodecCompiler} makes. */
interface Codec {
    /** Makes a record of the bytes from {@code at}; a flexible array ends at {@code end}. */
    Object read(MemorySegment bytes, long at, long end);

    /** Writes a record from {@code at}, padding included. */
    void write(Object value, MemorySegment bytes, long at);

    /** Returns the bytes in the flexible array of a record, 0 if the struct has none. */
    long flexibleBytes(Object value);
}
