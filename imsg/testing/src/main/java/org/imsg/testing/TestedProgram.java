package org.imsg.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A privilege-separated program that runs in a JVM of its own, and so do its children: what it prints can be waited for, and
 * each of its processes looked at from outside.
 */
public final class TestedProgram implements AutoCloseable {
    private static final int PATIENCE_SECONDS = 40;
    private static final String END = "\0end";

    private final Process process;
    private final BlockingQueue<String> printed = new LinkedBlockingQueue<>();
    private final List<String> seen = new CopyOnWriteArrayList<>();
    private final Thread reader;

    private TestedProgram(Process process) {
        this.process = process;
        this.reader = Thread.ofPlatform().daemon().name("output-of-" + process.pid()).start(this::read);
    }

    /**
     * Starts a main class, in the calling thread's namespaces.
     *
     * @param options of the JVM, for the parent only
     */
    public static TestedProgram start(String classPath, List<String> options, Class<?> main, String... arguments)
            throws IOException {
        return start(List.of(), classPath, options, main, arguments);
    }

    /**
     * Starts a main class by way of another program, in the calling thread's namespaces.
     *
     * @param before a command that executes the rest of its line, such as {@code prlimit --nofile=20}
     * @param options of the JVM, for the parent only
     */
    public static TestedProgram start(List<String> before, String classPath, List<String> options, Class<?> main,
            String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx64m", "-XX:-UsePerfData",
                "--enable-native-access=ALL-UNNAMED", "-cp", classPath));
        command.addAll(0, before);
        command.addAll(options);
        command.add(main.getName());
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        return new TestedProgram(process);
    }

    private void read() {
        try (BufferedReader lines = process.inputReader()) {
            for (String line; (line = lines.readLine()) != null;)
                printed.add(line);
        } catch (IOException e) {
            printed.add(e.toString());
        }
        printed.add(END);
    }

    /** The next line that has this in it. */
    public String awaitLine(String part) throws InterruptedException {
        for (;;) {
            String line = printed.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (line == null || line.equals(END))
                throw new AssertionError((line == null ? "no" : "it ended without a") + " line with \"" + part
                        + "\", but:\n" + String.join("\n", seen));
            seen.add(line);
            if (line.contains(part))
                return line;
        }
    }

    /** Whether it prints a line that has this in it, within some time and before it ends; what it prints until then is passed over. */
    public boolean prints(String part, Duration patience) throws InterruptedException {
        for (long end = System.nanoTime() + patience.toNanos();;) {
            String line = printed.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
            if (line == null)
                return false;
            if (line.equals(END)) {
                printed.add(END);
                return false;
            }
            seen.add(line);
            if (line.contains(part))
                return true;
        }
    }

    /** Everything it has printed so far, whether it was waited for or not. */
    public List<String> said() {
        return Stream.concat(seen.stream(), printed.stream()).filter(line -> !line.equals(END)).toList();
    }

    /** The process that was started. */
    public ProcessHandle process() {
        return process.toHandle();
    }

    /** The parent, who keeps its rights. */
    public ProcStatus parent() {
        return ProcStatus.of(process.pid());
    }

    /** Its children of this moment, spares among them. */
    public List<ProcessHandle> children() {
        return process.children().toList();
    }

    /** All its processes of this moment: the parent, its children, and the programs that were started for them. */
    public List<ProcessHandle> processes() {
        return Stream.concat(Stream.of(process.toHandle()), process.descendants()).toList();
    }

    /** The one process that runs a role. */
    public ProcStatus role(String name) {
        for (ProcessHandle child : children()) {
            ProcStatus status = ProcStatus.of(child.pid());
            try {
                if (status.environment("IMSG_ROLE").equals(name))
                    return status;
            } catch (IOException _) {
                // It has ended, and the parent has not waited for it yet, or has since.
            }
        }
        throw new AssertionError("no process runs the role " + name);
    }

    /** Sends the parent a signal, such as HUP. */
    public void signal(String name) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder("/bin/sh", "-c", "kill -" + name + " " + process.pid()).inheritIO().start();
        if (kill.waitFor() != 0)
            throw new IOException("no signal " + name + " was sent");
    }

    /** Stops it as an administrator would; everything it printed. */
    public List<String> stop() throws InterruptedException {
        process.destroy();
        return awaitEnd();
    }

    /** Waits until it has ended, and its children with it; everything it printed. */
    public List<String> awaitEnd() throws InterruptedException {
        List<ProcessHandle> children = process.children().toList();
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
            throw new AssertionError("it does not end:\n" + String.join("\n", seen));
        reader.join();
        printed.drainTo(seen);
        seen.remove(END);
        if (children.stream().anyMatch(ProcessHandle::isAlive))
            throw new AssertionError("children outlive it");
        return List.copyOf(seen);
    }

    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor();
            reader.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
