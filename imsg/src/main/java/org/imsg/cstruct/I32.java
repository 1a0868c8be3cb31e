package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A signed 32-bit number: {@code int32_t}.
 * The component, or the element of its array, is one of {@code int}, {@code long}, {@code boolean}.
 */
@CType("int32_t")
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface I32 {}
