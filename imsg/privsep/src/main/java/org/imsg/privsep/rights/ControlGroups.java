package org.imsg.privsep.rights;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A directory of cgroup version 2 that is this program's alone, in which each child gets a {@link ControlGroup} of its own. systemd
 * gives a service such a directory with {@code Delegate=yes}; anywhere else an administrator makes one and names it. Nothing can be
 * concluded from being allowed to write to one, as root is everywhere: so it is named.
 *
 * <p>Linux only. Thread-safe. See cgroups(7).
 */
public final class ControlGroups {
    private static final String PREFIX = "imsg-";
    /** The first process of a container has the pid that the one before it had. */
    private static final String OURS = PREFIX + ProcessHandle.current().pid() + "-"
            + Long.toHexString(System.nanoTime()) + "-";
    private static final Path OWN = Path.of("/proc/self/cgroup");

    private final Path directory;
    private final AtomicInteger made = new AtomicInteger();

    private ControlGroups(Path directory) {
        this.directory = directory;
    }

    /**
     * Takes a directory over. Groups that an earlier run of this program has left there are killed and removed.
     *
     * @param directory it, absolute
     * @return the way to make groups in it
     * @throws PrivilegeException if it is no directory of cgroup version 2, or cannot be written to; the message says which
     */
    public static ControlGroups in(Path directory) throws PrivilegeException {
        ControlGroups groups = new ControlGroups(directory);
        try {
            if (!Files.getFileStore(directory).type().equals("cgroup2"))
                throw groups.refused("it is no directory of a cgroup version 2 file system");
            groups.removeStale();
            groups.make("trial", GroupLimits.none()).close();
            return groups;
        } catch (PrivilegeException e) {
            throw e;
        } catch (IOException | DirectoryIteratorException e) {
            throw groups.refused(words(e));
        }
    }

    /**
     * Takes over the group that this process is in, which must have been given to it, as systemd does with {@code Delegate=yes}.
     *
     * @return the way to make groups in it
     * @throws PrivilegeException as {@link #in(Path)}, or if this process is in none of version 2
     */
    public static ControlGroups own() throws PrivilegeException {
        try {
            for (String line : Files.readAllLines(OWN))
                if (line.startsWith("0::/"))
                    return in(mounted().resolve(line.substring("0::/".length())));
        } catch (PrivilegeException e) {
            throw e;
        } catch (IOException e) {
            throw new PrivilegeException("control groups", e);
        }
        throw new PrivilegeException("control groups", "this process is in no group of version 2");
    }

    private static Path mounted() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/mounts"))) {
            String[] words = line.split(" ");
            if (words.length > 2 && words[2].equals("cgroup2"))
                return Path.of(words[1]);
        }
        throw new PrivilegeException("control groups", "no cgroup version 2 file system is mounted");
    }

    /** A group that lives is this process's; one of another process is of a run that is over. */
    private void removeStale() throws IOException {
        List<Path> stale = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, PREFIX + "*")) {
            entries.forEach(stale::add);
        }
        for (Path each : stale)
            if (Files.isDirectory(each) && !each.getFileName().toString().startsWith(OURS))
                new ControlGroup(each).close();
    }

    /**
     * Tells why limits cannot be kept here.
     *
     * @param limits the limits
     * @return the reasons in words; empty if they can
     */
    public List<String> missing(GroupLimits limits) {
        try {
            enable(limits.controllers());
            return List.of();
        } catch (IOException e) {
            return List.of(e instanceof PrivilegeException ? e.getMessage() : refused(words(e)).getMessage());
        }
    }

    /**
     * Makes a group, with no process in it yet.
     *
     * @param name a word for its directory's name
     * @param limits what its processes may use together
     * @return the group, the caller's to close
     * @throws PrivilegeException if the limits cannot be kept here, or the group cannot be made; the message says why
     */
    public ControlGroup make(String name, GroupLimits limits) throws PrivilegeException {
        Path path = directory.resolve(OURS + made.incrementAndGet() + "-"
                + name.replaceAll("[^A-Za-z0-9_.-]", "_"));
        try {
            enable(limits.controllers());
            Files.createDirectory(path);
            for (var each : limits.values().entrySet())
                write(path.resolve(each.getKey()), each.getValue());
            if (limits.controllers().contains("memory")) {
                write(path.resolve("memory.oom.group"), "1");
                if (Files.exists(path.resolve("memory.swap.max")))
                    write(path.resolve("memory.swap.max"), "0");
            }
            return new ControlGroup(path, limits).held();
        } catch (PrivilegeException e) {
            throw e;
        } catch (IOException e) {
            remove(path);
            throw refused(words(e));
        }
    }

    private static void remove(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException _) {
            // It was not made.
        }
    }

    /** Controllers are for the children of a group without processes of its own, so this process moves out of the way. */
    synchronized void enable(Set<String> wanted) throws IOException {
        Set<String> needed = new TreeSet<>(wanted);
        needed.removeAll(words(directory.resolve("cgroup.subtree_control")));
        if (needed.isEmpty())
            return;
        Set<String> there = words(directory.resolve("cgroup.controllers"));
        if (!there.containsAll(needed))
            throw refused("of the controllers " + String.join(", ", needed) + " it has "
                    + (there.isEmpty() ? "none" : "only " + String.join(", ", there))
                    + ": the others are in use by cgroup version 1, or were not given to it (systemd: Delegate=yes)");
        if (Files.readAllLines(directory.resolve("cgroup.procs"))
                .contains(Long.toString(ProcessHandle.current().pid()))) {
            Path leaf = directory.resolve("parent");
            if (!Files.isDirectory(leaf))
                Files.createDirectory(leaf);
            write(leaf.resolve("cgroup.procs"), "0");
        }
        write(directory.resolve("cgroup.subtree_control"), "+" + String.join(" +", needed));
    }

    private static Set<String> words(Path file) throws IOException {
        Set<String> words = new TreeSet<>(List.of(Files.readString(file).strip().split("\\s+")));
        words.remove("");
        return words;
    }

    static void write(Path file, String text) throws IOException {
        Files.writeString(file, text, StandardOpenOption.WRITE);
    }

    private PrivilegeException refused(String why) {
        return new PrivilegeException("control groups in " + directory, why);
    }

    private static String words(Exception e) {
        return e instanceof FileSystemException failed && failed.getReason() != null
                ? failed.getFile() + ": " + failed.getReason()
                : e.toString();
    }

    @Override
    public String toString() {
        return directory.toString();
    }
}
