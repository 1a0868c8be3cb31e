package org.imsg.peers.bgpd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

import org.imsg.harness.debian.ChrootOutcome;
import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The real bgpctl of each Debian prints what our bgpd tells it. */
@RealPeers
@Timeout(120)
class BgpdServerTest {
    private static final InetAddress ADDRESS = InetAddress.ofLiteral("192.0.2.7");

    // @start region="server"
    /** A bgpd with one neighbor and one route, who writes down what it is told to do. */
    static final class OneNeighbor implements BgpdService {
        final List<String> orders = new CopyOnWriteArrayList<>();

        @Override
        public List<Neighbor> neighbors() {
            return List.of(new Neighbor(ADDRESS, "moon", 64999, true, Neighbor.State.ESTABLISHED, 1234, 56));
        }

        @Override
        public void routes(RibQuery query, Consumer<Route> each) {
            each.accept(new Route(Prefix.of("198.51.100.0/24"), ADDRESS, "moon", Route.ELIGIBLE | Route.BEST, 0,
                    List.of(64999L, 4200000000L)));
        }

        @Override
        public long prefixes() {
            return 4711;
        }

        @Override
        public Result reload() {
            orders.add("reload");
            return Result.OK;
        }

        @Override
        public void announce(Prefix network) {
            orders.add("announce " + network);
        }

        @Override
        public void withdraw(Prefix network) {
            orders.add("withdraw " + network);
        }

        @Override
        public void logVerbose(int verbosity) {
            orders.add("verbosity " + verbosity);
        }
    }

    static BgpdServer start(Path socket, String version) throws IOException {
        return BgpdServer.listen(socket, BgpdVersion.of(version), new OneNeighbor());
    }
    // @end

    @ParameterizedTest
    @EnumSource
    void bgpctl_prints_our_neighbor_and_route(DebianSuite suite, @TempDir Path directory) throws Exception {
        DebianChroot chroot = Peers.chroot(suite);
        try (BgpdServer _ = start(socket(directory), chroot.version("openbgpd"))) {
            assertThat(bgpctl(chroot, directory, "show").output()).contains("moon", "64999", "1234");
            assertThat(bgpctl(chroot, directory, "show", "neighbor", "moon").output())
                    .contains("192.0.2.7", "remote AS 64999", "Established");
            assertThat(bgpctl(chroot, directory, "show", "neighbor", "moon").output()).as("sent, received")
                    .containsPattern("Prefixes +56 +1234");
            assertThat(bgpctl(chroot, directory, "show", "neighbor", "192.0.2.7").output()).contains("moon");
            assertThat(bgpctl(chroot, directory, "show", "rib").output()).contains("198.51.100.0/24",
                    "64999 4200000000");
            assertThat(bgpctl(chroot, directory, "show", "rib", "memory").output()).contains("4711");
            String json = bgpctl(chroot, directory, "-j", "show", "neighbor").output();
            assertThat(json).contains("\"description\": \"moon\"", "\"state\": \"Established\"");
            assertThat(json.replace("\"", "")).containsPattern("remote_as: 64999");
            assertThat(bgpctl(chroot, directory, "-j", "show", "rib").output()).contains("\"198.51.100.0/24\"",
                    "64999 4200000000");
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_bgpctl_is_told_to_do_reaches_the_service(DebianSuite suite, @TempDir Path directory) throws Exception {
        DebianChroot chroot = Peers.chroot(suite);
        OneNeighbor service = new OneNeighbor();
        try (BgpdServer _ = BgpdServer.listen(socket(directory), BgpdVersion.of(chroot.version("openbgpd")),
                service)) {
            assertThat(bgpctl(chroot, directory, "reload").output()).contains("request processed");
            bgpctl(chroot, directory, "network", "add", "203.0.113.0/24");
            bgpctl(chroot, directory, "network", "delete", "203.0.113.0/24");
            bgpctl(chroot, directory, "log", "verbose");
            while (service.orders.size() < 4) // bgpctl does not wait for these
                Thread.onSpinWait();
        }
        assertThat(service.orders).containsExactlyInAnyOrder("reload", "announce 203.0.113.0/24",
                "withdraw 203.0.113.0/24", "verbosity 1");
    }

    @ParameterizedTest
    @EnumSource
    void bgpctl_finds_no_neighbor_we_do_not_have(DebianSuite suite, @TempDir Path directory) throws Exception {
        DebianChroot chroot = Peers.chroot(suite);
        try (BgpdServer _ = start(socket(directory), chroot.version("openbgpd"))) {
            ChrootOutcome outcome = run(chroot, directory, "show", "neighbor", "sun");
            assertThat(outcome.output()).doesNotContain("moon");
        }
    }

    private static Path socket(Path directory) {
        return directory.resolve("bgpd.sock");
    }

    private static ChrootOutcome bgpctl(DebianChroot chroot, Path directory, String... arguments) throws Exception {
        ChrootOutcome outcome = run(chroot, directory, arguments);
        assertThat(outcome.errors()).as(String.join(" ", arguments)).isEmpty();
        assertThat(outcome.status()).as(String.join(" ", arguments)).isZero();
        return outcome;
    }

    private static ChrootOutcome run(DebianChroot chroot, Path directory, String... arguments) throws Exception {
        Files.setPosixFilePermissions(directory, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
        String[] line = new String[arguments.length + 3];
        line[0] = "/usr/sbin/bgpctl";
        line[1] = "-s";
        line[2] = "/run/imsg/bgpd.sock";
        System.arraycopy(arguments, 0, line, 3, arguments.length);
        return chroot.command(line).bind(directory, "/run/imsg").run();
    }
}
