package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.imsg.WireFormat;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.opentest4j.TestAbortedException;

/** The manual's examples with jq print what stands below them. */
@Timeout(60)
class JqTest {
    private static final Path JQ = Path.of("/usr/bin/jq");
    private static final Path MANUAL = Path.of("..", "README.md");
    private static final Pattern EXAMPLE = Pattern
            .compile("(?m)^\\$ imsg (.*) \\| (jq .*)\\n((?:(?!\\$ |```).*\\n)+)");
    private static final String STRUCTS = """
            struct peer {
                    char name[16];
                    union { struct in_addr v4; struct in6_addr v6; } address;
                    uint64_t bytes;
                    enum { IDLE = 1, ESTABLISHED = 6 } state;
            };
            message 1 SHOW >
            message 2 PEER < peer
            message 3 END
            """;

    @TempDir
    private Path directory;

    @Test
    void the_examples_of_the_manual_print_what_stands_below_them() throws Exception {
        if (!Files.isExecutable(JQ)) {
            String reason = JQ + " is not installed (Debian package jq)";
            if ("required".equals(System.getenv("IMSG_PEERS")))
                throw new IllegalStateException("IMSG_PEERS=required, but " + reason);
            throw new TestAbortedException(reason);
        }
        Files.writeString(directory.resolve("peers.structs"), STRUCTS);
        new Recording(Instant.EPOCH, List.of(message(Direction.TO_SERVER, 1, new byte[0], List.of()),
                message(Direction.TO_CLIENT, 2, peer("moon", "192.0.2.1", "9007199254740", "ESTABLISHED"), List.of()),
                message(Direction.TO_CLIENT, 2, peer("sun", "192.0.2.2", "7", "IDLE"), List.of()),
                message(Direction.TO_CLIENT, 3, new byte[0], List.of("/etc/hosts")),
                Event.end(0, 1, Direction.TO_CLIENT))).write(directory.resolve("peers.imsg"));
        List<MatchResult> examples = EXAMPLE.matcher(Files.readString(MANUAL)).results().toList();
        assertThat(examples).hasSizeGreaterThanOrEqualTo(3);
        for (MatchResult example : examples)
            assertThat(jq(example.group(2), imsg(example.group(1)))).as(example.group()).isEqualTo(example.group(3));
    }

    private static Event message(Direction direction, int type, byte[] payload, List<String> descriptors) {
        return Event.message(direction, WireFormat.MODERN, type, 0, 1, payload, descriptors);
    }

    private static byte[] peer(String name, String address, String bytes, String state) {
        return ProtocolDescription.parse(STRUCTS).struct("peer").encode(
                Map.of("name", name, "address.v4", address, "bytes", bytes, "state", state));
    }

    private Path imsg(String line) throws Exception {
        List<String> words = new ArrayList<>();
        for (String word : line.split(" "))
            words.add(word.startsWith("peers.") ? directory.resolve(word).toString() : word);
        StringWriter out = new StringWriter();
        assertThat(ImsgCommand.commandLine().setOut(new PrintWriter(out, true)).execute(words.toArray(String[]::new)))
                .isZero();
        return Files.writeString(directory.resolve("json"), out.toString());
    }

    private String jq(String command, Path input) throws Exception {
        Path output = directory.resolve("output");
        Process jq = new ProcessBuilder("/bin/sh", "-c", command).redirectInput(input.toFile())
                .redirectOutput(output.toFile()).redirectErrorStream(true).start();
        assertThat(jq.waitFor()).as(Files.readString(output)).isZero();
        return Files.readString(output);
    }
}
