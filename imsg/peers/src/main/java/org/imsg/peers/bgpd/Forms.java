package org.imsg.peers.bgpd;

import org.imsg.peers.Form;

/**
 * The structs of one version. Only the members that are known are described; the others are zero when written.
 *
 * @param route without the AS path, which follows the struct
 * @param prefixes how many there are in all tables
 */
record Forms(Form<Neighbor> neighbor, Form<NeighborQuery> neighborQuery, Form<Route> route, Form<RibQuery> ribQuery,
        Form<Prefix> network, Form<Long> prefixes) {}
