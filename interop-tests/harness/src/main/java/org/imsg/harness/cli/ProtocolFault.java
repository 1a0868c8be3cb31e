package org.imsg.harness.cli;

import java.io.IOException;

/** The peer sent bytes that cannot be a message. */
final class ProtocolFault extends IOException {
    private static final long serialVersionUID = 1;

    ProtocolFault(String message) {
        super(message);
    }
}
