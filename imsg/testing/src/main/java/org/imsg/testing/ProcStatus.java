package org.imsg.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The status of a process in {@code /proc/PID}, as root sees it, whatever the process says of itself. */
public final class ProcStatus {
    private static final List<String> NAMESPACES = List.of("cgroup", "ipc", "mnt", "net", "pid", "user", "uts");

    private static final Set<String> OF_EVERY_JVM = Set.of("anon_inode:[eventpoll]", "anon_inode:[eventfd]",
            "/dev/random",
            "/dev/urandom");

    private static final String DUMPABLE = "dumpable", NO_CAPABILITY = "0000000000000000";

    private final long pid;
    private final Path process;

    private ProcStatus(long pid) {
        this.pid = pid;
        this.process = Path.of("/proc", Long.toString(pid));
    }

    public static ProcStatus of(long pid) {
        return new ProcStatus(pid);
    }

    /** The status of every thread, its white space made single. */
    public List<Map<String, String>> tasks() throws IOException {
        List<Map<String, String>> tasks = new ArrayList<>();
        try (Stream<Path> threads = Files.list(process.resolve("task"))) {
            for (Path thread : threads.toList()) {
                try {
                    tasks.add(status(thread.resolve("status")));
                } catch (IOException e) {
                    // It may have ended, before its file was opened or after.
                    if (Files.exists(thread))
                        throw e;
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
    public Map<String, Set<String>> distinct(String... fields) throws IOException {
        Map<String, Set<String>> values = new TreeMap<>();
        for (Map<String, String> task : tasks())
            for (String field : fields)
                values.computeIfAbsent(field, _ -> new TreeSet<>()).add(task.getOrDefault(field, ""));
        return values;
    }

    /** The fields that say which rights it has, in all threads. */
    public Map<String, Set<String>> rights() throws IOException {
        Map<String, Set<String>> rights = distinct(withoutRights(0).keySet().toArray(String[]::new));
        rights.put(DUMPABLE, Set.of(Boolean.toString(isDumpable())));
        return rights;
    }

    /**
     * The {@link #rights()} of a process that has none: one user in all places, no capability, no new rights by any exec, a filter
     * of system calls, and closed to others of the same user.
     */
    public static Map<String, Set<String>> withoutRights(long uid) {
        Set<String> ids = Set.of((uid + " ").repeat(4).strip());
        Map<String, Set<String>> rights = new TreeMap<>(
                Map.of("Uid", ids, "Gid", ids, "Groups", Set.of(""), "NoNewPrivs",
                        Set.of("1"), "Seccomp", Set.of("2"), DUMPABLE, Set.of("false")));
        for (String capabilities : List.of("CapInh", "CapPrm", "CapEff", "CapAmb"))
            rights.put(capabilities, Set.of(NO_CAPABILITY));
        return rights;
    }

    /** Its root directory, in terms of this process's. */
    public String root() throws IOException {
        return Files.readSymbolicLink(process.resolve("root")).toString();
    }

    /** The names in a directory of its root. */
    public Set<String> inRoot(String path) throws IOException {
        try (Stream<Path> entries = Files.list(process.resolve("root").resolve(path))) {
            Set<String> names = new TreeSet<>();
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
            return names;
        }
    }

    /** Such as {@code net:[4026531840]}. */
    public String namespace(String name) throws IOException {
        return Files.readSymbolicLink(process.resolve("ns").resolve(name)).toString();
    }

    /** The names of those namespaces it does not share with another process. */
    public Set<String> namespacesApartFrom(ProcStatus other) throws IOException {
        Set<String> apart = new TreeSet<>();
        for (String name : NAMESPACES)
            if (!namespace(name).equals(other.namespace(name)))
                apart.add(name);
        return apart;
    }

    /** Open descriptors, each with what it stands for. */
    public Map<Integer, String> descriptors() throws IOException {
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

    /**
     * What its descriptors stand for, each thing once, in order: paths of files, and sockets such as {@code unix stream},
     * {@code unix datagram}, {@code udp 127.0.0.1:514}, {@code packet}. Left out is what every JVM has: standard input,
     * output and error, the JDK's files, jars, random numbers, what threads wait on, and the socket without another end that the
     * JDK puts in the place of those it closes.
     *
     * @param maker the process in whose network sockets may have been made that were passed to this one
     */
    public List<String> holdings(ProcStatus maker) throws IOException {
        Map<String, String> sockets = new HashMap<>(ProcSockets.of(maker.process));
        sockets.putAll(ProcSockets.of(process));
        String java = Path.of(System.getProperty("java.home")).toRealPath().toString();
        Set<String> things = new TreeSet<>();
        descriptors().forEach((number, target) -> {
            if (number > 2 && !target.startsWith(java) && !target.endsWith(".jar") && !OF_EVERY_JVM.contains(target))
                things.add(target);
        });
        return things.stream().map(thing -> thing.startsWith("pipe:") ? "pipe" : sockets.getOrDefault(thing, thing))
                .filter(thing -> !thing.isEmpty())
                .sorted().toList();
    }

    /** The uid its /proc entries belong to: that of root, if it is not dumpable. */
    public int owner() throws IOException {
        return (Integer) Files.getAttribute(process.resolve("environ"), "unix:uid");
    }

    /** Whether others of its user, who is not root, may look into it. */
    public boolean isDumpable() throws IOException {
        return owner() != 0;
    }

    /** One of its variables, or "" if it is not set. */
    public String environment(String name) throws IOException {
        for (String variable : Files.readString(process.resolve("environ"), StandardCharsets.ISO_8859_1)
                .split("\0"))
            if (variable.startsWith(name + "="))
                return variable.substring(name.length() + 1);
        return "";
    }

    public String limits() throws IOException {
        return Files.readString(process.resolve("limits")).replaceAll("[ \t]+", " ");
    }

    @Override
    public String toString() {
        return process.toString();
    }
}
