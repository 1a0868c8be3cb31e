package org.imsg.privsep;

import java.io.IOException;

/** There is no connection to a process: it has ended, or has not been started again yet. */
public final class PeerGoneException extends IOException {
    private static final long serialVersionUID = 1L;

    PeerGoneException(String who) {
        super(who + " is not connected: it has ended, or is not ready yet");
    }
}
