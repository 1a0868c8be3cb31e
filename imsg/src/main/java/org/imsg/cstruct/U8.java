package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * An unsigned 8-bit number: {@code uint8_t}.
 * The component, or the element of its array, is one of {@code byte}, {@code short}, {@code char}, {@code int}, {@code long}, {@code boolean}.
 * A {@code byte}, which is no wider, holds the bits.
 */
@CType("uint8_t")
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface U8 {}
