package org.imsg.examples.buildrunner;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.imsg.testing.Call;
import org.imsg.testing.ProcStatus;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The build runner with both its processes: what a client sees, and what is to be seen from outside. */
@Timeout(60)
class BuildRunnerTest {
    private static final InetAddress LOOPBACK = InetAddress.ofLiteral("127.0.0.1");

    @TempDir
    Path directory;

    private interface Part {
        void run(BuildRunner runner, int port, Path builds) throws Exception;
    }

    private void running(Part part) throws Exception {
        running(120, part);
    }

    private void running(int patience, Part part) throws Exception {
        assumeThat((int) Files.getAttribute(Path.of("/proc/self"), "unix:uid"))
                .as("the uid of root: this test needs it")
                .isZero();
        Files.setAttribute(directory, "unix:mode", 0711);
        Path builds = Files.createDirectory(directory.resolve("builds")).toRealPath();
        Files.setAttribute(builds, "unix:uid", WebFront.WEB);
        int port = freePort();
        Call<Child.ExitStatus> serving;
        try (BuildRunner runner = new BuildRunner(builds, port, patience)) {
            serving = Call.start(Call.On.PLATFORM, () -> runner.serve(BuildRunner.policy(builds, port)));
            part.run(runner, port, builds);
        }
        assertThat(serving.result()).isEqualTo(new Child.ExitStatus(0, 0));
        assertThat(builds).isEmptyDirectory();
    }

    @Test
    void a_posted_script_is_built_by_a_user_of_its_own_and_leaves_only_its_result() throws Exception {
        running((_, port, _) -> assertThat(post(port, "id -u; id -G; echo oops >&2; pwd; echo made > result; exit 3"))
                .contains("uid 64010", "out 64010", "err oops", "exit 3", "result made")
                .noneMatch(line -> line.startsWith("not built")));
    }

    @Test
    void the_next_build_is_another_user_and_nothing_of_the_one_before_runs_any_more() throws Exception {
        running((_, port, _) -> {
            assertThat(post(port, "setsid sleep 1000 & echo started")).contains("uid 64010", "out started", "exit 0");
            // A killed process may still wait for init to notice.
            assertThat(post(port, "ps -u 64010 -o stat= | grep -v Z | wc -l; id -u")).contains("uid 64011", "out 64011",
                    "out 0");
        });
    }

    @Test
    void neither_a_length_that_is_announced_nor_a_line_without_an_end_takes_the_web_s_memory() throws Exception {
        running((_, port, _) -> {
            try (Socket socket = connected(port)) {
                socket.getOutputStream().write("POST / HTTP/1.0\r\nContent-Length: 2000000000\r\n\r\n".getBytes(UTF_8));
                assertThat(new String(socket.getInputStream().readAllBytes(), UTF_8)).as("without waiting for it")
                        .isEqualTo("HTTP/1.0 400 Bad Request\r\n\r\n");
            }
            assertThat(post(port,
                    "head -c 20000 /dev/zero | tr '\\0' x; echo; echo next; head -c 2000000 /dev/zero > result"))
                    .contains("out " + "x".repeat(8192), "out next", "exit 0")
                    .allMatch(line -> line.length() <= "result ".length() + (1 << 20));
        });
    }

    @Test
    void a_build_that_plants_links_and_asks_for_the_shadow_file_gets_nothing() throws Exception {
        running((_, port, _) -> {
            List<String> answer = post(port, "ln -s /etc/shadow result; ln -s / root; mkdir -p a/b; cat /etc/shadow");
            assertThat(answer).anyMatch(line -> line.startsWith("err ") && line.contains("ermission denied"));
            assertThat(answer).contains("exit 1").noneMatch(line -> line.startsWith("result"));
        });
        assertThat(Path.of("/etc/shadow")).exists();
    }

    @Test
    void the_half_that_faces_the_web_has_no_right_left() throws Exception {
        running((runner, port, _) -> {
            assertThat(post(port, "exit 0")).contains("exit 0");
            ProcStatus web = ProcStatus.of(runner.pidOfWeb());
            ProcStatus self = ProcStatus.of(ProcessHandle.current().pid());
            assertThat(web.rights()).isEqualTo(ProcStatus.withoutRights(WebFront.WEB));
            assertThat(web.distinct("CapBnd")).isEqualTo(Map.of("CapBnd", Set.of("0000000000000000")));
            assertThat(web.root()).isEqualTo("/");
            assertThat(web.namespacesApartFrom(self)).isEmpty();
            assertThat(web.holdings(self)).containsExactly("tcp 127.0.0.1:" + port, "unix stream");
        });
    }

    @Test
    void a_script_and_its_output_may_have_other_letters_than_those_of_one_byte() throws Exception {
        running((_, port, _) -> assertThat(post(port, "echo d\u00e9j\u00e0 vu")).contains("out d\u00e9j\u00e0 vu",
                "exit 0"));
    }

    @Test
    void what_is_no_request_with_a_whole_script_is_refused_and_nothing_is_built() throws Exception {
        running((_, port, _) -> {
            String length = "Content-Length: ";
            for (String request : List.of("GET / HTTP/1.0\r\n\r\n", length + "-1\r\n\r\n", length + "ten\r\n\r\n",
                    length + "99999999999\r\n\r\n", length + "2000000000\r\n\r\n", length + "400\r\n\r\necho half",
                    "x".repeat(8192), "x: y\r\n".repeat(101)))
                assertThat(ask(port, request)).as("%.40s", request).isEqualTo("HTTP/1.0 400 Bad Request");
            assertThat(post(port, "id -u")).as("the first build").contains("out 64010");
        });
    }

    @Test
    void a_client_that_says_nothing_or_reads_nothing_has_its_time_and_no_more() throws Exception {
        running(5, (_, port, _) -> {
            try (Socket silent = connected(port); Socket deaf = connected(port)) {
                deaf.getOutputStream().write(request("yes"));
                silent.setSoTimeout(20_000);
                deaf.setSoTimeout(20_000);
                assertThat(silent.getInputStream().read()).isNegative();
                assertThat(new String(deaf.getInputStream().readAllBytes(), UTF_8)).startsWith("HTTP/1.0 200 OK")
                        .doesNotContain("exit ");
            }
            assertThat(post(port, "id -u")).anyMatch(line -> line.startsWith("out "));
        });
    }

    @Test
    void clients_are_answered_while_no_thread_can_be_started_and_builds_are_when_some_can() throws Exception {
        running((runner, port, _) -> {
            ProcStatus web = ProcStatus.of(runner.pidOfWeb());
            ProcStatus self = ProcStatus.of(ProcessHandle.current().pid());
            while (!web.holdings(self).contains("tcp 127.0.0.1:" + port))
                Thread.yield();
            limitThreads(runner, "1:");
            for (int i = 0; i < 110; i++)
                assertThat(ask(port, "GET / HTTP/1.0\r\n\r\n")).isEqualTo("HTTP/1.0 400 Bad Request");
            limitThreads(runner, "1000:");
            assertThat(post(port, "id -u")).contains("exit 0");
        });
    }

    private static void limitThreads(BuildRunner runner, String threads) throws Exception {
        assertThat(new ProcessBuilder("setpriv", "--reuid=" + WebFront.WEB, "--regid=" + WebFront.WEB, "--clear-groups",
                "prlimit", "--pid", Integer.toString(runner.pidOfWeb()), "--nproc=" + threads).inheritIO().start()
                .waitFor()).isZero();
    }

    @Test
    void nothing_of_a_client_is_kept_when_it_has_its_answer() throws Exception {
        WebFront front = new WebFront(null, directory, 120);
        try (Fd.Pair ends = Fd.socketpair(); FdChannel client = new FdChannel(ends.first())) {
            client.write(ByteBuffer.wrap("GET / HTTP/1.0\r\n\r\n".getBytes(UTF_8)));
            front.answer(ends.second());
            assertThat(front.ends.getQueue()).isEmpty();
        } finally {
            front.ends.shutdown();
        }
    }

    /** The first line of the answer. */
    private static String ask(int port, String request) throws IOException {
        try (Socket socket = connected(port)) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request.getBytes(UTF_8));
            socket.shutdownOutput();
            return new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8)).readLine();
        }
    }

    private static byte[] request(String script) {
        return ("POST / HTTP/1.0\r\nContent-Length: " + script.getBytes(UTF_8).length + "\r\n\r\n" + script)
                .getBytes(UTF_8);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, LOOPBACK)) {
            return socket.getLocalPort();
        }
    }

    private static List<String> post(int port, String script) throws IOException {
        try (Socket socket = connected(port)) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request(script));
            return new String(socket.getInputStream().readAllBytes(), UTF_8).lines().toList();
        }
    }

    /** The other process tells nobody when it listens: tried until it does. */
    private static Socket connected(int port) throws IOException {
        for (long deadline = System.nanoTime() + 30_000_000_000L;;) {
            try {
                return new Socket(LOOPBACK, port);
            } catch (ConnectException e) {
                if (System.nanoTime() - deadline > 0)
                    throw e;
                Thread.yield();
            }
        }
    }
}
