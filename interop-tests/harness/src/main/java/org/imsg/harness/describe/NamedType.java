package org.imsg.harness.describe;

import org.imsg.harness.record.Direction;
import org.jspecify.annotations.Nullable;

/** A message type's name and struct; NONE means either direction. */
record NamedType(int type, String name, Direction direction, @Nullable StructLayout struct) {
    boolean fits(int otherType, Direction way) {
        return type == otherType && (direction == Direction.NONE || way == Direction.NONE || direction == way);
    }

    /**
     * A type written as a number, decimal or with 0x.
     *
     * @throws NumberFormatException if it is none from 0 to 4294967295
     */
    static int number(String text) {
        return text.startsWith("0x") ? Integer.parseUnsignedInt(text.substring(2), 16) : Integer.parseUnsignedInt(text);
    }
}
