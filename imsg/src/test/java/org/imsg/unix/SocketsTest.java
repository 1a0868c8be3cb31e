package org.imsg.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.lang.foreign.ValueLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.Arena;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.imsg.ImsgChannel;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.RawSyscall;
import org.imsg.sys.Readiness;
import org.imsg.testing.Call;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SocketsTest {
    @TempDir
    Path directory;

    private static Fd connect(UnixAddress address) throws IOException {
        return Sockets.connect(address);
    }

    @Test
    void a_client_connects_and_the_server_sees_who_it_is() throws Exception {
        UnixAddress address = UnixAddress.of(directory.resolve("s"));
        try (UnixListener listener = UnixListener.at(address).backlog(1).listen();
                Fd client = connect(address);
                Fd server = listener.accept()) {
            PeerCredentials peer = Sockets.peerCredentials(server);
            assertThat(peer.pid()).isEqualTo((int) ProcessHandle.current().pid());
            assertThat(peer).isEqualTo(Sockets.peerCredentials(client));
            assertThat(peer.uid()).isEqualTo(Integer.toUnsignedLong((int) Files.getAttribute(directory, "unix:uid")));
            assertThatExceptionOfType(SocketTimeoutException.class).as("when none is there")
                    .isThrownBy(() -> listener.accept(Duration.ZERO));
        }
    }

    @Test
    void ids_above_two_billion_are_what_they_are() throws Exception {
        assumeThat(Files.getAttribute(Path.of("/proc/self"), "unix:uid")).as("root may have any uid").isEqualTo(0);
        long uid = 3_000_000_000L;
        long gid = 4_000_000_000L;
        UnixAddress address = UnixAddress.ofAbstract("imsg-uid-" + ProcessHandle.current().pid());
        try (UnixListener listener = UnixListener.at(address).listen()) {
            // A thread of its own, which has the ids alone and ends with them.
            Fd client = Call.start(Call.On.PLATFORM, () -> {
                RawSyscall.call(LinuxSyscalls.host().number("setresgid"), -1, gid, -1);
                RawSyscall.call(LinuxSyscalls.host().number("setresuid"), -1, uid, -1);
                return connect(address);
            }).result();
            try (client; Fd server = listener.accept()) {
                PeerCredentials peer = Sockets.peerCredentials(server);
                assertThat(peer.uid()).isEqualTo(uid);
                assertThat(peer.gid()).isEqualTo(gid);
                assertThat(peer).hasToString("uid 3000000000 gid 4000000000 pid " + ProcessHandle.current().pid());
            } finally {
                // Changing ids takes this flag away from the whole process: PR_SET_DUMPABLE.
                RawSyscall.call(LinuxSyscalls.host().number("prctl"), 4, 1);
            }
        }
    }

    @Test
    void a_mode_that_cannot_be_set_is_told() {
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> Sockets.blocking(Integer.MAX_VALUE, false))
                .withMessageStartingWith("fcntl(F_GETFL " + Integer.MAX_VALUE + "): EBADF");
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> Fd.closeOnExec(Integer.MAX_VALUE))
                .withMessageStartingWith("fcntl(F_SETFD " + Integer.MAX_VALUE + "): EBADF");
    }

    @Test
    void a_socket_without_a_peer_has_no_credentials() throws Exception {
        try (Fd socket = Sockets.socket()) {
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> Sockets.peerCredentials(socket))
                    .satisfies(e -> assertThat(e.name()).isEqualTo("ENOTCONN"));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> new PeerCredentials(-1, 0, 1))
                .withMessageContaining("uid -1");
    }

    @Test
    void the_peer_is_a_pidfd_where_the_kernel_has_it() throws Exception {
        try (Fd.Pair pair = Fd.socketpair()) {
            Optional<Fd> process = Sockets.peerProcess(pair.first());
            assertThat(process.isPresent()).isEqualTo(isKernelFrom(6, 5));
            if (process.isEmpty())
                return;
            try (Fd pidfd = process.get()) {
                String info = Files.readString(Path.of("/proc/self/fdinfo/" + pidfd.intValue()));
                assertThat(info).containsPattern("Pid:\\s+" + ProcessHandle.current().pid() + "\n");
                assertThat(info).as("close-on-exec").containsPattern("flags:\\s+02......\n");
                assertThat(Readiness.READABLE.isNow(pidfd.intValue())).as("it lives").isFalse();
            }
        }
    }

    private static boolean isKernelFrom(int major, int minor) {
        String[] version = System.getProperty("os.version").split("[^0-9]+");
        int thisMajor = Integer.parseInt(version[0]);
        return thisMajor > major || thisMajor == major && Integer.parseInt(version[1]) >= minor;
    }

    @Test
    void a_sockets_file_has_its_mode_as_far_as_the_umask_lets_it() throws Exception {
        Path path = directory.resolve("s");
        UnixListener.at(UnixAddress.of(path)).backlog(1).listen().handOn().close();
        assertThat(Files.getPosixFilePermissions(path)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void connecting_to_nothing_and_to_a_dead_socket_are_told_apart() throws Exception {
        Path path = directory.resolve("s");
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> ImsgChannel.connect(path))
                .withMessageStartingWith("connect(" + path + "): ENOENT (2): ");
        UnixListener.at(UnixAddress.of(path)).backlog(1).listen().handOn().close();
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> ImsgChannel.connect(path))
                .withMessageStartingWith("connect(" + path + "): ECONNREFUSED (111): ");
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> connect(UnixAddress.ofAbstract("imsg-nobody-" + ProcessHandle.current().pid())))
                .withMessageContaining("(@imsg-nobody-").satisfies(e -> assertThat(e.name()).isEqualTo("ECONNREFUSED"));
    }

    @Test
    void a_path_or_name_too_long_for_an_address_is_refused_with_the_numbers() {
        assertThat(UnixAddress.of(Path.of("/" + "x".repeat(106))).path()).isAbsolute();
        assertThatIllegalArgumentException().isThrownBy(() -> ImsgChannel.connect(Path.of("/" + "x".repeat(107))))
                .withMessageContaining("1 to 107 bytes, this one 108");
        assertThatIllegalArgumentException().as("counted in UTF-8")
                .isThrownBy(() -> UnixAddress.of(Path.of("/" + "\u00fc".repeat(54)))).withMessageContaining("109");
        assertThatIllegalArgumentException().isThrownBy(() -> UnixAddress.of(Path.of("")));
        assertThat(UnixAddress.ofAbstract("x".repeat(107)).path()).isNull();
        assertThatIllegalArgumentException().isThrownBy(() -> UnixAddress.ofAbstract("x".repeat(108)))
                .withMessageContaining("1 to 107 bytes, this one 108");
        assertThatIllegalArgumentException().isThrownBy(() -> UnixAddress.ofAbstract(""));
    }

    @Test
    void the_longest_path_and_the_longest_name_work() throws Exception {
        int free = 107 - directory.toString().length() - 1;
        UnixAddress path = UnixAddress.of(directory.resolve("p".repeat(free)));
        String pid = Long.toString(ProcessHandle.current().pid());
        UnixAddress name = UnixAddress.ofAbstract(pid + "n".repeat(107 - pid.length()));
        for (UnixAddress address : new UnixAddress[]{path, name})
            try (UnixListener listener = UnixListener.at(address).backlog(1).listen(); Fd client = connect(address)) {
                assertThat(listener.isOpen() && client.isOpen()).isTrue();
                assertThatExceptionOfType(ErrnoException.class)
                        .isThrownBy(() -> UnixListener.at(address).backlog(1).listen())
                        .satisfies(e -> assertThat(e.name()).isEqualTo("EADDRINUSE"));
            }
    }

    @Test
    void an_inherited_socket_whose_path_has_no_room_for_a_nul_can_be_connected_to() throws Exception {
        byte[] name = directory.resolve("p".repeat(108 - directory.toString().length() - 1)).toString()
                .getBytes(StandardCharsets.UTF_8);
        try (Fd socket = Sockets.socket(); Arena arena = Arena.ofConfined()) {
            MemorySegment full = arena.allocate(110, 2);
            full.set(ValueLayout.JAVA_SHORT, 0, (short) Constants.AF_UNIX);
            MemorySegment.copy(name, 0, full, ValueLayout.JAVA_BYTE, 2, 108);
            assertThat(Posix.bind(socket.intValue(), full.address(), 110)).isZero();
            assertThat(Posix.listen(socket.intValue(), 1)).isZero();
            try (UnixListener listener = UnixListener.of(socket); Fd client = connect(listener.address())) {
                assertThat(client.isOpen()).isTrue();
                assertThat(listener.address().path()).hasToString(new String(name, StandardCharsets.UTF_8));
            }
        }
    }

    @Test
    void options_are_set_and_read() throws Exception {
        try (Fd.Pair pair = Fd.socketpair()) {
            Sockets.intOption(pair.first(), "SO_SNDBUF", 10_000);
            // Linux doubles what it is asked for, for its own bookkeeping.
            assertThat(Sockets.intOption(pair.first(), "SO_SNDBUF")).isEqualTo(20_000);
        }
    }

    @Test
    void what_is_no_socket_or_closed_is_refused() throws Exception {
        try (Fd file = Fd.open(Path.of("/dev/null"))) {
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> Sockets.peerCredentials(file))
                    .satisfies(e -> assertThat(e.name()).isEqualTo("ENOTSOCK"));
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> Sockets.shutdownOutput(file))
                    .satisfies(e -> assertThat(e.name()).isEqualTo("ENOTSOCK"));
        }
        Fd closed = Fd.open(Path.of("/dev/null"));
        closed.close();
        assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(() -> Sockets.peerCredentials(closed));
    }

    @Test
    void a_shut_down_output_is_the_peers_end() throws Exception {
        try (Fd.Pair pair = Fd.socketpair(); FdChannel reader = new FdChannel(pair.second())) {
            Sockets.shutdownOutput(pair.first());
            assertThat(reader.read(ByteBuffer.allocate(1))).isEqualTo(-1);
        }
    }

    @Test
    void error_numbers_have_names_and_texts() {
        assertThat(Errno.name(32)).isEqualTo("EPIPE");
        assertThat(Errno.number("EPIPE")).isEqualTo(32);
        assertThat(Errno.text(32)).isEqualTo("Broken pipe");
        assertThat(Errno.name(4711)).isEqualTo("errno 4711");
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> Errno.number("EBOGUS"));
    }
}
