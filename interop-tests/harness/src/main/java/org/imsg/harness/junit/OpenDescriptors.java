package org.imsg.harness.junit;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** The descriptors of this process that a test can leave open, as /proc tells: sockets, pipes, and files that are not the JVM's. */
final class OpenDescriptors {
    private static final Path SELF = Path.of("/proc/self/fd");
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private OpenDescriptors() {}

    /** Empty where there is no /proc. */
    static List<String> now() {
        List<String> open = new ArrayList<>();
        if (!Files.isDirectory(SELF))
            return open;
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(SELF)) {
            for (Path entry : entries) {
                String target = target(entry);
                if (!target.isEmpty() && !belongsToJvm(target))
                    open.add(entry.getFileName() + " -> " + target);
            }
        } catch (IOException _) {
            return new ArrayList<>();
        }
        return open;
    }

    private static String target(Path entry) {
        try {
            return Files.readSymbolicLink(entry).toString();
        } catch (IOException _) {
            return ""; // closed since it was listed
        }
    }

    private static boolean belongsToJvm(String target) {
        return target.endsWith(".jar") || target.startsWith(System.getProperty("java.home"))
                || target.startsWith("/dev/") && target.endsWith("random") || target.startsWith("/proc/")
                || target.startsWith("anon_inode:");
    }

    /** The descriptors that are open and were not; threads that are about to close something are given a moment. */
    static List<String> since(List<String> before) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        List<String> left = difference(before);
        while (!left.isEmpty() && System.nanoTime() < deadline) {
            LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
            left = difference(before);
        }
        return left;
    }

    private static List<String> difference(List<String> before) {
        List<String> left = now();
        left.removeAll(before);
        return left;
    }
}
