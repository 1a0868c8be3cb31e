package org.imsg.peers;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.WireFormat;
import org.imsg.peers.bgpd.BgpdClient;
import org.imsg.peers.bgpd.BgpdVersion;
import org.imsg.peers.bgpd.Prefix;
import org.imsg.peers.bgpd.RibQuery;
import org.imsg.peers.ntpd.NtpdClient;
import org.imsg.peers.ntpd.NtpdVersion;
import org.imsg.peers.smtpd.SmtpdClient;
import org.imsg.peers.smtpd.SmtpdVersion;
import org.imsg.peers.table.TableKind;
import org.imsg.peers.table.TableClient;
import org.imsg.peers.table.TableVersion;
import org.imsg.peers.tmux.TmuxClient;
import org.imsg.peers.tmux.TmuxVersion;
import org.imsg.testing.CapturedLog;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Daemons that answer with anything: a client returns or throws IOException, and comes to an end. */
@Timeout(120)
class DisorderlyDaemonTest {
    private static final int ROUNDS = 200;
    private static final long SEED = 20;
    private static final int LIST_MESSAGES = 5;
    private static final int LIST_ENVELOPES = 6;
    private static final int STATISTICS = 4;
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
}
