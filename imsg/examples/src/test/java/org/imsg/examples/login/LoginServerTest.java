package org.imsg.examples.login;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.imsg.Imsg;
import org.imsg.examples.Example;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.testing.NetworkNamespace;
import org.imsg.testing.ProcStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Logins of a user of the test's own, over the network of the test's own, and what a session's process can do. */
@Timeout(120)
class LoginServerTest {
    private static final String USER = "imsg-login-test";
    private static final long UID = 64988;
    private static final Path SERVICE = Path.of("/etc/pam.d/imsg-login-test");
    private static final int PORT = 2222;

    @TempDir
    private Path directory;
    private NetworkNamespace network;
    private Example server;

    @BeforeEach
    void addAUser() throws Exception {
        network = Example.newNetwork();
        assumeThat(SERVICE.getParent()).as("Linux-PAM").exists();
        Files.write(SERVICE, List.of("auth required pam_unix.so", "account required pam_unix.so"));
        ran("", "useradd", "--uid", Long.toString(UID), "-K", "GID_MIN=" + UID, "-K", "GID_MAX=" + UID,
                "--no-create-home", "--shell", "/bin/sh", USER);
        ran(USER + ":sesame 1\n", "chpasswd");
    }

    private void start(Class<?> main) throws Exception {
        Path empty = Files.createDirectory(directory.resolve("empty"));
        server = Example.start(network, directory, main, Integer.toString(PORT),
                SERVICE.getFileName().toString(), empty.toString(), "64986");
        server.program().awaitLine("listening");
    }

    @AfterEach
    void stopAndRemoveTheUser() throws Exception {
        try (Example running = server) {
            if (running != null)
                assertThat(running.program().stop()).noneMatch(line -> line.contains("SEVERE"));
        } finally {
            if (network != null)
                network.close();
            if (Files.deleteIfExists(SERVICE))
                ran("", "userdel", USER);
        }
    }

    /** Runs a program of the system, with input. */
    private void ran(String input, String... line) throws Exception {
        Path in = Files.writeString(directory.resolve("input"), input);
        Process process = new ProcessBuilder(line).redirectInput(in.toFile()).redirectErrorStream(true)
                .redirectOutput(directory.resolve("output").toFile()).start();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(Files.readString(directory.resolve("output"))).isZero();
    }

    /** A connection of a client. */
    private static final class Client implements AutoCloseable {
        private final Socket socket;
        private final BufferedReader answers;

        Client(Example server) throws Exception {
            socket = server.network().call(() -> new Socket("127.0.0.1", PORT));
            answers = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
        }

        String says(String line) throws IOException {
            socket.getOutputStream().write((line + "\n").getBytes(UTF_8));
            return line.startsWith("login") ? "" : answers.readLine();
        }

        String next() throws IOException {
            return answers.readLine();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    @Test
    void a_user_with_the_password_runs_commands_as_this_user_and_one_without_runs_none() throws Exception {
        start(LoginServer.class);
        try (Client client = new Client(server); Client stranger = new Client(server)) {
            client.says("login " + USER);
            assertThat(client.says("password wrong")).isEqualTo("no");
            assertThat(client.says("password sesame 1")).isEqualTo("welcome");
            assertThat(client.says("run id -un; echo $HOME; exit 3")).isEqualTo(USER);
            assertThat(client.next()).isEqualTo("/home/" + USER);
            assertThat(client.next()).isEqualTo("exit 3");
            assertThat(client.says("run cat /etc/shadow 2>/dev/null")).isEqualTo("exit 1");

            assertThat(client.says("run id -g; kill -9 $$")).isEqualTo(Long.toString(UID));
            assertThat(client.next()).isEqualTo("exit 137");

            stranger.says("login " + USER);
            for (int i = 0; i < 3; i++)
                assertThat(stranger.says("password guess" + i)).isEqualTo("no");
            assertThat(stranger.says("password sesame 1")).as("a fourth try, were it right").isNull();
            assertThat(client.says("run echo still here")).isEqualTo("still here");
        }
    }

    @Test
    void a_process_that_reads_a_strangers_bytes_has_an_empty_root_and_no_right() throws Exception {
        start(LoginServer.class);
        try (Client client = new Client(server)) {
            client.says("login root");
            assertThat(client.says("password sesame 1")).as("no line lets root in").isEqualTo("no");
            ProcStatus session = server.program().role("session");
            assertThat(session.rights()).isEqualTo(ProcStatus.withoutRights(64987));
            assertThat(session.root()).isEqualTo(directory.resolve("empty").toRealPath().toString());
        }
    }

    @Test
    void the_process_of_a_user_who_has_logged_in_has_the_ids_of_this_user_and_no_other_right() throws Exception {
        start(LoginServer.class);
        try (Client client = new Client(server)) {
            client.says("login " + USER);
            assertThat(client.says("password sesame 1")).isEqualTo("welcome");
            ProcStatus user = server.program().role("user");
            Map<String, Set<String>> asUser = new TreeMap<>(ProcStatus.withoutRights(UID));
            asUser.putAll(Map.of("Groups", Set.of(Long.toString(UID)), "Seccomp", Set.of("0")));
            assertThat(user.rights()).as("no filter, as the user's own programs have none").isEqualTo(asUser);
            assertThat(user.environment("USER")).as("who it is comes by a message").isEmpty();
        }
    }

    /** A server of which a stranger has taken over the process that reads what strangers send. */
    static final class TakenOver {
        public static void main(String... arguments) throws Exception {
            System.exit(LoginServer.program(Liar::new, arguments).run(arguments));
        }
    }

    /** Says that a user has logged in. */
    static final class Liar implements Role {
        @Override
        public void start(RoleProcess self) {
            // lies later
        }

        @Override
        public void serve(RoleProcess self, Imsg request) throws IOException {
            self.parent().send(Imsg.of(Login.LOGGED_IN, USER).withFd(request.takeFd()));
        }
    }

    @Test
    void a_process_that_says_that_a_user_has_logged_in_who_has_shown_no_password_is_not_believed() throws Exception {
        start(TakenOver.class);
        try (Client client = new Client(server)) {
            assertThat(client.next()).as("a connection without a session").isNull();
            server.program().awaitLine("has shown no password");
            assertThat(server.program().stop()).noneMatch(line -> line.contains("user[0]"));
        }
        server.close();
        server = null;
    }
}
