package org.imsg.peers.smtpd;

import java.io.IOException;

/** smtpd answered a request with FAIL: it is done already, may not be asked by this user, or cannot be. */
public final class SmtpdRefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    SmtpdRefusedException(String request) {
        super("smtpd refused " + request);
    }
}
