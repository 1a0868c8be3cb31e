package org.imsg.privsep.ops;

/** What can be looked up; also a word of the policy. The order is that of the numbers on the wire, from 0 on. */
public enum Lookup {
    /** A user, by name or uid. */
    USER,
    /** A group, by name or gid. */
    GROUP,
    /** A service, by name or port, and protocol. */
    SERVICE,
    /** An RPC program, by name or number. */
    RPC,
    /** A host's ethernet address by name, or its name by ethernet address. */
    ETHER,
    /** The addresses of a host name. */
    HOST,
    /** The host name of an address. */
    ADDRESS,
    /** The local time's offset from UTC at an instant. */
    LOCALTIME
}
