package org.imsg.privsep.rights;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A directory of cgroup version 2 of a test's own. */
public final class TestControlGroups implements AutoCloseable {
    public final Path directory;

    private TestControlGroups(Path directory) {
        this.directory = directory;
    }

    /** Makes one, or says that this machine lets the test make none. */
    public static TestControlGroups make() throws IOException {
        Path mount = Files.readAllLines(Path.of("/proc/self/mounts")).stream().map(line -> line.split(" "))
                .filter(words -> words[2].equals("cgroup2")).map(words -> Path.of(words[1])).findFirst()
                .orElse(Path.of("/no/cgroup2/mount"));
        assumeThat(Files.isWritable(mount)).as("a cgroup version 2 file system to write to").isTrue();
        return new TestControlGroups(Files.createTempDirectory(mount, "imsg-test-"));
    }

    /** The names of the groups in it. */
    public List<String> groups() throws IOException {
        try (var entries = Files.list(directory)) {
            return entries.filter(Files::isDirectory).map(path -> path.getFileName().toString()).toList();
        }
    }

    /** Its name, as /proc/PID/cgroup has it. */
    public String name() {
        return directory.getFileName().toString();
    }

    /** Kills and removes all that is in it, and it. */
    public void endAll() throws IOException {
        new ControlGroup(directory).close();
    }

    @Override
    public void close() throws IOException {
        Files.delete(directory);
    }
}
