package org.imsg.harness.cli;

import java.nio.file.Path;
import org.imsg.unix.UnixAddress;

/** Checks the path of a socket before anything is done. */
final class SocketPath {
    private SocketPath() {}

    /**
     * Refuses a path that no socket can have.
     *
     * @throws IllegalArgumentException if it is too long
     */
    static void check(Path socket) {
        UnixAddress.of(socket);
    }
}
