package org.imsg.harness.junit;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import org.imsg.sys.OpenDescriptor;
import org.jspecify.annotations.Nullable;

/**
 * The descriptors that one test makes. A descriptor that imsg opens or receives belongs to the test whose thread did so, or whose
 * thread started that thread. Of the others, such as a file of the JDK, the system tells no maker: they are counted if no
 * other test can have made them.
 */
final class TestDescriptors {
    private static final Path SELF = Path.of("/proc/self/fd");
    private static final int MANY = 1000;
    private static final InheritableThreadLocal<@Nullable TestDescriptors> OF_THREAD = new InheritableThreadLocal<>();
    private static final Set<OpenDescriptor> OF_NO_TEST = ConcurrentHashMap.newKeySet();

    static {
        OpenDescriptor.watch(TestDescriptors::opened);
    }

    private final Set<OpenDescriptor> made = ConcurrentHashMap.newKeySet();
    private final boolean alone;
    private final Set<String> before;

    private TestDescriptors(boolean alone) {
        this.alone = alone;
        this.before = alone ? open() : Set.of();
    }

    /**
     * Begins to count for the test that this thread runs.
     *
     * @param alone whether no other test runs meanwhile
     */
    static TestDescriptors count(boolean alone) {
        TestDescriptors counted = new TestDescriptors(alone);
        OF_THREAD.set(counted);
        return counted;
    }

    private static void opened(OpenDescriptor descriptor) {
        TestDescriptors maker = OF_THREAD.get();
        Set<OpenDescriptor> all = maker == null ? OF_NO_TEST : maker.made;
        if (all.size() >= MANY)
            all.removeIf(one -> !one.isOpen());
        all.add(descriptor);
    }

    /** Ends the count: the descriptors that stay open for so long, in words; for threads may be about to close one. */
    Set<String> left(Duration patience) {
        OF_THREAD.remove();
        long deadline = System.nanoTime() + patience.toNanos();
        Set<String> left = openNow();
        while (!left.isEmpty() && System.nanoTime() < deadline) {
            LockSupport.parkNanos(Duration.ofMillis(5).toNanos());
            left.retainAll(openNow());
        }
        return left;
    }

    private Set<String> openNow() {
        Set<String> left = new TreeSet<>();
        for (OpenDescriptor one : made)
            if (one.isOpen())
                left.add(words(one.number()));
        if (alone) {
            Set<String> others = open();
            others.removeAll(before);
            OF_NO_TEST.stream().filter(OpenDescriptor::isOpen).forEach(one -> others.remove(words(one.number())));
            left.addAll(others);
        }
        return left;
    }

    /** The descriptors of this process that a test can leave open, as /proc tells; empty where there is none. */
    private static Set<String> open() {
        Set<String> open = new TreeSet<>();
        if (!Files.isDirectory(SELF))
            return open;
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(SELF)) {
            for (Path entry : entries) {
                String target = target(entry);
                if (!target.isEmpty() && !belongsToJvm(target))
                    open.add(entry.getFileName() + " -> " + target);
            }
        } catch (IOException _) {
            return new TreeSet<>();
        }
        return open;
    }

    private static String words(int number) {
        return number + " -> " + target(SELF.resolve(String.valueOf(number)));
    }

    private static String target(Path entry) {
        try {
            return Files.readSymbolicLink(entry).toString();
        } catch (IOException _) {
            return ""; // closed since it was listed, or there is no /proc
        }
    }

    private static boolean belongsToJvm(String target) {
        return target.endsWith(".jar") || target.startsWith(System.getProperty("java.home"))
                || target.startsWith("/dev/") && target.endsWith("random") || target.startsWith("/proc/")
                || target.startsWith("anon_inode:");
    }
}
