package org.imsg.peers.bgpd;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * Which neighbor is meant.
 *
 * @param address its address, or null
 * @param description what the configuration calls it; empty if the address says it
 */
record NeighborQuery(@Nullable InetAddress address, String description) {
    boolean means(Neighbor neighbor) {
        return address == null && description.isEmpty() || neighbor.address().equals(address)
                || !description.isEmpty() && neighbor.description().equals(description);
    }
}
