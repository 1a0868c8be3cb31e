package org.imsg.privsep.rights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.Set;
import java.util.stream.Stream;

/** A process as root sees it from outside: /proc/PID. */
final class Outside {
    private final Path process;

    private Outside(Path process) {
        this.process = process;
    }

    static Outside of(int pid) {
        return new Outside(Path.of("/proc", Integer.toString(pid)));
    }

    /** The status of every thread, its white space made single. */
    List<Map<String, String>> tasks() throws IOException {
        List<Map<String, String>> tasks = new ArrayList<>();
        try (Stream<Path> threads = Files.list(process.resolve("task"))) {
            for (Path thread : threads.toList()) {
                try {
                    tasks.add(status(thread.resolve("status")));
                } catch (NoSuchFileException _) {
                    // it has ended
                }
            }
        }
        return tasks;
    }

    private static Map<String, String> status(Path file) throws IOException {
        Map<String, String> status = new HashMap<>();
        for (String line : Files.readAllLines(file))
            status.put(line.substring(0, line.indexOf(':')),
                    line.substring(line.indexOf(':') + 1).strip().replaceAll("\\s+", " "));
        return status;
    }

    /** The distinct values some fields have in all threads; a field on which they differ has several. */
    Map<String, Set<String>> distinct(String... fields) throws IOException {
        Map<String, Set<String>> values = new TreeMap<>();
        for (Map<String, String> task : tasks())
            for (String field : fields)
                values.computeIfAbsent(field, any -> new TreeSet<>()).add(task.get(field));
        return values;
    }

    String root() throws IOException {
        return Files.readSymbolicLink(process.resolve("root")).toString();
    }

    /** What is in its root directory. */
    Set<String> inRoot(String path) throws IOException {
        try (Stream<Path> entries = Files.list(process.resolve("root").resolve(path))) {
            Set<String> names = new TreeSet<>();
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
            return names;
        }
    }

    String namespace(String name) throws IOException {
        return Files.readSymbolicLink(process.resolve("ns").resolve(name)).toString();
    }

    /** Open descriptors, each with what it stands for. */
    Map<Integer, String> descriptors() throws IOException {
        Map<Integer, String> open = new TreeMap<>();
        try (Stream<Path> entries = Files.list(process.resolve("fd"))) {
            for (Path entry : entries.toList()) {
                try {
                    open.put(Integer.valueOf(entry.getFileName().toString()), Files.readSymbolicLink(entry).toString());
                } catch (NoSuchFileException _) {
                    // closed since
                }
            }
        }
        return open;
    }

    /** A process that is not dumpable has its /proc belong to root. */
    int owner() throws IOException {
        return (Integer) Files.getAttribute(process.resolve("environ"), "unix:uid");
    }

    String limits() throws IOException {
        return Files.readString(process.resolve("limits")).replaceAll("[ \t]+", " ");
    }
}
