package org.imsg.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.imsg.peers.Answers.MAX_ANSWER;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.cstruct.MalformedStructException;
import org.imsg.peers.bgpd.BgpdClient;
import org.imsg.peers.bgpd.BgpdVersion;
import org.imsg.peers.bgpd.RibQuery;
import org.imsg.peers.ntpd.NtpdClient;
import org.imsg.peers.ntpd.NtpdVersion;
import org.imsg.peers.smtpd.Mail;
import org.imsg.peers.smtpd.Part;
import org.imsg.peers.smtpd.SmtpdClient;
import org.imsg.peers.smtpd.SmtpdServer;
import org.imsg.peers.smtpd.SmtpdVersion;
import org.imsg.peers.tmux.TmuxClient;
import org.imsg.peers.tmux.TmuxControl;
import org.imsg.peers.tmux.TmuxVersion;
import org.imsg.testing.Call;
import org.imsg.testing.CapturedLog;
import org.imsg.unix.ConnectionHandler;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Daemons and clients that send without end, or what was not asked for: memory, descriptors and later answers are safe from them. */
@Timeout(60)
class EndlessDaemonTest {
    private static final String TOO_MUCH = " sent more than " + MAX_ANSWER + " bytes in one answer";

    @TempDir
    private Path directory;
    private Path socket;
    /** A client that leaves in the middle is logged. */
    private CapturedLog log;

    @BeforeEach
    void capture() throws ReflectiveOperationException {
        socket = directory.resolve("socket");
        log = new CapturedLog(UnixListener.class);
    }

    @AfterEach
    void printAgain() throws ReflectiveOperationException {
        log.close();
    }

    private PeerServer serve(ConnectionHandler<ImsgChannel> session) throws IOException {
        return PeerServer.listen(socket, channel -> channel.format(WireFormat.MODERN).allowFdPassing(), session);
    }

    private PeerServer flood(int first, Imsg again, Imsg end) throws IOException {
        return serve((client, _) -> flood(client, first, again, end));
    }

    /** Answers the first question of a type with more than is allowed, and then as it should be. */
    private static void flood(ImsgChannel client, int first, Imsg again, Imsg end) throws IOException {
        for (Imsg request; (request = client.receive()).type() != first;)
            request.close();
        for (int sent = 0; sent <= MAX_ANSWER; sent += ImsgChannel.HEADER_SIZE + again.length()) {
            client.compose(again.type(), again.id(), 0, again.payload());
            if (client.queuedBytes() > 1 << 16)
                client.flush();
        }
        client.compose(end.type(), end.id(), 0, end.payload());
        client.flush();
        client.receive();
    }

    @Test
    void a_list_of_a_bgpd_has_an_end_and_only_its_routes_may_go_on() throws Exception {
        byte[] neighbor = new byte[2144];
        neighbor[52] = 1;
        byte[] bytes = new byte[392];
        bytes[144 + 52] = 1;
        Imsg route = Imsg.of(16, bytes);
        for (Imsg message : List.of(Imsg.of(13, neighbor), Imsg.of(24, new byte[16])))
            try (PeerServer _ = flood(13, message, Imsg.of(1));
                    BgpdClient bgpd = BgpdClient.connect(socket, BgpdVersion.V8_8)) {
                endsWith("bgpd" + TOO_MUCH, bgpd::neighbors, bgpd::reload);
            }
        try (PeerServer _ = flood(16, route, Imsg.of(1));
                BgpdClient bgpd = BgpdClient.connect(socket, BgpdVersion.V8_8)) {
            endsWith("bgpd" + TOO_MUCH, () -> bgpd.routes(RibQuery.ALL), bgpd::reload);
        }
        int[] routes = new int[1];
        try (PeerServer _ = flood(16, route, Imsg.of(1));
                BgpdClient bgpd = BgpdClient.connect(socket, BgpdVersion.V8_8)) {
            bgpd.routes(RibQuery.ALL, _ -> routes[0]++);
        }
        assertThat(routes[0]).isEqualTo(1 + MAX_ANSWER / (16 + 392));
    }

    @Test
    void so_has_one_of_an_ntpd() throws Exception {
        try (PeerServer _ = flood(11, Imsg.of(11, new byte[128]), Imsg.of(12, new byte[4]));
                NtpdClient ntpd = NtpdClient.connect(socket, NtpdVersion.V7_9)) {
            endsWith("ntpd" + TOO_MUCH, ntpd::peers, ntpd::status);
        }
    }

    @Test
    void so_has_the_queue_of_an_smtpd() throws Exception {
        byte[] envelope = new byte[16000];
        ByteBuffer.wrap(envelope).order(ByteOrder.nativeOrder()).putLong(12, 5L << 32);
        envelope[20] = 's';
        try (PeerServer _ = serve((client, _) -> {
            client.receive();
            client.send(Imsg.of(5, new byte[]{5, 0, 0, 0}));
            client.receive();
            client.send(Imsg.of(5));
            flood(client, 6, Imsg.of(6, envelope), Imsg.of(6));
        }); SmtpdClient smtpd = SmtpdClient.connect(socket, SmtpdVersion.V7_9)) {
            endsWith("smtpd" + TOO_MUCH, smtpd::queue, smtpd::paused);
        }
    }

    @Test
    void so_has_what_a_command_of_tmux_prints() throws Exception {
        byte[] piece = new byte[16000];
        piece[0] = 1;
        try (PeerServer _ = flood(200, Imsg.of(304, 8, 0, piece), Imsg.of(203, 8, 0, new byte[0]))) {
            TmuxClient tmux = new TmuxClient(socket, TmuxVersion.V3_7C);
            assertThatThrownBy(() -> tmux.run("show-buffer")).isInstanceOf(IOException.class)
                    .hasMessage("the tmux server" + TOO_MUCH);
        }
    }

    /** The rest of an answer is not taken for that of the next question. */
    private static void endsWith(String message, ThrowingCallable question, ThrowingCallable next) {
        assertThatThrownBy(question).isInstanceOf(IOException.class).hasMessage(message);
        assertThatThrownBy(next).isInstanceOf(ClosedChannelException.class);
    }

    @Test
    void an_answer_that_its_reader_gave_up_is_not_that_of_the_next_question() throws Exception {
        byte[] route = new byte[392];
        route[144 + 52] = 1;
        try (PeerServer _ = serve((client, _) -> {
            client.receive();
            client.send(Imsg.of(16, route));
            client.send(Imsg.of(1));
            client.receive();
        }); BgpdClient bgpd = BgpdClient.connect(socket, BgpdVersion.V8_8)) {
            assertThatThrownBy(() -> bgpd.routes(RibQuery.ALL, _ -> {
                throw new IllegalStateException("enough");
            })).hasMessage("enough");
            assertThatThrownBy(bgpd::reload).isInstanceOf(ClosedChannelException.class);
        }
        try (PeerServer _ = serve((client, _) -> {
            client.receive();
            client.send(Imsg.of(10, new byte[3]));
            client.receive();
        }); NtpdClient ntpd = NtpdClient.connect(socket, NtpdVersion.V7_9)) {
            assertThatThrownBy(ntpd::status).isInstanceOf(MalformedAnswerException.class)
                    .hasCauseInstanceOf(MalformedStructException.class);
            assertThatThrownBy(ntpd::status).isInstanceOf(ClosedChannelException.class);
        }
    }

    /** Says a text again and again, and waits for the other end to leave. */
    private static void say(Fd session, String again, int bytes) throws IOException {
        try (FdChannel channel = new FdChannel(session)) {
            byte[] much = again.repeat(1 + bytes / again.length()).getBytes(StandardCharsets.US_ASCII);
            channel.write(ByteBuffer.wrap(much));
            channel.read(ByteBuffer.allocate(1)); // until the client leaves
        }
    }

    @Test
    void a_reply_of_smtpd_has_an_end_whether_in_one_line_or_in_many() throws Exception {
        for (String again : List.of("220-and more\r\n", "220 and more "))
            try (PeerServer _ = serve((client, _) -> {
                client.receive();
                try (Fd.Pair pair = Fd.socketpair()) {
                    client.send(Imsg.of(1).withFd(pair.second()), Duration.ofSeconds(10));
                    say(pair.first().move(), again, 1 << 16);
                }
            }); SmtpdClient smtpd = SmtpdClient.connect(socket, SmtpdVersion.V7_9)) {
                assertThatThrownBy(() -> smtpd.enqueue("a", List.of("b"), "mail")).as(again)
                        .isInstanceOf(IOException.class).hasMessageStartingWith("smtpd sent more than 65536 bytes");
            }
    }

    /** A session of a local user with the server, whose mails end up here. */
    private void session(List<Mail> mails, ConnectionHandler<FdChannel> client) throws Exception {
        try (SmtpdServer _ = SmtpdServer.listen(socket, SmtpdVersion.V7_9, mails::add);
                SmtpdClient smtpd = SmtpdClient.connect(socket, SmtpdVersion.V7_9);
                FdChannel session = smtpd.session()) {
            client.serve(session, null);
        }
    }

    private static String converse(FdChannel session, String text) throws IOException {
        session.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
        return new String(Channels.newInputStream(session).readAllBytes(), StandardCharsets.US_ASCII);
    }

    @Test
    void a_client_hands_in_one_mail_to_a_thousand_recipients_and_an_address_without_brackets_is_none()
            throws Exception {
        List<Mail> mails = new CopyOnWriteArrayList<>();
        session(mails, (session, _) -> assertThat(converse(session, "MAIL FROM:<a>\r\nRCPT nonsense\r\n"
                + "RCPT TO:<b>\r\n".repeat(Mail.MAX_RECIPIENTS) + "DATA\r\none\r\n.\r\n"
                + "MAIL FROM:<c>\r\nRCPT TO:<d>\r\nDATA\r\nQUIT\r\n"))
                .containsOnlyOnce("452 no more than 1000 recipients")
                .endsWith("250 taken\r\n" + "503 one mail a session\r\n".repeat(3) + "221 bye\r\n"));
        assertThat(mails).singleElement().satisfies(mail -> {
            assertThat(mail.sender()).isEqualTo("a");
            assertThat(mail.recipients()).hasSize(1000).startsWith("", "b");
            assertThat(mail.text()).isEqualTo("one\n");
        });
    }

    @Test
    void a_client_that_sends_a_line_or_a_mail_without_end_is_left() throws Exception {
        List<Mail> mails = new CopyOnWriteArrayList<>();
        for (String start : List.of("MAIL FROM:", "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n")) {
            int most = start.contains("DATA") ? Mail.MAX_SIZE : 1 << 16;
            session(mails, (session, _) -> {
                try {
                    assertThat(converse(session, start + "x".repeat(most) + "\r\n.\r\nQUIT\r\n"))
                            .doesNotContain("taken", "bye");
                } catch (ErrnoException _) {
                    // the server left before it had read everything
                }
                Call.until(() -> log.lines().stream().anyMatch(line -> line
                        .contains("the client sent more than " + most + " bytes where that many are allowed")));
            });
        }
        assertThat(mails).isEmpty();
    }

    /** A server in control mode, which says so much and waits for the client to leave. */
    private PeerServer controlMode(String... parts) throws IOException {
        return serve((client, _) -> {
            Fd[] ends = new Fd[2];
            for (Imsg message; (message = client.receive()).type() != 200;)
                if (message.hasFd())
                    ends[message.type() == 104 ? 0 : 1] = message.takeFd();
            try (FdChannel commands = new FdChannel(ends[0]); FdChannel answers = new FdChannel(ends[1])) {
                for (String part : parts) {
                    answers.write(ByteBuffer.wrap(part.getBytes(StandardCharsets.US_ASCII)));
                    commands.read(ByteBuffer.allocate(1000));
                }
            }
        });
    }

    @Test
    void an_answer_in_control_mode_has_an_end() throws Exception {
        for (String again : List.of("x".repeat(999) + "\n", "one line "))
            try (PeerServer _ = controlMode("%begin 1 1 0\n%end 1 1 0\n",
                    "%begin 2 2 0\n" + again.repeat(1 + MAX_ANSWER / again.length()) + "\n%end 2 2 0\n");
                    TmuxControl tmux = new TmuxClient(socket, TmuxVersion.V3_7C).control("attach-session")) {
                assertThatThrownBy(() -> tmux.command("show-buffer")).as(again).isInstanceOf(IOException.class)
                        .hasMessage("tmux sent more than " + MAX_ANSWER + " bytes where that many are allowed");
                assertThatThrownBy(() -> tmux.command("show-buffer")).isInstanceOf(ClosedChannelException.class);
            }
    }

    @Test
    void of_many_notices_the_last_are_kept() throws Exception {
        String notice = "%output " + "x".repeat(1000);
        try (PeerServer _ = controlMode((notice + "\n").repeat(3000) + "%last\n%begin 1 1 0\n%end 1 1 0\n");
                TmuxControl tmux = new TmuxClient(socket, TmuxVersion.V3_7C).control("attach-session")) {
            assertThat(tmux.notices()).hasSize(1 + (TmuxControl.MAX_NOTICES - 5) / notice.length()).endsWith(notice,
                    "%last");
            assertThat(tmux.notices()).isEmpty();
        }
    }

    /** A descriptor of which the end is seen when no one has it any more. */
    private static void isClosed(Fd end) throws IOException {
        try (FdChannel left = new FdChannel(end).timeout(Duration.ofSeconds(10))) {
            assertThat(left.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        }
    }

    @Test
    void descriptors_that_come_with_a_question_or_an_answer_of_an_smtpd_are_closed_at_once() throws Exception {
        try (SmtpdServer _ = SmtpdServer.listen(socket, SmtpdVersion.V7_9, _ -> {});
                ImsgChannel client = ImsgChannel.connect(socket).format(WireFormat.MODERN).allowFdPassing();
                Fd.Pair pipe = Fd.pipe()) {
            client.send(Imsg.of(28, 16, 0, new byte[0]).withFd(pipe.second()));
            client.receive();
            isClosed(pipe.first());
        }
        try (Fd.Pair pipe = Fd.pipe(); Fd.Pair another = Fd.pipe(); PeerServer _ = serve((client, _) -> {
            client.receive();
            client.send(Imsg.of(1).withFd(pipe.second()));
            client.receive();
            client.send(Imsg.of(28, new byte[4]).withFd(another.second()));
            client.receive();
        }); SmtpdClient smtpd = SmtpdClient.connect(socket, SmtpdVersion.V7_9)) {
            smtpd.pause(Part.MTA);
            isClosed(pipe.first());
            assertThat(smtpd.paused()).isEmpty();
            isClosed(another.first());
        }
    }
}
