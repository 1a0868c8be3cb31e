package org.imsg.harness.record;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

import org.imsg.WireFormat;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

/** Debian's tshark shows recordings by the dissector, which is one file. */
@Timeout(60)
class WiresharkTest {
    private static final Path TSHARK = Path.of("/usr/bin/tshark");
    private static final Path DISSECTOR = Path.of("src/main/wireshark/imsg.lua");

    @TempDir
    private Path directory;

    @BeforeEach
    void needsTshark() {
        if (Files.isExecutable(TSHARK))
            return;
        String reason = TSHARK + " is not installed (Debian package tshark)";
        if ("required".equals(System.getenv("IMSG_PEERS")))
            throw new IllegalStateException("IMSG_PEERS=required, but " + reason);
        throw new TestAbortedException(reason);
    }

    @Test
    void header_fields_format_mark_and_type_names_are_shown() throws Exception {
        Path types = Files.writeString(directory.resolve("types"), "message 13 SHOW_NEIGHBOR >\n35 SMTP_SESSION\n");
        Event classic = Event.message(Direction.TO_SERVER, WireFormat.CLASSIC, 13, 7, 4711, new byte[]{1, 2, 3},
                List.of("/etc/hosts"));
        Event modern = Event.message(Direction.TO_CLIENT, WireFormat.MODERN, 35, 16, 1, new byte[0],
                List.of("socket:[5]"));
        Event unnamed = Event.message(Direction.TO_CLIENT, WireFormat.MODERN, 13, 0, 0xFFFFFFFF, new byte[0],
                List.of());
        List<String> lines = tshark(types, List.of(classic, modern, unnamed), "imsg.type", "imsg.type_name", "imsg.len",
                "imsg.peerid", "imsg.pid", "imsg.mark", "imsg.format", "imsg.direction", "imsg.descriptor",
                "imsg.payload");
        assertThat(lines).containsExactly("13|SHOW_NEIGHBOR|19|7|4711|1|0|0|/etc/hosts|010203",
                "35|SMTP_SESSION|16|16|1|1|1|1|socket:[5]|", "13||16|0|4294967295|0|1|1||");
    }

    @Test
    void what_is_no_message_and_a_descriptor_that_did_not_come_are_warned_of() throws Exception {
        Event bytes = new Event(0, 1, Direction.TO_SERVER, Event.Kind.BYTES, WireFormat.MODERN, new byte[]{1, 2},
                List.of(), "length 3 is not 16 to 16384");
        Event missing = new Event(0, 1, Direction.TO_SERVER, Event.Kind.MESSAGE, WireFormat.MODERN,
                Event.header(WireFormat.MODERN, 5, 16, true, 0, 0), List.of(), "");
        List<String> lines = tshark(directory.resolve("none"),
                List.of(bytes, missing, Event.end(0, 1, Direction.TO_SERVER),
                        Event.note(0, 1, "connected: client uid 0")),
                "imsg.kind", "_ws.expert.message", "imsg.note");
        assertThat(lines).containsExactly("1|Bytes that are no message|length 3 is not 16 to 16384",
                "0|Announced descriptor did not come|", "2||", "3||connected: client uid 0");
    }

    @Test
    void each_descriptor_and_the_note_behind_them_are_shown() throws Exception {
        Event bytes = new Event(0, 1, Direction.TO_SERVER, Event.Kind.BYTES, WireFormat.MODERN, new byte[]{1, 2},
                List.of("/a", "", "/b"), "length 3");
        Event much = Event.message(Direction.TO_SERVER, WireFormat.MODERN, 7, 0, 1, new byte[]{5},
                List.of("/" + "x".repeat(70_000)));
        assertThat(tshark(directory.resolve("none"), List.of(bytes, much), "imsg.descriptors", "imsg.descriptor",
                "imsg.note", "imsg.bytes", "imsg.type", "imsg.payload")).containsExactly("3|/a,,/b|length 3|0102||",
                        "1|/" + "x".repeat(70_000) + "|||7|05");
    }

    @Test
    void the_summary_lines_say_who_and_what() throws Exception {
        Path types = Files.writeString(directory.resolve("types"), "10 SHOW_STATUS\n");
        Event event = Event.message(Direction.TO_SERVER, WireFormat.MODERN, 10, 0, 42, new byte[4], List.of());
        assertThat(run(types, List.of(event))).singleElement().asString().contains("client", "server", "imsg",
                "10 SHOW_STATUS, peerid 0, pid 42, length 20");
    }

    private List<String> tshark(Path types, List<Event> events, String... fields) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("-T", "fields", "-E", "separator=|"));
        for (String field : fields)
            arguments.addAll(List.of("-e", field));
        return run(types, events, arguments.toArray(String[]::new));
    }

    private List<String> run(Path types, List<Event> events, String... arguments)
            throws IOException, InterruptedException {
        Path file = directory.resolve("recording.pcapng");
        new Recording(Instant.parse("2026-01-02T03:04:05Z"), events).write(file);
        Path errors = directory.resolve("errors");
        // The documented copy, into the personal plugin folder of a home of its own.
        Path plugins = Files.createDirectories(directory.resolve("home/.local/lib/wireshark/plugins"));
        Files.copy(DISSECTOR, plugins.resolve("imsg.lua"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        List<String> line = new ArrayList<>(List.of(TSHARK.toString(), "-n", "-r", file.toString()));
        line.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(line).redirectError(errors.toFile())
                .redirectInput(Path.of("/dev/null").toFile());
        builder.environment().clear();
        builder.environment().put("HOME", directory.resolve("home").toString());
        builder.environment().put("LC_ALL", "C.UTF-8");
        builder.environment().put("IMSG_TYPES", types.toString());
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(Files.readString(errors)).isZero();
        return output.lines().toList();
    }
}
