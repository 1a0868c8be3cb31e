package org.imsg.unix;

import java.util.concurrent.atomic.AtomicLong;
import org.imsg.sys.Recorder;

/** The answers to the peers of a listener: counts them, logs refusals, and tells the flight recorder. Thread-safe. */
final class Admission {
    private final UnixAddress address;
    private final BoundedLog log;
    final AtomicLong accepted = new AtomicLong();
    final AtomicLong notAllowed = new AtomicLong();
    final AtomicLong tooMany = new AtomicLong();

    Admission(UnixAddress address, BoundedLog log) {
        this.address = address;
        this.log = log;
    }

    void accepted(PeerCredentials peer) {
        accepted.getAndIncrement();
        if (Recorder.started())
            ListenerEvents.accepted(address, peer);
    }

    void notAllowed(PeerCredentials peer) {
        refused(notAllowed, peer, "is not allowed");
    }

    void tooMany(PeerCredentials peer) {
        refused(tooMany, peer, "is one too many for the user");
    }

    private void refused(AtomicLong count, PeerCredentials peer, String why) {
        count.getAndIncrement();
        if (Recorder.started())
            ListenerEvents.refused(address, peer, why);
        log.warn("a connection to " + address + " from " + peer + " " + why, null);
    }
}
