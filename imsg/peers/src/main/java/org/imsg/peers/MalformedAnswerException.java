package org.imsg.peers;

import java.io.IOException;

/**
 * A daemon sent an answer that its client cannot read: the daemon is of another version than the client was told, or out of order.
 * The message names the daemon, the answer and the reason; the cause is the exception of the reading code.
 */
public final class MalformedAnswerException extends IOException {
    private static final long serialVersionUID = 1L;

    MalformedAnswerException(String message, Exception cause) {
        super(message, cause);
    }
}
