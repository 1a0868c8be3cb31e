/**
 * The table backends of OpenSMTPD 6.8, programs that look up aliases, domains and the like for smtpd:
 * {@link org.imsg.peers.table.TableServer} is one in Java, {@link org.imsg.peers.table.TableClient} asks one
 * as smtpd does. May use cstruct and the parent package.
 */
package org.imsg.peers.table;
