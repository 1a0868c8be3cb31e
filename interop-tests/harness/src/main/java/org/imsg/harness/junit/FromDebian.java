package org.imsg.harness.junit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.imsg.harness.debian.DebianSuite;

/** Says from which Debian a daemon or chroot is that a test asks {@link ImsgExtension} for. */
@Target(ElementType.PARAMETER)
@Retention(RetentionPolicy.RUNTIME)
public @interface FromDebian {
    /** {@return the suite} */
    DebianSuite value();
}
