package org.imsg.peers.bgpd;

import org.jspecify.annotations.Nullable;

/**
 * Which routes are asked for.
 *
 * @param rib the routing table, as the configuration calls it; empty for the usual one, {@code Loc-RIB}
 * @param neighbor the description of a neighbor whose routes they are; empty for all
 * @param prefix the network they lead to; null for all
 * @param flags 0, or {@link #RECEIVED} or {@link #SENT}
 */
public record RibQuery(String rib, String neighbor, @Nullable Prefix prefix, int flags) {
    /** What a neighbor told, before any filter. */
    public static final int RECEIVED = 0x2000;
    /** What a neighbor was told. */
    public static final int SENT = 0x4000;
    /** All routes of the usual table. */
    public static final RibQuery ALL = new RibQuery("", "", null, 0);

    /**
     * All routes that lead to one network.
     *
     * @param prefix the network
     * @return the query
     */
    public static RibQuery to(Prefix prefix) {
        return new RibQuery("", "", prefix, 0);
    }
}
