package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Bytes as they are: a {@code uint8_t} array, something opaque, or a union, whose members {@link CStruct#view(byte[])}
 * reads. The component is a {@code byte[]} of exactly this length. A union needs the alignment of its widest member, by
 * {@link Align}.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Bytes {
    /**
     * Returns the size of the array.
     *
     * @return bytes, 1 or more
     */
    int value();
}
