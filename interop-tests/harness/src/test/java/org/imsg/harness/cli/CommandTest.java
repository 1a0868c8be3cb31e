package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.imsg.harness.scripted.Expected;
import org.imsg.harness.scripted.Misbehaviour;
import org.imsg.harness.scripted.ScriptedServer;
import org.imsg.harness.stream.Chunk;
import org.imsg.harness.stream.RawListener;
import org.imsg.harness.stream.RawSocket;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The program's commands, run in this process. */
@Timeout(60)
class CommandTest extends ImsgProgram {
    @TempDir
    private Path directory;
    private Path socket;
    private Path description;

    @BeforeEach
    void describe() throws IOException {
        socket = directory.resolve("socket");
        description = Files.writeString(directory.resolve("structs"), """
                struct request {
                    u16 port
                    char name[6]
                }
                message 1 OPEN > request
                message 2 OPENED
                """);
    }

    @Test
    void send_shows_the_answers_by_name_and_passes_a_descriptor() throws Exception {
        try (ScriptedServer daemon = ScriptedServer.listen(socket, WireFormat.MODERN, client -> {
            client.expect(Expected.type(1).id(7).withDescriptor().payload(
                    new byte[]{(byte) 179, 0, 'b', 'g', 'p', 0, 0, 0}));
            client.send(2, "done".getBytes(StandardCharsets.US_ASCII));
        })) {
            assertThat(daemon.socket()).exists();
            assertThat(imsg("send", socket, "--describe", description, "--type", "OPEN", "--id", 7, "--fd", description,
                    "--end", "OPENED", "--wait", "10s", "--struct", "request", "port=179", "name=bgp")).isZero();
        }
        assertThat(out.toString()).contains("1 OPEN", "port 179", "name \"bgp\"", description.toRealPath().toString(),
                "2 OPENED", "|done|");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void json_is_an_object_a_line_and_nothing_else() throws Exception {
        try (ScriptedServer daemon = ScriptedServer.listen(socket, WireFormat.MODERN, client -> {
            client.expect(Expected.type(5));
            client.send(6, new byte[]{1, 2});
        })) {
            assertThat(daemon.socket()).exists();
            assertThat(imsg("send", socket, "--type", 5, "--json", "--end", 6, "--wait", "10s")).isZero();
        }
        assertThat(out.toString().lines()).hasSize(2)
                .allSatisfy(line -> assertThat(line).startsWith("{").endsWith("}"))
                .anySatisfy(line -> assertThat(line).contains("\"type\":6", "\"payload\":\"0102\""));
    }

    @Test
    void no_answer_in_time_is_exit_code_1_and_what_is_no_message_4() throws Exception {
        try (ScriptedServer daemon = ScriptedServer.listen(socket, WireFormat.MODERN, client -> {
            client.expect(Expected.type(5));
            client.expectEnd();
        })) {
            assertThat(daemon.socket()).exists();
            assertThat(imsg("send", socket, "--type", 5, "--wait", "20ms")).isEqualTo(1);
        }
        try (ScriptedServer daemon = ScriptedServer.listen(socket, WireFormat.MODERN, client -> {
            client.expect(Expected.type(5));
            client.misbehave(Misbehaviour.SHORT_LENGTH, 1);
        })) {
            assertThat(daemon.socket()).exists();
            assertThat(imsg("send", socket, "--type", 5, "--wait", "10s")).isEqualTo(4);
        }
        assertThat(err.toString()).isEqualTo("imsg: the answer is no message: length 15 is not 16 to 65535\n");
    }

    @Test
    void what_cannot_be_done_is_one_line_and_exit_code_3() {
        assertThat(imsg("send", socket, "--type", 5)).isEqualTo(3);
        assertThat(imsg("decode", directory.resolve("nothing"))).isEqualTo(3);
        assertThat(err.toString().lines()).hasSize(2).allSatisfy(line -> assertThat(line).startsWith("imsg: "))
                .anySatisfy(line -> assertThat(line).contains("ENOENT"))
                .anySatisfy(line -> assertThat(line).contains("nothing: no such file"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"decode DIR", "replay DIR none", "fuzz none --from DIR", "talk none --script DIR",
            "listen none --script DIR", "send none --type X --describe DIR", "decode none --describe DIR",
            "smtp none --version 7.6.0p1 send --from a@b --to c@d DIR", "tmux none --version 3.5a load-buffer b DIR"})
    void a_directory_in_the_place_of_a_file_is_named(String line) {
        assertThat(imsg((Object[]) line.replace("DIR", directory.toString()).split(" "))).isEqualTo(3);
        assertThat(err.toString()).startsWith("imsg: " + directory + ": is a directory").hasLineCount(1);
    }

    @Test
    void wrong_usage_is_one_line_and_exit_code_2() throws IOException {
        assertThat(imsg()).isEqualTo(2);
        assertThat(imsg("sned")).isEqualTo(2);
        assertThat(imsg("send", socket)).isEqualTo(2);
        assertThat(imsg("send", socket, "--type", "x")).isEqualTo(2);
        assertThat(imsg("send", socket, "--type", 1, "--wait", "soon")).isEqualTo(2);
        assertThat(imsg("send", socket, "--type", 1, "--describe", Files.writeString(directory.resolve("bad"), "x")))
                .isEqualTo(2);
        assertThat(imsg("send", "/" + "x".repeat(200), "--type", 1)).isEqualTo(2);
        assertThat(imsg("conformance", socket, "--type", 1, "--case", "none")).isEqualTo(2);
        assertThat(err.toString().lines()).hasSize(8).allSatisfy(line -> assertThat(line).startsWith("imsg: "));
    }

    @Test
    void every_command_has_a_help_with_an_example() {
        CommandLine root = ImsgCommand.commandLine();
        assertThat(root.getSubcommands()).containsOnlyKeys("probe", "send", "listen", "tap", "decode", "replay",
                "conformance", "fuzz", "bgp", "ntp", "smtp", "tmux", "talk", "ctl", "completion", "help");
        root.getSubcommands().values()
                .forEach(command -> assertThat(command.getUsageMessage()).contains("Example:", "imsg "));
        assertThat(root.getUsageMessage()).contains("Exit codes:", "Example:");
    }

    @Test
    void completion_is_a_script_of_all_commands() {
        assertThat(imsg("completion")).isZero();
        assertThat(out.toString()).contains("_picocli_imsg_conformance", "--describe", "complete -F");
        for (String shell : List.of("zsh", "fish")) {
            out.getBuffer().setLength(0);
            assertThat(imsg("completion", shell)).isZero();
            assertThat(out.toString()).as(shell).contains("conformance", "describe", "CLASSIC MODERN AUTO",
                    "neighbors rib");
        }
    }

    @Test
    void a_command_line_registers_the_command_it_names_and_no_other() {
        for (String name : ImsgCommand.commandLine().getSubcommands().keySet())
            if (!name.equals("help") && !name.equals("completion"))
                assertThat(ImsgCommand.commandLine(name, "x").getSubcommands()).containsOnlyKeys(name);
        assertThat(ImsgCommand.commandLine("--version").getSubcommands()).isEmpty();
        for (String all : List.of("help", "completion", "sned", "--help", "--version=1"))
            assertThat(ImsgCommand.commandLine(all, "x").getSubcommands()).as(all).hasSizeGreaterThan(10);
    }

    @Test
    void decode_reads_recordings_of_both_kinds_and_bare_streams() throws IOException {
        Event event = Event.message(Direction.TO_SERVER, WireFormat.CLASSIC, 1, 0, 9,
                new byte[]{80, 0, 'w', 0, 0, 0, 0, 0},
                List.of());
        for (String name : List.of("a.imsg", "a.pcapng"))
            new Recording(Instant.EPOCH, List.of(event)).write(directory.resolve(name));
        Files.write(directory.resolve("stream"), event.bytes());
        for (String name : List.of("a.imsg", "a.pcapng", "stream")) {
            out.getBuffer().setLength(0);
            assertThat(imsg("decode", directory.resolve(name), "--describe", description)).as(name).isZero();
            assertThat(out.toString()).as(name).contains("1 OPEN", "port 80", "name \"w\"");
        }
        assertThat(imsg("decode", directory.resolve("a.imsg"), "--save", directory.resolve("b.pcapng"))).isZero();
        assertThat(Recording.read(directory.resolve("b.pcapng")).events()).containsExactly(event);
        Files.write(directory.resolve("garbage"), new byte[30]);
        assertThat(imsg("decode", directory.resolve("garbage"))).isEqualTo(4);
        assertThat(out.toString()).contains("30 bytes: length 0 is not 16 to 65535");
    }

    @Test
    void colours_are_on_demand_and_without_them_the_text_is_the_same() throws Exception {
        Path file = directory.resolve("recording");
        new Recording(Instant.EPOCH, List.of(Event.note(0, 1, "connected"),
                Event.message(Direction.TO_SERVER, WireFormat.MODERN, 1, 0, 0, new byte[8], List.of()),
                Event.message(Direction.TO_CLIENT, WireFormat.MODERN, 9, 0, 0, new byte[8], List.of()),
                new Event(0, 1, Direction.TO_CLIENT, Event.Kind.BYTES, WireFormat.MODERN, new byte[]{1}, List.of(),
                        "cut"),
                Event.end(0, 1, Direction.TO_CLIENT))).write(file);
        assertThat(imsg("decode", file, "--describe", description)).isEqualTo(4); // for the bytes
        String plain = out.toString();
        assertThat(plain).doesNotContain("\u001B");
        out.getBuffer().setLength(0);
        assertThat(imsg("decode", file, "--describe", description, "--colour", "always")).isEqualTo(4);
        String coloured = out.toString();
        assertThat(coloured.replaceAll("\u001B\\[\\d*m", "")).isEqualTo(plain);
        assertThat(coloured).contains("\u001B[32m->\u001B[0m", "\u001B[34m<-\u001B[0m",
                "\u001B[31m1 bytes: cut\u001B[0m",
                "\u001B[2m    0\u001B[0m port");
        out.getBuffer().setLength(0);
        assertThat(imsg("decode", file, "--describe", description, "--colour", "never")).isEqualTo(4);
        assertThat(out.toString()).isEqualTo(plain);
        out.getBuffer().setLength(0);
        assertThat(imsg("decode", file, "--json", "--colour", "always")).isEqualTo(4);
        assertThat(out.toString()).doesNotContain("\u001B");
    }

    @Test
    void listen_answers_by_its_script_and_replay_compares() throws Exception {
        Path script = Files.writeString(directory.resolve("script"), "on OPEN\n  send OPENED data=hi\n");
        Path recorded = directory.resolve("recorded.imsg");
        Thread server = listen(script);
        assertThat(imsg("send", awaitSocket(), "--type", 1, "--end", 2, "--wait", "10s", "--record", recorded))
                .isZero();
        server.join();
        assertThat(Recording.read(recorded).events()).extracting(Event::type).containsExactly(1, 2);

        server = listen(script);
        assertThat(imsg("replay", recorded, awaitSocket(), "--compare", "payloads", "--wait", "10s", "--once"))
                .isZero();
        server.join();
        server = listen(Files.writeString(script, "on OPEN\n  send OPENED data=ho\n"));
        assertThat(imsg("replay", recorded, awaitSocket(), "--compare", "payloads", "--wait", "10s", "--once"))
                .isEqualTo(1);
        server.join();
        assertThat(err.toString())
                .isEqualTo(
                        "imsg: event 2: a message of type 2 with 2 bytes came with another payload from byte 1 on\n");
    }

    @Test
    void a_replay_that_the_daemon_does_not_survive_is_no_success() throws Exception {
        Path recorded = directory.resolve("finding.imsg");
        new Recording(Instant.EPOCH, List.of(
                Event.message(Direction.TO_SERVER, WireFormat.MODERN, 7, 0, 9, new byte[4], List.of())))
                .write(recorded);
        try (ImsgListener listener = ImsgListener.listen(socket)) {
            Thread.ofVirtual().start(() -> dieOfAMessage(listener));
            assertThat(imsg("replay", recorded, socket, "--compare", "nothing", "--wait", "1s")).isEqualTo(1);
        }
        assertThat(err.toString()).startsWith("imsg: the daemon died: no client can connect any more").hasLineCount(1);
    }

    /** As a finding of the fuzzer is, which ends with what the client said. */
    @ParameterizedTest
    @ValueSource(strings = {"types", "payloads", "nothing"})
    void a_replay_that_is_answered_with_what_is_no_message_is_no_success(String compared) throws Exception {
        Path recorded = directory.resolve("finding.imsg");
        new Recording(Instant.EPOCH, List.of(
                Event.note(0, 1, "afterwards the daemon sent what is no message"),
                Event.message(Direction.TO_SERVER, WireFormat.MODERN, 7, 0, 9, new byte[4], List.of())))
                .write(recorded);
        try (RawListener daemon = RawListener.listen(socket, 0600)) {
            Thread.ofVirtual().start(() -> answerNoMessages(daemon));
            assertThat(imsg("replay", recorded, socket, "--compare", compared, "--wait", "1s")).isEqualTo(1);
        }
        assertThat(err.toString()).startsWith("imsg: the daemon sent what is no message: length ")
                .hasLineCount(1);
    }

    private static void answerNoMessages(RawListener daemon) {
        try {
            for (;;)
                try (RawSocket client = daemon.accept()) {
                    byte[] ones = new byte[16];
                    Arrays.fill(ones, (byte) 0xFF);
                    for (Chunk chunk; (chunk = client.receive()) != null;) {
                        chunk.close();
                        client.send(ones);
                    }
                }
        } catch (IOException _) {
            // closed
        }
    }

    private static void dieOfAMessage(ImsgListener listener) {
        try {
            for (;;)
                try (ImsgChannel client = listener.accept(); Imsg message = client.receive()) {
                    if (message != null)
                        listener.close();
                }
        } catch (IOException _) {
            // it died
        }
    }

    @Test
    void a_daemon_that_lives_on_is_replayed_to_with_success() throws Exception {
        Path recorded = directory.resolve("session.imsg");
        new Recording(Instant.EPOCH, List.of(
                Event.message(Direction.TO_SERVER, WireFormat.MODERN, 7, 0, 9, new byte[4], List.of())))
                .write(recorded);
        try (ImsgListener listener = ImsgListener.listen(socket)) {
            Thread.ofVirtual().start(() -> echo(listener));
            assertThat(imsg("replay", recorded, socket, "--compare", "nothing", "--wait", "200ms")).isZero();
        }
        assertThat(err.toString()).startsWith("imsg: whether the daemon still serves was not asked").hasLineCount(1);
    }

    @Test
    void a_finding_replayed_to_a_daemon_that_hangs_is_no_success() throws Exception {
        Path finding = directory.resolve("finding.imsg");
        try (ImsgListener hanging = ImsgListener.listen(socket)) {
            Thread.ofVirtual().start(() -> hangOfAnotherType(hanging));
            assertThat(imsg("fuzz", socket, "--type", 3, "--hex", "0102", "--seconds", 50, "--seed", 6, "--wait", "2s",
                    "--out", finding)).isEqualTo(1);
        }
        // Two seconds, and as long as the daemon takes for an answer.
        assertThat(out.toString()).containsPattern("a new client is not answered within 2\\d{3} ms");
        assertThat(Recording.read(finding).answeredRequest()).get().returns(3, Event::type);
        try (ImsgListener hanging = ImsgListener.listen(socket)) {
            Thread.ofVirtual().start(() -> hangOfAnotherType(hanging));
            assertThat(imsg("replay", finding, socket, "--compare", "nothing", "--wait", "2s")).isEqualTo(1);
        }
        assertThat(err.toString()).isEqualTo(
                "imsg: the daemon hangs: a new client's request of type 3 is not answered within 2000 ms\n");
        try (ImsgListener well = ImsgListener.listen(socket)) {
            Thread.ofVirtual().start(() -> echo(well));
            assertThat(imsg("replay", finding, socket, "--compare", "nothing", "--wait", "2s")).isZero();
        }
        assertThat(err.toString()).hasLineCount(1);
    }

    @Test
    void a_replay_asks_with_the_request_it_is_given() throws Exception {
        Path said = directory.resolve("said.imsg");
        new Recording(Instant.EPOCH, List.of(
                Event.message(Direction.TO_SERVER, WireFormat.MODERN, 7, 0, 9, new byte[4], List.of()))).write(said);
        Object[] replay = {"replay", said, socket, "--wait", "2s", "--ask", "3", "--hex", "0102"};
        try (ImsgListener hanging = ImsgListener.listen(socket)) {
            Thread.ofVirtual().start(() -> hangOfAnotherType(hanging));
            assertThat(imsg(replay)).isEqualTo(1);
        }
        assertThat(err.toString()).startsWith("imsg: the daemon hangs: ").hasLineCount(1);
        try (ImsgListener well = ImsgListener.listen(socket)) {
            Thread.ofVirtual().start(() -> echo(well));
            assertThat(imsg(replay)).isZero();
        }
        assertThat(err.toString()).hasLineCount(1);
    }

    @Test
    void a_daemon_that_closes_each_new_client_does_not_serve() throws Exception {
        Path session = directory.resolve("session.imsg");
        new Recording(Instant.EPOCH, List.of(
                Event.message(Direction.TO_SERVER, WireFormat.MODERN, 3, 0, 9, new byte[4], List.of()),
                Event.message(Direction.TO_CLIENT, WireFormat.MODERN, 4, 0, 9, new byte[4], List.of()))).write(session);
        try (ImsgListener closing = ImsgListener.listen(socket)) {
            Thread.ofVirtual().start(() -> closeEach(closing));
            assertThat(imsg("replay", session, socket, "--compare", "nothing", "--wait", "2s")).isEqualTo(1);
        }
        assertThat(err.toString()).contains("imsg: the daemon serves no one: a new client's request of type 3 is not");
    }

    private static void closeEach(ImsgListener listener) {
        try {
            for (;;)
                listener.accept().close();
        } catch (IOException _) {
            // closed
        }
    }

    /** One client after the other; answers nothing any more after a message of a type that is not 3. */
    private static void hangOfAnotherType(ImsgListener listener) {
        try {
            for (boolean well = true; well;)
                well = serveWell(listener);
        } catch (IOException _) {
            // closed
        }
    }

    private static boolean serveWell(ImsgListener listener) throws IOException {
        try (ImsgChannel client = listener.accept().allowFdPassing()) {
            for (Imsg next; (next = client.receive()) != null;)
                try (Imsg message = next) {
                    if (message.type() != 3)
                        return false;
                    client.send(Imsg.of(3, message.payload()));
                }
        } catch (IOException e) {
            if (!listener.isOpen())
                throw e;
        }
        return true;
    }

    @Test
    void what_is_whole_in_a_cut_recording_is_shown_before_the_complaint() throws IOException {
        for (String name : List.of("cut.imsg", "cut.pcapng")) {
            Path file = directory.resolve(name);
            new Recording(Instant.EPOCH, List.of(
                    Event.message(Direction.TO_SERVER, WireFormat.MODERN, 11, 0, 9, new byte[4], List.of()),
                    Event.message(Direction.TO_SERVER, WireFormat.MODERN, 12, 0, 9, new byte[4], List.of())))
                    .write(file);
            byte[] bytes = Files.readAllBytes(file);
            Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 3));
            assertThat(imsg("decode", file, "--json")).as(name).isEqualTo(3);
        }
        assertThat(out.toString().lines()).hasSize(2).allMatch(line -> line.contains("\"type\":11"));
        assertThat(err.toString().lines()).hasSize(2).allMatch(line -> line.contains("cut"));
    }

    @Test
    void fuzz_never_says_a_type_that_is_forbidden() throws Exception {
        Set<Integer> said = ConcurrentHashMap.newKeySet();
        Path exchange = directory.resolve("exchange.imsg");
        new Recording(Instant.EPOCH, List.of(
                Event.message(Direction.TO_SERVER, WireFormat.MODERN, 3, 0, 9, new byte[2], List.of()),
                Event.message(Direction.TO_SERVER, WireFormat.MODERN, 5, 0, 9, new byte[2], List.of())))
                .write(exchange);
        try (ImsgListener listener = ImsgListener.listen(socket)) {
            Thread.ofVirtual().start(() -> echo(listener, said));
            assertThat(imsg("fuzz", socket, "--from", exchange, "--not-type", "5", "--seconds", 2, "--seed", 6,
                    "--wait", "5s")).isZero();
            assertThat(said).contains(3).doesNotContain(5);
            assertThat(imsg("fuzz", socket, "--from", exchange, "--not-type", "3", "--seconds", 1)).isEqualTo(2);
            assertThat(imsg("fuzz", socket, "--from", exchange, "--keep-going", "--seconds", 1)).isEqualTo(2);
        }
        assertThat(err.toString()).contains("type 3 is forbidden", "--keep-going needs --restart");
    }

    private Thread listen(Path script) {
        CommandLine command = ImsgCommand.commandLine().setOut(new PrintWriter(new StringWriter()));
        return Thread.ofPlatform().start(() -> command.execute("listen", socket.toString(), "--script",
                script.toString(), "--describe", description.toString(), "--once"));
    }

    private Path awaitSocket() throws IOException {
        return Listening.await(socket);
    }

    @Test
    void a_description_too_deep_for_the_memory_there_is_is_an_error_of_one_line() throws Exception {
        StringBuilder deep = new StringBuilder("struct s0 { int x; };\n");
        int depth = 40_000;
        for (int i = 1; i <= depth; i++)
            deep.append("struct s%d { s%d x; };\n".formatted(i, i - 1));
        Path description = Files.writeString(directory.resolve("deep"), deep + "message 1 DEEP s" + depth);
        Path saved = Files.write(directory.resolve("saved"), Event.header(WireFormat.MODERN, 1, 16, false, 0, 0));
        String[] line = {"decode", saved.toString(), "--describe", description.toString()};
        assertThat(ImsgCommand.execute(ImsgCommand.commandLine(line).setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true)), line)).isEqualTo(3);
        assertThat(err.toString()).startsWith("imsg: this needs more memory than Java may use").hasLineCount(1);
    }

    @Test
    void conformance_and_fuzz_and_probe_know_a_good_daemon() throws Exception {
        try (ImsgListener listener = ImsgListener.listen(socket)) {
            Thread.ofVirtual().start(() -> echo(listener));
            assertThat(imsg("probe", socket)).isZero();
            assertThat(out.toString()).contains("format        CLASSIC, or both", "limit         16384 bytes",
                    "pid " + ProcessHandle.current().pid());
            Path xml = directory.resolve("report.xml");
            assertThat(imsg("conformance", socket, "--type", 3, "--hex", "01", "--junit", xml, "--wait", "5s", "--case",
                    "byte-by-byte,length-15")).isZero();
            assertThat(out.toString()).contains("2 passed, 0 failed, 0 not tested");
            assertThat(xml).content().contains("<testcase classname=\"imsg.framing\" name=\"byte-by-byte\"");
            Object[] left = {"conformance", socket, "--type", 3, "--wait", "5s", "--case", "longest-answer",
                    "--allow-untested"};
            assertThat(imsg(left)).isZero();
            assertThat(out.toString()).endsWith("left out, since this daemon's answers would not tell: longest-answer\n"
                    + "0 passed, 0 failed, 0 not tested\n");
            assertThat(imsg(Arrays.copyOf(left, left.length - 1))).isEqualTo(1);
            assertThat(imsg("fuzz", socket, "--type", 3, "--hex", "0102", "--seconds", 1, "--seed", 5, "--wait", "5s"))
                    .isZero();
            assertThat(out.toString()).contains("seed 5", "nothing found");
        }
    }

    private static void echo(ImsgListener listener) {
        echo(listener, ConcurrentHashMap.newKeySet());
    }

    private static void echo(ImsgListener listener, Set<Integer> said) {
        try {
            for (;;) {
                ImsgChannel channel = listener.accept().allowFdPassing();
                Thread.ofVirtual().start(() -> {
                    try (channel) {
                        while (channel.read(message -> {
                            said.add(message.type());
                            channel.composev(message.type(), message.id(), message.pid(), message.payload());
                        }) >= 0)
                            channel.flush();
                    } catch (IOException _) {
                        // the client broke the protocol, or has left
                    }
                });
            }
        } catch (IOException _) {
            // closed
        }
    }
}
