package org.imsg.bench.soak;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * How many threads, descriptors and children some processes have together. Carriers of virtual threads are left out: a part has two
 * at most, which end half a minute after their last use.
 */
record Counts(long threads, long descriptors, long children) {
    private static final String CARRIER = "ForkJoinPool-1-";

    static Counts of(List<Long> pids) throws IOException {
        long threads = 0;
        long descriptors = 0;
        long children = 0;
        for (long pid : pids) {
            threads += threads(pid);
            try (Stream<Path> entries = Files.list(Path.of("/proc/" + pid + "/fd"))) {
                descriptors += entries.filter(entry -> !isWaker(entry)).count();
            }
            children += ProcessHandle.of(pid).stream().flatMap(ProcessHandle::children).count();
        }
        return new Counts(threads, descriptors, children);
    }

    /** As many of these stay open as threads waited at once, and some more: chance has a part in it. */
    private static boolean isWaker(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString().equals("anon_inode:[eventfd]");
        } catch (IOException _) {
            return true; // it is closed
        }
    }

    private static long threads(long pid) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/" + pid + "/task"))) {
            return all.filter(thread -> !isCarrier(thread)).count();
        }
    }

    private static boolean isCarrier(Path thread) {
        try {
            return Files.readString(thread.resolve("comm")).startsWith(CARRIER);
        } catch (IOException _) {
            return true; // it has ended
        }
    }

    /** A number of KiB in a process's status file. */
    static long status(long pid, String name) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream().filter(line -> line.startsWith(name))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).sum();
    }

    boolean isWithin(Counts others) {
        return threads <= others.threads && descriptors <= others.descriptors && children <= others.children;
    }

    Counts least(Counts others) {
        return new Counts(Math.min(threads, others.threads), Math.min(descriptors, others.descriptors),
                Math.min(children, others.children));
    }
}
