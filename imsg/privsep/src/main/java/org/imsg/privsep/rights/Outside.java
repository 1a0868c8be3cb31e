package org.imsg.privsep.rights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Another process, held against its confinement from outside: by what the kernel shows of it in /proc. */
final class Outside {
    private final Path process;

    Outside(long pid) {
        process = Path.of("/proc", Long.toString(pid));
    }

    /** The differences, in words; none if the process has ended. */
    List<String> differences(Restrictions restrictions) throws IOException {
        List<String> differences = new ArrayList<>();
        try (Threads threads = Threads.of(process)) {
            threads.differences(status -> Status.differenceFrom(restrictions, status), differences);
            for (Namespace each : restrictions.namespaces)
                if (namespace(process, each).equals(namespace(Path.of("/proc/self"), each)))
                    differences.add("has no " + each.file() + " namespace of its own");
            if (restrictions.chroot != null)
                rooted(restrictions.chroot.toRealPath(), differences);
        } catch (NoSuchFileException e) {
            // It has ended since, or has its pid only.
            if (Files.exists(process.resolve("root")))
                throw e;
        }
        return differences;
    }

    private void rooted(Path declared, List<String> differences) throws IOException {
        Path root = Files.readSymbolicLink(process.resolve("root"));
        if (!root.equals(declared))
            differences.add("has root " + root + " instead of " + declared);
    }

    private static @Nullable Path namespace(Path process, Namespace which) throws IOException {
        return Files.readSymbolicLink(process.resolve("ns").resolve(which.file()));
    }
}
