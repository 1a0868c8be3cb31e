package org.imsg.privsep.ops;

import java.util.Locale;

/** The kinds of sockets. Their order is that of the numbers on the wire, from 0 on. */
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

    /** Returns its word in a policy. */
    String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
