package org.imsg.peers.smtpd;

import java.util.List;

/**
 * A mail as it was handed in.
 *
 * @param sender the address in MAIL FROM
 * @param recipients the addresses in RCPT TO
 * @param text headers, empty line and body, lines ending with a newline
 */
public record Mail(String sender, List<String> recipients, String text) {
    /** Bytes of a mail that a server takes at most: 64 MiB. */
    public static final int MAX_SIZE = 64 << 20;
    /** Recipients of a mail that a server takes at most. */
    public static final int MAX_RECIPIENTS = 1000;

    /** Copies the list. */
    public Mail {
        recipients = List.copyOf(recipients);
    }
}
