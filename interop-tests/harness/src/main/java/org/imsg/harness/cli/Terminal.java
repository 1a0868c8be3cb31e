package org.imsg.harness.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether a person looks at what is written. */
enum Terminal {
    /** Standard output. */
    OUT(1),
    /** Standard error. */
    ERR(2);

    private final int descriptor;

    Terminal(int descriptor) {
        this.descriptor = descriptor;
    }

    /** Whether another process reads what is written, through a pipe or a socket. */
    boolean isPipe() {
        return file().matches("(pipe|socket):.*");
    }

    private String file() {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/fd", String.valueOf(descriptor))).toString();
        } catch (IOException _) {
            return "";
        }
    }

    /** Where the system does not tell of each descriptor (not Linux), it is one if input and output are. */
    boolean isOne() {
        String file = file();
        return file.isEmpty()
                ? System.console() != null && System.console().isTerminal()
                : file.startsWith("/dev/pts/") || file.startsWith("/dev/tty") || file.equals("/dev/console");
    }
}
