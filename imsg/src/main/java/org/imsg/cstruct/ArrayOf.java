package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * An array of a fixed number of elements. The component is a Java array of exactly this length; the other annotations
 * say what one element is.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface ArrayOf {
    /**
     * Returns the number of elements.
     *
     * @return 1 or more
     */
    int value();
}
