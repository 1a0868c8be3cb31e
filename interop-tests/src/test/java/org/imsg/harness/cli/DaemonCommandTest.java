package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import org.imsg.WireFormat;
import org.imsg.harness.debian.Bgpd;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.Ntpd;
import org.imsg.harness.debian.Smtpd;
import org.imsg.harness.debian.TmuxServer;
import org.imsg.harness.scripted.Expected;
import org.imsg.harness.scripted.Misbehaviour;
import org.imsg.harness.scripted.ScriptedPeer;
import org.imsg.harness.scripted.ScriptedServer;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The commands for known daemons, run in this process against the real ones. */
@RealPeers
@Timeout(120)
class DaemonCommandTest extends ImsgProgram {
    private static final int STATUS = 10;

    @TempDir
    private Path directory;

    @Override
    int imsg(Object... arguments) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return super.imsg(arguments);
    }

    @ParameterizedTest
    @EnumSource(DebianSuite.class)
    void bgp_shows_neighbors_and_routes_and_changes_them(DebianSuite suite) throws Exception {
        try (Bgpd bgpd = Bgpd.start(Peers.chroot(suite), 65001,
                List.of(new Bgpd.ConfiguredNeighbor("127.0.0.2", 65002, "upstream")))) {
            Path socket = bgpd.socket();
            String version = bgpd.version();
            assertThat(imsg("bgp", socket, "--version", version, "neighbors")).isZero();
            assertThat(out.toString().lines()).hasSize(2).last().asString()
                    .matches("127\\.0\\.0\\.2 +upstream +65002 +true +(IDLE|ACTIVE) +0 +0");
            assertThat(imsg("bgp", socket, "--version", version, "neighbors", "--json")).isZero();
            assertThat(out.toString()).startsWith(
                    "{\"address\":\"127.0.0.2\",\"description\":\"upstream\",\"as\":65002,\"external\":true,");

            assertThat(imsg("bgp", socket, "--version", version, "announce", "10.1.0.0/24", "10.2.0.0/24")).isZero();
            awaitPrefixes(bgpd, 4); // each in two tables
            assertThat(imsg("bgp", socket, "--version", version, "rib", "10.1.0.0/24", "--json")).isZero();
            assertThat(out.toString().lines()).singleElement().asString().contains("\"prefix\":\"10.1.0.0/24\"",
                    "\"description\":\"LOCAL\"", "\"best\":true", "\"path\":[]");
            assertThat(imsg("bgp", socket, "--version", version, "withdraw", "10.1.0.0/24")).isZero();
            awaitPrefixes(bgpd, 2);
            assertThat(imsg("bgp", socket, "--version", version, "rib")).isZero();
            assertThat(out.toString()).contains("10.2.0.0/24").doesNotContain("10.1.0.0/24");

            assertThat(imsg("bgp", socket, "--version", version, "verbose", 1)).isZero();
            assertThat(imsg("bgp", socket, "--version", version, "reload")).isZero();
            bgpd.process().awaitLog("rereading config");
            assertThat(imsg("bgp", bgpd.restrictedSocket(), "--version", version, "reload")).isEqualTo(1);
            assertThat(err.toString()).isEqualTo("imsg: bgpd refused the reload: denied\n");
        }
    }

    private void awaitPrefixes(Bgpd bgpd, int wanted) throws IOException {
        do {
            assertThat(imsg("bgp", bgpd.socket(), "--version", bgpd.version(), "memory", "--json")).isZero();
        } while (!out.toString().equals("{\"prefixes\":" + wanted + "}\n"));
    }

    @ParameterizedTest
    @EnumSource(DebianSuite.class)
    void ntp_shows_status_and_servers(DebianSuite suite) throws Exception {
        try (Ntpd ntpd = Ntpd.start(Peers.chroot(suite))) {
            assertThat(imsg("ntp", ntpd.socket(), "--version", ntpd.version(), "status", "--json")).isZero();
            assertThat(out.toString()).contains("\"synced\":false", "\"peers\":2", "\"validPeers\":0");
            assertThat(imsg("ntp", ntpd.socket(), "--version", ntpd.version(), "peers")).isZero();
            assertThat(out.toString().lines()).hasSize(3)
                    .anySatisfy(line -> assertThat(line).matches("127\\.0\\.0\\.1 .*false.*"))
                    .anySatisfy(line -> assertThat(line).matches("127\\.0\\.0\\.2 .*false.*"));
            assertThat(imsg("ntp", ntpd.socket(), "--version", ntpd.version(), "sensors", "--json")).isZero();
            assertThat(out.toString()).isEmpty();
            String other = suite == DebianSuite.FORKY ? "6.2p3" : "7.9p1";
            assertThat(imsg("ntp", ntpd.socket(), "--version", other, "status")).isEqualTo(4);
            assertThat(err.toString().lines()).singleElement().asString()
                    .startsWith("imsg: an answer that version " + other + " does not give: ").contains("48", "56");
        }
    }

    @ParameterizedTest
    @EnumSource(DebianSuite.class)
    void smtp_holds_a_mail_and_lets_it_go(DebianSuite suite) throws Exception {
        Path mail = Files.writeString(directory.resolve("mail"), "Subject: moon\n\nfull\n");
        try (Smtpd smtpd = Smtpd.start(Peers.chroot(suite))) {
            Object[] daemon = {"smtp", smtpd.socket(), "--version", smtpd.version()};
            assertThat(imsg(with(daemon, "pause", "mda"))).isZero();
            assertThat(imsg(with(daemon, "pause", "MDA"))).isEqualTo(1);
            assertThat(err.toString()).isEqualTo("imsg: smtpd refused to pause MDA\n");
            assertThat(imsg(with(daemon, "status"))).isZero();
            assertThat(out.toString()).isEqualTo("part  paused\nmda   true\nmta   false\nsmtp  false\n");
            assertThat(imsg(with(daemon, "send", "--from", "root@localhost", "--to", "tuser@localhost", mail)))
                    .isZero();
            assertThat(imsg(with(daemon, "queue", "--json"))).isZero();
            assertThat(out.toString().lines()).singleElement().asString()
                    .contains("\"sender\":\"root@localhost\"", "\"recipient\":\"tuser@localhost\"");
            assertThat(imsg(with(daemon, "stats"))).isZero();
            assertThat(out.toString()).containsPattern("(?m)^scheduler\\.envelope +1$");
            assertThat(imsg(with(daemon, "resume", "mda"))).isZero();
            do {
                assertThat(imsg(with(daemon, "queue", "--json"))).isZero();
            } while (!out.toString().isEmpty());
            try (var mails = Files.list(smtpd.delivered())) {
                assertThat(mails).singleElement()
                        .satisfies(file -> assertThat(file).content().contains("Subject: moon", "full"));
            }
        }
    }

    private static Object[] with(Object[] first, Object... more) {
        Object[] all = Arrays.copyOf(first, first.length + more.length);
        System.arraycopy(more, 0, all, first.length, more.length);
        return all;
    }

    @ParameterizedTest
    @EnumSource(DebianSuite.class)
    void tmux_runs_commands_and_fills_and_reads_buffers(DebianSuite suite) throws Exception {
        byte[] content = new byte[100_000];
        new Random(1).nextBytes(content);
        Path file = Files.write(directory.resolve("file"), content);
        try (TmuxServer server = TmuxServer.start(Peers.chroot(suite))) {
            Object[] daemon = {"tmux", server.socket(), "--version", server.version()};
            assertThat(imsg(with(daemon, "run", "--", "display-message", "-p", "#{version}"))).isZero();
            assertThat(out.toString().strip()).isNotEmpty().isSubstringOf(server.version());
            assertThat(imsg(with(daemon, "load-buffer", "moon", file))).isZero();
            assertThat(imsg(with(daemon, "save-buffer", "moon", directory.resolve("back")))).isZero();
            assertThat(directory.resolve("back")).hasBinaryContent(content);
            assertThat(imsg(with(daemon, "run", "no-such-command"))).isEqualTo(1);
            assertThat(err.toString()).isEqualTo("imsg: tmux ended with 1: unknown command: no-such-command\n");
            assertThat(imsg(with(daemon, "run", "no-such-command", "--json"))).isEqualTo(1);
            assertThat(out.toString()).startsWith("{\"code\":1,\"output\":\"\",\"errors\":\"unknown command");
            assertThat(err.toString()).isEmpty();
        }
    }

    @Test
    void a_daemon_that_leaves_is_exit_code_1_and_one_that_sends_no_message_4() throws Exception {
        assertThat(asked(ScriptedPeer::close)).isEqualTo(1);
        assertThat(err.toString()).isEqualTo("imsg: ntpd ended the connection before its answer\n");
        assertThat(asked(client -> client.misbehave(Misbehaviour.SHORT_LENGTH, STATUS))).isEqualTo(4);
        assertThat(err.toString().lines()).singleElement().asString().startsWith("imsg: ").contains("15");
    }

    private interface Answer {
        void to(ScriptedPeer client) throws IOException;
    }

    private int asked(Answer answer) throws Exception {
        Path socket = directory.resolve("socket");
        try (ScriptedServer daemon = ScriptedServer.listen(socket, WireFormat.CLASSIC, client -> {
            client.expect(Expected.type(STATUS));
            answer.to(client);
        })) {
            return imsg("ntp", daemon.socket(), "--version", "6.2p3", "status");
        }
    }

    @Test
    void what_a_terminal_would_obey_is_not_shown_to_people() {
        Rows rows = new Rows(new PrintWriter(out, true), false, "name", "path");
        rows.add("\u001b[2Jmoon\u009b", List.of(1L, 2L));
        assertThat(out.toString()).isEqualTo("name  path\n\\u001b[2Jmoon\\u009b  1 2\n");
    }

    @Test
    void wrong_usage_is_one_line_and_exit_code_2_before_anything_is_connected() {
        Path none = directory.resolve("none");
        for (List<?> wrong : List.of(List.of("ntp", none, "status"), List.of("ntp", none, "--version", "6.2p3"),
                List.of("ntp", none, "--version", "6.2p3", "stats"), List.of("ntp", none, "--version", "9", "status"),
                List.of("bgp", none, "--version", "8.8", "announce"),
                List.of("bgp", none, "--version", "8.8", "memory", "x"),
                List.of("bgp", none, "--version", "8.8", "announce", "10.0.0.0/33"),
                List.of("bgp", none, "--version", "8.8", "verbose", "loud"),
                List.of("smtp", none, "--version", "7.6.0p1", "pause", "all"),
                List.of("smtp", none, "--version", "7.6.0p1", "status", "--from", "x"),
                List.of("smtp", none, "--version", "7.6.0p1", "send", "--from", "x"),
                List.of("tmux", none, "--version", "3.5a", "run", "display-message", "-p"),
                List.of("tmux", none, "--version", "3.5a", "save-buffer", "x"))) {
            assertThat(imsg(wrong.toArray())).as(wrong.toString()).isEqualTo(2);
            assertThat(err.toString().lines()).as(wrong.toString()).singleElement().asString().startsWith("imsg: ");
        }
        assertThat(imsg("ntp", none, "--version", "6.2p3", "status")).isEqualTo(3);
        assertThat(err.toString()).contains("ENOENT");
        assertThat(imsg("tmux", "--help")).isZero();
        assertThat(out.toString()).contains("save-buffer NAME FILE");
    }
}
