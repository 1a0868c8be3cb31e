package org.imsg.harness.scripted;

import java.io.IOException;

/** The peer said something else than a script expects, or nothing. */
public final class ScriptFailedException extends IOException {
    private static final long serialVersionUID = 1;

    ScriptFailedException(String message) {
        super(message);
    }
}
