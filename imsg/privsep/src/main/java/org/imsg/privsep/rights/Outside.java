package org.imsg.privsep.rights;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Another process, held against its confinement from outside: by what the kernel shows of it in /proc. */
final class Outside {
    /** Where a thread's niceness is in its file stat, from its state on. */
    private static final int NICE = 16;

    private final long pid;
    private final Path process;

    Outside(long pid) {
        this.pid = pid;
        process = Path.of("/proc", Long.toString(pid));
    }

    /** The differences, in words; none if the process has ended. */
    List<String> differences(Restrictions restrictions) throws IOException {
        List<String> differences = new ArrayList<>();
        try (Threads threads = Threads.of(process)) {
            if (!restrictions.isLimitedOnly())
                threads.differences(status -> Status.differenceFrom(restrictions, status), differences);
            for (Namespace each : restrictions.namespaces)
                if (namespace(process, each).equals(namespace(Path.of("/proc/self"), each)))
                    differences.add("has no " + each.file() + " namespace of its own");
            if (restrictions.chroot != null)
                rooted(restrictions.chroot.toRealPath(), differences);
            limited(restrictions.limits, differences);
            if (restrictions.niceness != 0)
                nice(restrictions.niceness, differences);
            if (restrictions.group != null)
                differences.addAll(restrictions.group.differences(pid));
            return differences;
        } catch (IOException | RuntimeException e) {
            // One that ends loses its root first, and then the files that were read here, one after the other: gone, empty or closed.
            if (Files.exists(process.resolve("root")))
                throw e;
            return List.of();
        }
    }

    private void rooted(Path declared, List<String> differences) throws IOException {
        Path root = Files.readSymbolicLink(process.resolve("root"));
        if (!root.equals(declared))
            differences.add("has root " + root + " instead of " + declared);
    }

    private void limited(Map<Resource, Long> declared, List<String> differences) throws IOException {
        List<String> limits = declared.isEmpty() ? List.of() : Files.readAllLines(process.resolve("limits"));
        declared.forEach((resource, most) -> {
            long has = resource.in(limits);
            if (Long.compareUnsigned(has, most) > 0)
                differences.add("has limit " + resource + " " + (has < 0 ? "unlimited" : has) + " instead of " + most);
        });
    }

    /** A child begins with the niceness of this process and its increment, and each thread with that of the one that started it. */
    private void nice(int increment, List<String> differences) throws IOException {
        int declared = Math.clamp(niceness(Path.of("/proc/thread-self")) + increment, -20, 19);
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(process.resolve("task"))) {
            for (Path thread : threads) {
                try {
                    int has = niceness(thread);
                    if (has < declared)
                        differences.add("thread " + thread.getFileName() + " has niceness " + has + " instead of "
                                + declared);
                } catch (IOException e) {
                    Threads.requireEnd(e);
                }
            }
        }
    }

    /** The name of a thread, in parentheses, may have any byte. */
    private static int niceness(Path thread) throws IOException {
        String stat = Files.readString(thread.resolve("stat"), StandardCharsets.ISO_8859_1);
        return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[NICE]);
    }

    private static @Nullable Path namespace(Path process, Namespace which) throws IOException {
        return Files.readSymbolicLink(process.resolve("ns").resolve(which.file()));
    }
}
