package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A long, as wide as the platform makes it: {@code long}.
 * The component, or the element of its array, is one of {@code long}, {@code boolean}.
 */
@CType("long")
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface CLong {}
