package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recorder;
import org.imsg.harness.record.Recording;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.stream.RawSocket;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.opentest4j.TestAbortedException;

/** The jar, run as a user runs it: java -jar imsg.jar. */
@Timeout(120)
class ProgramJarTest {
    private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin/java");

    private static final String JAR = System.getProperty("imsg.jar");

    @TempDir
    private Path directory;

    @BeforeEach
    void needsTheJar() {
        // The build names it when it has made it.
        if (JAR == null)
            throw new TestAbortedException("imsg.jar is tested in the phase integration-test");
    }

    private record Ended(int code, String out, String err) {}

    private Process start(Path java, Object... arguments) throws IOException {
        List<String> line = new ArrayList<>(List.of(java.toString(), "-jar", JAR));
        Stream.of(arguments).map(Object::toString).forEach(line::add);
        return new ProcessBuilder(line).redirectOutput(directory.resolve("out").toFile())
                .redirectError(directory.resolve("err").toFile()).start();
    }

    private Ended end(Process process) throws Exception {
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return new Ended(process.exitValue(), Files.readString(directory.resolve("out"), StandardCharsets.UTF_8),
                Files.readString(directory.resolve("err"), StandardCharsets.UTF_8));
    }

    @Test
    void it_says_its_version_and_its_help() throws Exception {
        assertThat(end(start(JAVA, "--version"))).isEqualTo(new Ended(0, "imsg 0.1.0\n", ""));
        assertThat(end(start(JAVA, "tap", "--help")).out()).contains("Usage: imsg tap", "Example:");
    }

    @Test
    void a_command_is_loaded_without_the_others() throws Exception {
        Path loaded = directory.resolve("loaded");
        Process process = new ProcessBuilder(JAVA.toString(), "-Xlog:class+load:file=" + loaded, "-jar", JAR, "send",
                directory.resolve("none").toString(), "--type", "1").redirectOutput(directory.resolve("out").toFile())
                .redirectError(directory.resolve("err").toFile()).start();
        assertThat(end(process).code()).isEqualTo(3);
        assertThat(Files.readString(loaded).lines()
                .flatMap(line -> Pattern.compile("org\\.imsg\\.harness\\.cli\\.\\w+Command(?= )").matcher(line)
                        .results().map(MatchResult::group)))
                .containsExactlyInAnyOrder("org.imsg.harness.cli.ImsgCommand", "org.imsg.harness.cli.SendCommand");
    }

    @Test
    void an_error_is_one_line_without_a_warning_or_a_stack_trace() throws Exception {
        Ended ended = end(start(JAVA, "send", directory.resolve("none"), "--type", 1));
        assertThat(ended.code()).isEqualTo(3);
        assertThat(ended.out()).isEmpty();
        assertThat(ended.err()).startsWith("imsg: connect").contains("ENOENT").hasLineCount(1);
    }

    @Test
    void an_output_that_cannot_be_written_is_an_error_of_one_line() throws Exception {
        for (String command : List.of("--help", "completion", "decode " + directory.resolve("empty"))) {
            Files.write(directory.resolve("empty"), new byte[0]);
            Process process = new ProcessBuilder("/bin/sh", "-c", JAVA + " -jar " + JAR + " " + command + " >/dev/full")
                    .redirectOutput(directory.resolve("out").toFile()).redirectError(directory.resolve("err").toFile())
                    .start();
            Ended ended = end(process);
            assertThat(ended.code()).as(command).isEqualTo(3);
            assertThat(ended.err()).as(command).startsWith("imsg: the standard output cannot be written: ")
                    .hasLineCount(1);
        }
    }

    /** Its number goes to a file of the JVM, which has 150 MB. */
    @ParameterizedTest
    @ValueSource(strings = {"decode -", "smtp none --version 7.6.0p1 send --from a@b --to c@d"})
    void a_standard_input_that_is_closed_is_an_error_of_one_line(String line) throws Exception {
        Process process = new ProcessBuilder("/bin/sh", "-c", "exec " + JAVA + " -jar " + JAR + " " + line + " <&-")
                .redirectOutput(directory.resolve("out").toFile()).redirectError(directory.resolve("err").toFile())
                .start();
        assertThat(end(process)).isEqualTo(new Ended(3, "", "imsg: the standard input is closed\n"));
    }

    /** Nothing connects, nothing is answered, the time is not over, and it does not wait for that. */
    @ParameterizedTest
    @CsvSource({"listen DIR/own, 1", "talk DIR/silent --script DIR/script, 1", "send DIR/silent --type 1 --wait 9m, 2",
            "talk --script DIR/script --wait 9m --exec sleep 600, 1", "fuzz DIR/echo --type 1 --seconds 999, 1",
            "decode -, 1", "replay DIR/recording DIR/silent --wait 9m, 2",
            "conformance DIR/silent --type 1 --wait 9m, 0"})
    void a_program_whose_reader_has_gone_ends_at_once(String line, int lines) throws Exception {
        Files.writeString(directory.resolve("script"), "expect 7 within=9m\n");
        new Recording(Instant.EPOCH, List.of(message(Direction.TO_SERVER, 0), message(Direction.TO_CLIENT, 0)))
                .write(directory.resolve("recording"));
        Ended ended;
        try (RawListener silent = RawListener.listen(directory.resolve("silent"), 0600);
                RawListener daemon = RawListener.listen(directory.resolve("echo"), 0600)) {
            assertThat(silent.isOpen()).isTrue();
            Thread.ofVirtual().start(() -> echo(daemon));
            ended = end(new ProcessBuilder("/bin/sh", "-c", "(" + JAVA + " -jar " + JAR + " "
                    + line.replace("DIR", directory.toString()) + "; echo $? >" + directory.resolve("code")
                    + ") | head -" + lines).redirectOutput(directory.resolve("out").toFile())
                    .redirectError(directory.resolve("err").toFile()).start());
        }
        assertThat(ended.err()).isEqualTo("imsg: the standard output cannot be written: its reader has gone\n");
        assertThat(directory.resolve("code")).hasContent("3");
    }

    /** With so little memory that not even a half of it has room. */
    @ParameterizedTest
    @ValueSource(strings = {"saved", "text.imsg", "packets.pcapng"})
    void a_long_stream_is_decoded_with_little_memory(String name) throws Exception {
        Path file = directory.resolve(name);
        Event event = message(Direction.TO_SERVER, 16_000);
        int count = 1400;
        if (name.equals("saved"))
            try (OutputStream out = Files.newOutputStream(file)) {
                for (int i = 0; i < count; i++)
                    out.write(event.bytes());
            }
        else
            try (Recorder recorder = Recorder.to(file)) {
                for (int i = 0; i < count; i++)
                    recorder.add(event);
            }
        assertThat(Files.size(file)).isGreaterThan(21_000_000);
        Process process = new ProcessBuilder(JAVA.toString(), "-Xmx10m", "-XX:+UseSerialGC", "-jar", JAR, "decode", "-",
                "--rows", "0", "--save", directory.resolve("copy.pcapng").toString())
                .redirectInput(file.toFile()).redirectOutput(directory.resolve("out").toFile())
                .redirectError(directory.resolve("err").toFile()).start();
        Ended ended = end(process);
        assertThat(ended.err()).isEmpty();
        assertThat(ended.code()).isZero();
        assertThat(ended.out().lines().filter(line -> line.contains("->"))).hasSizeGreaterThanOrEqualTo(count);
        assertThat(Files.size(directory.resolve("copy.pcapng"))).isGreaterThan(21_000_000);
    }

    private static Event message(Direction direction, int length) {
        return Event.message(direction, WireFormat.MODERN, 1, 0, 0, new byte[length], List.of());
    }

    @Test
    void an_older_Java_is_told_what_is_needed() throws Exception {
        Path older = olderJava()
                .orElseThrow(() -> new TestAbortedException("there is no Java 17 to 24 in /usr/lib/jvm"));
        Ended ended = end(start(older, "--version"));
        assertThat(ended.code()).isEqualTo(3);
        assertThat(ended.err()).startsWith("imsg: needs Java 25 or newer, this is Java ").hasLineCount(1);
    }

    private static Optional<Path> olderJava() throws IOException {
        Path all = Path.of("/usr/lib/jvm");
        if (!Files.isDirectory(all))
            return Optional.empty();
        try (Stream<Path> homes = Files.list(all)) {
            return homes.filter(home -> home.getFileName().toString().matches("java-(17|18|19|2[0-4])-.*"))
                    .map(home -> home.resolve("bin/java")).filter(Files::isExecutable).findFirst();
        }
    }

    @Test
    void on_a_terminal_there_are_colours_and_progress_which_stay_out_of_what_is_redirected() throws Exception {
        Path file = directory.resolve("recording");
        new Recording(Instant.EPOCH, List.of(
                Event.message(Direction.TO_SERVER, WireFormat.MODERN, 1, 0, 0, new byte[0], List.of()),
                Event.message(Direction.TO_CLIENT, WireFormat.MODERN, 1, 0, 0, new byte[0], List.of()))).write(file);
        Path socket = directory.resolve("echo");
        try (RawListener daemon = RawListener.listen(socket, 0600)) {
            Thread.ofVirtual().start(() -> echo(daemon));
            String replay = JAVA + " -jar " + JAR + " replay " + file + " " + socket;
            assertThat(onTerminal(replay)).contains("\u001B[32m->\u001B[0m", "\r\u001B[K1 of 2 events",
                    "2 of 2 events");
            Path err = directory.resolve("err");
            assertThat(onTerminal(replay + " 2>" + err)).contains("\u001B[32m->").doesNotContain("of 2 events");
            assertThat(err).isEmptyFile();
            assertThat(onTerminal(replay + " >/dev/null")).contains("2 of 2 events").doesNotContain("->");
            assertThat(onTerminal(replay + " --json")).contains("\"type\":1").doesNotContain("\u001B", "of 2 events");
            assertThat(onTerminal("NO_COLOR=1 " + replay)).contains("->").doesNotContain("[32m");
        }
    }

    /** What a command line writes to the terminal it is run on. */
    private String onTerminal(String line) throws Exception {
        Process script = new ProcessBuilder("script", "-qec", line, "/dev/null").redirectErrorStream(true)
                .redirectOutput(directory.resolve("out").toFile()).start();
        assertThat(script.waitFor(60, TimeUnit.SECONDS)).isTrue();
        String shown = Files.readString(directory.resolve("out"), StandardCharsets.UTF_8);
        assertThat(script.exitValue()).as(shown).isZero();
        return shown;
    }

    private static void echo(RawListener daemon) {
        try {
            for (;;)
                try (RawSocket client = daemon.accept()) {
                    for (Chunk chunk; (chunk = client.receive()) != null;)
                        client.send(chunk.bytes());
                }
        } catch (IOException _) {
            // closed
        }
    }

    @Test
    void a_tap_passes_a_descriptor_records_it_and_ends_with_a_signal() throws Exception {
        Path target = directory.resolve("daemon");
        Path tap = directory.resolve("tap");
        Path recorded = directory.resolve("recorded.pcapng");
        try (ImsgListener daemon = ImsgListener.listen(target)) {
            Process process = start(JAVA, "tap", tap, target, "--record", recorded);
            try {
                try (ImsgChannel client = connect(tap, process).format(WireFormat.MODERN).allowFdPassing();
                        ImsgChannel server = daemon.accept().allowFdPassing()) {
                    assertThat(server.peerCredentials().pid()).as("the daemon sees the tap")
                            .isEqualTo((int) process.pid());
                    client.send(Imsg.of(5, "take this").withFd(Fd.open(Path.of("/dev/null"), OpenFlag.READ)));
                    try (Imsg message = server.receive()) {
                        assertThat(message.hasFd()).isTrue();
                        assertThat(message.getString(9)).isEqualTo("take this");
                    }
                }
            } finally {
                process.destroy();
            }
            Ended ended = end(process);
            assertThat(ended.out()).contains("connected: client uid", "pid " + ProcessHandle.current().pid(),
                    "|take this", "/dev/null");
            assertThat(ended.err()).isEmpty();
            assertThat(tap).doesNotExist();
        }
        assertThat(Recording.read(recorded).events()).filteredOn(Event::isMessage).singleElement()
                .satisfies(event -> assertThat(event.descriptors()).containsExactly("/dev/null"));
    }

    /** The client knows by its own waiting that the program waits for the reader of its output. */
    @ParameterizedTest
    @ValueSource(strings = {"listen", "tap"})
    void a_program_whose_output_is_not_read_ends_with_a_signal_all_the_same(String command) throws Exception {
        Path own = directory.resolve("own");
        Path echo = directory.resolve("echo");
        try (RawListener daemon = RawListener.listen(echo, 0600)) {
            Thread.ofVirtual().start(() -> echo(daemon));
            List<String> line = new ArrayList<>(List.of(JAVA.toString(), "-jar", JAR, command, own.toString()));
            ByteBuffer much = ByteBuffer.allocate(8 << 20);
            while (much.hasRemaining())
                much.put(message(Direction.TO_SERVER, 0).bytes());
            if (command.equals("tap"))
                line.add(echo.toString());
            Process process = new ProcessBuilder(line).redirectError(directory.resolve("err").toFile()).start();
            try {
                connect(own, process).close();
                try (RawSocket client = RawSocket.connect(own)) {
                    assertThatThrownBy(() -> client.send(much.array(), List.of(), Duration.ofSeconds(2)))
                            .isInstanceOf(SocketTimeoutException.class);
                }
                process.toHandle().destroy(); // the output stays open
                assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            } finally {
                process.destroyForcibly().waitFor();
            }
            assertThat(own).doesNotExist();
            assertThat(directory.resolve("err")).isEmptyFile();
        }
    }

    /** As soon as there is a socket and the process listens at it. */
    private static ImsgChannel connect(Path socket, Process process) throws IOException {
        for (;;)
            try {
                return ImsgChannel.connect(socket);
            } catch (ErrnoException e) {
                assertThat(process.isAlive()).as(e.getMessage()).isTrue();
                Thread.onSpinWait();
            }
    }
}
