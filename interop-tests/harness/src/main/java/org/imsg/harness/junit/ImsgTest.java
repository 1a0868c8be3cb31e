package org.imsg.harness.junit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Tests of this class get their sockets, channels, peers and daemons as parameters: see {@link ImsgExtension}.
 *
 * {@snippet file = "org/imsg/harness/junit/ImsgExtensionTest.java" region = "example"}
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(ImsgExtension.class)
public @interface ImsgTest {}
