package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

import org.imsg.ImsgListener;
import org.imsg.sys.Constants;
import org.imsg.unix.ErrnoException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each error of a connection is one line that says what to do. */
@Timeout(60)
class ConnectErrorTest {
    private static final int EACCES = 13;

    @TempDir
    private Path directory;

    private String error(String line, Path socket) {
        StringWriter err = new StringWriter();
        String[] words = line.replace("SOCKET", socket.toString()).replace("DIR", directory.toString()).split(" ");
        assertThat(ImsgCommand.commandLine().setOut(new PrintWriter(new StringWriter()))
                .setErr(new PrintWriter(err, true)).execute(words)).as(err.toString()).isEqualTo(3);
        assertThat(err.toString()).startsWith("imsg: connect(" + socket + "): ").hasLineCount(1);
        return err.toString();
    }

    @ParameterizedTest
    @ValueSource(strings = {"send SOCKET --type 1", "probe SOCKET", "conformance SOCKET --type 1",
            "fuzz SOCKET --type 1 "
                    + "--out DIR/out",
            "tap DIR/tap SOCKET", "ntp SOCKET --version 7.9p1-1 status"})
    void where_no_socket_is_the_daemon_is_asked_for(String line) {
        assertThat(error(line, directory.resolve("none")))
                .endsWith("; there is no socket: does the daemon run, and is this its path?\n");
    }

    @Test
    void a_socket_without_a_daemon_and_a_file_are_told_apart() throws Exception {
        Path socket = directory.resolve("socket");
        Path left = directory.resolve("left");
        try (ImsgListener _ = ImsgListener.listen(socket)) {
            Files.createLink(left, socket); // as a daemon leaves it that was killed
        }
        assertThat(error("send SOCKET --type 1", left))
                .endsWith("; no process listens at it any more: start the daemon, which replaces the file\n");
        assertThat(error("send SOCKET --type 1", Files.createFile(directory.resolve("file"))))
                .endsWith("; this is no socket: name the one that the daemon listens at\n");
    }

    @Test
    void who_may_connect_is_told_to_those_who_may_not() throws Exception {
        Path file = Files.createFile(directory.resolve("file"));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw----"));
        assertThat(SocketPath.advice(new ErrnoException("connect", file, EACCES))).isEqualTo(
                "; run imsg as a user who may write to it: its owner is %s, its group %s, its mode 0660",
                Files.getAttribute(file, "unix:owner"), Files.getAttribute(file, "unix:group"));
        assertThat(SocketPath.advice(new ErrnoException("connect", directory.resolve("none/socket"), EACCES)))
                .isEqualTo("; run imsg as a user who may search the directories above it");
        assertThat(SocketPath.advice(new ErrnoException("sendmsg", file, Constants.ENOENT))).isEmpty();
    }
}
