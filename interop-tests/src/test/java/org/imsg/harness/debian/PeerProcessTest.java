package org.imsg.harness.debian;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

import org.imsg.interop.Peers;
import org.imsg.interop.RealPeers;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@RealPeers
class PeerProcessTest {
    private DebianChroot chroot;

    @BeforeEach
    void enter() throws Exception {
        chroot = Peers.chroot(DebianSuite.BOOKWORM);
    }

    @Test
    void a_program_that_ends_too_soon_is_reported_with_its_log() throws Exception {
        try (PeerProcess process = chroot.command("sh", "-c", "echo no such socket; exit 3").start()) {
            assertThatIOException().isThrownBy(() -> process.awaitListening("/run/x.sock"))
                    .withMessageContaining("ended with status 3 before it listens on /run/x.sock")
                    .withMessageContaining("no such socket");
        } catch (java.io.IOException endedAtOnce) {
            assertThat(endedAtOnce).hasMessageContaining("status 3").hasMessageContaining("no such socket");
        }
    }

    @Test
    void what_the_program_started_ends_with_it() throws Exception {
        PeerProcess process = chroot.command("sh", "-c",
                "trap 'exit 7' TERM; setsid sleep 1000 & echo started; while :; do wait; done").start();
        process.awaitLog("started");
        ProcessHandle sleep = ProcessHandle.of(process.pid()).orElseThrow().children().findFirst().orElseThrow();
        assertThat(process.stop()).isEqualTo(7);
        assertThat(sleep.isAlive()).isFalse();
        assertThat(process.isAlive()).isFalse();
    }

    @Test
    void a_program_that_ignores_the_request_to_end_is_killed() throws Exception {
        PeerProcess process = chroot.command("sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1000; done")
                .start();
        process.awaitLog("deaf");
        assertThat(process.stop()).isEqualTo(128 + 9);
    }

    @Test
    void stopping_twice_reports_the_same_status() throws Exception {
        PeerProcess process = chroot.command("sh", "-c", "trap 'exit 4' TERM; echo up; while :; do sleep 0.01; done")
                .start();
        process.awaitLog("up");
        assertThat(process.stop()).isEqualTo(4);
        assertThat(process.stop()).isEqualTo(4);
    }

    @Test
    void an_interrupted_thread_still_stops_its_program() throws Exception {
        PeerProcess process = chroot.command("sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done")
                .start();
        process.awaitLog("up");
        Thread.currentThread().interrupt();
        process.close();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(process.isAlive()).isFalse();
    }

    @Test
    void a_daemon_ends_with_the_jvm_that_started_it_even_if_that_is_killed() throws Exception {
        String mounts = Files.readString(Path.of("/proc/self/mountinfo"));
        Process jvm = JavaProgram.start(Owner.class, chroot.root().getParent().toString());
        ProcessHandle daemon;
        Path socket;
        try (BufferedReader lines = jvm.inputReader()) {
            daemon = ProcessHandle.of(Long.parseLong(lines.readLine())).orElseThrow();
            socket = Path.of(lines.readLine());
            assertThat(socket).exists();
            assertThat(mounts).as("mounted where only the daemon sees it")
                    .isEqualTo(Files.readString(Path.of("/proc/self/mountinfo")));
        } finally {
            jvm.destroyForcibly().waitFor();
            jvm.getOutputStream().close();
        }
        daemon.onExit().get(10, TimeUnit.SECONDS);
        assertThat(socket).doesNotExist();
        assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).isEqualTo(mounts);
        assertThat(chroot.root().resolve("mnt")).isEmptyDirectory();
    }

    /** Starts a daemon, tells where it is, and waits to be killed. */
    static final class Owner {
        private Owner() {}

        public static void main(String[] arguments) throws Exception {
            DebianChroot chroot = DebianChroot.of(DebianSuite.BOOKWORM, Path.of(arguments[0]));
            TmuxServer tmux = TmuxServer.start(chroot);
            System.out.println(tmux.process().pid());
            System.out.println(tmux.socket());
            Thread.currentThread().join();
        }
    }
}
