package org.imsg.peers.bgpd;

import java.net.InetAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A route in a routing table.
 *
 * @param prefix where it leads
 * @param neighbor who told it; null for bgpd's own networks
 * @param description what the configuration calls that neighbor; {@code LOCAL} for bgpd's own networks
 * @param flags bits: {@link #ELIGIBLE}, {@link #BEST}, {@link #INTERNAL}, {@link #ANNOUNCED}, and others of bgpd's own
 * @param origin 0 IGP, 1 EGP, 2 incomplete
 * @param path the autonomous systems it came through, the neighbor's first; empty for bgpd's own networks
 */
public record Route(Prefix prefix, @Nullable InetAddress neighbor, String description, long flags, int origin,
        List<Long> path) {
    /** May be chosen. */
    public static final int ELIGIBLE = 1;
    /** Is chosen. */
    public static final int BEST = 2;
    /** Was told by a neighbor of the same autonomous system. */
    public static final int INTERNAL = 4;
    /** Is a network of bgpd's own. */
    public static final int ANNOUNCED = 8;

    /** Copies the path. */
    public Route {
        path = List.copyOf(path);
    }

    /**
     * Whether this is the route that is used.
     *
     * @return true if {@link #BEST} is set
     */
    public boolean best() {
        return (flags & BEST) != 0;
    }
}
