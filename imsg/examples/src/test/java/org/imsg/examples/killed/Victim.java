package org.imsg.examples.killed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.imsg.ImsgChannel;
import org.imsg.examples.Example;
import org.imsg.privsep.Privsep;
import org.imsg.testing.NetworkNamespace;
import org.imsg.testing.ProgramJar;
import org.imsg.testing.TestedProgram;

/** An example, in a network of its own, that is started again and again, and has a client. */
abstract class Victim {
    private static final int MOST_MILLIS = 20_000;

    final Path directory;
    /** What it writes. */
    final Path disk;
    final NetworkNamespace network;
    private final String classPath;
    private final Class<?> main;
    private final Set<Long> pids = new HashSet<>();
    volatile TestedProgram program;

    Victim(Path directory, Class<?> main) throws Exception {
        this.directory = directory;
        this.main = main;
        this.disk = Files.createDirectory(directory.resolve("disk"));
        Files.setPosixFilePermissions(disk, PosixFilePermissions.fromString("rwxr-xr-x"));
        this.network = Example.newNetwork();
        String jar = ProgramJar.in(directory, main, Privsep.class, ImsgChannel.class).toString();
        classPath = needsMore()
                ? String.join(File.pathSeparator, jar, System.getProperty("jdk.module.path", ""),
                        System.getProperty("java.class.path"))
                : jar;
    }

    /** Whether it needs what this project does not have itself. */
    boolean needsMore() {
        return false;
    }

    abstract List<String> arguments();

    /** The users that only its processes run under. */
    abstract Set<Integer> users();

    /** Asks for one thing; false if there is no answer, or the connection has ended before. Fails if the answer is wrong. */
    abstract boolean isAnswered(int number) throws Exception;

    /** Fails if anything is not there that was acknowledged. */
    void check() throws Exception {
        // Nothing outlives an answer, unless said.
    }

    TestedProgram start() throws Exception {
        return start(List.of(), List.of());
    }

    /** Starts it by way of another program, or with options of the parent's JVM. */
    TestedProgram start(List<String> before, List<String> options) throws Exception {
        program = network.call(() -> TestedProgram.start(before, classPath, options, main,
                arguments().toArray(String[]::new)));
        return program;
    }

    /** Stops it as an administrator would. */
    void stop() throws Exception {
        assertThat(program.stop()).noneMatch(line -> line.contains("SEVERE"));
    }

    /** What a process of this pid may leave is looked for at the end. */
    void remember(List<ProcessHandle> processes) {
        processes.forEach(process -> pids.add(process.pid()));
    }

    /** Says something over TCP; what is answered until the end, or until a line that begins with a word. */
    String answer(int port, String text, String last) throws Exception {
        try (Socket socket = network.call(() -> {
            Socket made = new Socket();
            try {
                made.connect(new InetSocketAddress("127.0.0.1", port), MOST_MILLIS);
                return made;
            } catch (IOException e) {
                made.close();
                return null;
            }
        })) {
            if (socket == null)
                return "";
            socket.setSoTimeout(MOST_MILLIS);
            socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
            StringBuilder answer = new StringBuilder();
            for (String line; (line = line(socket)).endsWith("\n");) {
                answer.append(line);
                if (line.startsWith(last))
                    break;
            }
            return answer.toString();
        } catch (IOException _) {
            return "";
        }
    }

    private static String line(Socket socket) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next; line.indexOf("\n") < 0 && (next = socket.getInputStream().read()) >= 0;)
            line.append((char) next);
        return line.toString();
    }

    static void ran(String input, String... line) throws Exception {
        Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
        try (var in = process.getOutputStream()) {
            in.write(input.getBytes(StandardCharsets.UTF_8));
        }
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(printed).isZero();
    }

    /** Waits until none of its processes is there, and fails if one stays. */
    void awaitNothingLeft() throws IOException {
        List<String> left = left();
        for (long start = System.nanoTime(); !left.isEmpty(); left = left()) {
            assertThat(System.nanoTime() - start).as("left: %s", left).isLessThan(MOST_MILLIS * 1_000_000L);
            LockSupport.parkNanos(1_000_000);
        }
        assertThat(filesOf(Path.of("/tmp"))).as("files of JVMs that were killed").isEmpty();
    }

    private List<String> left() throws IOException {
        List<String> left = new ArrayList<>();
        try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
            for (Path process : processes.filter(each -> each.getFileName().toString().matches("\\d+")).toList()) {
                try {
                    String status = Files.readString(process.resolve("status"));
                    String line = Files.readString(process.resolve("cmdline")).replace('\0', ' ');
                    boolean its = line.contains(classPath)
                            || users().stream().anyMatch(user -> status.contains("\nUid:\t" + user + "\t"));
                    // A killed process may still wait for init to notice.
                    if (its && !status.contains("\nState:\tZ"))
                        left.add(process.getFileName() + " " + line);
                } catch (IOException _) {
                    // It has ended.
                }
            }
        }
        return left;
    }

    private List<Path> filesOf(Path temporary) throws IOException {
        try (Stream<Path> files = Files.list(temporary)) {
            return files.filter(file -> pids.stream().anyMatch(pid -> file.getFileName().toString()
                    .matches("(\\.java_pid|\\.attach_pid|hs_err_pid)" + pid + "(\\.log)?"))).toList();
        }
    }

    void end() throws Exception {
        network.close();
    }
}
