package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * An unsigned 64-bit number: {@code uint64_t}.
 * The component, or the element of its array, is one of {@code long}, {@code boolean}.
 * A {@code long}, which is no wider, holds the bits.
 */
@CType("uint64_t")
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface U64 {}
