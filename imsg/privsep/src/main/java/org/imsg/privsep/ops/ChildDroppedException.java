package org.imsg.privsep.ops;

import java.io.IOException;

/** A child is served no longer: it has passed one of its {@link Limits}, or a request could not be answered. The log says so, too. */
public final class ChildDroppedException extends IOException {
    private static final long serialVersionUID = 1L;

    ChildDroppedException(String why) {
        super(why);
    }
}
