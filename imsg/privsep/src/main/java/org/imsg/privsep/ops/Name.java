package org.imsg.privsep.ops;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A name in a directory or a path beneath one, in the bytes the file system has, be they UTF-8 or not. */
record Name(byte[] bytes) {
    static Name of(String name) {
        return new Name(name.getBytes(UTF_8));
    }

    MemorySegment toNative(Arena arena) {
        MemorySegment string = arena.allocate(bytes.length + 1L);
        MemorySegment.copy(bytes, 0, string, JAVA_BYTE, 0, bytes.length);
        return string;
    }

    boolean isSelfOrParent() {
        return bytes.length > 0 && bytes[0] == '.' && (bytes.length == 1 || bytes.length == 2 && bytes[1] == '.');
    }

    @Override
    public String toString() {
        return new String(bytes, UTF_8);
    }
}
