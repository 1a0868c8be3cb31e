package org.imsg.privsep.rights;

import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The control group of a child and of all that it starts: no process leaves it without a right to. Made by {@link ControlGroups}.
 * Thread-safe.
 */
public final class ControlGroup implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final long PAUSE_NANOS = 1_000_000;

    private final Path directory;
    private final GroupLimits limits;
    private @Nullable OutputStream kill;

    ControlGroup(Path directory) {
        this(directory, GroupLimits.none());
    }

    ControlGroup(Path directory, GroupLimits limits) {
        this.directory = directory;
        this.limits = limits;
    }

    /** Opens what ends the group, which Linux has since 5.14: there may be no descriptor left when all must go. */
    ControlGroup held() throws IOException {
        File file = directory.resolve("cgroup.kill").toFile();
        if (file.exists())
            kill = new FileOutputStream(file);
        return this;
    }

    /**
     * Moves a process into the group; those that it starts afterwards are in it too.
     *
     * @param pid the process, which this one has started and not waited for
     * @throws IOException if there is no such process, or the kernel refuses
     */
    public void add(long pid) throws IOException {
        ControlGroups.write(directory.resolve("cgroup.procs"), Long.toString(pid));
    }

    /**
     * The processes of the group now.
     *
     * @return their ids; of those of another PID namespace 0
     * @throws IOException if it was closed
     */
    public List<Long> pids() throws IOException {
        return Files.readAllLines(directory.resolve("cgroup.procs")).stream().map(Long::valueOf).toList();
    }

    /** Whether a process is outside, and the group allows more than it should, in words. */
    List<String> differences(long pid) throws IOException {
        List<String> differences = new ArrayList<>();
        if (!has(pid))
            differences.add("is not in the control group " + directory);
        for (var limit : limits.values().entrySet()) {
            String now = Files.readString(directory.resolve(limit.getKey())).strip();
            if (GroupLimits.isMore(now, limit.getValue()))
                differences.add("has " + limit.getKey() + " " + now + " instead of " + limit.getValue());
        }
        return differences;
    }

    /** Also if it has gone into a group within. */
    private boolean has(long pid) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path file : all.filter(each -> each.endsWith("cgroup.procs")).toList())
                if (Files.readAllLines(file).contains(Long.toString(pid)))
                    return true;
            return false;
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /**
     * Kills all processes of the group, and of groups that were made in it, in one call, which none escapes by forking. Does not
     * wait for their ends.
     *
     * @throws IOException if it was closed, or the kernel refuses; before Linux 5.14 there is no such call, unless there is no process
     */
    public synchronized void kill() throws IOException {
        if (kill != null)
            kill.write('1');
        else if (!Files.readAllLines(directory.resolve("cgroup.events")).contains("populated 0"))
            ControlGroups.write(directory.resolve("cgroup.kill"), "1");
    }

    /**
     * Kills all processes of the group, and removes it, and groups that were made in it, when they are gone. Does nothing if that was
     * done before.
     *
     * @throws IOException if some are still there after two seconds, or the kernel refuses
     */
    @Override
    public synchronized void close() throws IOException {
        try {
            if (Files.notExists(directory))
                return;
            kill();
            long deadline = System.nanoTime() + PATIENCE.toNanos();
            while (!removed(deadline))
                LockSupport.parkNanos(PAUSE_NANOS);
        } finally {
            if (kill != null)
                kill.close();
            kill = null;
        }
    }

    /** Removes the groups within before it; something mounted on one of them is no group. */
    private static void remove(Path group) throws IOException {
        try {
            Files.deleteIfExists(group);
            return;
        } catch (FileSystemException _) {
            // There are groups in it, or it is busy.
        }
        if (Files.exists(group.resolve("cgroup.procs")))
            try (DirectoryStream<Path> inside = Files.newDirectoryStream(group, Files::isDirectory)) {
                for (Path each : inside)
                    remove(each);
            }
        Files.deleteIfExists(group);
    }

    private boolean removed(long deadline) throws IOException {
        try {
            remove(directory);
            return true;
        } catch (DirectoryNotEmptyException e) {
            throw e;
        } catch (FileSystemException e) {
            // Busy: a process that was killed has not ended yet.
            if (System.nanoTime() - deadline > 0)
                throw e;
            return false;
        }
    }

    @Override
    public String toString() {
        return directory.toString();
    }
}
