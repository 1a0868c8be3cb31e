package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.PeerCredentials;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;
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
        Sockets.listen(UnixAddress.of(path), 0600, 1).close();
        assertThat(isThere(path)).isTrue();
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
        try (QuietLog _ = QuietLog.of(ImsgListener.class);
                var listener = ImsgListener.at(UnixAddress.of(path)).allow(peer -> {
                    asked.add(peer);
                    return asked.size() > 1;
                }).listen();
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
        try (var listener = ImsgListener.at(UnixAddress.of(path)).allow(_ -> {
            if (failed[0])
                return true;
            failed[0] = true;
            throw new IllegalStateException("the check's own");
        }).listen(); var first = ImsgChannel.connect(path); var second = ImsgChannel.connect(path)) {
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
        try (Fd listening = Sockets.listen(UnixAddress.of(path), 0600, 1)) {
            assertThatIllegalArgumentException().isThrownBy(() -> ImsgChannel.of(listening))
                    .withMessageContaining("listening");
            assertThat(listening.isOpen()).isTrue();
        }
    }
}
