package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;

/** The deadline of a request passed before there was an answer. What the monitor opened for it meanwhile is closed there. */
public final class RequestExpiredException extends IOException {
    private static final long serialVersionUID = 1L;

    /**
     * For a request.
     *
     * @param what what was asked for
     * @param deadline how long it had
     */
    public RequestExpiredException(String what, Duration deadline) {
        super(what + " was not answered within " + deadline.toMillis() + " ms");
    }
}
