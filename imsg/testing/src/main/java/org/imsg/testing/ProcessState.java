package org.imsg.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Set;
import java.util.TreeSet;

/**
 * What this process holds of the operating system at one moment, as far as a test could leave it behind. Each entry is
 * a text that names the thing well enough to find it: {@code fd 12 -> socket:[4711]}, {@code child 815 (sh, Z)},
 * {@code mount tmpfs on /mnt}.
 *
 * @param descriptors open descriptors, without those the JVM opens for itself
 * @param children child processes, running or waiting to be reaped
 * @param mounts mount points in this process's temporary directories and in its working directory
 */
record ProcessState(Set<String> descriptors, Set<String> children, Set<String> mounts) {
    private static final Path SELF = Path.of("/proc/self");
    private static final String JAVA_HOME = System.getProperty("java.home");

    /** Whether this system shows its processes' state under {@code /proc/self}, as Linux does. */
    static boolean isVisible() {
        return Files.isDirectory(SELF.resolve("fd")) && Files.isReadable(SELF.resolve("mountinfo"));
    }

    static ProcessState now() {
        try {
            return new ProcessState(readDescriptors(), readChildren(), readMounts());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    boolean contains(String entry) {
        return descriptors.contains(entry) || children.contains(entry) || mounts.contains(entry);
    }

    /** Everything in {@code other} that is not here, in an order that reads well. */
    Set<String> missingFrom(ProcessState other) {
        Set<String> missing = new TreeSet<>(Comparator.<String>comparingInt(String::length)
                .thenComparing(Comparator.naturalOrder()));
        missing.addAll(other.descriptors);
        missing.addAll(other.children);
        missing.addAll(other.mounts);
        missing.removeAll(descriptors);
        missing.removeAll(children);
        missing.removeAll(mounts);
        return missing;
    }

    private static Set<String> readDescriptors() throws IOException {
        Set<String> open = new TreeSet<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(SELF.resolve("fd"))) {
            for (Path entry : entries) {
                String target = readLink(entry);
                if (!target.isEmpty() && !belongsToJvm(target)) {
                    open.add("fd " + entry.getFileName() + " -> " + target);
                }
            }
        }
        return open;
    }

    private static String readLink(Path entry) {
        try {
            return Files.readSymbolicLink(entry).toString();
        } catch (IOException _) {
            return ""; // closed since it was listed
        }
    }

    /**
     * Class files, archives and entropy are opened by the JVM when it pleases; the listing itself holds one more. The eventfds
     * that wake waiting threads belong to the whole process: which of them stay open depends on how many threads waited at once.
     */
    private static boolean belongsToJvm(String target) {
        return target.endsWith(".jar") || target.equals("anon_inode:[eventfd]") || target.startsWith(JAVA_HOME)
                || target.equals("/dev/random")
                || target.equals("/dev/urandom") || target.matches("/proc/\\d+/(task/\\d+/)?fd");
    }

    private static Set<String> readChildren() throws IOException {
        Set<String> children = new TreeSet<>();
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(SELF.resolve("task"))) {
            for (Path thread : threads) {
                for (String pid : readOrEmpty(thread.resolve("children")).split(" ")) {
                    String child = pid.isBlank() ? "" : describeChild(pid.strip());
                    if (!child.isEmpty()) {
                        children.add(child);
                    }
                }
            }
        }
        return children;
    }

    /** pid, name and state, without what changes from one moment to the next in a child that only runs. */
    private static String describeChild(String pid) {
        String stat = readOrEmpty(Path.of("/proc", pid, "stat"));
        int open = stat.indexOf('(');
        int close = stat.lastIndexOf(')');
        if (open < 0 || close < open || close + 2 >= stat.length()) {
            return "";
        }
        boolean zombie = stat.charAt(close + 2) == 'Z';
        return "child " + pid + " " + stat.substring(open, close + 1) + (zombie ? ", a zombie" : ", running");
    }

    private static String readOrEmpty(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException _) {
            return ""; // the thread or the child has ended meanwhile
        }
    }

    private static Set<String> readMounts() throws IOException {
        Set<String> mounts = new TreeSet<>();
        for (String line : Files.readAllLines(SELF.resolve("mountinfo"))) {
            String[] fields = line.split(" ");
            Path point = Path.of(fields[4]);
            String type = line.substring(line.indexOf(" - ") + 3).split(" ")[0];
            if (TemporaryDirectory.contains(point) || point.startsWith(Path.of("").toAbsolutePath())) {
                mounts.add("mount " + type + " on " + point + " (id " + fields[0] + ")");
            }
        }
        return mounts;
    }
}
