package org.imsg.cstruct;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A flexible array member: the last component, of as many elements as the rest of the payload holds. A {@code byte[]} takes
 * any bytes; a {@code String} any {@code char}s up to the first NUL, and is written with one; any other array whole
 * elements. As in C it begins at its own alignment, which may be before {@code sizeof} of the struct.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface FlexibleArray {}
