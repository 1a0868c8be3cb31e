package org.imsg.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a server has at a moment.
 *
 * @param processes of its sessions' user, whoever's children they are
 * @param descriptors of the server itself
 * @param memoryKib its resident memory
 */
record Census(long processes, long descriptors, long memoryKib) {
    private static final Path PROC = Path.of("/proc");

    static Census of(long pid, long uid) throws IOException {
        Path server = PROC.resolve(Long.toString(pid));
        long memory = Files.readAllLines(server.resolve("status")).stream().filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).sum();
        return new Census(processes(uid).size(), entries(server.resolve("fd")).size(), memory);
    }

    /** Those of a user. */
    static Set<Path> processes(long uid) throws IOException {
        return entries(PROC).stream().filter(process -> process.getFileName().toString().matches("[0-9]+"))
                .filter(process -> isOf(process, uid)).collect(Collectors.toSet());
    }

    private static boolean isOf(Path process, long uid) {
        try {
            return ((Number) Files.getAttribute(process, "unix:uid")).longValue() == uid
                    || Files.readString(process.resolve("status")).contains("\nUid:\t" + uid + "\t");
        } catch (IOException _) {
            return false; // it has ended
        }
    }

    private static List<Path> entries(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.toList();
        } catch (NoSuchFileException e) {
            throw new IOException("the server has ended", e);
        }
    }

    @Override
    public String toString() {
        return processes + " processes, " + descriptors + " descriptors, " + memoryKib / 1024 + " MiB";
    }
}
