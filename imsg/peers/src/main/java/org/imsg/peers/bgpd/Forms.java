package org.imsg.peers.bgpd;

import org.imsg.peers.Form;

/**
 * The structs of one version. Only what is known of each is described; what is not is zero when written.
 *
 * @param route without the AS path, which follows the struct
 * @param prefixes how many there are in all tables
 */
record Forms(Form<Neighbor> neighbor, Form<NeighborQuery> neighborQuery, Form<Route> route, Form<RibQuery> ribQuery,
        Form<Prefix> network, Form<Long> prefixes) {}
