package org.imsg.peers.bgpd;

import java.net.InetAddress;

/**
 * A neighbor and its session.
 *
 * @param address its address
 * @param description what the configuration calls it, maybe empty; 31 bytes in bgpd 7.7, 63 in later ones
 * @param remoteAs its autonomous system, 0 to 4294967295
 * @param external whether that is another than bgpd's own
 * @param state of the session
 * @param prefixesReceived how many it has announced, 0 to 4294967295
 * @param prefixesSent how many were announced to it, 0 to 4294967295
 */
public record Neighbor(InetAddress address, String description, long remoteAs, boolean external, State state,
        long prefixesReceived, long prefixesSent) {
    /** Where a session is; the ordinal is bgpd's own number. */
    public enum State {
        /** Not begun. */
        NONE,
        /** Waiting to begin. */
        IDLE,
        /** Connecting. */
        CONNECT,
        /** Waiting to be connected to. */
        ACTIVE,
        /** OPEN is sent. */
        OPEN_SENT,
        /** OPEN has come. */
        OPEN_CONFIRM,
        /** Routes are exchanged. */
        ESTABLISHED;

        static State of(int number) {
            if (number < 0 || number >= values().length)
                throw new IllegalArgumentException("session state " + number + ": 0 to " + (values().length - 1));
            return values()[number];
        }
    }
}
