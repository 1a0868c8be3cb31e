package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The place of a member, for a struct of which only some members are described. The bytes between it and the member before
 * are ignored on reading and zero on writing. Members stand in the order of their offsets.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface At {
    /**
     * Returns the offset.
     *
     * @return bytes from the beginning of the struct
     */
    int value();
}
