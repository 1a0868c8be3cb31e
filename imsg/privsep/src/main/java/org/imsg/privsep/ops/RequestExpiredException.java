package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;

/** The deadline of a request passed before there was an answer. The monitor closes a descriptor that it opened for it meanwhile. */
public final class RequestExpiredException extends IOException {
    private static final long serialVersionUID = 1L;

    /**
     * For a request.
     *
     * @param what the request
     * @param deadline its time
     */
    public RequestExpiredException(String what, Duration deadline) {
        super(what + " was not answered within " + deadline.toMillis() + " ms");
    }
}
