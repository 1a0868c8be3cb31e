package org.imsg.privsep;

import java.io.IOException;

/** A process does not read, and as much is queued for it as may be: see {@link PeerBounds}. The message was not queued. */
public final class PeerQueueFullException extends IOException {
    private static final long serialVersionUID = 1L;

    PeerQueueFullException(String peer, int bytes, int descriptors) {
        super(peer + " does not read: " + bytes + " bytes and " + descriptors + " descriptors are queued for it");
    }
}
