package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A size_t, as wide as the platform makes it: {@code size_t}.
 * The component, or the element of its array, is one of {@code long}, {@code boolean}.
 * On a platform of 64 bits it holds the bits.
 */
@CType("size_t")
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface SizeT {}
