package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Posix;
import org.imsg.testing.Call;
import org.imsg.testing.CapturedLog;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;
import org.imsg.unix.UnixAddress;
import org.imsg.unix.UnixListener;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ImsgListenerTest {
    @TempDir
    Path directory;

    private Path path;

    @BeforeEach
    void choosePath() {
        path = directory.resolve("daemon.sock");
    }

    private static boolean isThere(Path file) {
        return Files.exists(file, LinkOption.NOFOLLOW_LINKS);
    }

    private void leaveAStaleSocket() throws IOException {
        ImsgListener.listen(path).handOn().close();
        assertThat(isThere(path)).isTrue();
    }

    /** The mode needs a second call where the umask has taken a bit away. Found by chance: some tries of a thousand. */
    @Test
    void a_link_that_is_put_in_the_place_of_the_socket_gives_no_other_file_its_mode() throws Exception {
        Path socket = directory.resolve("s");
        Path aside = directory.resolve("aside");
        Path other = Files.createFile(directory.resolve("other"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        AtomicBoolean over = new AtomicBoolean();
        Thread swapping = Thread.ofPlatform().start(() -> {
            while (!over.get()) {
                try {
                    if (Files.exists(socket) && !Files.isSymbolicLink(socket)) {
                        Files.move(socket, aside, StandardCopyOption.REPLACE_EXISTING);
                        Files.createSymbolicLink(socket, other);
                    }
                } catch (IOException _) {
                    // gone already
                }
            }
        });
        try {
            for (int i = 0; i < 2000; i++) {
                try {
                    ImsgListener.at(UnixAddress.of(socket)).mode(0666).listen().close();
                } catch (IOException _) {
                    // in its way
                }
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(other))).isEqualTo("rw-------");
                Files.deleteIfExists(socket);
                Files.deleteIfExists(aside);
            }
        } finally {
            over.set(true);
            swapping.join();
        }
    }

    @Test
    void a_daemon_accepts_clients_and_knows_who_they_are() throws Exception {
        try (var listener = ImsgListener.listen(path);
                var client = ImsgChannel.connect(path);
                var server = listener.accept()) {
            client.send(Imsg.of(1));
            Imsg request = server.receive();
            server.send(Imsg.of(2, request.id(), 0, new byte[0]));
            assertThat(client.receive().type()).isEqualTo(2);
            assertThat(server.peerCredentials().pid()).isEqualTo((int) ProcessHandle.current().pid());
            assertThat(listener.address().path()).isEqualTo(path);
            assertThat(listener).hasToString("imsg listener at " + path);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rw-------", "rw-rw-rw-", "rwxrwxrwx", "rw-rw----", "---------"})
    void the_sockets_file_has_the_mode_asked_for_whatever_the_umask(String permissions) throws Exception {
        var expected = PosixFilePermissions.fromString(permissions);
        int mode = 0;
        for (int i = 0; i < 9; i++)
            mode |= permissions.charAt(i) == '-' ? 0 : 0400 >> i;
        try (var listener = ImsgListener.at(UnixAddress.of(path)).mode(mode).listen()) {
            assertThat(Files.getPosixFilePermissions(path)).isEqualTo(expected);
            assertThat(listener.isOpen()).isTrue();
        }
    }

    @Test
    void the_mode_is_for_the_owner_alone_unless_said_otherwise() throws Exception {
        try (var listener = ImsgListener.listen(path)) {
            assertThat(Files.getPosixFilePermissions(path)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
            assertThat(listener.isOpen()).isTrue();
        }
    }

    @Test
    void a_stale_socket_is_replaced() throws Exception {
        leaveAStaleSocket();
        try (var listener = ImsgListener.listen(path);
                var client = ImsgChannel.connect(path);
                var server = listener.accept()) {
            assertThat(client.isOpen() && server.isOpen()).isTrue();
        }
    }

    @Test
    void a_stale_socket_is_left_alone_when_asked_to() throws Exception {
        leaveAStaleSocket();
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> ImsgListener.at(UnixAddress.of(path)).replaceStale(false).listen())
                .satisfies(e -> assertThat(e.name()).isEqualTo("EADDRINUSE"));
        assertThat(isThere(path)).isTrue();
    }

    @Test
    void a_live_socket_is_not_replaced_even_if_its_backlog_is_full() throws Exception {
        try (var live = ImsgListener.at(UnixAddress.of(path)).backlog(1).listen()) {
            // Each attempt connects, to see whether anybody listens: soon there is no more room.
            for (int i = 0; i < 4; i++)
                assertAddressInUse();
            assertThatExceptionOfType(SocketTimeoutException.class)
                    .isThrownBy(() -> ImsgChannel.connect(UnixAddress.of(path), Duration.ZERO));
            assertThat(isThere(path)).isTrue();
            try (ImsgChannel attempt = live.accept()) {
                assertThat(attempt.receive()).isNull();
            }
        }
    }

    private void assertAddressInUse() {
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> ImsgListener.listen(path))
                .withMessageStartingWith("bind(" + path + "): EADDRINUSE (98): ");
    }

    @Test
    void a_file_that_is_no_socket_is_not_removed() throws Exception {
        Files.writeString(path, "precious");
        assertAddressInUse();
        assertThat(path).hasContent("precious");
        Files.delete(path);

        Files.createDirectory(path);
        assertAddressInUse();
        assertThat(path).isDirectory();
        Files.delete(path);

        Path target = Files.writeString(directory.resolve("target"), "precious");
        Files.createSymbolicLink(path, target);
        assertAddressInUse();
        assertThat(path).isSymbolicLink().hasContent("precious");
    }

    @Test
    void a_symbolic_link_to_a_stale_socket_is_not_removed() throws Exception {
        leaveAStaleSocket();
        Path link = Files.createSymbolicLink(directory.resolve("link"), path);
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> ImsgListener.listen(link))
                .satisfies(e -> assertThat(e.name()).isEqualTo("EADDRINUSE"));
        assertThat(link).isSymbolicLink();
        assertThat(isThere(path)).isTrue();
    }

    @Test
    void a_symbolic_link_that_leads_nowhere_is_not_removed() throws Exception {
        Path link = Files.createSymbolicLink(path, directory.resolve("nowhere"));
        assertAddressInUse();
        assertThat(Files.readSymbolicLink(link)).isEqualTo(directory.resolve("nowhere"));
        assertThat(directory.resolve("nowhere")).doesNotExist();
    }

    @Test
    void a_datagram_socket_is_not_removed() throws Exception {
        Process python = new ProcessBuilder("python3", "-c",
                "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]);"
                        + " print(flush=True); sys.stdin.read()",
                path.toString()).start();
        try (var said = python.getInputStream(); var _ = python.getErrorStream(); var _ = python.getOutputStream()) {
            said.read();
            assertAddressInUse();
            assertThat(isThere(path)).isTrue();
        }
        python.waitFor();
    }

    @Test
    void of_two_that_start_at_once_one_listens_and_the_other_finds_the_address_in_use() throws Exception {
        for (int round = 0; round < 300; round++) {
            if (round % 3 == 0)
                leaveAStaleSocket();
            CyclicBarrier together = new CyclicBarrier(2);
            Callable<ImsgListener> start = () -> {
                together.await();
                return ImsgListener.listen(path);
            };
            int listening = 0;
            var calls = List.of(Call.start(Call.On.PLATFORM, start), Call.start(Call.On.PLATFORM, start));
            for (Call<ImsgListener> call : calls)
                Call.until(call::isDone);
            for (Call<ImsgListener> call : calls)
                try (var listener = call.result(); var client = ImsgChannel.connect(path)) {
                    listening++;
                    listener.accept(Duration.ofSeconds(10)).close();
                    assertThat(client.isOpen()).isTrue();
                } catch (ExecutionException e) {
                    assertThat(e.getCause()).hasMessageContaining("EADDRINUSE");
                }
            assertThat(listening).as("round " + round).isEqualTo(1);
            assertOnlyFiles();
        }
    }

    private void assertOnlyFiles(String... names) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.map(file -> file.getFileName().toString())).containsExactlyInAnyOrder(names);
        }
    }

    @Test
    void nothing_stands_beside_the_socket_while_it_listens_and_nothing_at_all_afterwards() throws Exception {
        leaveAStaleSocket();
        try (var listener = ImsgListener.listen(path)) {
            assertOnlyFiles("daemon.sock");
            assertAddressInUse();
            assertOnlyFiles("daemon.sock");
            assertThat(listener.isOpen()).isTrue();
        }
        assertOnlyFiles();
    }

    @Test
    void a_lock_that_a_crash_has_left_is_free_and_stays() throws Exception {
        Files.createFile(directory.resolve("daemon.sock.lock"));
        try (var listener = ImsgListener.listen(path)) {
            assertOnlyFiles("daemon.sock", "daemon.sock.lock");
            assertThat(listener.isOpen()).isTrue();
        }
        assertOnlyFiles("daemon.sock.lock");
    }

    @Test
    void a_lock_that_is_a_symbolic_link_is_not_followed() throws Exception {
        Path target = Files.writeString(directory.resolve("target"), "precious");
        Files.createSymbolicLink(directory.resolve("daemon.sock.lock"), target);
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> ImsgListener.listen(path))
                .withMessageStartingWith("open(" + path + ".lock): ELOOP");
        assertOnlyFiles("daemon.sock.lock", "target");
        assertThat(target).hasContent("precious");
    }

    @Test
    void an_inherited_socket_is_listened_at_and_its_file_stays() throws Exception {
        Fd inherited = ImsgListener.listen(path).handOn();
        Posix.fcntl(inherited.intValue(), Constants.F_SETFL, 0);
        try (var listener = ImsgListener.of(inherited);
                var client = ImsgChannel.connect(path);
                var server = listener.accept()) {
            assertThat(listener.address().path()).isEqualTo(path);
            client.send(Imsg.of(1));
            assertThat(server.receive().type()).isEqualTo(1);
            assertThatIllegalStateException().isThrownBy(() -> ImsgListener.of(inherited));
            assertThatExceptionOfType(SocketTimeoutException.class).isThrownBy(() -> listener.accept(Duration.ZERO));
        }
        assertThat(isThere(path)).isTrue();
    }

    @Test
    void an_abstract_name_is_known_of_an_inherited_socket_too() throws Exception {
        UnixAddress name = UnixAddress.ofAbstract("imsg-inherited-" + ProcessHandle.current().pid());
        try (var listener = ImsgListener.of(ImsgListener.at(name).listen().handOn())) {
            assertThat(listener.address()).hasToString(name.toString());
        }
    }

    @Test
    void what_is_no_listening_unix_stream_socket_is_refused_and_stays_the_callers() throws Exception {
        try (Fd.Pair pair = Fd.socketpair();
                Fd file = Fd.open(Path.of("/dev/null"));
                Fd inet = Fd.of(Posix.socket(Abi.host().value("AF_INET"),
                        Constants.SOCK_STREAM, 0))) {
            assertThatIllegalArgumentException().isThrownBy(() -> ImsgListener.of(pair.first()))
                    .withMessageEndingWith("does not listen");
            assertThatIllegalArgumentException().isThrownBy(() -> ImsgListener.of(inet))
                    .withMessageEndingWith("is not a Unix socket");
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> ImsgListener.of(file))
                    .satisfies(e -> assertThat(e.name()).isEqualTo("ENOTSOCK"));
            assertThat(List.of(pair.first(), inet, file)).allMatch(Fd::isOpen);
        }
    }

    @Test
    void a_socket_that_is_handed_on_keeps_its_file_and_the_clients_that_wait() throws Exception {
        var first = ImsgListener.listen(path);
        try (var waiting = ImsgChannel.connect(path)) {
            waiting.send(Imsg.of(1));
            Fd socket = first.handOn();
            assertThat(first.isOpen()).isFalse();
            assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(first::accept);
            assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(first::handOn);
            try (var successor = ImsgListener.of(socket); var server = successor.accept()) {
                assertThat(server.receive().type()).isEqualTo(1);
                ImsgChannel.connect(path).close();
            }
        }
        assertThat(isThere(path)).isTrue();
    }

    @Test
    void a_directory_that_is_not_there_is_an_error_and_leaves_nothing_open() {
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> ImsgListener.listen(directory.resolve("missing/daemon.sock")))
                .satisfies(e -> assertThat(e.name()).isEqualTo("ENOENT"));
    }

    @Test
    void closing_removes_the_file_and_a_second_close_does_nothing() throws Exception {
        var listener = ImsgListener.listen(path);
        assertThat(isThere(path)).isTrue();
        listener.close();
        assertThat(isThere(path)).isFalse();
        Files.writeString(path, "new");
        listener.close();
        assertThat(path).hasContent("new");
    }

    @Test
    void closing_does_not_remove_what_somebody_else_put_there_since() throws Exception {
        var first = ImsgListener.listen(path);
        Files.delete(path);
        try (ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                .bind(UnixDomainSocketAddress.of(path))) {
            first.close();
            assertThat(isThere(path)).isTrue();
            assertThat(other.isOpen()).isTrue();
        }
    }

    @Test
    void closing_does_not_mind_that_the_file_is_gone() throws Exception {
        var listener = ImsgListener.listen(path);
        Files.delete(path);
        listener.close();
        assertThat(listener.isOpen()).isFalse();
    }

    @Test
    void an_abstract_name_has_no_file_and_is_free_again_after_closing() throws Exception {
        UnixAddress name = UnixAddress.ofAbstract("imsg-listener-" + ProcessHandle.current().pid());
        for (int i = 0; i < 2; i++)
            try (var listener = ImsgListener.at(name).listen();
                    var client = ImsgChannel.connect(name, Duration.ofSeconds(5));
                    var server = listener.accept()) {
                client.send(Imsg.of(i));
                assertThat(server.receive().type()).isEqualTo(i);
                assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> ImsgListener.at(name).listen())
                        .satisfies(e -> assertThat(e.name()).isEqualTo("EADDRINUSE"));
            }
    }

    @Test
    void a_peer_that_is_not_allowed_is_closed_and_the_next_one_accepted() throws Exception {
        List<PeerCredentials> asked = new ArrayList<>();
        try (CapturedLog _ = new CapturedLog(UnixListener.class);
                var listener = ImsgListener.listen(path).allow(peer -> {
                    asked.add(peer);
                    return asked.size() > 1;
                });
                var refused = ImsgChannel.connect(path);
                var accepted = ImsgChannel.connect(path)) {
            try (var server = listener.accept()) {
                accepted.send(Imsg.of(7));
                assertThat(server.receive().type()).isEqualTo(7);
            }
            assertThat(refused.receive()).isNull();
        }
        assertThat(asked).hasSize(2)
                .allMatch(
                        peer -> peer.uid() == (int) attribute("unix:uid") && peer.gid() == (int) attribute("unix:gid"));
    }

    private Object attribute(String name) {
        try {
            return Files.getAttribute(directory, name);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void a_check_that_fails_closes_the_connection_and_the_listener_goes_on() throws Exception {
        boolean[] failed = new boolean[1];
        try (var listener = ImsgListener.listen(path).allow(_ -> {
            if (failed[0])
                return true;
            failed[0] = true;
            throw new IllegalStateException("the check's own");
        }); var first = ImsgChannel.connect(path); var second = ImsgChannel.connect(path)) {
            assertThatIllegalStateException().isThrownBy(listener::accept).withMessage("the check's own");
            assertThat(first.receive()).isNull();
            listener.accept().close();
            assertThat(second.receive()).isNull();
        }
    }

    @Test
    void settings_that_make_no_sense_are_refused() {
        var builder = ImsgListener.at(UnixAddress.of(path));
        assertThatIllegalArgumentException().isThrownBy(() -> builder.mode(01000)).withMessageContaining("01000");
        assertThatIllegalArgumentException().isThrownBy(() -> builder.mode(-1));
        assertThatIllegalArgumentException().isThrownBy(() -> builder.backlog(0));
    }

    @Test
    void a_channel_is_made_of_an_inherited_socket_and_of_nothing_else() throws Exception {
        try (Fd.Pair pair = Fd.socketpair();
                var channel = ImsgChannel.of(pair.first());
                var peer = ImsgChannel.of(pair.second())) {
            channel.send(Imsg.of(1));
            assertThat(peer.receive().type()).isEqualTo(1);
            assertThatIllegalStateException().isThrownBy(() -> ImsgChannel.of(pair.first()));
        }
        try (Fd listening = ImsgListener.listen(path).handOn()) {
            assertThatIllegalArgumentException().isThrownBy(() -> ImsgChannel.of(listening))
                    .withMessageContaining("listening");
            assertThat(listening.isOpen()).isTrue();
        }
    }
}
