package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * An alignment above the natural one, {@code _Alignas} on a member or {@code __attribute__((aligned))} on a struct. On
 * {@link Bytes} that stand for a union: that of its widest member.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.RECORD_COMPONENT, ElementType.TYPE})
public @interface Align {
    /**
     * Returns the alignment.
     *
     * @return a power of two, in bytes
     */
    int value();
}
