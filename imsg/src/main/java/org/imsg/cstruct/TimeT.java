package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A time_t, as wide as the platform makes it: seconds: {@code time_t}.
 * The component, or the element of its array, is one of {@code long}, {@code boolean}.
 */
@CType("time_t")
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface TimeT {}
