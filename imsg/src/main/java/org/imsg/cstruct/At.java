package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Where a member is, for a struct of which only some members are known. What lies between it and the member before is
 * ignored on reading and zero on writing. The order of members stays that of their offsets.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface At {
    /**
     * The offset.
     *
     * @return bytes from the beginning of the struct
     */
    int value();
}
