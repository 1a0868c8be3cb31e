package org.imsg.harness.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

import org.imsg.WireFormat;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.StreamDecoder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A page is looked at in a headless Chromium. Without one the tests are skipped, each with that reason, or fail if IMSG_PEERS=required is
 * in the environment.
 */
@Timeout(180)
class BrowserTest {
    private static final String EVIL = "<img src=x onerror=document.title='owned'></script><script>document.title='owned'</script>";
    private static final ProtocolDescription PROTOCOL = ProtocolDescription.parse("""
            struct address {
                u32 v4
            }
            struct peer {
                char name[16]
                u64 bytes
                struct address from[2]
            }
            message 11 SHOW_PEER > peer
            message 12 PEER < peer
            """);

    @TempDir
    private static Path directory;
    private static Browser browser;

    @BeforeAll
    static void start() throws Exception {
        Path program = Browser.program().orElse(null);
        if (program == null && "required".equals(System.getenv("IMSG_PEERS")))
            fail("IMSG_PEERS=required, but there is no Chromium");
        if (program == null)
            Assumptions.abort("there is no Chromium to look at pages with: apt-get install chromium");
        browser = Browser.start(program, Files.createDirectory(directory.resolve("browser")));
    }

    @AfterAll
    static void end() throws Exception {
        if (browser != null)
            browser.close();
    }

    @BeforeEach
    void lightOnAScreen() throws Exception {
        browser.media("screen", "light");
    }

    private static Event at(int milliseconds, int connection, Event event) {
        return event.at(1_000_000L * milliseconds, connection);
    }

    private static Event message(Direction direction, int type, byte[] payload, String... descriptors) {
        return Event.message(direction, WireFormat.MODERN, type, 4, 99, payload, List.of(descriptors));
    }

    private static byte[] peer() {
        return PROTOCOL.struct("peer").encode(Map.of("name", "moon", "bytes", "18446744073709551615"));
    }

    /** Two clients: a question, its answer with a descriptor, an announced one that is missing, bytes, an end, and a remark. */
    private static Path conversation(String name) throws Exception {
        Path file = directory.resolve(name + ".html");
        try (EventPage page = EventPage.to(file, name, PROTOCOL)) {
            page.add(at(0, 1, Event.note(0, 1, "connected: client uid 0")));
            page.add(at(1, 1, message(Direction.TO_SERVER, 11, peer())));
            page.add(at(2, 1, message(Direction.TO_CLIENT, 12, peer(), "/etc/hosts")));
            byte[] marked = Event.header(WireFormat.MODERN, 12, 16, true, 0, 0);
            page.add(at(3, 2, new Event(0, 2, Direction.TO_CLIENT, Event.Kind.MESSAGE, WireFormat.MODERN, marked,
                    List.of(), "")));
            StreamDecoder decoder = new StreamDecoder(2, Direction.TO_SERVER, WireFormat.MODERN, 16384);
            for (Event event : decoder.add(4_000_000, Event.header(WireFormat.MODERN, 1, 3, false, 0, 0), List.of()))
                page.add(event);
            page.add(at(5, 2, message(Direction.TO_SERVER, 77, EVIL.getBytes(StandardCharsets.UTF_8), EVIL)));
            page.add(at(6, 1, Event.end(0, 1, Direction.TO_SERVER)));
        }
        return file;
    }

    private static String texts(String selector) throws Exception {
        return browser.js("[...document.querySelectorAll('" + selector + "')].map(e => e.textContent).join('\\n')");
    }

    @Test
    void the_conversation_is_a_diagram_of_clients_daemon_times_types_and_descriptors() throws Exception {
        browser.open(conversation("diagram"));
        assertThat(texts("#lanes span").lines()).containsExactly("seconds", "client 1", "client 2", "daemon");
        assertThat(texts(".row .label").lines()).containsExactly("connected: client uid 0",
                "11 SHOW_PEER, id 4, 48 bytes", "12 PEER, id 4, 48 bytes", "descriptor /etc/hosts",
                "12 PEER, 16 bytes: a descriptor is announced and has not come; struct peer has 32 bytes, the payload has 0",
                "16 bytes: length 3 is not 16 to 16384", "77, id 4, 106 bytes", "descriptor " + EVIL, "end of stream");
        assertThat(texts(".row time").lines().filter(time -> !time.isEmpty())).startsWith("0.000000", "0.001000");
        assertThat(browser.js("document.querySelectorAll('.row.fault').length")).isEqualTo("2");
        assertThat(browser.js("getComputedStyle(document.querySelector('.row.fault .label')).color"))
                .isEqualTo("rgb(179, 20, 31)");
        assertThat(browser.js("document.querySelectorAll('.row.descriptor .arrow').length")).isEqualTo("2");
        assertThat(browser.js("document.querySelectorAll('.row.message .arrow.right').length")).isEqualTo("3");
        byte[] picture = browser.screenshot();
        assertThat(ByteBuffer.wrap(picture).getInt(16)).as("the width in a PNG's header").isEqualTo(1200);
        Files.write(Path.of("target", "page.png"), picture);
    }

    @Test
    void nothing_that_a_peer_sent_is_run_or_loaded() throws Exception {
        browser.open(conversation("evil"));
        browser.js("[...document.querySelectorAll('.row')].forEach(row => row.click())");
        assertThat(browser.js("document.title")).isEqualTo("evil");
        assertThat(browser.js("document.querySelectorAll('img').length")).isEqualTo("0");
        assertThat(browser.requests()).allMatch(address -> address.startsWith("file://")).hasSize(1);
        assertThat(browser.complaints()).isEmpty();
        // Were there a script all the same, the page's policy would not let it run.
        browser.js(
                "(() => { const one = document.createElement('script'); one.textContent = 'document.title = \"owned\"';"
                        + " document.body.append(one); })()");
        assertThat(browser.js("document.title")).isEqualTo("evil");
        assertThat(browser.complaints()).isNotEmpty();
    }

    @Test
    void a_click_shows_the_decoded_fields_and_the_bytes() throws Exception {
        browser.open(conversation("click"));
        assertThat(browser.js("document.querySelector('#details').hidden")).isEqualTo("true");
        browser.click("#row1");
        assertThat(texts("#details h2")).isEqualTo("11 SHOW_PEER, id 4, 48 bytes");
        assertThat(texts("#details tr")).contains("namemoon", "bytes18446744073709551615", "from[1].v40",
                "structpeer", "directionto-server", "pid99");
        assertThat(texts("#details pre")).startsWith("0000  6d 6f 6f 6e 00").contains("|moon............|");
        browser.click("#row4");
        assertThat(texts("#details .fault")).contains("a descriptor is announced and has not come");
        browser.press("Escape");
        assertThat(browser.js("document.querySelector('#details').hidden")).isEqualTo("true");
    }

    @Test
    void keys_choose_search_and_lead_to_faults() throws Exception {
        browser.open(conversation("keys"));
        browser.press("ArrowDown");
        browser.press("ArrowDown");
        browser.press("Enter");
        assertThat(texts("#details h2")).startsWith("11 SHOW_PEER");
        browser.press("f");
        assertThat(texts("#details h2")).startsWith("12 PEER, 16 bytes: a descriptor");
        browser.press("f");
        assertThat(texts("#details h2")).startsWith("16 bytes: length 3");
        browser.press("Home");
        browser.press("/");
        for (String letter : "moon".split(""))
            browser.press(letter);
        assertThat(browser.js("document.querySelector('#matches').value")).isEqualTo("3 found");
        browser.press("Enter");
        assertThat(texts("#details h2")).startsWith("11 SHOW_PEER");
        browser.press("n");
        assertThat(texts("#details h2")).startsWith("12 PEER");
        assertThat(browser.js("document.querySelector('#diagram').getAttribute('aria-activedescendant')"))
                .isEqualTo("row2");
        assertThat(browser.complaints()).isEmpty();
    }

    @Test
    void events_are_filtered_by_type_client_and_fault() throws Exception {
        browser.open(conversation("filter"));
        String choose = "(() => { const one = document.querySelector('%s'); one.%s; one.dispatchEvent(new Event('input',"
                + " {bubbles: true})); })()";
        browser.js(choose.formatted("#type", "value = '12 PEER'"));
        assertThat(texts(".row .label").lines()).hasSize(3).allMatch(line -> line.matches("(12 PEER|descriptor).*"));
        browser.js(choose.formatted("#connection", "value = '2'"));
        assertThat(texts(".row .label").lines()).hasSize(1);
        browser.js(choose.formatted("#type", "value = ''"));
        assertThat(browser.js("document.querySelector('#count').value")).isEqualTo("3 of 7 events");
        browser.js(choose.formatted("#faults", "checked = true"));
        assertThat(texts(".row .label").lines()).hasSize(2);
    }

    @Test
    void it_is_dark_where_the_user_likes_that_and_the_button_changes_it() throws Exception {
        browser.open(conversation("dark"));
        String back = "getComputedStyle(document.body).backgroundColor";
        assertThat(browser.js(back)).isEqualTo("rgb(255, 255, 255)");
        browser.media("screen", "dark");
        assertThat(browser.js(back)).isEqualTo("rgb(20, 23, 28)");
        browser.click("#theme");
        assertThat(browser.js(back)).isEqualTo("rgb(255, 255, 255)");
        browser.click("#theme");
        assertThat(browser.js(back)).isEqualTo("rgb(20, 23, 28)");
    }

    private static Path many(int count) throws Exception {
        Path file = directory.resolve(count + ".html");
        try (EventPage page = EventPage.to(file, "many", PROTOCOL)) {
            for (int i = 0; i < count; i++)
                page.add(at(i, 1 + i % 3, message(i % 2 == 0 ? Direction.TO_SERVER : Direction.TO_CLIENT, 11 + i % 2,
                        peer())));
        }
        return file;
    }

    /** However many there are, only those in sight are drawn. */
    @Test
    void ten_thousand_messages_stay_fluent() throws Exception {
        browser.open(many(10_000));
        for (int row = 0; row < 10_000; row += 3_333) {
            browser.js("new Promise(drawn => { document.querySelector('#diagram').scrollTop = " + row * 26
                    + "; requestAnimationFrame(() => requestAnimationFrame(drawn)); })");
            assertThat(browser.js("document.querySelectorAll('.row').length"))
                    .satisfies(rows -> assertThat(Integer.parseInt(rows)).isBetween(20, 60));
            assertThat(texts(".row time")).contains("%d.%03d000".formatted(row / 1000, row % 1000));
        }
        browser.press("End");
        browser.press("Enter");
        assertThat(texts("#details tr")).contains("time9.999");
        browser.press("/");
        for (String letter : "9.876".split(""))
            browser.press(letter);
        assertThat(browser.js("document.querySelector('#matches').value")).isEqualTo("1 found");
    }

    /** However many there are, only the lines down in sight are drawn. */
    @Test
    void ten_thousand_clients_stay_fluent() throws Exception {
        Path file = directory.resolve("clients.html");
        try (EventPage page = EventPage.to(file, "clients", PROTOCOL)) {
            for (int i = 0; i < 10_000; i++)
                page.add(at(i, 1 + i, message(Direction.TO_SERVER, 11, peer())));
        }
        browser.open(file);
        for (int left : new int[]{0, 350_000, 1_000_000}) {
            browser.js("new Promise(drawn => { document.querySelector('#diagram').scrollLeft = " + left
                    + "; requestAnimationFrame(() => requestAnimationFrame(drawn)); })");
            assertThat(browser.js("document.querySelectorAll('.life').length"))
                    .satisfies(lives -> assertThat(Integer.parseInt(lives)).isBetween(10, 40));
            assertThat(browser.js("[...document.querySelectorAll('.life')].filter(life => {"
                    + " const x = life.getBoundingClientRect().x; return x > 100 && x < 1100; }).length"))
                    .satisfies(seen -> assertThat(Integer.parseInt(seen)).isBetween(10, 16));
        }
    }

    @Test
    void all_of_it_is_printed() throws Exception {
        browser.open(many(300));
        byte[] paper = browser.pdf();
        assertThat(new String(paper, 0, 5, StandardCharsets.US_ASCII)).isEqualTo("%PDF-");
        String text = new String(paper, StandardCharsets.ISO_8859_1);
        assertThat(text.split("/Type /Page\\b", -1).length).as("pages").isGreaterThan(5);
        assertThat(browser.js("document.querySelectorAll('.row').length"))
                .satisfies(rows -> assertThat(Integer.parseInt(rows)).isLessThan(100));
    }

    @Test
    void a_page_that_is_being_written_loads_itself_anew_and_keeps_what_was_chosen() throws Exception {
        Path file = directory.resolve("live.html");
        try (EventPage page = EventPage.live(file, "live", PROTOCOL)) {
            page.add(at(1, 1, message(Direction.TO_SERVER, 11, peer())));
            page.flush();
            browser.open(file);
            browser.click("#row0");
            browser.click("#live");
            page.add(at(2, 1, message(Direction.TO_CLIENT, 12, peer())));
            page.flush();
            until("document.querySelectorAll('.row').length === 2");
            assertThat(texts("#details h2")).startsWith("11 SHOW_PEER");
        }
        until("document.querySelector('#live')?.parentElement.hidden");
    }

    /** Asks again as long as the page is loaded anew meanwhile. */
    private static void until(String condition) throws Exception {
        for (;;)
            try {
                browser.js("new Promise((done, failed) => { const look = () => " + condition
                        + " ? done() : setTimeout(look, 20); look(); })");
                return;
            } catch (IOException e) {
                if (!String.valueOf(e.getMessage())
                        .matches("(?s).*(context|navigat|destroyed|Promise was collected).*"))
                    throw e;
            }
    }
}
