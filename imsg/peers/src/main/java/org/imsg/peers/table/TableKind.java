package org.imsg.peers.table;

/** A kind of look-up in a table. */
public enum TableKind {
    /** Names that stand for others. */
    ALIAS(1),
    /** Domains that mail is taken for. */
    DOMAIN(2),
    /** User names and their encrypted passwords. */
    CREDENTIALS(4),
    /** Addresses of machines. */
    NETADDR(8),
    /** Users of this machine: user id, group id and home directory. */
    USERINFO(0x10),
    /** Addresses to send from. */
    SOURCE(0x20),
    /** Mail addresses. */
    MAILADDR(0x40);

    final int number;

    TableKind(int number) {
        this.number = number;
    }

    static TableKind of(long number) {
        for (TableKind service : values()) {
            if (service.number == number)
                return service;
        }
        throw new IllegalArgumentException("table service " + number + " is not known");
    }
}
