package org.imsg.peers.bgpd;

import org.imsg.peers.StructMapping;

/**
 * The structs of one version. Only the members that are known are described; the others are zero when written.
 *
 * @param route without the AS path, which follows the struct
 * @param prefixes how many there are in all tables
 */
record StructMappings(StructMapping<Neighbor> neighbor, StructMapping<NeighborQuery> neighborQuery,
        StructMapping<Route> route, StructMapping<RibQuery> ribQuery,
        StructMapping<Prefix> network, StructMapping<Long> prefixes) {}
