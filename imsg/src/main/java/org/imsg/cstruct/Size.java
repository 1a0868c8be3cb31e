package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * How large a struct is of which only some members are known, see {@link At}.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface Size {
    /**
     * The size.
     *
     * @return bytes, at least to the end of the last member
     */
    int value();
}
