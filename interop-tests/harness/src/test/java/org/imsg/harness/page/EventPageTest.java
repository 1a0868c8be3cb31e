package org.imsg.harness.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.imsg.WireFormat;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The file that a page is; what a browser makes of it is seen in {@link BrowserTest}. */
class EventPageTest {
    private static final String EVIL = "</script><script>alert(1)</script><!--<script>\"'&\u2028\u0000]]>";

    @TempDir
    private Path directory;

    private static Event message(int type, String payload, String... descriptors) {
        return Event.message(Direction.TO_SERVER, WireFormat.MODERN, type, 0, 7,
                payload.getBytes(StandardCharsets.UTF_8), List.of(descriptors)).at(1_000_000L * type, 1);
    }

    private static long count(String text, String part) {
        return text.split(java.util.regex.Pattern.quote(part), -1).length - 1;
    }

    @Test
    void nothing_that_a_peer_sends_or_a_user_names_becomes_markup() throws Exception {
        Path file = directory.resolve("page.html");
        ProtocolDescription protocol = ProtocolDescription
                .parse("struct names {\nchar a[64]\n}\nmessage 1 OPEN > names");
        try (EventPage page = EventPage.to(file, EVIL, protocol)) {
            page.add(message(1, EVIL, EVIL));
            page.add(Event.note(0, 1, EVIL));
            page.addFault(1, EVIL);
        }
        String text = Files.readString(file);
        assertThat(count(text, "<script")).isEqualTo(2);
        assertThat(count(text, "</script")).isEqualTo(2);
        assertThat(text).doesNotContain("<!--").contains("&lt;/script&gt;&lt;script&gt;alert(1)",
                "\\u003c/script>\\u003cscript>alert(1)");
    }

    @Test
    void the_page_names_nothing_that_is_outside_of_it() throws Exception {
        Path file = directory.resolve("page.html");
        EventPage.to(file, "t", ProtocolDescription.NONE).close();
        assertThat(Files.readString(file)).contains("default-src 'none'").doesNotContain("http:", "https:", " src=",
                " href=", "url(", "@import", "unsafe-inline", "@SCRIPT", "@STYLE", "@TITLE", "@LIVE");
    }

    @Test
    void the_file_is_whole_after_each_flush() throws Exception {
        Path file = directory.resolve("page.html");
        try (EventPage page = EventPage.live(file, "t", ProtocolDescription.NONE)) {
            for (int type = 0; type < 3; type++) {
                assertThat(Files.readString(file)).endsWith("</html>\n").contains("data-live=\"true\"");
                assertThat(count(Files.readString(file), "\"kind\":\"message\"")).isEqualTo(type);
                page.add(message(type, "x"));
                page.flush();
            }
            assertThat(Files.readString(file)).doesNotContain("\"closed\"}");
        }
        assertThat(Files.readString(file)).contains("{\"kind\":\"closed\"}\n]</script>");
    }

    @Test
    void a_page_that_cannot_be_written_is_named() {
        assertThatThrownBy(() -> EventPage.to(directory.resolve("no/page"), "t", ProtocolDescription.NONE))
                .isInstanceOf(IOException.class)
                .hasMessage("the page " + directory.resolve("no/page")
                        + " cannot be written: there is no such directory");
        assertThatThrownBy(() -> EventPage.to(Path.of("/dev/full"), "t", ProtocolDescription.NONE))
                .isInstanceOf(IOException.class).hasMessageStartingWith("the page /dev/full cannot be written: ");
    }
}
