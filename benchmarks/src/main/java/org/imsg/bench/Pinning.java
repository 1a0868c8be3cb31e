package org.imsg.bench;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which processor each end of a pair is bound to, for all contenders alike.
 *
 * @param taskset the program that binds, if there is one
 * @param first the sending or pinging end's processor
 * @param second the other end's
 */
public record Pinning(Optional<Path> taskset, int first, int second) {

    /**
     * One processor each, the first two this process may use.
     *
     * @return a pinning; on a machine with one processor both ends share it
     * @throws IOException if /proc cannot be read
     */
    public static Pinning oneEach() throws IOException {
        List<Integer> allowed = allowed();
        return new Pinning(find("taskset"), allowed.getFirst(), allowed.get(Math.min(1, allowed.size() - 1)));
    }

    /** Each processor that is used, once. */
    Set<Integer> processors() {
        return new TreeSet<>(List.of(first, second));
    }

    Pinning together() {
        return new Pinning(taskset, first, first);
    }

    List<String> bind(int processor, List<String> command) {
        List<String> line = new ArrayList<>();
        taskset.ifPresent(path -> line.addAll(List.of(path.toString(), "-c", "" + processor)));
        line.addAll(command);
        return line;
    }

    private static Optional<Path> find(String program) {
        for (String directory : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
            Path candidate = Path.of(directory, program);
            if (Files.isExecutable(candidate))
                return Optional.of(candidate);
        }
        return Optional.empty();
    }

    private static List<Integer> allowed() throws IOException {
        List<Integer> processors = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of("/proc/self/status")))
            if (line.startsWith("Cpus_allowed_list:"))
                for (String range : line.substring(line.indexOf(':') + 1).strip().split(","))
                    addRange(processors, range);
        return processors;
    }

    private static void addRange(List<Integer> processors, String range) {
        String[] ends = range.split("-");
        for (int i = Integer.parseInt(ends[0]); i <= Integer.parseInt(ends[ends.length - 1]); i++)
            processors.add(i);
    }

    @Override
    public String toString() {
        return taskset.isEmpty()
                ? "not pinned: there is no taskset"
                : first == second
                        ? "both ends on processor " + first
                        : "one end on processor " + first + ", the other on " + second;
    }
}
