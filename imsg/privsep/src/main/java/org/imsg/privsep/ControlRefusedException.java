package org.imsg.privsep;

import java.io.IOException;

/** A program does not do what its control socket was asked for; the message says why. */
public final class ControlRefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    ControlRefusedException(String why) {
        super(why);
    }
}
