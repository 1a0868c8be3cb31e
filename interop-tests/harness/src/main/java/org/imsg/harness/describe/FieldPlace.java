package org.imsg.harness.describe;

import org.imsg.cstruct.CLayout.Scalar;
import org.imsg.cstruct.CLayout.Text;
import org.imsg.cstruct.CLayout.Type;

/** A place for one value: a number, an address, or a string or bytes as a whole, which with no size are flexible. */
record FieldPlace(int offset, String name, Type type, int width) {
    boolean flexible() {
        return type.size() == 0;
    }

    boolean isText() {
        return type instanceof Text || type == CTypes.CHAR;
    }

    boolean isNumber() {
        return type instanceof Scalar || type == CTypes.IPV4;
    }
}
