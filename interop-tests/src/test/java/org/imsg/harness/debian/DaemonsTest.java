package org.imsg.harness.debian;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import org.imsg.WireFormat;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each daemon starts, is reachable from here, answers its own control program, stops by itself, and leaves nothing. */
@RealPeers
class DaemonsTest {
    @ParameterizedTest
    @EnumSource
    void bgpd_shows_its_neighbors(DebianSuite suite) throws Exception {
        Bgpd bgpd = Bgpd.start(Peers.chroot(suite), 65001,
                List.of(new Bgpd.ConfiguredNeighbor("127.0.0.2", 65002, "upstream"),
                        new Bgpd.ConfiguredNeighbor("127.0.0.3", 65003, "ix")));
        try (bgpd) {
            assertReachable(bgpd.socket());
            assertReachable(bgpd.restrictedSocket());
            assertThat(bgpd.process().run("/usr/sbin/bgpctl", "show", "summary").output()).contains("upstream", "ix");
        }
        assertGone(bgpd);
    }

    @ParameterizedTest
    @EnumSource
    void bgpd_starts_without_neighbors(DebianSuite suite) throws Exception {
        Bgpd bgpd = Bgpd.start(Peers.chroot(suite), 65001, List.of());
        bgpd.close();
        assertGone(bgpd);
    }

    @ParameterizedTest
    @EnumSource
    void two_bgpds_have_a_session(DebianSuite suite) throws Exception {
        try (Bgpd listening = Bgpd.start(Peers.chroot(suite), session(65001, "127.0.0.1", 1179, "127.0.0.2", 65002,
                "passive"));
                Bgpd calling = listening.startBeside(session(65002, "127.0.0.2", 1180, "127.0.0.1", 65001,
                        "port 1179\nlocal-address 127.0.0.2"))) {
            calling.process().awaitLog("OpenConfirm -> Established");
            listening.process().awaitLog("OpenConfirm -> Established");
        }
    }

    @ParameterizedTest
    @EnumSource
    void smtpd_delivers_local_mail(DebianSuite suite) throws Exception {
        Smtpd smtpd = Smtpd.start(Peers.chroot(suite));
        try (smtpd) {
            assertReachable(smtpd.socket());
            ChrootOutcome sent = smtpd.process().run("sh", "-c",
                    "printf 'Subject: hello\\n\\nbody\\n' | /usr/sbin/sendmail -f root tuser");
            assertThat(sent).isEqualTo(new ChrootOutcome(0, "", ""));
            smtpd.process().awaitLog("stat=Delivered");
            try (Stream<Path> mails = Files.list(smtpd.delivered())) {
                assertThat(mails.toList()).singleElement()
                        .satisfies(mail -> assertThat(mail).content().contains("hello", "body"));
            }
        }
        assertGone(smtpd);
    }

    @ParameterizedTest
    @EnumSource
    void ntpd_tells_its_status(DebianSuite suite) throws Exception {
        Ntpd ntpd = Ntpd.start(Peers.chroot(suite));
        try (ntpd) {
            assertReachable(ntpd.socket());
            assertThat(ntpd.process().run("/usr/sbin/ntpctl", "-s", "status").output()).contains("0/2 peers valid");
        }
        assertGone(ntpd);
    }

    @ParameterizedTest
    @EnumSource
    void tmux_runs_programs(DebianSuite suite) throws Exception {
        TmuxServer tmux = TmuxServer.start(Peers.chroot(suite));
        try (tmux) {
            assertReachable(tmux.socket());
            assertThat(tmux.client("new-session", "-d", "tmux wait-for -S up; exec cat").status()).isZero();
            assertThat(tmux.client("wait-for", "up").status()).isZero();
        }
        assertGone(tmux);
    }

    @ParameterizedTest
    @EnumSource
    void every_daemon_knows_what_it_speaks(DebianSuite suite) throws Exception {
        DebianChroot chroot = Peers.chroot(suite);
        List<WireFormat> spoken = List.of("tmux", "openbgpd", "openntpd", "opensmtpd").stream()
                .map(name -> SpokenFormat.of(name, chroot.version(name))).toList();
        switch (suite) {
            case BOOKWORM -> assertThat(spoken).containsOnly(WireFormat.CLASSIC);
            case TRIXIE ->
                assertThat(spoken).containsExactly(WireFormat.CLASSIC, WireFormat.MODERN, WireFormat.CLASSIC,
                        WireFormat.CLASSIC);
            case FORKY -> assertThat(spoken).containsOnly(WireFormat.MODERN);
        }
    }

    private static String session(long as, String address, int port, String neighbor, long remoteAs, String how) {
        return """
                AS %d
                router-id %s
                fib-update no
                listen on %s port %d
                neighbor %s {
                    remote-as %d
                    %s
                }
                """.formatted(as, address, address, port, neighbor, remoteAs, how);
    }

    private static void assertReachable(Path socket) throws Exception {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            assertThat(channel.connect(UnixDomainSocketAddress.of(socket))).isTrue();
        }
    }

    private static void assertGone(PeerDaemon daemon) {
        assertThat(daemon.process().stop()).as("status of " + daemon.packageName()).isZero();
        assertThat(daemon.socket()).doesNotExist();
        assertThat(ProcessHandle.of(daemon.process().pid())).isEmpty();
    }
}
