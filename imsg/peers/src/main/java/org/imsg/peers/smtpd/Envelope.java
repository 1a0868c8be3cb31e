package org.imsg.peers.smtpd;

import java.util.Map;

/**
 * A mail for one recipient, waiting.
 *
 * @param id of the envelope; its upper 32 bits are the message's
 * @param flags bits of smtpd's own
 * @param time when it is tried next or is being tried since, in seconds of the epoch
 * @param fields what smtpd keeps of it, by name: {@code sender}, {@code rcpt}, {@code type}, ...
 */
public record Envelope(long id, int flags, long time, Map<String, String> fields) {
    /** Copies the fields. */
    public Envelope {
        fields = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(fields));
    }

    /**
     * The message it belongs to.
     *
     * @return an unsigned 32-bit number
     */
    public int message() {
        return (int) (id >>> 32);
    }
}
