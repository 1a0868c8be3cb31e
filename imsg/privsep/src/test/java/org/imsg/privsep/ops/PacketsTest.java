package org.imsg.privsep.ops;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.Optional;
import org.imsg.sys.Constants;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Posix;
import org.imsg.sys.RawSyscall;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Packet sockets, on the loopback interface: each test has ports of its own, and sees no frames but those. */
@Timeout(30)
class PacketsTest {
    private static final int SO_DETACH_FILTER = 27;
    private static final int SO_ATTACH_FILTER = 26;
    private static final int SO_LOCK_FILTER = 44;
    private static final int EVERYTHING = 3;

    @BeforeEach
    void asRoot() throws Exception {
        Root.required();
        int result = RawSyscall.call(LinuxSyscalls.host().number("socket"), 17, 3 | Constants.SOCK_CLOEXEC, 0);
        assumeThat(result).as("a packet socket, which takes CAP_NET_RAW").isNotNegative();
        Posix.close(result);
    }

    /** Two ports that nothing else uses now. */
    private static DatagramSocket port() throws Exception {
        return new DatagramSocket(0, InetAddress.getByName("127.0.0.1"));
    }

    private static void send(DatagramSocket to, String text) throws Exception {
        try (DatagramSocket from = port()) {
            from.send(new DatagramPacket(text.getBytes(US_ASCII), text.length(), to.getLocalSocketAddress()));
        }
    }

    private static String next(FdChannel packets) throws Exception {
        ByteBuffer frame = ByteBuffer.allocate(2000);
        packets.read(frame);
        return new String(frame.array(), 0, frame.position(), US_ASCII);
    }

    private static int set(Fd socket, int option, MemorySegment value) {
        return Posix.setsockopt(socket.intValue(), Constants.SOL_SOCKET, option, value.address(),
                (int) value.byteSize());
    }

    private static int rebind(Fd socket, int index) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(20, 4);
            address.set(JAVA_SHORT, 0, (short) 17);
            address.set(JAVA_SHORT, 2, Short.reverseBytes((short) EVERYTHING));
            address.set(JAVA_INT, 4, index);
            return Posix.bind(socket.intValue(), address.address(), 20);
        }
    }

    @Test
    void a_child_receives_the_frames_of_its_line_and_no_others() throws Exception {
        try (DatagramSocket allowed = port();
                DatagramSocket other = port();
                Served served = Served.by(Policy.of("packet udp=1," + allowed.getLocalPort() + " lo"));
                Privileged privileged = served.privileged();
                FdChannel packets = new FdChannel(privileged.packets("lo"))) {
            send(other, "not for the child");
            send(allowed, "for the child");
            assertThat(next(packets)).endsWith("for the child").doesNotContain("not");
        }
    }

    @Test
    void a_line_may_name_protocols_instead_of_ports() throws Exception {
        try (DatagramSocket port = port();
                Served served = Served.by(Policy.of("packet ethertype=0x0806,0x0800 lo"));
                Privileged privileged = served.privileged();
                FdChannel packets = new FdChannel(privileged.packets("lo"))) {
            send(port, "any datagram");
            String frame;
            do {
                frame = next(packets);
            } while (!frame.endsWith("any datagram"));
            assertThat(frame.charAt(12)).isEqualTo((char) 8);
        }
    }

    @Test
    void a_hostile_child_can_take_the_filter_off_in_no_way() throws Exception {
        try (DatagramSocket allowed = port();
                DatagramSocket other = port();
                Served served = Served.by(Policy.of("packet udp=" + allowed.getLocalPort() + " lo"));
                Privileged privileged = served.privileged();
                Fd socket = privileged.packets("lo");
                Arena arena = Arena.ofConfined()) {
            MemorySegment everything = arena.allocate(8, 8);
            everything.set(JAVA_SHORT, 0, (short) 6);
            everything.set(JAVA_INT, 4, -1);
            MemorySegment program = arena.allocate(16, 8);
            program.set(JAVA_SHORT, 0, (short) 1);
            program.set(JAVA_LONG, 8, everything.address());
            assertThat(set(socket, SO_DETACH_FILTER, arena.allocateFrom(JAVA_INT, 0))).isEqualTo(-Constants.EPERM);
            assertThat(set(socket, SO_ATTACH_FILTER, program)).isEqualTo(-Constants.EPERM);
            assertThat(set(socket, SO_LOCK_FILTER, arena.allocateFrom(JAVA_INT, 0))).isEqualTo(-Constants.EPERM);
            assertThat(rebind(socket, 0)).as("a socket may be bound again").isZero();
            send(other, "not for the child");
            send(allowed, "for the child");
            try (FdChannel packets = new FdChannel(socket.dup())) {
                assertThat(next(packets)).endsWith("for the child").doesNotContain("not");
            }
        }
    }

    @Test
    void a_socket_that_is_bound_to_another_interface_receives_nothing_there() throws Exception {
        Optional<NetworkInterface> another = Optional.empty();
        for (NetworkInterface each : Collections.list(NetworkInterface.getNetworkInterfaces()))
            another = each.isUp() && !each.isLoopback() ? Optional.of(each) : another;
        assumeThat(another).as("a second interface that is up").isPresent();
        int loopback = NetworkInterface.getByName("lo").getIndex();
        try (DatagramSocket port = port();
                Served served = Served.by(Policy.of("packet udp=" + port.getLocalPort() + " lo",
                        "packet udp=" + port.getLocalPort() + " " + another.get().getName()));
                Privileged privileged = served.privileged();
                Fd elsewhere = privileged.packets(another.get().getName());
                FdChannel here = new FdChannel(privileged.packets("lo"))) {
            assertThat(rebind(elsewhere, loopback)).isZero();
            send(port, "on loopback");
            assertThat(next(here)).endsWith("on loopback");
            try (Arena arena = Arena.ofConfined()) {
                assertThat(RawSyscall.call(LinuxSyscalls.host().number("recvfrom"), elsewhere.intValue(),
                        arena.allocate(2000).address(), 2000, Constants.MSG_DONTWAIT)).isEqualTo(-Constants.EAGAIN);
            }
        }
    }

    @Test
    void an_interface_without_a_line_is_refused_and_one_that_is_not_there_is_told() throws Exception {
        try (Served served = Served.by(Policy.of("packet udp=68 no-such-if", "bind udp *:68"));
                Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(RefusedException.class).isThrownBy(() -> privileged.packets("lo"))
                    .withMessage("no rule allows to receive packets of lo");
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> privileged.packets("no-such-if"))
                    .withMessageContaining("ENODEV");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
            packet lo; expected either ethertype= or udp=
            packet udp=1 ethertype=0x0800 lo; expected either ethertype= or udp=
            packet udp=65536 lo; expected numbers such as 68, not 65536
            packet udp=1,,2 lo; expected numbers such as 68, not
            packet ethertype=2048 lo; expected numbers such as 0x0800, not 2048
            packet udp=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 lo; expected at most 16 numbers, not 17
            packet udp=68; expected an interface, not the end of the line
            packet udp=68 a-name-of-16-char; expected the name of an interface
            packet udp=68 lo lo; expected the end of the line
            """)
    void a_line_that_makes_no_sense_is_told_why(String line, String why) {
        assertThatExceptionOfType(PolicyException.class).isThrownBy(() -> Policy.of(line)).withMessageContaining(why);
    }
}
