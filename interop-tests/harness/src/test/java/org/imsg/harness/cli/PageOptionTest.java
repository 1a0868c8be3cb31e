package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

import org.imsg.WireFormat;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.imsg.harness.scripted.Expected;
import org.imsg.harness.scripted.ScriptedPeer;
import org.imsg.harness.scripted.ScriptedServer;
import org.imsg.harness.stream.RawListener;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The option --html of the commands that show events. */
@Timeout(60)
class PageOptionTest {
    @TempDir
    private Path directory;
    private Path recording;
    private Path page;
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void record() throws Exception {
        recording = directory.resolve("recording");
        page = directory.resolve("page.html");
        new Recording(Instant.EPOCH, List.of(
                Event.message(Direction.TO_SERVER, WireFormat.MODERN, 1, 0, 7, new byte[]{1}, List.of()),
                Event.message(Direction.TO_CLIENT, WireFormat.MODERN, 2, 0, 7, new byte[]{2}, List.of())))
                .write(recording);
    }

    private int imsg(Object... arguments) {
        return ImsgCommand.commandLine().setOut(new PrintWriter(new StringWriter())).setErr(new PrintWriter(err, true))
                .execute(Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
    }

    private long messages() throws Exception {
        return Files.readString(page).lines().filter(line -> line.contains("\"kind\":\"message\"")).count();
    }

    @Test
    void decode_writes_a_page_that_is_closed() throws Exception {
        assertThat(imsg("decode", recording, "--html", page)).as(err.toString()).isZero();
        assertThat(messages()).isEqualTo(2);
        assertThat(Files.readString(page)).contains("<title>" + recording + "</title>", "data-live=\"false\"",
                "{\"kind\":\"closed\"}").endsWith("</html>\n");
    }

    @Test
    void the_page_of_a_cut_recording_shows_what_is_whole_and_then_the_fault() throws Exception {
        byte[] whole = Files.readAllBytes(recording);
        Files.write(recording, Arrays.copyOf(whole, whole.length - 9));
        assertThat(imsg("decode", recording, "--html", page)).isEqualTo(3);
        assertThat(messages()).isEqualTo(1);
        assertThat(Files.readString(page)).contains("\"fault\":\"the recording is cut inside line 3\"")
                .endsWith("</html>\n");
        assertThat(err.toString()).contains("line 3").hasLineCount(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {20, 60})
    void a_recording_of_which_nothing_is_whole_has_a_page_that_says_so(int length) throws Exception {
        Files.write(recording, Arrays.copyOf(Files.readAllBytes(recording), length));
        Files.writeString(page, "of another recording");
        assertThat(imsg("decode", recording, "--html", page)).isEqualTo(3);
        assertThat(Files.readString(page)).contains("\"fault\":\"", "recording ").startsWith("<!DOCTYPE html>")
                .endsWith("</html>\n");
    }

    @Test
    void a_file_is_not_written_over_itself() throws Exception {
        byte[] before = Files.readAllBytes(recording);
        Path other = directory.resolve("other");
        Files.createSymbolicLink(other, recording);
        assertThat(imsg("decode", recording, "--html", recording)).isEqualTo(2);
        assertThat(imsg("decode", recording, "--save", other)).isEqualTo(2);
        assertThat(err.toString()).contains("--html: " + recording + " is a file that is used already; name another",
                "--save: " + other + " is a file that is used already; name another").hasLineCount(2);
        assertThat(recording).hasBinaryContent(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"fuzz S --from FILE --out FILE", "fuzz S --type 1 --describe FILE --out FILE",
            "talk S --script FILE --record FILE", "talk S --script FILE --html FILE",
            "listen S --script FILE --html FILE",
            "listen S --describe FILE --record FILE", "send S --type 1 --describe FILE --record FILE",
            "tap S S --describe FILE --html FILE", "decode FILE --describe FILE --html FILE",
            "decode /dev/null --save DIR/x --html DIR/x", "listen S --record DIR/x --html DIR/x",
            "decode /dev/null --describe FILE --save DIR/../FILENAME",
            "conformance S --type 1 --describe FILE --junit FILE"})
    void no_command_writes_over_a_file_that_it_reads(String line) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "# a script or a description\n");
        if (line.contains("--from"))
            Files.copy(recording, file, StandardCopyOption.REPLACE_EXISTING);
        byte[] before = Files.readAllBytes(file);
        assertThat(imsg((Object[]) line.replace("FILENAME", directory.getFileName() + "/file")
                .replace("FILE", file.toString()).replace("DIR", directory.toString())
                .replace(" S ", " " + directory.resolve("socket") + " ").split(" "))).as(err.toString()).isEqualTo(2);
        assertThat(err.toString()).contains("is a file that is used already; name another").hasLineCount(1);
        assertThat(file).hasBinaryContent(before);
    }

    /** As when the same line is started twice. */
    @ParameterizedTest
    @ValueSource(strings = {"tap TAKEN TAKEN2 --record FILE", "tap TAKEN TAKEN2 --html FILE",
            "listen TAKEN --record FILE", "send NONE --type 1 --record FILE", "talk NONE --script SCRIPT --html FILE"})
    void a_file_stays_as_it_is_when_nothing_can_be_recorded(String line) throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "another recording\n");
        Files.writeString(directory.resolve("SCRIPT"), "send 1\n");
        try (RawListener _ = RawListener.listen(directory.resolve("TAKEN"), 0600);
                RawListener _ = RawListener.listen(directory.resolve("TAKEN2"), 0600)) {
            assertThat(imsg((Object[]) line.replaceAll("([A-Z]+2?)", directory + "/$1").replace("/FILE", "/file")
                    .split(" "))).as(err.toString()).isEqualTo(3);
        }
        assertThat(err.toString()).containsAnyOf("EADDRINUSE", "ENOENT").hasLineCount(1);
        assertThat(file).hasContent("another recording\n");
    }

    @Test
    void a_page_that_cannot_be_written_is_one_line_and_exit_code_3() {
        assertThat(imsg("decode", recording, "--html", directory.resolve("no/page"))).isEqualTo(3);
        assertThat(imsg("decode", recording, "--html", "/dev/full")).isEqualTo(3);
        assertThat(err.toString().lines()).hasSize(2).allMatch(line -> line.matches(
                "imsg: the page .*(no/page|full) cannot be written: .*"));
    }

    @Test
    void a_tap_keeps_its_page_up_to_date() throws Exception {
        Path socket = directory.resolve("socket");
        Path tapped = directory.resolve("tapped");
        try (ScriptedServer daemon = ScriptedServer.listen(socket, WireFormat.MODERN, client -> {
            client.expect(Expected.type(1));
            client.send(2, new byte[]{2});
            client.expectEnd();
        })) {
            Thread tap = Thread.ofPlatform().start(() -> imsg("tap", tapped, daemon.socket(), "--html", page));
            try (ScriptedPeer client = ScriptedPeer.connect(Listening.await(tapped), WireFormat.MODERN)) {
                client.send(1, new byte[]{1});
                client.expect(Expected.type(2));
                assertThat(messages()).isEqualTo(2);
                assertThat(Files.readString(page)).contains("data-live=\"true\"").doesNotContain("\"closed\"")
                        .endsWith("</html>\n");
            } finally {
                tap.interrupt();
                tap.join();
            }
        }
        assertThat(Files.readString(page)).contains("{\"kind\":\"closed\"}").endsWith("</html>\n");
    }
}
