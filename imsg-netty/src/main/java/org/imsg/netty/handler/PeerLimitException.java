package org.imsg.netty.handler;

import java.io.IOException;

/** The peer sent nothing, or took nothing, for longer than {@link ImsgLimits} allows; the channel is closed. */
public final class PeerLimitException extends IOException {
    private static final long serialVersionUID = 1L;

    PeerLimitException(String message) {
        super(message);
    }
}
