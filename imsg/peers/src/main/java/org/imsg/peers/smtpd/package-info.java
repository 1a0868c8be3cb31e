/**
 * OpenSMTPD's control protocol, as smtpctl(8) and sendmail(8) speak it: {@link org.imsg.peers.smtpd.SmtpdClient}
 * asks an smtpd, {@link org.imsg.peers.smtpd.SmtpdServer} is one for them. May use cstruct and the parent package.
 */
package org.imsg.peers.smtpd;
