package org.imsg.harness.peers;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.peers.bgpd.BgpdClient;
import org.imsg.peers.bgpd.BgpdVersion;
import org.imsg.peers.ntpd.NtpdClient;
import org.imsg.peers.ntpd.NtpdVersion;
import org.imsg.peers.smtpd.SmtpdClient;
import org.imsg.peers.smtpd.SmtpdServer;
import org.imsg.peers.smtpd.SmtpdVersion;
import org.imsg.peers.table.TableKind;
import org.imsg.peers.table.TableClient;
import org.imsg.peers.table.TableServer;
import org.imsg.peers.table.TableVersion;
import org.imsg.peers.tmux.TmuxClient;
import org.imsg.peers.tmux.TmuxOutcome;
import org.imsg.peers.tmux.TmuxVersion;
import org.imsg.harness.scripted.Expected;
import org.imsg.harness.scripted.ScriptedPeer;
import org.imsg.harness.scripted.ScriptedServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the typed clients and servers do when the other side does not keep to its protocol. */
@Timeout(60)
class WrongPeersTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    @TempDir
    private Path directory;

    private Path socket() {
        return directory.resolve("socket");
    }

    private ScriptedServer daemon(WireFormat format, ScriptedPeer.Steps script) throws IOException {
        return ScriptedServer.listen(socket(), format, script);
    }

    private static byte[] numbers(int... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.nativeOrder());
        for (int number : numbers)
            bytes.putInt(number);
        return bytes.array();
    }

    @Test
    void a_list_of_ntpd_with_another_count_or_another_end_is_refused() throws Exception {
        wrongList(12, 2, "ntpd sent 0 and says there are 2");
        wrongList(14, 0, "ntpd sent a message of type 14 in a list that 12 ends");
        try (ScriptedServer _ = daemon(WireFormat.MODERN, client -> client.expect(Expected.type(13)));
                NtpdClient ntpd = NtpdClient.connect(socket(), NtpdVersion.V7_9)) {
            assertThatExceptionOfType(EOFException.class).isThrownBy(ntpd::sensors);
        }
    }

    private void wrongList(int end, int count, String message) throws Exception {
        try (ScriptedServer _ = daemon(WireFormat.MODERN, client -> {
            client.expect(Expected.type(11));
            client.send(end, numbers(count));
        }); NtpdClient ntpd = NtpdClient.connect(socket(), NtpdVersion.V7_9)) {
            assertThatExceptionOfType(IOException.class).isThrownBy(ntpd::peers).withMessage(message);
        }
    }

    @Test
    void an_answer_of_bgpd_that_does_not_end_is_no_answer() throws Exception {
        try (ScriptedServer _ = daemon(WireFormat.MODERN, client -> client.expect(Expected.type(13)));
                BgpdClient bgpd = BgpdClient.connect(socket(), BgpdVersion.V8_8)) {
            assertThatExceptionOfType(EOFException.class).isThrownBy(bgpd::neighbors)
                    .withMessage("bgpd ended the connection before its answer");
        }
    }

    @Test
    void a_session_of_smtpd_without_a_descriptor_is_refused() throws Exception {
        try (ScriptedServer _ = daemon(WireFormat.MODERN, client -> {
            client.expect(Expected.type(35));
            client.send(1, new byte[0]);
        }); SmtpdClient smtpd = SmtpdClient.connect(socket(), SmtpdVersion.V7_9)) {
            assertThatExceptionOfType(IOException.class).isThrownBy(smtpd::session)
                    .withMessage("smtpd opened a session but passed no descriptor: it is NONE");
        }
    }

    @Test
    void a_client_of_another_version_of_smtpd_is_told_ours() throws Exception {
        try (SmtpdServer _ = SmtpdServer.listen(socket(), SmtpdVersion.V7_9, _ -> {});
                ImsgChannel client = ImsgChannel.connect(socket())) {
            client.send(Imsg.of(28, 15, 0, new byte[0]), PATIENCE);
            Imsg answer = client.receive(PATIENCE);
            assertThat(answer.type()).as("FAIL").isEqualTo(2);
            assertThat(answer.id()).isEqualTo(16);
        }
    }

    @Test
    void a_table_backend_that_answers_with_another_type_or_fails_is_an_error() throws Exception {
        try (ScriptedServer _ = daemon(WireFormat.CLASSIC, client -> {
            client.expect(Expected.type(2));
            client.send(0, new byte[0]);
            client.expect(Expected.type(6));
            client.send(0, numbers(-1));
            client.expect(Expected.type(6));
            client.send(1, numbers(1));
        }); TableClient table = TableClient.open(ImsgChannel.connect(socket()), TableVersion.V6_8, "moon")) {
            assertThatExceptionOfType(IOException.class).isThrownBy(() -> table.lookup(TableKind.ALIAS, "x"))
                    .withMessage("the table backend failed at the lookup of x: -1");
            assertThatExceptionOfType(IOException.class).isThrownBy(() -> table.lookup(TableKind.ALIAS, "x"))
                    .withMessageStartingWith("the table backend sent an answer that cannot be read")
                    .withMessageEndingWith("it has type 1, not 0");
        }
    }

    @Test
    void an_smtpd_that_speaks_another_version_of_the_table_protocol_or_opens_nothing_is_refused() throws Exception {
        refuses(Imsg.of(2, 0, 0, ByteBuffer.allocate(4 + 2048).order(ByteOrder.nativeOrder()).putInt(3).array()),
                "smtpd speaks version 3 of the table protocol, not 2");
        refuses(Imsg.of(4), "smtpd asks before it opens a table: ");
    }

    @Test
    void a_tmux_command_ends_as_the_server_says_and_never_because_it_left() throws Exception {
        List<ScriptedPeer.Steps> ends = new ArrayList<>(List.of(
                client -> {}, // leaves
                client -> client.send(12, 9, 0, new byte[0]),
                client -> client.send(210, 8, 0, new byte[0]),
                client -> {
                    client.send(203, 8, 0, ByteBuffer.allocate(12).order(ByteOrder.nativeOrder()).putInt(3)
                            .put("no moon\0".getBytes(US_ASCII)).array());
                    client.expect(Expected.type(205).id(8));
                }));
        try (ScriptedServer _ = daemon(WireFormat.CLASSIC, client -> {
            for (int type : new int[]{111, 101, 102, 108, 107, 106, 200})
                client.expect(Expected.type(type));
            ends.removeFirst().with(client);
        })) {
            TmuxClient tmux = new TmuxClient(socket(), TmuxVersion.V3_5A);
            assertThatExceptionOfType(EOFException.class).isThrownBy(() -> tmux.run("list-sessions"))
                    .withMessage("the tmux server ended the connection before its answer");
            assertThatExceptionOfType(IOException.class).isThrownBy(() -> tmux.run("list-sessions"))
                    .withMessage("the tmux server speaks protocol 9, not 8");
            assertThat(tmux.run("kill-server").code()).isZero();
            assertThat(tmux.run("list-sessions")).returns(3, TmuxOutcome::code).returns("no moon", TmuxOutcome::errors);
        }
    }

    private static void refuses(Imsg request, String message) throws IOException {
        try (ImsgChannel.Pair pair = ImsgChannel.pair()) {
            pair.first().send(request, PATIENCE);
            pair.first().shutdownOutput();
            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> TableServer.serve(pair.second(), _ -> (_, _) -> null))
                    .withMessageStartingWith(message);
        }
    }
}
