package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The name in C, where it is not the Java name in lower case with underscores: {@code remoteAs} is {@code remote_as}
 * without this annotation. For error messages and the printed layout only.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.RECORD_COMPONENT, ElementType.TYPE})
public @interface CName {
    /**
     * Returns the name.
     *
     * @return a C identifier
     */
    String value();
}
