package org.imsg.privsep.ops;

import java.util.Locale;

/** The sockets that can be asked for. The order is that of the numbers on the wire, from 0 on. */
public enum SocketKind {
    /** TCP over IPv4 or IPv6. */
    TCP,
    /** UDP over IPv4 or IPv6. */
    UDP,
    /** A Unix stream socket. */
    UNIX,
    /** A Unix datagram socket. */
    UNIX_DATAGRAM;

    boolean isUnix() {
        return this == UNIX || this == UNIX_DATAGRAM;
    }

    boolean isStream() {
        return this == TCP || this == UNIX;
    }

    /** Its word in a policy. */
    String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
