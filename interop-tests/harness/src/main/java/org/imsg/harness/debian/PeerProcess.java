package org.imsg.harness.debian;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A program running in its private copy of a {@link DebianChroot}. It is the first process of its own process table:
 * when it ends, everything it ever started ends with it, and so do its mounts, its network and its sockets. It ends at
 * the latest with this JVM.
 *
 * <p>The owner closes it. Safe for use by several threads.
 */
public final class PeerProcess implements AutoCloseable {
    /** The environment of every program in a chroot. */
    static final Map<String, String> ENVIRONMENT = Map.of("PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL", "C.UTF-8", "HOME", "/root");

    private static final Duration START_LIMIT = Duration.ofSeconds(20);
    private static final Duration RUN_LIMIT = Duration.ofMinutes(2);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(5);
    private static final Duration PAUSE = Duration.ofMillis(1);
    private static final int LOG_LINES_SHOWN = 40;
    private static final int KILLED = 128 + 9;
    private static final int LISTENS = 0x10000; // __SO_ACCEPTCON of the flags in /proc/net/unix

    private final String command;
    private final Process namespaces;
    private final ProcessHandle program;
    private final Path log;

    private PeerProcess(String command, Process namespaces, ProcessHandle program, Path log) {
        this.command = command;
        this.namespaces = namespaces;
        this.program = program;
        this.log = log;
    }

    /** Takes over {@code namespaces}, the process that waits outside for the program, its only child. */
    static PeerProcess of(String command, Process namespaces, Path log)
            throws IOException, InterruptedException {
        boolean taken = false;
        try {
            Optional<ProcessHandle> child = namespaces.toHandle().children().findFirst();
            while (child.isEmpty() && namespaces.isAlive()) {
                pause();
                child = namespaces.toHandle().children().findFirst();
            }
            if (child.isEmpty()) {
                throw new IOException(command + " ended at once with status " + namespaces.waitFor() + ":\n"
                        + Files.readString(log));
            }
            taken = true;
            return new PeerProcess(command, namespaces, child.get(), log);
        } finally {
            if (!taken) {
                namespaces.destroyForcibly();
            }
        }
    }

    /** {@return the program's process id as this machine sees it; it sees itself as 1} */
    public long pid() {
        return program.pid();
    }

    /** {@return whether it runs} */
    public boolean isAlive() {
        return namespaces.isAlive();
    }

    /**
     * Names a file of the program's own copy of the chroot for this JVM: a path below {@code /proc}, good while the
     * program runs, short enough for a socket address.
     *
     * @param path the absolute path as the program sees it
     * @return the path to open or connect to from here
     */
    public Path path(String path) {
        return Path.of("/proc/" + pid() + "/root" + path);
    }

    /** {@return the file its standard output and error go to; kept after the end} */
    public Path logFile() {
        return log;
    }

    /**
     * Reads the log.
     *
     * @return everything written so far
     * @throws IOException if it cannot be read
     */
    public String log() throws IOException {
        return new String(Files.readAllBytes(log), StandardCharsets.UTF_8);
    }

    /**
     * Waits until a Unix socket of this name listens. No connection is made for it: some daemons would take the visit
     * badly.
     *
     * @param path the socket's path as the program sees it, through no symbolic link
     * @return the path to connect to from here
     * @throws IOException if the program ends before, or takes longer than 20 seconds; the message shows its log
     * @throws InterruptedException if interrupted while waiting
     */
    public Path awaitListening(String path) throws IOException, InterruptedException {
        await("listens on " + path, () -> isListening(path) && Files.exists(path(path)));
        return path(path);
    }

    /**
     * Waits until the log contains this text.
     *
     * @param text part of a line
     * @throws IOException if the program ends before, or takes longer than 20 seconds; the message shows its log
     * @throws InterruptedException if interrupted while waiting
     */
    public void awaitLog(String text) throws IOException, InterruptedException {
        await("logs \"" + text + "\"", () -> log().contains(text));
    }

    /**
     * Runs another program inside this one's copy of the chroot and network, such as the control program of a daemon.
     *
     * @param arguments program and arguments
     * @return how it ended
     * @throws IOException if it cannot be started, or has not ended after two minutes
     * @throws InterruptedException if interrupted while it runs; it is killed
     */
    public ChrootOutcome run(String... arguments) throws IOException, InterruptedException {
        ProcessBuilder settings = new ProcessBuilder().redirectInput(Path.of("/dev/null").toFile());
        settings.environment().clear();
        settings.environment().putAll(ENVIRONMENT);
        List<String> line = new ArrayList<>(
                List.of("nsenter", "--target", Long.toString(pid()), "--net", "--mount", "--root", "--wd", "--"));
        line.addAll(List.of(arguments));
        return TiedProcess.run(settings, line, log.getParent(), RUN_LIMIT);
    }

    /**
     * Asks the program to end with SIGTERM, and kills it if it has not after five seconds. Does nothing but report if
     * it has ended before.
     *
     * @return its exit status, 137 if it had to be killed
     */
    public int stop() {
        program.destroy();
        return waitOrKill(STOP_LIMIT);
    }

    /**
     * Kills the program at once, and everything it started.
     *
     * @return its status, 137 if it was running
     */
    public int kill() {
        return waitOrKill(Duration.ZERO);
    }

    /** As {@link #stop()}. */
    @Override
    public void close() {
        stop();
    }

    /** Returns when nothing of the program is left, also for an interrupted thread, which stays interrupted. */
    private int waitOrKill(Duration limit) {
        boolean interrupted = Thread.interrupted();
        long deadline = System.nanoTime() + limit.toNanos();
        try {
            while (true) {
                try {
                    long left = Math.max(0, deadline - System.nanoTime());
                    if (!namespaces.waitFor(left, TimeUnit.NANOSECONDS)) {
                        program.destroyForcibly();
                        namespaces.waitFor();
                        return KILLED; // unshare(1) of util-linux 2.38 reports 1 for a killed child
                    }
                    return namespaces.exitValue();
                } catch (InterruptedException _) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @FunctionalInterface
    private interface Condition {
        boolean holds() throws IOException;
    }

    private void await(String what, Condition condition) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + START_LIMIT.toNanos();
        while (!condition.holds()) {
            if (!isAlive()) {
                throw new IOException(this + " ended with status " + namespaces.exitValue() + " before it " + what
                        + ":\n" + logEnd());
            }
            if (System.nanoTime() > deadline) {
                throw new IOException(
                        this + " has not come to where it " + what + " in " + START_LIMIT + ":\n" + logEnd());
            }
            pause();
        }
    }

    private boolean isListening(String path) {
        String name = path.substring(path.lastIndexOf('/')); // the directory may go by another name, as /var/run does
        try {
            // Num RefCount Protocol Flags Type St Inode Path
            return Files.readAllLines(Path.of("/proc/" + pid() + "/net/unix")).stream().skip(1)
                    .map(line -> line.strip().split("\\s+", 8)).anyMatch(fields -> fields.length == 8
                            && fields[7].endsWith(name) && (Integer.parseUnsignedInt(fields[3], 16) & LISTENS) != 0);
        } catch (IOException _) {
            return false; // the program has ended, as the caller sees next
        }
    }

    /** {@return the last lines of the log} */
    String logEnd() throws IOException {
        List<String> lines = log().lines().toList();
        return String.join("\n", lines.subList(Math.max(0, lines.size() - LOG_LINES_SHOWN), lines.size()));
    }

    private static void pause() throws InterruptedException {
        LockSupport.parkNanos(PAUSE.toNanos());
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    @Override
    public String toString() {
        return command + " pid " + pid();
    }
}
