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
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.imsg.ImsgChannel;
import org.imsg.privsep.Privsep;
import org.imsg.testing.NetworkNamespace;
import org.imsg.testing.ProcStatus;
import org.imsg.testing.ProgramJar;
import org.imsg.testing.TestedProgram;

/** An example that runs: as root, in a network of its own, with a directory that all can enter. */
public final class Example implements AutoCloseable {
    /** Where the parent's local time is Tokyo's and the children's is not, it is seen whose was used. */
    private static final List<String> PARENT_OPTIONS = List.of("-Duser.timezone=Asia/Tokyo");

    /** The umask of a careful administrator: a program that wants a file to be read by others has to say so. */
    private static final List<String> STRICT = List.of("/bin/sh", "-c", "umask 077 && exec \"$@\"", "sh");

    private final NetworkNamespace network;
    private final TestedProgram program;

    private Example(NetworkNamespace network, TestedProgram program) {
        this.network = network;
        this.program = program;
    }

    /** Skips the test, and says why, where an example cannot run. */
    public static NetworkNamespace newNetwork() throws Exception {
        String obstacle = NetworkNamespace.obstacle();
        assumeTrue(obstacle.isEmpty(), obstacle);
        return new NetworkNamespace();
    }

    /** Skips the test where a program of the system is missing, or fails it if IMSG_PEERS=required is in the environment. */
    public static void need(String program) {
        boolean there = Files.isExecutable(Path.of(program));
        if ("required".equals(System.getenv("IMSG_PEERS")))
            assertThat(there).as("IMSG_PEERS=required, but there is no " + program).isTrue();
        assumeTrue(there, "there is no " + program);
    }

    /** Starts one in the network, which is this one's then. */
    public static Example start(NetworkNamespace network, Path directory, Class<?> main, String... arguments)
            throws Exception {
        try {
            Files.setPosixFilePermissions(directory,
                    java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
            Path jar = ProgramJar.in(directory, main, Usage.class, Privsep.class, ImsgChannel.class);
            return new Example(network,
                    network.call(() -> TestedProgram.start(STRICT, jar.toString(), PARENT_OPTIONS, main, arguments)));
        } catch (Exception | Error e) {
            network.close();
            throw e;
        }
    }

    public TestedProgram program() {
        return program;
    }

    public NetworkNamespace network() {
        return network;
    }

    /** Holds a role to what every role of the examples declares: to be somebody who may nothing. */
    public ProcStatus assertConfined(String role, long uid) throws IOException {
        ProcStatus status = program.role(role);
        assertThat(status.rights()).as(role).isEqualTo(ProcStatus.withoutRights(uid));
        assertThat(program.parent().distinct("Uid")).as("parent").containsEntry("Uid", Set.of("0 0 0 0"));
        return status;
    }

    /** Kills the process that runs a role. */
    public void kill(String role) {
        Path process = Path.of(program.role(role).toString());
        ProcessHandle.of(Long.parseLong(process.getFileName().toString())).ifPresent(ProcessHandle::destroyForcibly);
    }

    /** Waits until a process holds just this: what another process has closed, it closes a little later. */
    public static void awaitHoldings(ProcStatus process, ProcStatus maker, String... wanted) throws IOException {
        List<String> held = process.holdings(maker);
        for (long start = System.nanoTime(); !held.equals(List.of(wanted)); held = process.holdings(maker))
            assertThat(System.nanoTime() - start).as("%s has %s", process, held).isLessThan(20_000_000_000L);
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
