package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * An unsigned 16-bit number: {@code uint16_t}.
 * The component, or the element of its array, is one of {@code short}, {@code char}, {@code int}, {@code long}, {@code boolean}.
 * A {@code short}, which is no wider, holds the bits.
 */
@CType("uint16_t")
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface U16 {}
