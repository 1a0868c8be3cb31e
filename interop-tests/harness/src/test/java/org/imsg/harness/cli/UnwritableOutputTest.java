package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.channels.Channels;
import java.nio.channels.Pipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.stream.RawSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every command that cannot write its output says so in one line and ends with exit code 3. */
@Timeout(60)
class UnwritableOutputTest {
    private static final Path FULL = Path.of("/dev/full");

    @TempDir
    private Path directory;
    private RawListener echo;
    private RawListener wrong;

    /** A daemon that sends all back, and one that sends what is no message; a recording and a script. */
    @BeforeEach
    void prepare() throws IOException {
        echo = RawListener.listen(directory.resolve("echo"), 0600);
        wrong = RawListener.listen(directory.resolve("wrong"), 0600);
        Thread.ofVirtual().start(() -> serve(echo, false));
        Thread.ofVirtual().start(() -> serve(wrong, true));
        new Recording(Instant.EPOCH,
                List.of(Event.message(Direction.TO_SERVER, WireFormat.MODERN, 3, 0, 9, new byte[2], List.of()),
                        Event.message(Direction.TO_CLIENT, WireFormat.MODERN, 3, 0, 9, new byte[2], List.of())))
                .write(directory.resolve("recording"));
        Files.writeString(directory.resolve("script"), "send 3 hex=01\nexpect 3\n");
    }

    @AfterEach
    void close() {
        echo.close();
        wrong.close();
    }

    private static void serve(RawListener listener, boolean wrongly) {
        try {
            for (;;) {
                RawSocket client = listener.accept();
                Thread.ofVirtual().start(() -> answer(client, wrongly));
            }
        } catch (IOException _) {
            // closed
        }
    }

    private static void answer(RawSocket client, boolean wrongly) {
        try (client) {
            for (Chunk chunk; (chunk = client.receive()) != null;) {
                chunk.close();
                client.send(wrongly ? new byte[16] : chunk.bytes());
            }
        } catch (IOException _) {
            // it has left
        }
    }

    /** All lines write something; each of the commands is in one at least. */
    static List<String> lines() {
        return Stream.concat(commands().stream().map(name -> name + " --help"), Stream.of("--help", "--version",
                "probe echo", "send echo --type 3 --end 3", "listen own", "tap own echo", "decode recording",
                "replay recording echo", "talk echo --script script", "fuzz echo --type 3 --seconds 1 --out found",
                "conformance echo --type 3 --case byte-by-byte", "bgp echo --version 8.8 reload --help", "completion",
                "completion zsh", "completion fish", "help", "help send", "help script", "help structs", "help json"))
                .toList();
    }

    private static Set<String> commands() {
        return new TreeSet<>(ImsgCommand.commandLine().getSubcommands().keySet());
    }

    @ParameterizedTest
    @MethodSource("lines")
    void on_a_full_disk_and_into_a_pipe_without_a_reader(String line) throws IOException {
        try (OutputStream full = new FileOutputStream(FULL.toFile())) {
            isAnError(line, full, "No space left on device");
        }
        Pipe pipe = Pipe.open();
        pipe.source().close();
        try (OutputStream closed = Channels.newOutputStream(pipe.sink())) {
            isAnError(line, closed, "Broken pipe");
        }
    }

    private void isAnError(String line, OutputStream out, String reason) {
        StringWriter err = new StringWriter();
        String[] words = words(line);
        int code = ImsgCommand.execute(ImsgCommand.commandLine(words).setOut(new CheckedOutput(out))
                .setErr(new PrintWriter(err, true)), words);
        assertThat(err.toString()).isEqualTo("imsg: the standard output cannot be written: " + reason + "\n");
        assertThat(code).isEqualTo(ExitCode.FAILED);
    }

    private String[] words(String line) {
        Set<String> files = Set.of("echo", "wrong", "own", "recording", "script", "found");
        return Stream.of(line.split(" "))
                .map(word -> files.contains(word) && !line.startsWith("help")
                        ? directory.resolve(word).toString()
                        : word)
                .toArray(String[]::new);
    }

    /** Options that name a file to be written, as the help has them; each is in a line below. */
    @Test
    void every_option_that_writes_a_file_is_tried() {
        Set<String> tried = OPTIONS.lines().flatMap(line -> Stream.of(line.split(" ")[0] + " "
                + line.replaceFirst(".*(--\\w+) /dev/full.*", "$1"))).collect(Collectors.toCollection(TreeSet::new));
        Set<String> there = new TreeSet<>();
        ImsgCommand.commandLine().getSubcommands().forEach((name, command) -> command.getCommandSpec().options()
                .stream().filter(option -> option.description().length > 0
                        && option.description()[0].matches("(Writes|Where to write).*"))
                .forEach(option -> there.add(name + " " + option.longestName())));
        assertThat(tried).isEqualTo(there);
    }

    private static final String OPTIONS = """
            conformance echo --type 3 --case byte-by-byte --junit /dev/full
            decode recording --save /dev/full
            decode recording --html /dev/full
            fuzz wrong --type 3 --seconds 9 --out /dev/full
            listen own --record /dev/full
            listen own --html /dev/full
            send echo --type 3 --end 3 --record /dev/full
            send echo --type 3 --end 3 --html /dev/full
            talk echo --script script --record /dev/full
            talk echo --script script --html /dev/full
            tap own echo --record /dev/full
            tap own echo --html /dev/full
            """;

    static List<String> options() {
        return OPTIONS.lines().toList();
    }

    @ParameterizedTest
    @MethodSource("options")
    void a_file_on_a_full_disk(String line) throws Exception {
        StringWriter err = new StringWriter();
        Thread client = Thread.ofVirtual().start(() -> {
            if (line.contains(" own"))
                speak(directory.resolve("own"));
        });
        int code = ImsgCommand.commandLine().setOut(new PrintWriter(new StringWriter()))
                .setErr(new PrintWriter(err, true)).execute(words(line));
        client.interrupt();
        client.join();
        assertThat(err.toString()).contains("/dev/full", "No space left on device").hasLineCount(1);
        assertThat(code).isEqualTo(ExitCode.FAILED);
    }

    private static void speak(Path socket) {
        while (!Thread.currentThread().isInterrupted())
            try (ImsgChannel channel = ImsgChannel.connect(socket)) {
                channel.send(Imsg.of(3));
                channel.receive();
            } catch (IOException _) {
                Thread.onSpinWait(); // it does not listen yet, or ends without an answer
            }
    }
}
