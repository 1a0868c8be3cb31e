package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.imsg.unix.ErrnoException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class LookupsTest {
    private static final Policy EVERYTHING = Policy
            .of("lookup user group service rpc ether host address localtime protocol");

    @TempDir
    Path names;

    private Served served() throws IOException {
        return Served.by(EVERYTHING, monitor -> monitor.names(names));
    }

    @Test
    void users_are_found_by_name_and_id() throws Exception {
        String[] root = Files.readAllLines(Path.of("/etc/passwd")).stream().filter(line -> line.startsWith("root:"))
                .findFirst().orElseThrow().split(":", -1);
        try (Served served = served(); Privileged privileged = served.privileged()) {
            PrivilegedLookups lookups = privileged.lookups();
            User expected = new User("root", 0, 0, root[4], root[5], root[6]);
            assertThat(lookups.user("root")).contains(expected);
            assertThat(lookups.user(0)).contains(expected);
            assertThat(lookups.user("nobody-knows-him")).isEmpty();
            assertThat(lookups.user(64099)).isEmpty();
        }
    }

    @Test
    void groups_are_found_by_name_and_id_with_their_members() throws Exception {
        List<String[]> groups = Files.readAllLines(Path.of("/etc/group")).stream().map(line -> line.split(":", -1))
                .toList();
        try (Served served = served(); Privileged privileged = served.privileged()) {
            PrivilegedLookups lookups = privileged.lookups();
            for (String[] group : groups) {
                List<String> members = group[3].isEmpty() ? List.of() : List.of(group[3].split(","));
                Group expected = new Group(group[0], Long.parseLong(group[2]), members);
                assertThat(lookups.group(group[0])).contains(expected);
            }
            assertThat(lookups.group(0)).map(Group::name).contains("root");
            assertThat(lookups.group("nobody-knows-them")).isEmpty();
        }
    }

    @Test
    void what_is_too_long_for_an_answer_is_told_by_its_error_and_not_logged_as_a_fault() throws Exception {
        Files.writeString(names.resolve("rpc"), "portmapper 100000 " + "another-name ".repeat(3000));
        try (CapturedLog log = new CapturedLog(Monitor.class);
                Served served = served();
                Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> privileged.lookups().rpc("portmapper"))
                    .matches(e -> e.name().equals("EMSGSIZE"));
            assertThat(log.lines()).isEmpty();
        }
    }

    @Test
    void services_rpc_programs_and_ethernet_names_are_found_in_their_files() throws Exception {
        Files.writeString(names.resolve("services"), """
                # a comment
                domain 53/tcp nameserver dns   # the old name first
                domain 53/udp nameserver
                broken
                """);
        Files.writeString(names.resolve("rpc"), "portmapper\t100000\tportmap sunrpc\n");
        Files.writeString(names.resolve("ethers"), "0:A:b:11:22:33 printer\n");
        try (Served served = served(); Privileged privileged = served.privileged()) {
            PrivilegedLookups lookups = privileged.lookups();
            Service tcp = new Service("domain", 53, "tcp", List.of("nameserver", "dns"));
            assertThat(lookups.service("dns", "")).contains(tcp);
            assertThat(lookups.service("53", "tcp")).contains(tcp);
            assertThat(lookups.service("domain", "udp")).map(Service::protocol).contains("udp");
            assertThat(lookups.service("dns", "udp")).isEmpty();
            assertThat(lookups.service("54", "")).isEmpty();
            RpcProgram portmapper = new RpcProgram("portmapper", 100000, List.of("portmap", "sunrpc"));
            assertThat(lookups.rpc("sunrpc")).contains(portmapper);
            assertThat(lookups.rpc("100000")).contains(portmapper);
            assertThat(lookups.rpc("nfs")).isEmpty();
            assertThat(lookups.ethernetAddress("printer")).contains("00:0a:0b:11:22:33");
            assertThat(lookups.ethernetHost("00:0A:0B:11:22:33")).contains("printer");
            assertThat(lookups.ethernetHost("00:0a:0b:11:22:34")).isEmpty();
        }
    }

    @Test
    void all_services_and_protocols_are_listed_however_many_there_are() throws Exception {
        StringBuilder services = new StringBuilder("domain 53/udp nameserver dns\n");
        for (int i = 1; i < 200; i++)
            services.append("service").append(i).append(' ').append(i).append("/tcp\n");
        Files.writeString(names.resolve("services"), services);
        Files.writeString(names.resolve("protocols"), "ip 0 IP # pseudo\ntcp\t6\tTCP\nbroken\nudp 17 UDP\n");
        try (Served served = served(); Privileged privileged = served.privileged()) {
            PrivilegedLookups lookups = privileged.lookups();
            assertThat(lookups.services()).hasSize(200).first()
                    .isEqualTo(new Service("domain", 53, "udp", List.of("nameserver", "dns")));
            assertThat(lookups.services()).last().isEqualTo(new Service("service199", 199, "tcp", List.of()));
            assertThat(lookups.protocols()).extracting(InternetProtocol::name).containsExactly("ip", "tcp", "udp");
            assertThat(lookups.protocol("TCP")).contains(new InternetProtocol("tcp", 6, List.of("TCP")));
            assertThat(lookups.protocol("17")).map(InternetProtocol::name).contains("udp");
            assertThat(lookups.protocol("ospf")).isEmpty();
        }
    }

    @Test
    void names_that_are_long_come_in_more_answers_and_a_hostile_child_gets_no_more_of_them_in_one() throws Exception {
        StringBuilder services = new StringBuilder();
        for (int i = 0; i < 200; i++)
            services.append("s").append(i).append(' ').append(i).append("/tcp ").append("long".repeat(200))
                    .append('\n');
        Files.writeString(names.resolve("services"), services);
        try (Served served = served(); Privileged privileged = served.privileged()) {
            assertThat(privileged.lookups().services()).hasSize(200);
        }
        try (Served served = served(); Raw hostile = new Raw(served.channel)) {
            for (String place : List.of("0", "7", "199", "200", "999999999"))
                assertThat(Reply.list(hostile.ask(new LookUp(LookUp.Kind.SERVICE, "", place)))).as(place)
                        .hasSizeLessThan(16);
            for (String place : List.of("-1", "", "1e3", "9999999999", "0x10"))
                assertThat(hostile.ask(new LookUp(LookUp.Kind.SERVICE, "", place)).type()).as(place)
                        .isEqualTo(OperationProtocol.FAILED);
        }
    }

    @Test
    void a_file_of_names_that_is_not_there_has_none() throws Exception {
        try (Served served = served(); Privileged privileged = served.privileged()) {
            assertThat(privileged.lookups().ethernetAddress("printer")).isEmpty();
        }
    }

    @Test
    void hosts_and_addresses_are_found_by_the_parents_resolver() throws Exception {
        try (Served served = served(); Privileged privileged = served.privileged()) {
            PrivilegedLookups lookups = privileged.lookups();
            assertThat(lookups.addresses("localhost")).containsExactly(InetAddress.getAllByName("localhost"));
            assertThat(lookups.addresses("192.0.2.7")).containsExactly(InetAddress.ofLiteral("192.0.2.7"));
            assertThat(lookups.hostName(InetAddress.ofLiteral("127.0.0.1"))).contains("localhost");
        }
    }

    @Test
    void local_time_is_the_parents() throws Exception {
        Instant summer = Instant.parse("2026-07-01T12:00:00.5Z");
        try (Served served = served(); Privileged privileged = served.privileged()) {
            assertThat(privileged.lookups().localTime(summer))
                    .isEqualTo(summer.atZone(ZoneId.systemDefault()).toOffsetDateTime());
        }
    }

    @Test
    void each_kind_of_lookup_needs_its_own_word_in_the_policy() throws Exception {
        try (Served served = Served.by(Policy.of("lookup group"));
                Privileged privileged = served.privileged();
                CapturedLog log = new CapturedLog(Monitor.class)) {
            assertThat(privileged.lookups().group("root")).isPresent();
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> privileged.lookups().user("root"));
            assertThat(log.lines()).hasSize(1);
        }
    }

    @Test
    void many_small_steps_move_the_clock_no_further_than_one_may() throws Exception {
        List<Instant> set = new CopyOnWriteArrayList<>();
        try (Served served = Served.by(Policy.of("clock within=60"),
                monitor -> monitor.clock(SystemClock.recording(set::add)));
                Privileged privileged = served.privileged()) {
            for (int step : new int[]{40, -30, 50, -60, -60})
                privileged.adjustClock(Duration.ofSeconds(step));
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.adjustClock(Duration.ofSeconds(-1)))
                    .withMessageContaining("may be changed by 60 s in all, not by -61 s");
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.setClock(Instant.now().minusSeconds(30)));
            privileged.adjustClock(Duration.ofSeconds(120));
        }
        assertThat(set).hasSize(6);
    }

    @Test
    void a_time_safe_monitor_records_what_it_would_have_set_the_clock_to() throws Exception {
        List<Instant> set = new CopyOnWriteArrayList<>();
        Instant start = Instant.now();
        try (Served served = Served.by(Policy.of("clock within=3600"),
                monitor -> monitor.clock(SystemClock.recording(set::add)));
                Privileged privileged = served.privileged();
                CapturedLog log = new CapturedLog(Monitor.class)) {
            privileged.adjustClock(Duration.ofMillis(-1500));
            privileged.setClock(start.plusSeconds(100));
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.setClock(start.plusSeconds(7300))).withMessageContaining("by 3600 s")
                    .matches(e -> e.rule().equals("policy:1: clock within=3600"));
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.adjustClock(Duration.ofSeconds(-3701)));
            assertThat(log.lines()).hasSize(2);
        }
        assertThat(set).hasSize(2);
        assertThat(set.get(0)).isBetween(start.minusMillis(1501), Instant.now().minusMillis(1500));
        assertThat(Duration.between(start.plusSeconds(100), set.get(1)).abs()).isLessThan(Duration.ofNanos(2));
    }

    private static long usedMemory() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    /** The JDK keeps for a while that there is no such name, with the name: a child asks for a thousand a second. */
    @Test
    void names_that_no_host_can_have_are_not_remembered_by_the_parent() throws Exception {
        try (Served served = Served.by(Policy.of("lookup host=*.example"), monitor -> monitor.names(names));
                Privileged privileged = served.privileged()) {
            PrivilegedLookups lookups = privileged.lookups();
            long before = usedMemory();
            for (int i = 0; i < 1500; i++)
                assertThat(lookups.addresses((i + ".").repeat(15_000 / (i + ".").length()) + "example")).isEmpty();
            assertThat(usedMemory() - before).isLessThan(10 << 20);
        }
    }
}
