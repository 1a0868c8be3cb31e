package org.imsg.privsep;

import java.io.IOException;

/** A process sent what it should not. */
final class ViolationException extends IOException {
    private static final long serialVersionUID = 1L;

    ViolationException(String message) {
        super(message);
    }

    /** It is told in one line, and may come often. */
    @Override
    public synchronized Throwable fillInStackTrace() {
        return this;
    }
}
