package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A {@code char} array with a string in it: the component is a {@code String}, in UTF-8. Bytes after the first NUL are
 * ignored on reading and zero on writing. Bytes that are not UTF-8 are read as U+FFFD.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface CString {
    /**
     * Returns the size of the array.
     *
     * @return bytes, with the NUL; 1 or more
     */
    int value();

    /**
     * Returns whether there must be a NUL.
     *
     * @return true, the default, if an array without one is an error on reading, and a string that leaves no room for
     *     it on writing; false if a string may fill the array
     */
    boolean terminated() default true;
}
