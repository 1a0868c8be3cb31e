package org.imsg.peers.bgpd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

import org.imsg.harness.debian.Bgpd;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.peers.UnknownVersionException;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The client and the real bgpd of each Debian. */
@RealPeers
@Timeout(120)
class BgpdClientTest {
    private static final List<Bgpd.ConfiguredNeighbor> NEIGHBORS = List.of(
            new Bgpd.ConfiguredNeighbor("127.0.0.2", 65002, "upstream"),
            new Bgpd.ConfiguredNeighbor("127.0.0.3", 65003, "exchange"),
            new Bgpd.ConfiguredNeighbor("127.0.0.4", 65001, "inside"));

    // @start region="client"
    static List<String> bestRoutes(Path socket, String version) throws IOException {
        List<String> lines = new ArrayList<>();
        try (BgpdClient bgpd = BgpdClient.connect(socket, BgpdVersion.of(version))) {
            for (Neighbor neighbor : bgpd.neighbors())
                lines.add(neighbor.description() + " AS" + neighbor.remoteAs() + " " + neighbor.state());
            bgpd.routes(RibQuery.ALL, route -> {
                if (route.best())
                    lines.add(route.prefix() + " by " + route.description() + ", path " + route.path());
            });
        }
        return lines;
    }
    // @end

    @ParameterizedTest
    @EnumSource
    void neighbors_are_told_with_what_is_configured(DebianSuite suite) throws Exception {
        try (Bgpd bgpd = Bgpd.start(Peers.chroot(suite), 65001, NEIGHBORS); BgpdClient client = connect(bgpd)) {
            assertThat(client.neighbors()).usingRecursiveFieldByFieldElementComparatorIgnoringFields("state")
                    .containsExactlyInAnyOrder(neighbor("127.0.0.2", "upstream", 65002, true),
                            neighbor("127.0.0.3", "exchange", 65003, true),
                            neighbor("127.0.0.4", "inside", 65001, false));
            assertThat(client.neighbors()).extracting(Neighbor::state)
                    .allMatch(List.of(Neighbor.State.IDLE, Neighbor.State.ACTIVE)::contains);
            assertThat(client.neighbors("exchange")).extracting(Neighbor::remoteAs).containsExactly(65003L);
            assertThat(client.neighbors(InetAddress.ofLiteral("127.0.0.2"))).extracting(Neighbor::description)
                    .containsExactly("upstream");
            assertThat(client.neighbors("nobody")).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void networks_are_announced_and_withdrawn(DebianSuite suite) throws Exception {
        List<Prefix> networks = new ArrayList<>(
                IntStream.range(0, 200).mapToObj(i -> Prefix.of("10.1." + i + ".0/24")).toList());
        networks.add(Prefix.of("2001:db8::/32"));
        try (Bgpd bgpd = Bgpd.start(Peers.chroot(suite), 65001, NEIGHBORS); BgpdClient client = connect(bgpd)) {
            client.announce(networks);
            awaitPrefixes(client, 2L * networks.size()); // each is in two tables
            assertThat(client.routes(RibQuery.ALL)).extracting(Route::prefix)
                    .containsExactlyInAnyOrderElementsOf(networks);
            assertThat(client.routes(RibQuery.to(Prefix.of("10.1.7.0/24")))).singleElement().satisfies(route -> {
                assertThat(route.description()).isEqualTo("LOCAL");
                assertThat(route.flags()).isEqualTo(15);
                assertThat(route.path()).isEmpty();
            });
            client.withdraw(networks.subList(0, 100));
            awaitPrefixes(client, 2L * (networks.size() - 100));
            assertThat(client.routes(RibQuery.ALL)).extracting(Route::prefix)
                    .containsExactlyInAnyOrderElementsOf(networks.subList(100, networks.size()));
            client.withdrawAll();
            awaitPrefixes(client, 0);
            assertThat(client.routes(RibQuery.ALL)).isEmpty();
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_route_of_a_neighbor_has_its_path_and_the_session_its_counters(DebianSuite suite) throws Exception {
        try (Bgpd here = Bgpd.start(Peers.chroot(suite), session(65001, "127.0.0.1", 1179, "127.0.0.2", 65002,
                "passive"));
                Bgpd there = here.startBeside(session(65002, "127.0.0.2", 1180, "127.0.0.1", 65001,
                        "port 1179\nlocal-address 127.0.0.2"));
                BgpdClient atHere = connect(here);
                BgpdClient atThere = connect(there)) {
            atThere.announce(List.of(Prefix.of("10.9.0.0/16")));
            Neighbor neighbor;
            while ((neighbor = atHere.neighbors().getFirst()).prefixesReceived() == 0)
                Thread.onSpinWait();
            assertThat(neighbor.state()).isEqualTo(Neighbor.State.ESTABLISHED);
            assertThat(neighbor.prefixesReceived()).isEqualTo(1);
            assertThat(atHere.routes(RibQuery.ALL)).singleElement().satisfies(route -> {
                assertThat(route.prefix()).hasToString("10.9.0.0/16");
                assertThat(route.path()).containsExactly(65002L);
                assertThat(route.neighbor().getHostAddress()).isEqualTo("127.0.0.2");
            });
            assertThat(atHere.routes(new RibQuery("", "beside", null, RibQuery.RECEIVED))).hasSize(1);
            assertThat(bestRoutes(there.socket(), there.version())).containsExactly("beside AS65001 ESTABLISHED",
                    "10.9.0.0/16 by LOCAL, path []");
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_bgpd_refuses_is_an_error_with_its_reason(DebianSuite suite) throws Exception {
        try (Bgpd bgpd = Bgpd.start(Peers.chroot(suite), 65001, NEIGHBORS);
                BgpdClient client = connect(bgpd);
                BgpdClient restricted = BgpdClient.connect(bgpd.restrictedSocket(), BgpdVersion.of(bgpd.version()))) {
            assertThatExceptionOfType(BgpdRefusedException.class)
                    .isThrownBy(() -> client.routes(new RibQuery("no-such-table", "", null, 0)))
                    .withMessage("bgpd refused routes: no such rib");
            assertThatExceptionOfType(BgpdRefusedException.class).isThrownBy(restricted::reload)
                    .satisfies(refused -> assertThat(refused.result()).isEqualTo(Result.DENIED));
            assertThat(restricted.neighbors()).hasSize(3);
            client.reload();
            client.logVerbose(1);
            assertThat(client.neighbors()).hasSize(3);
            bgpd.process().awaitLog("rereading config");
        }
    }

    @Test
    void a_version_nobody_has_looked_up_is_refused_by_name() {
        assertThat(BgpdVersion.of("8.8-1")).isSameAs(BgpdVersion.V8_8);
        assertThatExceptionOfType(UnknownVersionException.class).isThrownBy(() -> BgpdVersion.of("1:10.2-3"))
                .withMessage("bgpd 1:10.2-3 is not known here, only 7.7, 8.8, 9.3");
    }

    private static BgpdClient connect(Bgpd bgpd) throws IOException {
        return BgpdClient.connect(bgpd.socket(), BgpdVersion.of(bgpd.version()));
    }

    private static Neighbor neighbor(String address, String description, long as, boolean external) {
        return new Neighbor(InetAddress.ofLiteral(address), description, as, external, Neighbor.State.ACTIVE, 0, 0);
    }

    private static void awaitPrefixes(BgpdClient client, long wanted) throws IOException {
        while (client.prefixes() != wanted)
            Thread.onSpinWait();
    }

    private static String session(long as, String address, int port, String neighbor, long remoteAs, String how) {
        return """
                AS %d
                router-id %s
                fib-update no
                listen on %s port %d
                neighbor %s {
                    remote-as %d
                    descr "beside"
                    %s
                }
                allow from any
                allow to any
                """.formatted(as, address, address, port, neighbor, remoteAs, how);
    }
}
