package org.imsg.harness.junit;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.imsg.WireFormat;
import org.imsg.harness.scripted.ScriptedPeer;

/** Says how the {@link ScriptedPeer} writes that a test asks {@link ImsgExtension} for, and which side it is. */
@Target(ElementType.PARAMETER)
@Retention(RetentionPolicy.RUNTIME)
public @interface Speaks {
    /** {@return the format; the channel passes its descriptors in the same} */
    WireFormat value() default WireFormat.AUTO;

    /** {@return which side the peer is; the channel is the other} */
    Side as() default Side.SERVER;

    /** The sides of a connection. */
    enum Side {
        /** The peer is the daemon, and the channel its client's. */
        SERVER,
        /** The peer is the client, and the channel its daemon's. */
        CLIENT
    }
}
