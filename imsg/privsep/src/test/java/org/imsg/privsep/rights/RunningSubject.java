package org.imsg.privsep.rights;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.imsg.testing.ProgramJar;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** A {@link Subject} in a JVM of its own, started with or without a confinement; it is asked one line at a time. */
final class RunningSubject implements AutoCloseable {
    private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

    private final Child child;
    private final OutputStream commands;
    private final BufferedReader answers;
    private final StringBuilder said = new StringBuilder();

    private RunningSubject(Child child, Fd commands, Fd answers) {
        this.child = child;
        this.commands = Channels.newOutputStream(new FdChannel(commands));
        this.answers = new BufferedReader(
                new InputStreamReader(Channels.newInputStream(new FdChannel(answers)), StandardCharsets.UTF_8));
    }

    /** How the JVM itself is started. */
    @FunctionalInterface
    interface Start {
        Child from(Child.Builder program) throws IOException;
    }

    static RunningSubject start(Start start, String... options) throws IOException {
        return startProgram(start, JAVA, command(options));
    }

    static RunningSubject startProgram(Start start, Path program, List<String> arguments)
            throws IOException {
        try (Fd.Pair in = Fd.pipe(); Fd.Pair out = Fd.pipe()) {
            Child.Builder builder = Child.of(program, arguments.toArray(String[]::new)).descriptor(0, in.first())
                    .descriptor(1, out.second()).descriptor(2, out.second());
            RunningSubject subject = new RunningSubject(start.from(builder), in.second().move(), out.first().move());
            out.second().close();
            try {
                subject.answer();
                return subject;
            } catch (IOException | RuntimeException | Error e) {
                subject.close();
                throw e;
            }
        }
    }

    /** What "java" and "root" show is this JVM's class path; that of the subject is another. */
    static RunningSubject confined(String words, String... options) throws IOException {
        return start(shown(words)::spawn, options);
    }

    static Confinement shown(String words) {
        return Descriptions.of(words.replaceFirst("\\bjava\\b", "java read:" + Archive.FILE)
                .replaceFirst("\\broot\\b", "root:" + Archive.FILE));
    }

    static RunningSubject free(String... options) throws IOException {
        return start(Child.Builder::start, options);
    }

    /** The arguments of java. */
    static List<String> command(String... options) {
        List<String> command = new ArrayList<>(
                List.of("-Xshare:auto", "-Xmx256m", "--enable-native-access=ALL-UNNAMED"));
        command.addAll(List.of(options));
        // What starts fastest; those who name a collector have the compilers of a usual JVM too.
        if (Stream.of(options).noneMatch(option -> option.endsWith("GC")))
            command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
        command.addAll(List.of("-cp", Archive.FILE.toString(), Subject.class.getName()));
        return command;
    }

    /** Where its classes are. */
    static Path jar() {
        return Archive.FILE;
    }

    int pid() {
        return child.pid();
    }

    /** Tells it to do something. */
    String ask(String command) throws IOException {
        commands.write((command + "\n").getBytes(StandardCharsets.UTF_8));
        return answer();
    }

    /** Tells it to do what ends it; what it printed meanwhile. */
    String askLast(String command) throws IOException {
        commands.write((command + "\n").getBytes(StandardCharsets.UTF_8));
        said.setLength(0);
        for (String line; (line = answers.readLine()) != null;)
            said.append(line).append('\n');
        return said.toString();
    }

    Child.ExitStatus waitFor() throws InterruptedException {
        return child.waitFor();
    }

    private String answer() throws IOException {
        for (String line; (line = answers.readLine()) != null;) {
            if (line.startsWith(Subject.ANSWER))
                return line.substring(Subject.ANSWER.length());
            said.append(line).append('\n');
        }
        throw new AssertionError("the subject ended, having said: " + said);
    }

    @Override
    public void close() throws IOException {
        commands.close();
        // It ends with its input, and takes its files in /tmp with it; unless it is stuck.
        if (!hasEnded(Duration.ofSeconds(10)))
            child.kill(9);
        hasEnded(Duration.ofSeconds(10));
        answers.close();
    }

    private boolean hasEnded(Duration patience) {
        try {
            return child.waitFor(patience).isPresent();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** The class files in a place that any user can read, wherever they were built; the test's own directory may be private. */
    private static final class Archive {
        static final Path FILE = make();

        private static Path make() {
            try {
                Path directory = Files.createTempDirectory("imsg-subject");
                directory.toFile().deleteOnExit();
                Path file = ProgramJar.in(directory, Subject.class, Ids.class, Fd.class);
                file.toFile().deleteOnExit();
                return file;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
