package org.imsg.peers.tmux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

import org.imsg.harness.debian.DebianSuite;
import org.imsg.harness.debian.TmuxServer;
import org.imsg.peers.UnknownVersionException;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The client and the real tmux server of each Debian. */
@RealPeers
@Timeout(120)
class TmuxClientTest {
    private static final int TWENTY_MEGABYTES = 20 << 20;

    // @start region="client"
    static String serverVersion(Path socket, String version) throws IOException {
        TmuxClient tmux = new TmuxClient(socket, TmuxVersion.of(version));
        return tmux.run("display-message", "-p", "#{version}").text().strip();
    }

    static List<String> sessions(Path socket, String version) throws IOException {
        TmuxClient tmux = new TmuxClient(socket, TmuxVersion.of(version));
        try (TmuxControl control = tmux.control("new-session", "-s", "ours")) { // over two pipes we pass
            return control.command("list-sessions -F '#{session_name}'");
        }
    }
    // @end

    @ParameterizedTest
    @EnumSource
    void a_command_has_its_output_and_its_exit_code(DebianSuite suite) throws Exception {
        try (TmuxServer server = TmuxServer.start(Peers.chroot(suite))) {
            assertThat(serverVersion(server.socket(), server.version()))
                    .isEqualTo(TmuxVersion.of(server.version()).toString());
            TmuxClient tmux = client(server);
            TmuxOutcome wrong = tmux.run("no-such-command");
            assertThat(wrong.code()).isEqualTo(1);
            assertThat(wrong.output()).isEmpty();
            assertThat(wrong.errors()).contains("unknown command: no-such-command");
            assertThat(tmux.run("set-option", "-g", "@moon", "full").code()).isZero();
            assertThat(tmux.run("show-options", "-gv", "@moon").text()).isEqualTo("full\n");
        }
    }

    @ParameterizedTest
    @EnumSource
    void twenty_megabytes_go_into_a_buffer_and_come_back(DebianSuite suite) throws Exception {
        byte[] content = new byte[TWENTY_MEGABYTES];
        new Random(1).nextBytes(content);
        try (TmuxServer server = TmuxServer.start(Peers.chroot(suite))) {
            client(server).loadBuffer("moon", content);
            assertThat(client(server).saveBuffer("moon")).isEqualTo(content);
            assertThatIOException().isThrownBy(() -> client(server).saveBuffer("sun"))
                    .withMessageContaining("tmux ended with 1: no buffer sun");
        }
    }

    @ParameterizedTest
    @EnumSource
    void control_mode_answers_over_the_pipes_we_pass(DebianSuite suite) throws Exception {
        try (TmuxServer server = TmuxServer.start(Peers.chroot(suite))) {
            try (TmuxControl control = client(server).control("new-session", "-s", "first", "exec cat")) {
                assertThat(control.command("display-message -p '#{session_name}'")).containsExactly("first");
                assertThat(control.notices()).contains("%session-changed $0 first");
                assertThatIOException().isThrownBy(() -> control.command("no-such-command"))
                        .withMessageContaining("unknown command: no-such-command");
                assertThat(control.command("display-message -p 'still here'")).containsExactly("still here");
            }
            assertThat(sessions(server.socket(), server.version())).contains("ours");
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_file_that_tmux_wants_of_us_is_refused(DebianSuite suite) throws Exception {
        try (TmuxServer server = TmuxServer.start(Peers.chroot(suite))) {
            TmuxOutcome outcome = client(server).run("load-buffer", "/etc/passwd");
            assertThat(outcome.code()).isEqualTo(1);
            assertThat(outcome.errors()).contains("/etc/passwd", "ermission denied");
        }
    }

    @Test
    void a_version_nobody_has_looked_up_is_refused_by_name() {
        assertThat(TmuxVersion.of("3.5a-3")).isSameAs(TmuxVersion.V3_5A);
        assertThatExceptionOfType(UnknownVersionException.class).isThrownBy(() -> TmuxVersion.of("4.0-1"))
                .withMessage("tmux 4.0-1 is not known here, only 3.3a, 3.5a, 3.7c");
    }

    private static TmuxClient client(TmuxServer server) {
        return new TmuxClient(server.socket(), TmuxVersion.of(server.version()));
    }
}
