package org.imsg;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Messages stay queued after a call that was to send them. The next flush goes on with them, from the first byte that was not
 * sent.
 *
 * <p>From {@code flush} it means that the time was over. From {@code send} it means that a part of the message has gone out, so
 * that it cannot be taken back: a second {@code send} would deliver it twice. A {@code send} that fails with any other exception
 * has taken nothing, neither the message nor its descriptor. C counterpart: none; {@code imsgbuf_flush} waits or fails.
 */
public final class ImsgQueuedException extends IOException {
    private static final long serialVersionUID = 1L;

    /** Messages not sent whole. */
    private final int messages;
    /** Bytes not sent. */
    private final int bytes;

    ImsgQueuedException(String why, int messages, int bytes, @Nullable Throwable cause) {
        super(why + ", still queued: " + messages + " message(s), " + bytes + " bytes", cause);
        this.messages = messages;
        this.bytes = bytes;
    }

    /**
     * Returns how many messages are queued and not sent whole.
     *
     * @return 0 or more
     */
    public int messages() {
        return messages;
    }

    /**
     * Returns how much is queued and not sent.
     *
     * @return bytes, 0 or more
     */
    public int bytes() {
        return bytes;
    }
}
