package org.imsg.peers.tmux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

import org.imsg.harness.debian.ChrootOutcome;
import org.imsg.harness.debian.DebianChroot;
import org.imsg.harness.debian.DebianSuite;
import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The real tmux client of each Debian believes our server. */
@RealPeers
@Timeout(120)
class TmuxDaemonTest {
    // @start region="server"
    static TmuxDaemon start(Path socket, String version) throws IOException {
        return TmuxDaemon.listen(socket, TmuxVersion.of(version), TmuxDaemonTest::run);
    }

    private static TmuxOutcome run(List<String> command) {
        if (command.getFirst().equals("display-message"))
            return new TmuxOutcome(7, ("you said " + command.getLast() + "\n").getBytes(StandardCharsets.UTF_8), "");
        return new TmuxOutcome(1, new byte[0], "unknown command: " + command.getFirst() + "\n");
    }
    // @end

    @ParameterizedTest
    @EnumSource
    void tmux_prints_what_we_say_and_exits_as_we_say(DebianSuite suite, @TempDir Path directory) throws Exception {
        DebianChroot chroot = Peers.chroot(suite);
        try (TmuxDaemon _ = start(directory.resolve("tmux.sock"), chroot.version("tmux"))) {
            assertThat(tmux(chroot, directory, "display-message", "-p", "moon"))
                    .isEqualTo(new ChrootOutcome(7, "you said moon\n", ""));
            assertThat(tmux(chroot, directory, "list-moons"))
                    .isEqualTo(new ChrootOutcome(1, "", "unknown command: list-moons\n"));
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_long_answer_arrives_whole(DebianSuite suite, @TempDir Path directory) throws Exception {
        DebianChroot chroot = Peers.chroot(suite);
        String answer = "0123456789abcde\n".repeat(20_000);
        try (TmuxDaemon _ = TmuxDaemon.listen(directory.resolve("tmux.sock"),
                TmuxVersion.of(chroot.version("tmux")),
                _ -> new TmuxOutcome(0, answer.getBytes(StandardCharsets.UTF_8), ""))) {
            assertThat(tmux(chroot, directory, "display-message").output()).isEqualTo(answer);
        }
    }

    private static ChrootOutcome tmux(DebianChroot chroot, Path directory, String... arguments) throws Exception {
        String[] line = new String[arguments.length + 3];
        line[0] = "/usr/bin/tmux";
        line[1] = "-S";
        line[2] = "/run/imsg/tmux.sock";
        System.arraycopy(arguments, 0, line, 3, arguments.length);
        return chroot.command(line).bind(directory, "/run/imsg").environment("TERM", "dumb").run();
    }
}
