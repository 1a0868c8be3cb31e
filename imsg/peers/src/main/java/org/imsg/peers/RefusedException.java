package org.imsg.peers;

import java.io.IOException;

/** A daemon answered a question by refusing it. The connection is as good as before. */
public abstract class RefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    /**
     * Says who refused what.
     *
     * @param message the sentence
     */
    protected RefusedException(String message) {
        super(message);
    }
}
