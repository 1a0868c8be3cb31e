package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.unix.Child;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LandlockTest {
    private static final int FAST_OPEN = 0x20000000;
    private static final int MPTCP = 262;

    @TempDir
    private Path directory;

    @BeforeEach
    void asRoot() throws IOException {
        assumeThat(Ids.current().isRoot()).as("needs root: children are another user").isTrue();
        assumeThat(Confinement.query().landlock()).as("Landlock with scopes").isGreaterThanOrEqualTo(Landlock.SCOPED);
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static Platform withLandlock(int version) {
        Platform here = Confinement.query();
        return new Platform(here.system(), here.machine(), here.pledge(), here.seccomp(), version,
                here.userNamespaces(), here.namespaces(), here.capabilities(), here.execKeepsUser());
    }

    @Test
    void a_tcp_port_that_was_not_named_cannot_be_reached_in_any_way() throws Exception {
        try (ServerSocket open = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
                ServerSocket closed = new ServerSocket(0, 5, InetAddress.getLoopbackAddress());
                RunningSubject subject = RunningSubject.confined("ids bind-tcp connect-tcp:" + open.getLocalPort())) {
            int socket = Integer.parseInt(subject.ask("raw socket 2 1 0"));
            String other = "port:" + closed.getLocalPort() + " 16";
            assertThat(subject.ask("raw connect " + socket + " " + other)).isEqualTo("EACCES");
            assertThat(subject.ask("raw sendto " + socket + " buffer 5 " + FAST_OPEN + " " + other))
                    .isEqualTo("EACCES");
            assertThat(subject.ask("raw sendmsg " + socket + " buffer " + FAST_OPEN)).isEqualTo("EACCES");
            assertThat(subject.ask("raw socket 2 1 " + MPTCP)).isEqualTo("EACCES");
            assertThat(subject.ask("raw socket 2 2 0")).as("UDP").isEqualTo("EACCES");
            assertThat(subject.ask("raw listen " + socket + " 1")).isEqualTo("EACCES");
            assertThat(subject.ask("raw bind " + socket + " port:0 16")).isEqualTo("EACCES");
            assertThat(subject.ask("raw io_uring_setup 8 buffer")).isEqualTo("EACCES");
            assertThat(subject.ask("raw connect " + socket + " port:" + open.getLocalPort() + " 16")).isEqualTo("0");
        }
    }

    @Test
    void a_port_that_was_named_can_be_served() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }
        try (RunningSubject subject = RunningSubject.confined("ids bind-tcp:" + port)) {
            assertThat(subject.ask("listen " + port)).isEqualTo("port " + port);
            assertThat(subject.ask("listen " + (port == 65535 ? 1024 : port + 1))).contains("Permission denied");
        }
    }

    @Test
    void processes_outside_cannot_be_signalled_nor_spoken_with_by_an_abstract_socket() throws Exception {
        try (RunningSubject other = RunningSubject.confined("ids");
                RunningSubject subject = RunningSubject.confined("ids java");
                RunningSubject free = RunningSubject.confined("ids")) {
            int server = Integer.parseInt(other.ask("raw socket 1 1 0"));
            assertThat(other.ask("raw bind " + server + " abstract:imsgt 8")).isEqualTo("0");
            assertThat(other.ask("raw listen " + server + " 1")).isEqualTo("0");
            for (RunningSubject each : new RunningSubject[]{subject, free}) {
                int socket = Integer.parseInt(each.ask("raw socket 1 1 0"));
                assertThat(each.ask("raw connect " + socket + " abstract:imsgt 8"))
                        .isEqualTo(each == free ? "0" : "EPERM");
                assertThat(each.ask("raw kill " + other.pid() + " 0")).isEqualTo(each == free ? "0" : "EPERM");
            }
        }
    }

    @Test
    void a_jvm_sees_neither_the_processes_of_others_nor_the_users_of_the_machine() throws Exception {
        long us = ProcessHandle.current().pid();
        try (RunningSubject subject = RunningSubject.confined("ids java")) {
            assertThat(subject.ask("complete ids java")).isEqualTo("[]");
            assertThat(subject.ask("raw openat -100 s:/proc/" + us + "/cmdline 0")).isEqualTo("ENOENT");
            assertThat(subject.ask("raw openat -100 s:/proc/self/status 0")).matches("\\d+");
            assertThat(subject.ask("raw openat -100 s:/etc/passwd 0")).isEqualTo("EACCES");
        }
        assertThat(Path.of("/proc/1/cmdline")).exists();
    }

    /** An older Landlock, by asking this one for no more than that knew. */
    @Test
    void what_an_old_landlock_cannot_refuse_a_filter_does() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "text\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
        String words = "ids java read:" + directory;
        try (RunningSubject subject = RunningSubject
                .start(program -> RunningSubject.shown(words).spawn(program, withLandlock(2), true))) {
            assertThat(subject.ask("raw openat -100 s:" + file + " 0")).matches("\\d+");
            assertThat(subject.ask("raw truncate s:" + file + " 0")).isEqualTo("EACCES");
            for (String flags : new String[]{"0x200", "0x203", "0x201", "0x202"})
                assertThat(subject.ask("raw openat -100 s:" + file + " " + flags)).as(flags).isEqualTo("EACCES");
            assertThat(subject.ask("raw openat -100 s:" + file + " 3")).matches("\\d+");
            LinuxSyscalls calls = LinuxSyscalls.host();
            if (calls.find("open").isPresent()) {
                assertThat(subject.ask("raw open s:" + file + " 0x203")).isEqualTo("EACCES");
                assertThat(subject.ask("raw creat s:" + file + " 0")).isEqualTo("EACCES");
            }
            assertThat(subject.ask("raw io_uring_setup 8 buffer")).isEqualTo("EACCES");
            assertThat(subject.ask("raw openat2 -100 s:" + file + " buffer 24")).isEqualTo("ENOSYS");
        }
        assertThat(file).hasContent("text\n");
    }

    @Test
    void a_filter_closes_the_holes_on_both_machines() {
        for (String machine : new String[]{"x86_64", "aarch64"}) {
            LinuxSyscalls table = LinuxSyscalls.of(machine);
            Cbpf filter = new Cbpf(SeccompFilter.closing(table, true, true, false));
            int refused = 0x50000 | 13;
            assertThat(filter.run(table.auditArch(), table.number("openat"), 0, 0, 0x200)).isEqualTo(refused);
            assertThat(filter.run(table.auditArch(), table.number("openat"), 0, 0, 0x80203)).isEqualTo(refused);
            Cbpf truncation = new Cbpf(SeccompFilter.closing(table, true, false, false));
            assertThat(truncation.run(table.auditArch(), table.number("io_uring_setup"))).isEqualTo(refused);
            assertThat(filter.run(table.auditArch(), table.number("openat"), 0, 0, 0x201))
                    .isEqualTo(SeccompFilter.ALLOW);
            assertThat(filter.run(table.auditArch(), table.number("socket"), 10, 0x80001, 6))
                    .isEqualTo(SeccompFilter.ALLOW);
            assertThat(filter.run(table.auditArch(), table.number("socket"), 10, 1, 132)).as("SCTP").isEqualTo(refused);
            assertThat(filter.run(table.auditArch(), table.number("sendmmsg"), 3, 0, 1, FAST_OPEN | 0x40))
                    .isEqualTo(refused);
            assertThat(filter.run(table.auditArch(), table.number("sendmmsg"), 3, 0, 1, 0x40))
                    .isEqualTo(SeccompFilter.ALLOW);
            assertThat(filter.run(table.auditArch(), table.number("read"))).isEqualTo(SeccompFilter.ALLOW);
        }
    }

    @Test
    void what_an_old_landlock_cannot_hold_is_named_and_refused_unless_it_need_not_be() throws Exception {
        Confinement ports = Confinement.none().connectTcp(443);
        assertThat(withLandlock(7).landlockLacks()).isEmpty();
        assertThat(withLandlock(2).landlockLacks()).hasSize(4).first().asString().contains("truncation");
        assertThatExceptionOfType(PrivilegeException.class)
                .isThrownBy(() -> ports.spawn(Child.of(Path.of("/bin/true")), withLandlock(3), true))
                .withMessageContaining("version 3, which has no ports");
        assertThat(ports.ifPossible().spawn(Child.of(Path.of("/bin/true")), withLandlock(3), true).waitFor().success())
                .isTrue();
        assertThat(Unenforceable.forSpawn(ports.restrictions(), withLandlock(3)).keySet())
                .isEqualTo(Set.of("TCP ports"));
    }
}
