package org.imsg;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

import org.imsg.unix.Fd;

/**
 * A file of its own that knows how many descriptors are open on it. Counting by number would not do: the JVM may open a
 * class path entry and get the number just closed.
 */
final class Witness {
    private final Path file;

    Witness(Path directory) throws IOException {
        this.file = Files.createTempFile(directory, "witness", null).toRealPath();
    }

    Fd open() throws IOException {
        return Fd.open(file);
    }

    int openDescriptors() throws IOException {
        int count = 0;
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                if (leadsHere(descriptor)) {
                    count++;
                }
            }
        }
        return count;
    }

    private boolean leadsHere(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).equals(file);
        } catch (IOException closedMeanwhile) {
            return false;
        }
    }
}
