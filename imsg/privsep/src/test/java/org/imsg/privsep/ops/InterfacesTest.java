package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.imsg.privsep.ops.PrivilegedInterface.Address;
import org.imsg.privsep.ops.PrivilegedInterface.Route;
import org.imsg.sys.RawSyscall;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Interfaces, in a network namespace of the test's own: the monitor's threads are in it, and no others. */
@Timeout(30)
class InterfacesTest {
    private static final int SETNS = System.getProperty("os.arch").equals("aarch64") ? 268 : 308;
    private static final int CLONE_NEWNET = 0x4000_0000;
    private static final Duration HOUR = Duration.ofHours(1);
    private static final String POLICY = "interface address=192.0.2.0/24,2001:db8::/64 route=0.0.0.0/0,198.51.100.0/24"
            + " link mtu=1280-1500 v0";

    private final Queue<Thread> threads = new ConcurrentLinkedQueue<>();
    private Fd namespace;

    @BeforeEach
    void makeNamespace() throws Exception {
        Root.required();
        Process holder = new ProcessBuilder("/usr/bin/unshare", "--net", "sh", "-c",
                "ip link add v0 type veth peer name v1 && ip link set v1 up && echo made && read end")
                .redirectErrorStream(true).start();
        try {
            String said = holder.inputReader().readLine();
            assumeThat(said).as("a network namespace with a pair of interfaces, made by ip(8)").isEqualTo("made");
            namespace = Fd.open(Path.of("/proc/" + holder.pid() + "/ns/net"));
        } finally {
            holder.outputWriter().close();
            assertThat(holder.waitFor(20, TimeUnit.SECONDS)).isTrue();
        }
    }

    @AfterEach
    void leaveNamespace() throws Exception {
        // A thread that was asked for at the end may not have entered it yet.
        for (Thread thread : threads)
            thread.join();
        if (namespace != null)
            namespace.close();
    }

    private Served served(String... policy) throws IOException {
        return Served.by(Policy.of(policy), monitor -> monitor.threads(this::inside));
    }

    private Thread inside(Runnable work) {
        Thread thread = Thread.ofPlatform().daemon().unstarted(() -> {
            assertThat(RawSyscall.call(SETNS, namespace.intValue(), CLONE_NEWNET)).isZero();
            work.run();
        });
        threads.add(thread);
        return thread;
    }

    /** What the kernel says of itself, past the code under test. */
    private List<String> lines(String file) throws Exception {
        FutureTask<List<String>> read = new FutureTask<>(
                () -> Files.readAllLines(Path.of("/proc/thread-self/net/" + file)));
        inside(read).start();
        return read.get();
    }

    /** Changes the interfaces by ip(8), as an administrator does. */
    private void administrator(String words) throws Exception {
        Process ip = new ProcessBuilder("/bin/sh", "-c", "exec nsenter --net=/proc/"
                + ProcessHandle.current().pid() + "/fd/" + namespace.intValue() + " ip " + words)
                .redirectErrorStream(true).start();
        assertThat(new String(ip.getInputStream().readAllBytes())).isEmpty();
    }

    private static InetAddress ip(String literal) {
        return InetAddress.ofLiteral(literal);
    }

    private static Address address(String network) {
        int slash = network.indexOf('/');
        return new Address(ip(network.substring(0, slash)), Integer.parseInt(network.substring(slash + 1)));
    }

    @Test
    void a_child_gives_an_interface_what_a_lease_says_and_takes_it_back() throws Exception {
        try (Served served = served(POLICY); Privileged privileged = served.privileged()) {
            PrivilegedInterface v0 = privileged.networkInterface("v0");
            assertThat(v0.state().up()).isFalse();
            assertThat(v0.state().hardwareAddress()).matches("([0-9a-f]{2}:){5}[0-9a-f]{2}");
            v0.setUp(true);
            v0.setMtu(1400);
            v0.addAddress(address("192.0.2.5/24"), HOUR);
            v0.addAddress(address("2001:db8::5/64"), HOUR);
            v0.addRoute(address("0.0.0.0/0"), Optional.of(ip("192.0.2.1")));
            v0.addRoute(address("198.51.100.0/24"), Optional.empty());
            PrivilegedInterface.State state = v0.state();
            assertThat(state.up()).isTrue();
            assertThat(state.mtu()).isEqualTo(1400);
            assertThat(state.addresses()).contains(address("192.0.2.5/24"), address("2001:db8::5/64"));
            assertThat(lines("route")).anyMatch(line -> line.matches("v0\\s+00000000\\s+010200C0\\s+0003.*"))
                    .anyMatch(line -> line.matches("v0\\s+006433C6\\s+00000000\\s+0001.*"));

            v0.removeRoute(address("0.0.0.0/0"), Optional.of(ip("192.0.2.1")));
            v0.removeRoute(address("198.51.100.0/24"), Optional.empty());
            v0.removeAddress(address("192.0.2.5/24"));
            v0.removeAddress(address("2001:db8::5/64"));
            assertThat(lines("route")).hasSize(1);
            assertThat(v0.state().addresses()).noneMatch(each -> each.address().equals(ip("192.0.2.5")));
            v0.setUp(false);
            assertThat(v0.state().up()).isFalse();
        }
    }

    @Test
    void an_address_ends_by_itself_when_its_lease_is_not_renewed() throws Exception {
        try (Served served = served(POLICY); Privileged privileged = served.privileged()) {
            PrivilegedInterface v0 = privileged.networkInterface("v0");
            v0.setUp(true);
            v0.addAddress(address("192.0.2.5/32"), Duration.ofSeconds(1));
            v0.addAddress(address("192.0.2.6/32"), Duration.ofSeconds(1));
            v0.addAddress(address("192.0.2.6/32"), HOUR);
            while (v0.state().addresses().contains(address("192.0.2.5/32")))
                Thread.onSpinWait();
            assertThat(v0.state().addresses()).as("the one that was renewed").contains(address("192.0.2.6/32"));
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> v0.addAddress(address("192.0.2.5/32"), Duration.ofMillis(999)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.0.3.5/24", "192.0.2.5/23", "192.0.2.5/0", "2001:db8::5/63", "::ffff:192.0.3.5/24"})
    void an_address_whose_network_is_not_all_in_the_line_is_refused(String asked) throws Exception {
        try (Served served = served(POLICY); Privileged privileged = served.privileged()) {
            PrivilegedInterface v0 = privileged.networkInterface("v0");
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> v0.addAddress(address(asked), HOUR));
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> v0.removeAddress(address(asked)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.0.0.0/1", "198.51.100.128/25", "198.51.0.0/16", "192.0.2.0/24", "::/0"})
    void a_route_to_another_network_than_the_lines_is_refused(String asked) throws Exception {
        try (Served served = served(POLICY); Privileged privileged = served.privileged()) {
            PrivilegedInterface v0 = privileged.networkInterface("v0");
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> v0.addRoute(address(asked), Optional.empty()));
        }
    }

    @Test
    void a_route_of_somebody_else_is_neither_replaced_nor_removed() throws Exception {
        try (Served served = served(POLICY); Privileged privileged = served.privileged()) {
            PrivilegedInterface v0 = privileged.networkInterface("v0");
            v0.setUp(true);
            v0.addAddress(address("192.0.2.5/24"), HOUR);
            administrator("route add default via 192.0.2.9");
            assertThat(v0.state().routes())
                    .contains(new Route(address("0.0.0.0/0"), Optional.of(ip("192.0.2.9"))));
            assertThatThrownBy(() -> v0.addRoute(address("0.0.0.0/0"), Optional.of(ip("192.0.2.1"))))
                    .hasMessageContaining("EEXIST");
            assertThatThrownBy(() -> v0.removeRoute(address("0.0.0.0/0"), Optional.of(ip("192.0.2.9"))))
                    .hasMessageContaining("ESRCH");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.0.2.9/24", "2001:db8::9/64"})
    void an_address_of_somebody_else_is_neither_shortened_nor_removed(String held) throws Exception {
        assumeThat(RouteSocket.tellsMakers(System.getProperty("os.version"))).as("Linux 5.18").isTrue();
        administrator("address add " + held + " dev v0");
        try (Served served = served(POLICY); Privileged privileged = served.privileged()) {
            PrivilegedInterface v0 = privileged.networkInterface("v0");
            Address same = new Address(address(held).address(), address(held).bits() + 1);
            for (Address asked : List.of(address(held), same)) {
                assertThatExceptionOfType(RefusedException.class)
                        .isThrownBy(() -> v0.addAddress(asked, Duration.ofSeconds(1)))
                        .withMessageContaining("the address was not added by such a request");
                assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> v0.removeAddress(asked));
            }
            assertThat(v0.state().addresses()).contains(address(held));
        }
    }

    @ParameterizedTest
    @CsvSource({"5.10.0-28-amd64, false", "5.18.0, true", "6.1.0-44-amd64, true", "5.4, false"})
    void a_kernel_keeps_who_made_an_address_since_5_18(String release, boolean keeps) {
        assertThat(RouteSocket.tellsMakers(release)).isEqualTo(keeps);
    }

    @Test
    void a_link_runs_while_its_other_end_is_up() throws Exception {
        try (Served served = served(POLICY); Privileged privileged = served.privileged()) {
            PrivilegedInterface v0 = privileged.networkInterface("v0");
            assertThat(v0.state().running()).isFalse();
            v0.setUp(true);
            while (!v0.state().running())
                Thread.onSpinWait();
            administrator("link set v1 down");
            while (v0.state().running())
                Thread.onSpinWait();
            assertThat(v0.state().up()).isTrue();
        }
    }

    @Test
    void a_child_is_told_the_routes_of_its_interface_and_of_no_other_and_64_at_most() throws Exception {
        try (Served served = served(POLICY); Privileged privileged = served.privileged()) {
            PrivilegedInterface v0 = privileged.networkInterface("v0");
            assertThat(v0.state().routes()).isEmpty();
            v0.setUp(true);
            v0.addRoute(address("198.51.100.0/24"), Optional.empty());
            administrator("route add 203.0.113.0/24 dev v1");
            assertThat(v0.state().routes()).contains(new Route(address("198.51.100.0/24"), Optional.empty()))
                    .extracting(route -> route.to().address().getHostAddress()).doesNotContain("203.0.113.0");
            for (int i = 0; i < 70; i++)
                administrator("route add 10.0.0." + i + " dev v0");
            assertThat(v0.state().routes()).hasSize(64);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 9, 0x8000, 0xFFFF})
    void an_attribute_whose_length_cannot_be_is_an_error_of_its_own(int length) {
        ByteBuffer message = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putShort(0, (short) length);
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> RouteSocket.attributes(message, 0, 8))
                .withMessage("netlink: an answer of the kernel that makes no sense");
    }

    @Test
    void a_line_without_options_tells_the_state_and_no_more() throws Exception {
        try (Served served = served("interface v0"); Privileged privileged = served.privileged()) {
            PrivilegedInterface v0 = privileged.networkInterface("v0");
            assertThat(v0.state().index()).isPositive();
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> v0.setUp(true));
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> v0.setMtu(1500));
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> v0.addAddress(address("192.0.2.5/24"), HOUR));
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> v0.addRoute(address("0.0.0.0/0"), Optional.empty()))
                    .withMessageStartingWith(
                            "the rule does not allow that, asked was to add the route 0.0.0.0/0 of v0");
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.networkInterface("lo").state())
                    .withMessage("no rule allows to tell the state of lo");
        }
    }

    @Test
    void what_the_kernel_refuses_is_told_with_its_number() throws Exception {
        try (Served served = served(POLICY, "interface v9"); Privileged privileged = served.privileged()) {
            PrivilegedInterface v0 = privileged.networkInterface("v0");
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> v0.removeAddress(address("192.0.2.5/24"))).withMessage(
                            "netlink(remove the address 192.0.2.5/24 of v0): EADDRNOTAVAIL (99): Cannot assign requested address");
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> v0.addRoute(address("0.0.0.0/0"), Optional.empty())).as("a link that is down")
                    .withMessageContaining("ENETDOWN");
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> privileged.networkInterface("v9").state()).withMessageContaining("ENODEV");
        }
    }

    @Test
    void a_hostile_child_gets_no_more_than_64_addresses() throws Exception {
        try (Served served = served(POLICY); Privileged privileged = served.privileged()) {
            PrivilegedInterface v0 = privileged.networkInterface("v0");
            for (int i = 1; i <= 64; i++)
                v0.addAddress(address("192.0.2." + i + "/32"), HOUR);
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> v0.addAddress(address("192.0.2.65/32"), HOUR))
                    .withMessageContaining("the interface has 64 addresses");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
            interface; expected an interface, not the end of the line
            interface address= v0; expected * or an IPv4 or [IPv6] address
            interface address=192.0.2.0/33 v0; expected 0 to 32 for the bits of a network, not 33
            interface route=default v0; a policy looks up no host name
            interface mtu=1500-1280 v0; expected bytes from 68 to 65535 such as 1280-1500 for mtu, not 1500-1280
            interface mtu=67 v0; expected bytes from 68
            interface mtu=65536 v0; expected bytes from 68
            interface link=yes v0; expected address=, route=, link, mtu= or what follows, not link=yes
            interface v0/1; expected the name of an interface, not v0/1
            interface v0 v1; expected the end of the line, not v1
            """)
    void a_line_that_makes_no_sense_is_told_why(String line, String why) {
        assertThatExceptionOfType(PolicyException.class).isThrownBy(() -> Policy.of(line)).withMessageContaining(why);
    }
}
