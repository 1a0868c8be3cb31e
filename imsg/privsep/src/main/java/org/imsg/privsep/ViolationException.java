package org.imsg.privsep;

import java.io.IOException;

/** A process sent what it should not. */
final class ViolationException extends IOException {
    private static final long serialVersionUID = 1L;

    ViolationException(String message) {
        super(message);
    }
}
