package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.imsg.WireFormat;
import org.imsg.harness.scripted.Expected;
import org.imsg.harness.scripted.ScriptedServer;
import org.imsg.privsep.ControlClient;
import org.imsg.privsep.ControlProtocol;
import org.imsg.unix.ErrnoException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command for control sockets, with a scripted program on the other side. */
@Timeout(60)
class CtlCommandTest extends ImsgProgram {
    @TempDir
    private Path directory;

    private static byte[] text(String text) {
        return (text + "\0").getBytes(StandardCharsets.UTF_8);
    }

    private ScriptedServer answering(int request, String word, int reply, String... entries) throws Exception {
        return ScriptedServer.listen(directory.resolve("s"), WireFormat.MODERN, client -> {
            client.expect(Expected.type(request).payload(word.isEmpty() ? new byte[0] : text(word)));
            for (String entry : entries)
                client.send(ControlProtocol.ENTRY, text(entry));
            client.send(reply, reply == ControlProtocol.OK ? new byte[0] : text("not now"));
        });
    }

    @Test
    void the_status_is_a_table_for_people_and_objects_for_programs() throws Exception {
        String[] entries = {"name parent\nrole relayd\nstate running\npid 7\nuptime 3",
                "name relay[0]\nstate down\nfilter yes"};
        try (ScriptedServer program = answering(ControlProtocol.STATUS, "", ControlProtocol.OK, entries)) {
            assertThat(imsg("ctl", program.socket(), "status")).as(err.toString()).isZero();
        }
        assertThat(out.toString().lines().skip(1)).satisfiesExactly(
                line -> assertThat(line).matches("parent +running +7 +- +3 .*"),
                line -> assertThat(line).matches("relay\\[0] +down +- .*yes.*"));
        out.getBuffer().setLength(0);
        try (ScriptedServer program = answering(ControlProtocol.STATUS, "", ControlProtocol.OK, entries)) {
            assertThat(imsg("ctl", program.socket(), "status", "--json")).isZero();
        }
        assertThat(out.toString().lines()).first().asString().contains("\"name\":\"parent\"", "\"pid\":7");
    }

    @Test
    void a_process_that_differs_from_what_its_role_declares_is_exit_1() throws Exception {
        try (ScriptedServer program = answering(ControlProtocol.VERIFY, "", ControlProtocol.OK,
                "name a[0]\ndifferences 0", "name c[0]\nstate absent", "name d[0]\nunseen EACCES",
                "name b[0]\ndifferences 1\ndifference-1 has root / instead of /var/empty")) {
            assertThat(imsg("ctl", program.socket(), "verify")).isEqualTo(ExitCode.DIFFERENT);
        }
        assertThat(out.toString())
                .isEqualTo(
                        "a[0]: as declared\nc[0]: absent\nd[0]: cannot be seen: EACCES\nb[0]: 1 differences\n  has root / instead of /var/empty\n");
    }

    @ParameterizedTest
    @CsvSource({"restart,relay,7", "res,relay,7", "rel,,4", "start,relay,5", "stop,relay,6", "log,verbose,3",
            "reload,,4", "stop,,8"})
    void an_order_is_one_message(String action, String word, int number) throws Exception {
        try (ScriptedServer program = answering(ControlProtocol.STATUS - 1 + number, word == null ? "" : word,
                ControlProtocol.OK)) {
            assertThat(word == null
                    ? imsg("ctl", program.socket(), action)
                    : imsg("ctl", program.socket(), action, word)).as(err.toString()).isZero();
        }
    }

    @Test
    void a_refusal_is_exit_1_with_the_reason() throws Exception {
        try (ScriptedServer program = answering(ControlProtocol.RELOAD, "", ControlProtocol.REFUSED)) {
            assertThat(imsg("ctl", program.socket(), "reload")).isEqualTo(ExitCode.DIFFERENT);
        }
        assertThat(err.toString()).isEqualTo("imsg: refused: not now\n");
    }

    @Test
    void an_answer_without_end_is_given_up() throws Exception {
        byte[] entry = text("line\n".repeat(2000));
        try (ScriptedServer program = ScriptedServer.listen(directory.resolve("s"), WireFormat.MODERN, client -> {
            client.expect(Expected.type(ControlProtocol.STATUS));
            try {
                for (int sent = 0; sent <= 2 * ControlClient.MAX_ANSWER; sent += entry.length)
                    client.send(ControlProtocol.ENTRY, entry);
                client.send(ControlProtocol.OK, new byte[0]);
            } catch (ErrnoException _) {
                // as it should be
            }
        })) {
            assertThat(imsg("ctl", program.socket(), "status")).isEqualTo(ExitCode.FAILED);
        }
        assertThat(err.toString()).isEqualTo("imsg: the program sent more than 4194304 bytes in one answer\n");
    }

    @Test
    void no_terminal_obeys_what_a_program_says() throws Exception {
        try (ScriptedServer program = answering(ControlProtocol.VERIFY, "", ControlProtocol.OK,
                "name a\u001b[2J\ndifferences 1\ndifference-1 b\u001b[2J")) {
            assertThat(imsg("ctl", program.socket(), "verify")).isEqualTo(ExitCode.DIFFERENT);
        }
        assertThat(out.toString()).isEqualTo("a\\u001b[2J: 1 differences\n  b\\u001b[2J\n");
    }

    @Test
    void a_program_is_not_asked_without_a_pause() {
        assertThat(imsg("ctl", "/nonexistent", "status", "--watch", "0s")).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString()).contains("--watch takes a time of 1ms or more");
        assertThat(imsg("ctl", "/nonexistent", "reload", "--watch", "1s")).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString()).contains("--watch goes with status only");
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
            frobnicate; frobnicate is none of status, verify
            st; st may be status, start, stop
            restart; restart takes one word
            log loud; log takes verbose or brief, not loud
            reload now; reload takes no word
            """)
    void what_is_wrong_is_told_before_anything_is_connected_to(String words, String why) {
        String[] two = words.split(" ");
        assertThat(two.length == 1 ? imsg("ctl", "/nonexistent", two[0]) : imsg("ctl", "/nonexistent", two[0], two[1]))
                .isEqualTo(ExitCode.USAGE);
        assertThat(err.toString()).contains(why);
    }
}
