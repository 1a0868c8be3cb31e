package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Waits until a socket takes connections: between bind and listen its file is there, and connecting is refused. */
final class Listening {
    private static final Path SOCKETS = Path.of("/proc/net/unix");
    /** SO_ACCEPTCON among the flags. */
    private static final String ACCEPTS = " 00010000 ";

    private Listening() {}

    /** Returns the path when a process listens at it. */
    static Path await(Path socket) throws IOException {
        while (Files.readString(SOCKETS).lines()
                .noneMatch(line -> line.endsWith(" " + socket) && line.contains(ACCEPTS)))
            Thread.onSpinWait();
        return socket;
    }
}
