package org.imsg.peers.smtpd;

import org.imsg.peers.RefusedException;

/** smtpd answered a request with FAIL: it is done already, may not be asked by this user, or cannot be. */
public final class SmtpdRefusedException extends RefusedException {
    private static final long serialVersionUID = 1L;

    SmtpdRefusedException(String request) {
        super("smtpd refused " + request);
    }
}
