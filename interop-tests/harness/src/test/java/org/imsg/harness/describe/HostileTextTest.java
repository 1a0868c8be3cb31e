package org.imsg.harness.describe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Pattern;
import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.junit.jupiter.api.Test;

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

    @Test
    void no_terminal_obeys_it_and_no_line_is_forged() {
        for (Event event : EVENTS)
            assertThat(new EventPrinter(ProtocolDescription.NONE, false, 4).text(event)).contains(SHOWN)
                    .hasLineCount(1);
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
