package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The C type of a number by its name, for those without an annotation of their own: {@code char}, {@code short},
 * {@code int}, {@code long}, {@code long long}, each also {@code signed} or {@code unsigned}, {@code int8_t} to
 * {@code uint64_t}, {@code _Bool}, {@code float}, {@code double}, {@code size_t}, {@code ssize_t}, {@code time_t},
 * {@code pid_t}, {@code uid_t}, {@code gid_t}, {@code void *}. A pointer is only its bits, since it points into another process.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.RECORD_COMPONENT, ElementType.ANNOTATION_TYPE})
public @interface CType {
    /**
     * Returns the type.
     *
     * @return its name in C
     */
    String value();
}
