package org.imsg.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.imsg.ImsgChannel;
import org.imsg.testing.NetworkNamespace;
import org.imsg.testing.Outside;
import org.imsg.testing.RunningProgram;

/** An example that runs: as root, in a network of its own, with a directory that all can enter. */
public final class Example implements AutoCloseable {
    private static final String NO_CAPABILITY = "0000000000000000";

    private final NetworkNamespace network;
    private final RunningProgram program;

    private Example(NetworkNamespace network, RunningProgram program) {
        this.network = network;
        this.program = program;
    }

    /** Skips the test, and says why, where an example cannot run. */
    public static NetworkNamespace newNetwork() throws Exception {
        String obstacle = NetworkNamespace.obstacle();
        assumeTrue(obstacle.isEmpty(), obstacle);
        return new NetworkNamespace();
    }

    /** Starts one in the network, which is this one's then. */
    public static Example start(NetworkNamespace network, Path directory, Class<?> main, String... arguments)
            throws Exception {
        try {
            Files.setPosixFilePermissions(directory,
                    java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
            Path jar = RunningProgram.jar(directory, ImsgChannel.class, Example.class);
            return new Example(network,
                    network.call(() -> RunningProgram.start(jar.toString(), main, arguments)));
        } catch (Exception | Error e) {
            network.close();
            throw e;
        }
    }

    public RunningProgram program() {
        return program;
    }

    public NetworkNamespace network() {
        return network;
    }

    /**
     * Holds a role to what every role of the examples declares: a user who is nobody else, no capability in any thread, no new
     * rights by any exec, a filter of system calls, and closed to others of the same user.
     */
    public Outside assertConfined(String role, long uid) throws IOException {
        Outside outside = program.role(role);
        String all = uid + " " + uid + " " + uid + " " + uid;
        Map<String, Set<String>> declared = new HashMap<>(Map.of("Uid", Set.of(all), "Gid", Set.of(all), "Groups",
                Set.of(""), "NoNewPrivs", Set.of("1"), "Seccomp", Set.of("2")));
        for (String capabilities : new String[]{"CapInh", "CapPrm", "CapEff", "CapAmb"})
            declared.put(capabilities, Set.of(NO_CAPABILITY));
        assertThat(outside.distinct(declared.keySet().toArray(String[]::new))).as(role)
                .containsExactlyInAnyOrderEntriesOf(declared);
        assertThat(outside.isDumpable()).as(role + " can be looked into").isFalse();
        assertThat(program.parent().distinct("Uid", "Seccomp")).as("parent").containsEntry("Uid", Set.of("0 0 0 0"))
                .containsEntry("Seccomp", Set.of("0"));
        return outside;
    }

    /** Waits until a line of a file has this in it; the line. */
    public static String awaitLine(Path file, String part) throws Exception {
        try (WatchService changes = FileSystems.getDefault().newWatchService()) {
            WatchKey key = file.getParent().register(changes, StandardWatchEventKinds.ENTRY_CREATE,
                    StandardWatchEventKinds.ENTRY_MODIFY);
            for (;;) {
                if (Files.exists(file))
                    for (String line : Files.readAllLines(file))
                        if (line.contains(part))
                            return line;
                if (changes.poll(30, TimeUnit.SECONDS) == null)
                    throw new AssertionError("no line with \"" + part + "\" in " + file);
                key.pollEvents();
                key.reset();
            }
        }
    }

    @Override
    public void close() {
        program.close();
        network.close();
    }
}
