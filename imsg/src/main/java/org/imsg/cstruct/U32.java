package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * An unsigned 32-bit number: {@code uint32_t}.
 * The component, or the element of its array, is one of {@code int}, {@code long}, {@code boolean}.
 * A {@code int}, which is no wider, holds the bits.
 */
@CType("uint32_t")
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface U32 {}
