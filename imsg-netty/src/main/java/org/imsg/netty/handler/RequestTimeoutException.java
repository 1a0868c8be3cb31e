package org.imsg.netty.handler;

import java.io.IOException;
import java.time.Duration;

/** The reply to a request, or the end of its replies, did not come in time. The channel stays as it is. */
public final class RequestTimeoutException extends IOException {
    private static final long serialVersionUID = 1L;

    RequestTimeoutException(Duration timeout) {
        super("no reply within " + timeout.toMillis() + " ms");
    }
}
