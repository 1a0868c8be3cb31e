/**
 * OpenNTPD's control protocol, as ntpctl(8) speaks it: {@link org.imsg.peers.ntpd.NtpdClient} asks an ntpd,
 * {@link org.imsg.peers.ntpd.NtpdServer} is one for ntpctl. May use cstruct and the parent package.
 */
package org.imsg.peers.ntpd;
