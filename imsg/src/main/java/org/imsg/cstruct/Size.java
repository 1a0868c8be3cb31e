package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The size of a struct of which only some members are described, see {@link At}.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface Size {
    /**
     * Returns the size.
     *
     * @return bytes, at least to the end of the last member
     */
    int value();
}
