package org.imsg.privsep;

import java.io.IOException;

/**
 * No process of a role took a request: all that there may be were in use, or none was started in time. The descriptor of the request has
 * been closed.
 */
public final class RoleBusyException extends IOException {
    private static final long serialVersionUID = 1L;

    RoleBusyException(String why) {
        super(why);
    }
}
