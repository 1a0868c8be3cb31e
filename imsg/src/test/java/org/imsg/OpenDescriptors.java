package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.SocketChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.imsg.sys.Readiness;

/**
 * The sockets, pipes and temporary files this process has open, by what they lead to: a number says nothing, for the JVM may
 * open a class path entry and get the one just closed.
 */
public final class OpenDescriptors {
    private static final String TEMPORARY;

    static {
        // Both open descriptors of their own at first use, and keep them.
        Readiness.startPollers();
        try {
            SocketChannel.open().close();
            // The property java.io.tmpdir may have been set too late to mean anything.
            Path file = Files.createTempFile("imsg", null);
            Files.delete(file);
            TEMPORARY = file.getParent().toRealPath().toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private final List<String> targets;

    private OpenDescriptors(List<String> targets) {
        this.targets = targets;
    }

    private static List<String> sorted(List<String> unsorted) {
        return unsorted.stream().sorted().toList();
    }

    public static OpenDescriptors now() throws IOException {
        return new OpenDescriptors(read());
    }

    /** Fails if there is more or less open than then, and stays so: the JDK closes a child's pipes some time after its end. */
    public void assertSame() throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
        while (!sorted(read()).equals(sorted(targets)) && System.nanoTime() - deadline < 0)
            Thread.onSpinWait();
        assertThat(read()).as("open descriptors").containsExactlyInAnyOrderElementsOf(targets);
    }

    /** How many more there are than then; fewer are a negative number. */
    public int more() throws IOException {
        return read().size() - targets.size();
    }

    private static List<String> read() throws IOException {
        List<String> targets = new ArrayList<>();
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors)
                add(targets, descriptor);
        }
        return targets;
    }

    private static void add(List<String> targets, Path descriptor) {
        try {
            String target = Files.readSymbolicLink(descriptor).toString();
            boolean temporary = target.startsWith(TEMPORARY) && !target.endsWith(".jar")
                    && !target.contains("surefire");
            if (target.startsWith("socket:") || target.startsWith("pipe:") || temporary)
                targets.add(target);
        } catch (IOException _) {
            // closed meanwhile by a thread of the JVM
        }
    }
}
