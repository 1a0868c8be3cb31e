package org.imsg.examples.syslog;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.imsg.Imsg;
import org.imsg.examples.Example;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.testing.ProcStatus;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The daemon as its users and its administrator see it. */
@Timeout(90)
class SyslogdTest {
    private static final long UID = 64011;

    @TempDir
    private Path directory;

    private Path socket() {
        return directory.resolve("log");
    }

    private Path messages() {
        return directory.resolve("messages");
    }

    private Example start() throws Exception {
        Example syslogd = Example.start(Example.newNetwork(), directory, Syslogd.class, socket().toString(),
                "127.0.0.1",
                "514", directory.toString(), Long.toString(UID));
        syslogd.program().awaitLine("logging to " + directory.resolve("authlog"));
        syslogd.program().awaitLine("listening");
        return syslogd;
    }

    private void local(String priority, String text) throws Exception {
        Process logger = new ProcessBuilder("logger", "--socket", socket().toString(), "--priority", priority, "--tag",
                "test", text).inheritIO().start();
        assertThat(logger.waitFor()).isZero();
    }

    private static void remote(Example syslogd, String datagram) throws Exception {
        syslogd.network().call(() -> {
            try (DatagramSocket client = new DatagramSocket()) {
                byte[] bytes = datagram.getBytes(StandardCharsets.ISO_8859_1);
                client.send(new DatagramPacket(bytes, bytes.length, new InetSocketAddress("127.0.0.1", 514)));
            }
            return null;
        });
    }

    /**
     * The channel to the parent, two sockets, two files; no longer one to the monitor, nor the files before. What a thread still uses
     * is closed by that thread.
     */
    private void awaitAllItMayHold(Example syslogd) throws Exception {
        Example.awaitHoldings(syslogd.program().role("receiver"), syslogd.program().parent(),
                directory.resolve("authlog").toString(), messages().toString(), "udp 127.0.0.1:514", "unix datagram",
                "unix stream");
    }

    @Test
    void messages_of_both_sockets_go_to_the_files_they_are_for() throws Exception {
        try (Example syslogd = start()) {
            local("auth.crit", "su: to root");
            remote(syslogd, "<30>backup: done");
            assertThat(Example.awaitLine(messages(), "backup")).endsWith("Z daemon.info backup: done");
            assertThat(Example.awaitLine(messages(), "su: to root")).contains(" auth.crit ")
                    .contains("test: su: to root");
            Path authlog = directory.resolve("authlog");
            Example.awaitLine(authlog, "su: to root");
            assertThat(Files.readString(authlog)).doesNotContain("backup");
        }
    }

    @Test
    void what_is_no_message_is_logged_on_one_line_and_nothing_comes_to_harm() throws Exception {
        try (Example syslogd = start()) {
            remote(syslogd, "");
            remote(syslogd, "<999>\u0000\u001b[2J\nNov 21 forged: line");
            remote(syslogd, "\u00ff\u00fe".repeat(4000));
            remote(syslogd, "<13>after it");
            Example.awaitLine(messages(), "after it");
            assertThat(Files.readAllLines(messages())).hasSize(3).first().asString()
                    .endsWith("user.notice <999>??[2J?Nov 21 forged: line");
        }
    }

    /** Bytes 0xC2 0x9B are CSI, a terminal's escape in one character; 0xE2 0x80 0xAE turns the direction of writing. */
    @Test
    void no_character_of_any_script_ends_a_line_or_steers_a_terminal() {
        String sly = "a\u009b2Jb\u0085c\u2028d\u2029e\u202ef\u00e9";
        assertThat(SyslogMessage.parse(ByteBuffer.wrap(sly.getBytes(StandardCharsets.UTF_8))).text())
                .isEqualTo("a?2Jb?c?d?e?f\u00e9");
    }

    /** The kernel writes to neither socket. */
    @Test
    void no_stranger_speaks_for_the_kernel() {
        assertThat(
                SyslogMessage.parse(ByteBuffer.wrap("<2>panic".getBytes(StandardCharsets.UTF_8))).line(Instant.EPOCH))
                .isEqualTo("1970-01-01T00:00:00Z user.crit panic\n");
    }

    @Test
    void on_HUP_the_files_are_opened_anew_and_nothing_more_goes_to_those_moved_away() throws Exception {
        try (Example syslogd = start()) {
            remote(syslogd, "<13>the first");
            Example.awaitLine(messages(), "the first");
            Path old = Files.move(messages(), directory.resolve("messages.0"));
            syslogd.program().signal("HUP");
            syslogd.program().awaitLine("logging to " + messages());
            remote(syslogd, "<13>the second");
            Example.awaitLine(messages(), "the second");
            assertThat(Files.readString(old)).contains("the first").doesNotContain("the second");
            assertThat(Files.readString(messages())).doesNotContain("the first");
            syslogd.program().awaitLine("logging to " + directory.resolve("authlog"));
            awaitAllItMayHold(syslogd);
        }
    }

    /** A daemon of which a stranger has taken over the process that reads what strangers send. */
    static final class TakenOver {
        public static void main(String... arguments) throws Exception {
            System.exit(Syslogd.program(Forger::new, arguments).run(arguments));
        }
    }

    static final class Forger implements Role {
        @Override
        public void start(RoleProcess self) throws IOException {
            self.parent().send(Imsg.of(SyslogdSettings.OPENED, "/\nSEVERE: the disk burns"));
            self.parent().send(Imsg.of(SyslogdSettings.OPENED, SyslogdSettings.LOGINS));
        }
    }

    @Test
    void a_receiver_that_was_taken_over_writes_no_line_in_the_name_of_the_parent() throws Exception {
        try (Example syslogd = Example.start(Example.newNetwork(), directory, TakenOver.class, socket().toString(),
                "127.0.0.1", "514", directory.toString(), Long.toString(UID))) {
            syslogd.program().awaitLine("logging to " + directory.resolve("authlog"));
            assertThat(syslogd.program().stop()).noneMatch(line -> line.startsWith("SEVERE: the disk"));
        }
    }

    @Test
    void the_receiver_has_its_sockets_and_its_files_and_no_right() throws Exception {
        try (Example syslogd = start()) {
            ProcStatus receiver = syslogd.assertConfined("receiver", UID);
            awaitAllItMayHold(syslogd);
            assertThat(receiver.root()).isEqualTo("/");
            assertThat(receiver.namespacesApartFrom(syslogd.program().parent())).isEmpty();
            ProcStatus parent = syslogd.program().parent();
            // What it opened is passed on; a child's output comes by pipes; /dev/null holds a place.
            Example.awaitHoldings(parent, parent, "/dev/null", "pipe", "pipe", "unix stream");
            assertThat(Files.getAttribute(messages(), "unix:uid")).isEqualTo(0);
            assertThat((int) Files.getAttribute(socket(), "unix:mode") & 0777).as("anybody may log").isEqualTo(0666);
            assertThat(syslogd.program().stop()).noneMatch(line -> line.contains("ERROR"));
        }
    }
}
