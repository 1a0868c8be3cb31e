/**
 * OpenBGPD's control protocol, as bgpctl(8) speaks it: {@link org.imsg.peers.bgpd.BgpdClient} asks a bgpd,
 * {@link org.imsg.peers.bgpd.BgpdServer} is one for bgpctl. May use cstruct and the parent package.
 */
package org.imsg.peers.bgpd;
