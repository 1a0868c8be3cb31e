package org.imsg.harness.debian;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A program of a Debian chroot and the surroundings it runs in. Each start gives it a private copy of the
 * chroot's files (what it writes is gone when it ends, and is seen by no other process), its own process table, and its own
 * network with nothing but a loopback. Its sockets and mounts end with it, however it ends.
 *
 * <p>The setters return this object. Not safe for use by several threads at once.
 */
public final class ChrootCommand {
    private static final String ENTER = resource("enter.sh");
    private static final Path NOTHING = Path.of("/dev/null");
    private static final Duration RUN_LIMIT = Duration.ofMinutes(2);

    private final DebianSuite suite;
    private final Path root;
    private final Path logs;
    private final List<String> arguments;
    private final List<String> preparation = new ArrayList<>();
    private final Map<String, String> environment = new LinkedHashMap<>();
    private @Nullable PeerProcess networkOwner;
    private boolean hostNetwork;
    private @Nullable String input;

    /** A command for the chroot of a suite at its root; logs are kept beside it. */
    ChrootCommand(DebianSuite suite, Path root, List<String> arguments) {
        this.suite = suite;
        this.root = root;
        this.logs = root.resolveSibling("logs");
        this.arguments = List.copyOf(arguments);
        environment.putAll(PeerProcess.ENVIRONMENT);
    }

    /**
     * Puts a file into the program's copy of the chroot before it starts; directories on the way are made.
     *
     * @param path where, as the program sees it
     * @param text what is in it, at most 128 KiB in UTF-8 (the kernel's limit for one argument)
     * @return this
     */
    public ChrootCommand file(String path, String text) {
        return file(path, text, "0644");
    }

    /**
     * As {@link #file(String, String)}, for a program or script.
     *
     * @param path where, as the program sees it
     * @param text what is in it, at most 128 KiB in UTF-8
     * @return this
     */
    public ChrootCommand executable(String path, String text) {
        return file(path, text, "0755");
    }

    private ChrootCommand file(String path, String text, String mode) {
        preparation.addAll(List.of("--file", mode, path, text));
        return this;
    }

    /**
     * Shows a file or directory of this machine to the program, so that both can meet at a socket inside it.
     *
     * @param onHost what is shown; exists before the start
     * @param path where, as the program sees it
     * @return this
     */
    public ChrootCommand bind(Path onHost, String path) {
        preparation.addAll(List.of("--bind", onHost.toAbsolutePath().toString(), path));
        return this;
    }

    /**
     * Sets an environment variable; PATH, HOME and LC_ALL=C.UTF-8 are there, nothing of this JVM's own is.
     *
     * @param name its name
     * @param value its value
     * @return this
     */
    public ChrootCommand environment(String name, String value) {
        environment.put(name, value);
        return this;
    }

    /**
     * Gives the program something to read on its standard input, which is {@code /dev/null} otherwise.
     *
     * @param text all of it, in UTF-8
     * @return this
     */
    public ChrootCommand input(String text) {
        input = text;
        return this;
    }

    /**
     * Puts the program into the network of another, so that both meet on its loopback.
     *
     * @param other a running program
     * @return this
     */
    public ChrootCommand networkOf(PeerProcess other) {
        networkOwner = other;
        return this;
    }

    /** Leaves the program in this machine's own network. */
    ChrootCommand hostNetwork() {
        hostNetwork = true;
        return this;
    }

    /**
     * Starts the program; its output goes to a log.
     *
     * @return the running program; the caller closes it
     * @throws IOException if it cannot be started, with what its log says
     * @throws InterruptedException if interrupted meanwhile; then nothing runs
     */
    public PeerProcess start() throws IOException, InterruptedException {
        Path log = newFile("log");
        Path stdin = inputFile();
        try {
            ProcessBuilder settings = settings(stdin).redirectErrorStream(true).redirectOutput(log.toFile());
            return PeerProcess.of(toString(), TiedProcess.start(settings, commandLine()), log);
        } finally {
            discard(stdin);
        }
    }

    /**
     * Runs the program to its end, two minutes at most.
     *
     * @return its exit status and what it wrote
     * @throws IOException if it cannot be started, or has not ended in time and was killed
     * @throws InterruptedException if interrupted meanwhile; the program is killed
     */
    public ChrootOutcome run() throws IOException, InterruptedException {
        Path stdin = inputFile();
        try {
            return TiedProcess.run(settings(stdin), commandLine(), Files.createDirectories(logs), RUN_LIMIT);
        } finally {
            discard(stdin);
        }
    }

    private ProcessBuilder settings(Path stdin) {
        ProcessBuilder settings = new ProcessBuilder().redirectInput(stdin.toFile());
        settings.environment().clear();
        settings.environment().putAll(environment);
        return settings;
    }

    private Path inputFile() throws IOException {
        return input == null ? NOTHING : Files.writeString(newFile("in"), input);
    }

    private static void discard(Path stdin) throws IOException {
        if (!stdin.equals(NOTHING)) {
            Files.delete(stdin);
        }
    }

    private List<String> commandLine() {
        List<String> line = new ArrayList<>();
        if (networkOwner != null) {
            line.addAll(List.of("nsenter", "--net=/proc/" + networkOwner.pid() + "/ns/net"));
        }
        line.addAll(List.of("unshare", "--mount", "--pid", "--fork", "--kill-child=KILL"));
        boolean ownNetwork = networkOwner == null && !hostNetwork;
        if (ownNetwork) {
            line.add("--net");
        }
        line.addAll(List.of("sh", "-c", ENTER, "enter", root.toString()));
        if (ownNetwork) {
            line.add("--lo");
        }
        line.addAll(preparation);
        line.add("--");
        line.addAll(arguments);
        return line;
    }

    private Path newFile(String suffix) throws IOException {
        String program = Path.of(arguments.getFirst()).getFileName().toString();
        Path directory = Files.createDirectories(logs);
        return Files.createTempFile(directory, suite.codename() + "-" + program + "-", "." + suffix);
    }

    private static String resource(String name) {
        try (InputStream in = ChrootCommand.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return String.join(" ", arguments) + " (" + suite.codename() + ")";
    }
}
