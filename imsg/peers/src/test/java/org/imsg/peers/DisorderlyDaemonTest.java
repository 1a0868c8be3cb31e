package org.imsg.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert;
import org.imsg.Ibuf;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.peers.bgpd.BgpdClient;
import org.imsg.peers.bgpd.BgpdServer;
import org.imsg.peers.bgpd.BgpdService;
import org.imsg.peers.bgpd.BgpdVersion;
import org.imsg.peers.bgpd.Neighbor;
import org.imsg.peers.bgpd.Prefix;
import org.imsg.peers.bgpd.RibQuery;
import org.imsg.peers.bgpd.Route;
import org.imsg.peers.ntpd.NtpStatus;
import org.imsg.peers.ntpd.NtpdClient;
import org.imsg.peers.ntpd.NtpdServer;
import org.imsg.peers.ntpd.NtpdService;
import org.imsg.peers.ntpd.NtpdVersion;
import org.imsg.peers.smtpd.Part;
import org.imsg.peers.smtpd.SmtpdClient;
import org.imsg.peers.smtpd.SmtpdRefusedException;
import org.imsg.peers.smtpd.SmtpdServer;
import org.imsg.peers.smtpd.SmtpdVersion;
import org.imsg.peers.table.TableClient;
import org.imsg.peers.table.TableKind;
import org.imsg.peers.table.TableVersion;
import org.imsg.peers.tmux.TmuxClient;
import org.imsg.peers.tmux.TmuxControl;
import org.imsg.peers.tmux.TmuxVersion;
import org.imsg.testing.CapturedLog;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.PeerCredentials;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Daemons that answer with anything: a client returns or throws IOException, and comes to an end. */
@Timeout(120)
class DisorderlyDaemonTest {
    private static final int ROUNDS = 200;
    private static final long SEED = 20;
    private static final int LIST_MESSAGES = 5;
    private static final int LIST_ENVELOPES = 6;
    private static final int STATISTICS = 4;
    private static final int SMTPD_FAIL = 2;
    /** Of the structs, so that some payloads are read to their end. */
    private static final List<Integer> LENGTHS = List.of(0, 1, 4, 8, 16, 24, 48, 216, 240, 248, 264, 288, 392, 528, 616,
            728,
            1056, 1624, 1744, 2144);
    private static final List<Integer> TYPES = List.of(0, 1, 2, 4, 5, 6, 12, 13, 16, 17, 22, 28, 203, 210, 300, 303,
            304);

    @TempDir
    Path directory;

    @Test
    void bgpd() throws Exception {
        for (BgpdVersion version : BgpdVersion.values()) {
            everyAnswer(socket -> BgpdClient.connect(socket, version), client -> {
                client.neighbors("a");
            });
            everyAnswer(socket -> BgpdClient.connect(socket, version), client -> {
                client.routes(RibQuery.to(Prefix.of("10.0.0.0/8")));
            });
            everyAnswer(socket -> BgpdClient.connect(socket, version), BgpdClient::prefixes);
            everyAnswer(socket -> BgpdClient.connect(socket, version), BgpdClient::reload);
        }
    }

    @Test
    void ntpd() throws Exception {
        for (NtpdVersion version : NtpdVersion.values()) {
            everyAnswer(socket -> NtpdClient.connect(socket, version), NtpdClient::status);
            everyAnswer(socket -> NtpdClient.connect(socket, version), NtpdClient::peers);
            everyAnswer(socket -> NtpdClient.connect(socket, version), NtpdClient::sensors);
        }
    }

    @Test
    void smtpd() throws Exception {
        for (SmtpdVersion version : SmtpdVersion.values()) {
            everyAnswer(socket -> SmtpdClient.connect(socket, version), SmtpdClient::paused);
            everyAnswer(socket -> SmtpdClient.connect(socket, version), SmtpdClient::queue);
            everyAnswer(socket -> SmtpdClient.connect(socket, version), SmtpdClient::statistics);
            everyAnswer(socket -> SmtpdClient.connect(socket, version), client -> client.session().close());
        }
    }

    @Test
    void a_table_backend() throws Exception {
        everyAnswer(socket -> TableClient.open(ImsgChannel.connect(socket), TableVersion.values()[0], "aliases"),
                client -> {
                    client.lookup(TableKind.ALIAS, "root");
                    client.fetch(TableKind.ALIAS);
                });
    }

    @Test
    void tmux() throws Exception {
        for (TmuxVersion version : TmuxVersion.values())
            everyAnswer(socket -> {
                new TmuxClient(socket, version).run(new byte[]{1}, "save-buffer", "-");
                return () -> {};
            }, _ -> {});
    }

    @Test
    void a_list_of_smtpd_that_does_not_go_on_is_an_error() throws Exception {
        Path socket = directory.resolve("socket");
        try (PeerServer _ = PeerServer.listen(socket, channel -> channel.format(WireFormat.CLASSIC), (client, _) -> {
            for (Imsg request; (request = client.receive()) != null;)
                client.send(switch (request.type()) {
                    case LIST_MESSAGES -> Imsg.of(LIST_MESSAGES, 0, 0, new byte[]{5, 0, 0, 0});
                    case LIST_ENVELOPES -> Imsg.of(LIST_ENVELOPES);
                    default -> Imsg.of(STATISTICS, 0, 0, new byte[1056]);
                });
        }); SmtpdClient smtpd = SmtpdClient.connect(socket, SmtpdVersion.V7_6)) {
            assertThatThrownBy(smtpd::queue).isInstanceOf(IOException.class)
                    .hasMessageContaining("asked for its list from 6 on, and its last is before that");
        }
    }

    @ParameterizedTest
    @EnumSource
    void no_answer_of_another_type_is_a_success_to_an_smtpd_client(SmtpdVersion version) throws Exception {
        Map<Question<SmtpdClient>, Integer> questions = Map.of(smtpd -> smtpd.pause(Part.MTA), 1,
                smtpd -> smtpd.resume(Part.MDA), 1, smtpd -> smtpd.updateTable("aliases"), 1,
                smtpd -> smtpd.session().close(), 1, SmtpdClient::paused, 28, SmtpdClient::queue, 5,
                SmtpdClient::statistics, 4);
        for (Question<SmtpdClient> question : questions.keySet())
            isRefused(WireFormat.CLASSIC, SmtpdClient::connect, version, question,
                    Set.of(questions.get(question), SMTPD_FAIL));
    }

    @ParameterizedTest
    @EnumSource
    void no_answer_of_another_type_is_a_success_to_an_ntpd_client(NtpdVersion version) throws Exception {
        isRefused(WireFormat.CLASSIC, NtpdClient::connect, version, NtpdClient::status, Set.of(10));
        isRefused(WireFormat.CLASSIC, NtpdClient::connect, version, NtpdClient::peers, Set.of(11, 12));
        isRefused(WireFormat.CLASSIC, NtpdClient::connect, version, NtpdClient::sensors, Set.of(13, 14));
    }

    @ParameterizedTest
    @EnumSource
    void no_answer_of_another_type_is_a_success_to_a_bgpd_client(BgpdVersion version) throws Exception {
        int shift = version == BgpdVersion.V7_7 ? 0 : 1;
        isRefused(WireFormat.CLASSIC, BgpdClient::connect, version, BgpdClient::neighbors,
                Set.of(1, 12, 13, 23 + shift));
        isRefused(WireFormat.CLASSIC, BgpdClient::connect, version, bgpd -> bgpd.routes(RibQuery.ALL),
                Set.of(1, 12, 16));
        isRefused(WireFormat.CLASSIC, BgpdClient::connect, version, BgpdClient::prefixes, Set.of(12, 21 + shift));
        isRefused(WireFormat.CLASSIC, BgpdClient::connect, version, BgpdClient::reload, Set.of(1, 12));
    }

    @Test
    void a_tmux_server_of_another_protocol_or_with_types_of_none_is_refused() throws Exception {
        for (Imsg answer : List.of(Imsg.of(207, 7, 0, new byte[0]), Imsg.of(12, 8, 0, new byte[0]),
                Imsg.of(200, 8, 0, new byte[0]), Imsg.of(308, 8, 0, new byte[0]), Imsg.of(-1, 8, 0, new byte[0])))
            try (PeerServer _ = answering(WireFormat.CLASSIC, _ -> answer)) {
                TmuxClient tmux = new TmuxClient(directory.resolve("socket"), TmuxVersion.V3_5A);
                assertThatThrownBy(() -> tmux.run("list-sessions")).as(answer.toString())
                        .isInstanceOf(IOException.class).isNotInstanceOf(EOFException.class)
                        .hasMessageMatching(".*speaks protocol [78], not 8|.*no tmux server sends type \\d+");
            }
    }

    @Test
    void the_version_that_an_ntpd_speaks_is_named() throws Exception {
        NtpdService service = () -> new NtpStatus(3, 1, 0, 0, true, 2, 1, 0, 0, 0);
        for (NtpdVersion spoken : NtpdVersion.values())
            for (NtpdVersion told : NtpdVersion.values())
                try (NtpdServer _ = NtpdServer.listen(directory.resolve("socket"), spoken, service);
                        NtpdClient ntpd = NtpdClient.connect(directory.resolve("socket"), told)) {
                    speaksAs(spoken, told, ntpd::status);
                }
    }

    @Test
    void the_version_that_a_bgpd_speaks_is_named() throws Exception {
        for (BgpdVersion spoken : BgpdVersion.values())
            for (BgpdVersion told : BgpdVersion.values())
                try (BgpdServer _ = BgpdServer.listen(directory.resolve("socket"), spoken, new OneNeighbor());
                        BgpdClient bgpd = BgpdClient.connect(directory.resolve("socket"), told)) {
                    speaksAs(spoken, told, bgpd::neighbors);
                }
    }

    @Test
    void an_smtpd_that_marks_descriptors_as_another_version_does_is_named() throws Exception {
        for (SmtpdVersion spoken : List.of(SmtpdVersion.V7_6, SmtpdVersion.V7_9))
            for (SmtpdVersion told : List.of(SmtpdVersion.V7_6, SmtpdVersion.V7_9))
                try (SmtpdServer _ = SmtpdServer.listen(directory.resolve("socket"), spoken, _ -> {});
                        SmtpdClient smtpd = SmtpdClient.connect(directory.resolve("socket"), told)) {
                    speaksAs(spoken, told, () -> smtpd.session().close());
                }
    }

    @Test
    void an_smtpd_of_another_protocol_version_is_named_and_has_not_refused() throws Exception {
        try (PeerServer _ = answering(WireFormat.MODERN, _ -> Imsg.of(SMTPD_FAIL, 15, 0, new byte[0]));
                SmtpdClient smtpd = SmtpdClient.connect(directory.resolve("socket"), SmtpdVersion.V7_9)) {
            assertThatThrownBy(() -> smtpd.pause(Part.MTA)).isNotInstanceOf(SmtpdRefusedException.class)
                    .hasMessage("smtpd speaks version 15 of its protocol, not 16");
        }
    }

    @Test
    void an_ipv4_address_mapped_into_ipv6_stays_one_of_ipv6() throws Exception {
        byte[] bytes = new byte[16];
        bytes[10] = bytes[11] = -1;
        InetAddress mapped = Inet6Address.getByAddress(null, bytes, -1);
        Neighbor neighbor = new Neighbor(mapped, "moon", 64999, true, Neighbor.State.IDLE, 1, 2);
        Route route = new Route(new Prefix(mapped, 96), mapped, "moon", 0, 0, List.of(64999L));
        BgpdService service = new BgpdService() {
            @Override
            public List<Neighbor> neighbors() {
                return List.of(neighbor);
            }

            @Override
            public void routes(RibQuery query, Consumer<Route> each) {
                each.accept(route);
            }

            @Override
            public long prefixes() {
                return 1;
            }
        };
        for (BgpdVersion version : BgpdVersion.values())
            try (BgpdServer _ = BgpdServer.listen(directory.resolve("socket"), version, service);
                    BgpdClient bgpd = BgpdClient.connect(directory.resolve("socket"), version)) {
                assertThat(bgpd.neighbors()).containsExactly(neighbor);
                assertThat(bgpd.routes(RibQuery.ALL)).containsExactly(route);
            }
    }

    @Test
    void a_type_above_two_billion_has_no_sign_in_what_is_told_of_it() throws Exception {
        try (PeerServer _ = answering(WireFormat.MODERN, _ -> Imsg.of(-1));
                NtpdClient ntpd = NtpdClient.connect(directory.resolve("socket"), NtpdVersion.V7_9)) {
            assertThatThrownBy(ntpd::peers).hasMessageContaining("type 4294967295 ");
        }
        try (PeerServer _ = answering(WireFormat.MODERN, _ -> Imsg.of(-1))) {
            assertThatThrownBy(() -> table()).hasMessageContaining("type 4294967295");
        }
    }

    @Test
    void counts_of_ntpd_above_two_billion_are_not_negative() throws Exception {
        long most = 0xffff_ffffL;
        NtpStatus status = new NtpStatus(most, most, most, most, true, 255, 1, 0, 0, most);
        for (NtpdVersion version : NtpdVersion.values())
            try (NtpdServer _ = NtpdServer.listen(directory.resolve("socket"), version, () -> status);
                    NtpdClient ntpd = NtpdClient.connect(directory.resolve("socket"), version)) {
                assertThat(ntpd.status()).isEqualTo(status);
            }
    }

    /** As smtpd sees it, which refuses the same. */
    @Test
    void a_table_backends_answer_is_a_text_with_its_nul_and_a_result_that_there_is() throws Exception {
        List<byte[]> answers = List.of(new byte[]{1, 0, 0, 0, 'a', 'b'}, new byte[]{1, 0, 0, 0},
                new byte[]{2, 0, 0, 0, 'a', 0}, new byte[]{-2, -1, -1, -1});
        Iterator<byte[]> next = answers.iterator();
        try (PeerServer _ = answering(WireFormat.MODERN, request -> request.type() == 2
                ? Imsg.of(0)
                : Imsg.of(0, next.next()))) {
            for (byte[] answer : answers)
                try (TableClient table = table()) {
                    assertThatThrownBy(() -> table.lookup(TableKind.ALIAS, "root")).as(Arrays.toString(answer))
                            .isInstanceOf(IOException.class).isNotInstanceOf(EOFException.class);
                }
        }
    }

    private TableClient table() throws IOException {
        return TableClient.open(ImsgChannel.connect(directory.resolve("socket")), TableVersion.values()[0], "aliases");
    }

    @Test
    void an_answer_of_tmux_ends_with_its_own_end_and_not_with_a_line_that_looks_like_one() throws Exception {
        try (PeerServer _ = PeerServer.listen(directory.resolve("socket"),
                channel -> channel.format(WireFormat.CLASSIC).allowFdPassing(), this::controlMode);
                TmuxControl tmux = new TmuxClient(directory.resolve("socket"), TmuxVersion.V3_5A)
                        .control("new-session")) {
            assertThat(tmux.command("show-buffer")).containsExactly("%end 6 2 1", "%error 6 2 1", "%begin 7 2 1",
                    "last");
            assertThatThrownBy(() -> tmux.command("nonsense")).hasMessage("tmux refused: %end 8 3 1");
        }
    }

    private void controlMode(ImsgChannel client, PeerCredentials peer) throws IOException {
        Fd[] ends = new Fd[2];
        for (Imsg message; (message = client.receive()).type() != 200;) {
            if (message.type() == 104)
                ends[0] = message.takeFd();
            if (message.type() == 110)
                ends[1] = message.takeFd();
        }
        try (FdChannel commands = new FdChannel(ends[0]); FdChannel answers = new FdChannel(ends[1])) {
            BufferedReader lines = new BufferedReader(Channels.newReader(commands, StandardCharsets.UTF_8));
            for (String answer : List.of("%begin 5 1 0\n%end 5 1 0\n",
                    "%begin 6 2 0\n%end 6 2 1\n%error 6 2 1\n%begin 7 2 1\nlast\n%end 6 2 0\n",
                    "%begin 9 3 1\n%end 8 3 1\n%error 9 3 1\n")) {
                answers.write(ByteBuffer.wrap(answer.getBytes(StandardCharsets.UTF_8)));
                lines.readLine();
            }
        }
    }

    @Test
    void an_address_cannot_be_a_second_command_of_a_mail() throws Exception {
        try (SmtpdServer _ = SmtpdServer.listen(directory.resolve("socket"), SmtpdVersion.V7_9, _ -> {});
                SmtpdClient smtpd = SmtpdClient.connect(directory.resolve("socket"), SmtpdVersion.V7_9)) {
            for (String address : List.of("a>\r\nRCPT TO:<b", "a\nb", "a\rb")) {
                assertThatThrownBy(() -> smtpd.enqueue(address, List.of("a"), "mail"))
                        .isInstanceOf(IllegalArgumentException.class);
                assertThatThrownBy(() -> smtpd.enqueue("a", List.of("a", address), "mail"))
                        .isInstanceOf(IllegalArgumentException.class);
            }
        }
    }

    @Test
    void an_envelope_of_another_message_than_was_asked_for_is_refused() throws Exception {
        try (PeerServer _ = PeerServer.listen(directory.resolve("socket"), channel -> channel.format(
                WireFormat.MODERN), (client, _) -> {
                    client.receive();
                    client.send(Imsg.of(LIST_MESSAGES, new byte[]{5, 0, 0, 0}));
                    client.receive();
                    client.send(Imsg.of(LIST_MESSAGES));
                    client.receive();
                    client.send(Imsg.of(LIST_ENVELOPES, 0, 0,
                            Ibuf.dynamic(0, 100).addH32(0).addH64(0).addH64(6L << 32).addN8('s').addN8(0)));
                    client.send(Imsg.of(LIST_ENVELOPES));
                    client.receive();
                });
                SmtpdClient smtpd = SmtpdClient.connect(directory.resolve("socket"), SmtpdVersion.V7_9)) {
            assertThatThrownBy(smtpd::queue).isInstanceOf(IOException.class).isNotInstanceOf(EOFException.class)
                    .hasMessageContaining("message 00000006");
        }
    }

    /** Every answer of one message of another type than those that belong to the question. */
    @SuppressWarnings("try") // no close here throws InterruptedException
    private <V, C extends AutoCloseable> void isRefused(WireFormat format, Connecting<V, C> connecting, V version,
            Question<C> question, Set<Integer> right) throws Exception {
        List<Integer> wrong = IntStream.range(0, 45).boxed().filter(type -> !right.contains(type)).toList();
        Iterator<Integer> types = wrong.iterator();
        try (PeerServer _ = answering(format, _ -> Imsg.of(types.next()))) {
            for (int type : wrong)
                try (C client = connecting.connect(directory.resolve("socket"), version)) {
                    assertThatThrownBy(() -> question.ask(client)).as("type " + type).isInstanceOf(IOException.class)
                            .isNotInstanceOf(EOFException.class).hasMessageContaining("type " + type);
                }
        }
    }

    private PeerServer answering(WireFormat format, Function<Imsg, Imsg> answer) throws IOException {
        return PeerServer.listen(directory.resolve("socket"), channel -> channel.format(format), (client, _) -> {
            for (Imsg request; (request = client.receive()) != null;)
                client.send(answer.apply(request));
        });
    }

    private static void speaksAs(Object spoken, Object told, ThrowableAssert.ThrowingCallable question) {
        if (spoken == told)
            assertThatCode(question).doesNotThrowAnyException();
        else
            assertThatThrownBy(question).as("a client for " + told).isInstanceOf(IOException.class)
                    .hasMessageContaining("speaks as " + spoken + " does, not as " + told);
    }

    /** Opens a client. */
    private interface Connecting<V, C> {
        C connect(Path socket, V version) throws IOException;
    }

    /** A client, as it is opened. */
    private interface Opening<C extends AutoCloseable> {
        C open(Path socket) throws IOException;
    }

    /** A use of it. */
    private interface Question<C> {
        void ask(C client) throws IOException;
    }

    @SuppressWarnings("try") // no close here throws InterruptedException
    private <C extends AutoCloseable> void everyAnswer(Opening<C> opening, Question<C> question) throws Exception {
        Path socket = directory.resolve("socket");
        Random random = new Random(SEED);
        try (CapturedLog _ = new CapturedLog(UnixListener.class);
                PeerServer _ = PeerServer.listen(socket, channel -> channel.format(WireFormat.MODERN),
                        (client, _) -> answerWithAnything(client, random.nextLong()))) {
            for (int round = 0; round < ROUNDS; round++) {
                try (C client = opening.open(socket)) {
                    question.ask(client);
                } catch (IOException _) {
                    // what it is to be
                } catch (RuntimeException e) {
                    fail("round " + round + " of seed " + SEED, e);
                }
            }
        }
    }

    /** Four answers at most to each of the first requests, which suit the request now and then. */
    private static void answerWithAnything(ImsgChannel client, long seed) throws IOException {
        Random random = new Random(seed);
        Imsg request = client.receive();
        for (int left = 1 + random.nextInt(4); left > 0 && request != null; left--) {
            int type = random.nextBoolean() ? request.type() : TYPES.get(random.nextInt(TYPES.size()));
            byte[] payload = new byte[LENGTHS.get(random.nextInt(LENGTHS.size()))];
            if (random.nextBoolean())
                random.nextBytes(payload);
            client.send(Imsg.of(type, 0, 0, payload));
        }
    }

    /** What a bgpd with one neighbor knows. */
    private static final class OneNeighbor implements BgpdService {
        @Override
        public List<Neighbor> neighbors() {
            return List.of(new Neighbor(InetAddress.ofLiteral("192.0.2.7"), "moon", 64999, true,
                    Neighbor.State.ESTABLISHED, 1, 2));
        }

        @Override
        public void routes(RibQuery query, Consumer<Route> each) {
            // it has none
        }
    }
}
