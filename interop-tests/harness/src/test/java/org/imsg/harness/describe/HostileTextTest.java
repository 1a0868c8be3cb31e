package org.imsg.harness.describe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Names of files and processes, notes of recordings: strangers choose them. */
class HostileTextTest {
    /** Clears the screen, forges a line, turns the direction of writing. */
    private static final String EVIL = "a\u001B[2J\r\n  0.000001    1 -> end of stream\u202E\u2028\uD800\u009Bb\u00FC";
    private static final String SHOWN = "a\\u001b[2J\\u000d\\u000a  0.000001    1 -> end of stream"
            + "\\u202e\\u2028\\ud800\\u009bb\u00FC";

    private static final List<Event> EVENTS = List.of(Event.note(0, 1, EVIL),
            Event.message(Direction.TO_SERVER, WireFormat.MODERN, 1, 0, 7, new byte[0], List.of(EVIL)),
            new Event(0, 1, Direction.TO_SERVER, Event.Kind.BYTES, WireFormat.MODERN, new byte[0], List.of(EVIL),
                    EVIL));

    @TempDir
    private Path directory;

    @Test
    void no_terminal_obeys_it_and_no_line_is_forged() {
        for (Event event : EVENTS)
            assertThat(new EventPrinter(ProtocolDescription.NONE, false, 4).text(event)).contains(SHOWN)
                    .hasLineCount(1);
    }

    @Test
    @Timeout(60)
    void a_million_escapes_take_no_longer_than_their_length() {
        assertThat(Words.bytes("\"" + "\\x01".repeat(1_000_000) + "\"")).hasSize(1_000_000).containsOnly(1);
    }

    @Test
    void a_file_that_is_no_text_is_refused_before_it_takes_memory() throws IOException {
        assertThatThrownBy(() -> ProtocolDescription.read(Path.of("/dev/zero"))).isInstanceOf(IOException.class)
                .hasMessage("/dev/zero: line 1 is longer than 65536 bytes");
        Path many = Files.writeString(directory.resolve("many"), "\n".repeat(TextFile.MOST_LINES + 1));
        assertThatThrownBy(() -> ProtocolDescription.read(many)).isInstanceOf(IOException.class)
                .hasMessage(many + ": at most 65536 lines and 67108864 bytes are read");
        Path latin = Files.write(directory.resolve("latin"), new byte[]{'a', (byte) 0xE4});
        assertThatThrownBy(() -> ProtocolDescription.read(latin)).isInstanceOf(IOException.class)
                .hasMessage(latin + ": it is no text in UTF-8");
        assertThatThrownBy(() -> Words.of("a ".repeat(10_001))).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a line has at most 10000 words");
    }

    @Test
    void JSON_is_ASCII_in_which_every_character_can_be_written() {
        StringBuilder all = new StringBuilder();
        for (char c = 0; c < Character.MAX_VALUE; c++)
            all.append(c);
        String json = new JsonObject().string("n", all.toString()).toString();
        assertThat(json).matches("\\p{Print}+");
        String inside = json.substring("{\"n\":\"".length(), json.length() - "\"}".length());
        assertThat(Pattern.compile("\\\\(u(.{4})|.)").matcher(inside).replaceAll(
                found -> java.util.regex.Matcher.quoteReplacement(found.group(2) == null
                        ? found.group(1)
                        : Character.toString((char) Integer.parseInt(found.group(2), 16)))))
                .isEqualTo(all.toString());
    }
}
