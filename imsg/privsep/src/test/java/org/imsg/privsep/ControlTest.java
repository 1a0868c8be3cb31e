package org.imsg.privsep;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.privsep.ops.Root;
import org.imsg.privsep.rights.Confinement;
import org.imsg.privsep.rights.PrivilegeException;
import org.imsg.privsep.rights.Resource;
import org.imsg.privsep.rights.TestControlGroups;
import org.imsg.testing.ChildJvm;
import org.imsg.testing.ClassPlaces;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The control socket of a running {@link DemandProgram}, by its messages. */
@Timeout(120)
class ControlTest {
    @TempDir
    private Path directory;

    private Path socket() {
        return directory.resolve("control");
    }

    /** The program, with the test as its parent. */
    private final class Running implements AutoCloseable {
        private final CompletableFuture<ParentProcess> started = new CompletableFuture<>();
        private final FutureTask<Integer> run;

        Running(String settings, boolean allowed) throws Exception {
            this(DemandProgram.program(settings), settings, allowed);
        }

        Running(Privsep described, String settings, boolean allowed) throws Exception {
            Privsep program = described.parent(() -> started::complete)
                    .control(socket(), _ -> allowed)
                    .jvm(j -> j.classPath(ClassPlaces.classPath(DemandProgram.class, Privsep.class, Imsg.class),
                            DemandProgram.class));
            run = new FutureTask<>(() -> program.run(settings));
            Thread.ofPlatform().name("parent").start(run);
            started.get(60, TimeUnit.SECONDS);
        }

        int end() throws Exception {
            return run.get(60, TimeUnit.SECONDS);
        }

        @Override
        public void close() throws IOException {
            try {
                started.get().stop();
                end();
            } catch (Exception e) {
                throw new IOException("the program did not stop", e);
            }
        }
    }

    /** Asks one thing; the entries, behind them the reply. */
    private List<Map<String, String>> ask(int type, String word) throws IOException {
        try (ImsgChannel channel = ImsgChannel.connect(socket())) {
            channel.send(word.isEmpty() ? Imsg.of(type) : Imsg.of(type, word));
            List<Map<String, String>> entries = new ArrayList<>();
            for (;;) {
                try (Imsg reply = channel.receive()) {
                    String text = reply.length() == 0 ? "" : reply.getStrbuf(reply.length());
                    Map<String, String> entry = new LinkedHashMap<>();
                    if (reply.type() == ControlProtocol.ENTRY)
                        text.lines().forEach(line -> entry.put(line.substring(0, line.indexOf(' ')),
                                line.substring(line.indexOf(' ') + 1)));
                    else
                        entry.put(reply.type() == ControlProtocol.OK ? "ok" : "refused", text);
                    entries.add(entry);
                    if (reply.type() != ControlProtocol.ENTRY)
                        return entries;
                }
            }
        }
    }

    private Map<String, String> entry(String name) throws IOException {
        return ask(ControlProtocol.STATUS, "").stream().filter(each -> name.equals(each.get("name"))).findAny()
                .orElseThrow();
    }

    private void awaitState(String name, String state) throws IOException {
        while (!entry(name).get("state").equals(state))
            Thread.yield();
    }

    /** Waits for a spare with another process id; its id. */
    private String awaitSpare(String before) throws IOException {
        for (;;) {
            for (Map<String, String> each : ask(ControlProtocol.STATUS, ""))
                if ("spare".equals(each.get("state")) && each.containsKey("pid") && !each.get("pid").equals(before))
                    return each.get("pid");
            Thread.yield();
        }
    }

    @Test
    void the_tree_of_processes_is_told_with_what_the_kernel_shows_of_each() throws Exception {
        Root.required();
        try (Running _ = new Running("2 1 5 10 confined", true)) {
            assertThat(Files.getPosixFilePermissions(socket())).isEqualTo(PosixFilePermissions.fromString("rw-------"));
            awaitState("session[0]", "spare");
            Map<String, String> parent = entry("parent");
            assertThat(parent).containsEntry("role", "demand").containsEntry("state", "running")
                    .containsEntry("pid", Long.toString(ProcessHandle.current().pid()))
                    .containsEntry("landlock", Integer.toString(Confinement.query().landlock()));
            Map<String, String> session = entry("session[0]");
            assertThat(session).containsEntry("role", "session").containsEntry("starts", "1")
                    .containsEntry("uid", "64061").containsEntry("filter", "yes").containsEntry("no-new-privs", "yes")
                    .containsEntry("capabilities", "none").containsEntry("queued-messages", "0");
            assertThat(Long.parseLong(session.get("messages-in"))).isGreaterThanOrEqualTo(2);
            assertThat(Long.parseLong(session.get("bytes-out"))).isGreaterThan(32);
            assertThat(Long.parseLong(session.get("memory"))).isGreaterThan(1000);
            assertThat(Long.parseLong(session.get("descriptors"))).isPositive();
            assertThat(entry("session[1]")).containsEntry("state", "absent").doesNotContainKey("pid");
        }
        assertThat(socket()).doesNotExist();
    }

    @Test
    void each_process_is_held_against_what_its_role_declares_thread_by_thread() throws Exception {
        Root.required();
        try (Running _ = new Running("2 1 5 10 confined", true)) {
            awaitState("session[0]", "spare");
            List<Map<String, String>> entries = ask(ControlProtocol.VERIFY, "");
            assertThat(entries.getLast()).containsKey("ok");
            assertThat(entries).filteredOn(each -> "session[0]".equals(each.get("name"))).singleElement()
                    .satisfies(session -> assertThat(session).containsEntry("differences", "0"));
        }
    }

    /** The differences of a role's one process that runs. */
    private List<String> differences(String role) throws IOException {
        Map<String, String> process = ask(ControlProtocol.VERIFY, "").stream()
                .filter(each -> role.equals(each.get("role")) && each.containsKey("differences")).findAny()
                .orElseThrow();
        return process.entrySet().stream().filter(each -> each.getKey().startsWith("difference-"))
                .map(Map.Entry::getValue).toList();
    }

    private static void ran(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
    }

    /** To raise a limit from outside takes CAP_SYS_RESOURCE, so the role's is lowered while its process runs. */
    @Test
    void a_limit_over_the_roles_and_a_thread_that_was_made_less_nice_are_differences() throws Exception {
        Root.required();
        try (Running _ = new Running("2 1 5 10 confined nice", true)) {
            String pid = awaitSpare("");
            assertThat(differences("session")).isEmpty();
            assertThat(differences("asker")).isEmpty();
            DemandProgram.DESCRIBED.get("session").limit(Resource.NOFILE, 1023);
            assertThat(differences("session")).containsExactly("has limit NOFILE 1024 instead of 1023");
            ran("prlimit", "--pid", entry("asker[0]").get("pid"), "--nofile=900:900");
            assertThat(differences("asker")).as("with less").isEmpty();
            DemandProgram.DESCRIBED.get("asker").limit(Resource.CPU, 1000);
            assertThat(differences("asker")).as("of a role that is not confined otherwise")
                    .containsExactly("has limit CPU unlimited instead of 1000");
            ran("renice", "-n", "-20", "-p", pid);
            assertThat(differences("session")).hasSize(2).last().asString()
                    .matches("thread " + pid + " has niceness -20 instead of -?[0-9]+");
        }
    }

    @Test
    void a_process_that_was_taken_out_of_its_control_group_differs() throws Exception {
        Root.required();
        try (TestControlGroups place = TestControlGroups.make()) {
            String settings = "2 1 5 10 confined";
            try (Running _ = new Running(DemandProgram.program(settings).controlGroups(place.directory), settings,
                    true)) {
                String pid = awaitSpare("");
                assertThat(differences("session")).isEmpty();
                Files.writeString(place.directory.resolve("cgroup.procs"), pid, StandardOpenOption.WRITE);
                assertThat(differences("session")).singleElement().asString()
                        .startsWith("is not in the control group " + place.directory + "/imsg-");
            }
        }
    }

    @Test
    void a_role_is_stopped_started_and_restarted_and_the_program_stopped() throws Exception {
        try (Running program = new Running("2 1 5 10", true)) {
            String first = awaitSpare("");
            assertThat(ask(ControlProtocol.RESTART, "session")).containsExactly(Map.of("ok", ""));
            String second = awaitSpare(first);
            assertThat(ask(ControlProtocol.DOWN, "session")).containsExactly(Map.of("ok", ""));
            awaitState("session[0]", "down");
            awaitState("session[1]", "down");
            assertThat(ask(ControlProtocol.UP, "session")).containsExactly(Map.of("ok", ""));
            awaitSpare(second);
            assertThat(ask(ControlProtocol.LOG, "verbose")).containsExactly(Map.of("ok", ""));
            assertThat(ask(ControlProtocol.RELOAD, "")).containsExactly(Map.of("ok", ""));
            assertThat(ask(ControlProtocol.STOP, "")).containsExactly(Map.of("ok", ""));
            assertThat(program.end()).isZero();
        }
    }

    @Test
    void what_cannot_be_done_is_refused_with_the_reason_and_the_next_request_is_answered() throws Exception {
        try (Running _ = new Running("2 1 5 10", true)) {
            assertThat(ask(ControlProtocol.UP, "nobody")).containsExactly(Map.of("refused", "there is no role nobody"));
            assertThat(ask(ControlProtocol.STOP, "now\nforged"))
                    .containsExactly(
                            Map.of("refused", "a request of type 0x43540008 takes no word"));
            assertThat(ask(ControlProtocol.LOG, "loud"))
                    .containsExactly(Map.of("refused", "the log is verbose or brief, not loud"));
            assertThat(ask(ControlProtocol.FIRST + 99, ""))
                    .containsExactly(Map.of("refused", "there is no request of type 0x43540063"));
            try (ImsgChannel hostile = ImsgChannel.connect(socket())) {
                hostile.send(Imsg.of(ControlProtocol.UP, new byte[]{'x', '\n', 27}));
                try (Imsg reply = hostile.receive()) {
                    assertThat(reply.type()).isEqualTo(ControlProtocol.REFUSED);
                }
                hostile.send(Imsg.of(ControlProtocol.STATUS));
                try (Imsg reply = hostile.receive()) {
                    assertThat(reply.type()).isEqualTo(ControlProtocol.ENTRY);
                }
            }
        }
    }

    /** A child of the parent's, whose user is the parent's. */
    static final class Child {
        public static void main(String... arguments) {
            try (ControlClient client = ControlClient.connect(Path.of(arguments[0]), Duration.ofSeconds(30))) {
                client.stop();
                System.out.println("stopped");
            } catch (IOException e) {
                System.out.println("not heard");
            }
        }
    }

    @Test
    void a_child_of_the_program_is_not_heard_though_it_has_the_same_user() throws Exception {
        try (Running _ = new Running("2 1 5 10", true)) {
            assertThat(new ChildJvm().run(Child.class, socket().toString())).isEqualTo("not heard\n");
            assertThat(entry("parent")).containsEntry("state", "running");
        }
    }

    @Test
    void a_role_that_declares_nothing_has_no_differences_and_one_that_does_not_run_has_no_verdict() throws Exception {
        try (Running _ = new Running("2 1 5 10", true)) {
            awaitState("session[0]", "spare");
            List<Map<String, String>> entries = ask(ControlProtocol.VERIFY, "");
            assertThat(entries).filteredOn(each -> "session[0]".equals(each.get("name"))).singleElement()
                    .satisfies(session -> assertThat(session).containsEntry("differences", "0"));
            assertThat(entries).filteredOn(each -> "session[1]".equals(each.get("name"))).singleElement()
                    .satisfies(session -> assertThat(session).doesNotContainKey("differences"));
        }
    }

    @Test
    void a_process_that_calls_itself_what_it_likes_is_shown_all_the_same() throws Exception {
        Path program = Files.copy(Path.of("/bin/sleep"), directory.resolve("a\rUid:\t7 7"),
                StandardCopyOption.COPY_ATTRIBUTES);
        org.imsg.unix.Child child = org.imsg.unix.Child.of(program, "1000").start();
        try {
            assertThat(ChildFigures.of(child.pid())).containsEntry("threads", "1")
                    .containsEntry("uid", ChildFigures.of((int) ProcessHandle.current().pid()).get("uid"));
        } finally {
            child.kill(9);
            child.waitFor();
        }
    }

    /** As many as are served at a time: each sends half a header, or asks without end and reads no answer. */
    private void stall(List<SocketChannel> clients, boolean asking) throws IOException {
        ByteBuffer status = ByteBuffer.allocate(16).order(ByteOrder.nativeOrder()).putInt(0, ControlProtocol.STATUS)
                .putInt(4, 16);
        for (int i = 0; i < Control.MOST_CLIENTS; i++) {
            SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket()));
            clients.add(client);
            client.configureBlocking(false);
            if (!asking)
                client.write(status.slice(0, 8));
            for (int asked = 0; asking && asked < 1000; asked++)
                client.write(status.rewind());
        }
    }

    @Test
    void clients_that_stall_are_dropped_so_that_another_is_answered_and_hold_up_no_stop() throws Exception {
        List<SocketChannel> stalled = new ArrayList<>();
        try {
            try (Running _ = new Running("2 1 5 10", true)) {
                stall(stalled, false);
                assertThat(entry("parent")).containsEntry("state", "running");
                stall(stalled, true);
                assertThat(entry("parent")).containsEntry("state", "running");
                stall(stalled, true);
            }
            assertThat(socket()).doesNotExist();
        } finally {
            for (SocketChannel client : stalled)
                client.close();
        }
    }

    private int descriptors() throws IOException {
        return Integer.parseInt(entry("parent").get("descriptors"));
    }

    private void awaitDescriptors(int most) throws IOException {
        while (descriptors() > most)
            Thread.yield();
    }

    /** One after the other, some with half a request, and 1000 that stay until there is no room. */
    @Test
    void thousands_of_connections_leave_nothing_and_the_next_client_is_answered() throws Exception {
        List<SocketChannel> staying = new ArrayList<>();
        try (Running _ = new Running("2 1 5 10", true)) {
            int descriptors = descriptors();
            for (int i = 0; i < 3000; i++)
                try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket()))) {
                    client.configureBlocking(false);
                    client.write(ByteBuffer.allocate(i % 16));
                }
            awaitDescriptors(descriptors);
            try {
                for (int i = 0; i < 1000; i++) {
                    staying.add(SocketChannel.open(StandardProtocolFamily.UNIX));
                    staying.getLast().configureBlocking(false);
                    staying.getLast().connect(UnixDomainSocketAddress.of(socket()));
                }
            } catch (IOException _) {
                // the queue of those that wait is full
            }
            for (SocketChannel client : staying)
                client.close();
            awaitDescriptors(descriptors);
        } finally {
            for (SocketChannel client : staying)
                client.close();
        }
    }

    @Test
    void a_client_that_may_not_is_not_heard() throws Exception {
        try (Running _ = new Running("2 1 5 10", false)) {
            assertThatExceptionOfType(Exception.class).isThrownBy(() -> ask(ControlProtocol.STATUS, ""));
        }
    }

    @Test
    void a_program_whose_control_socket_cannot_be_opened_does_not_start() {
        Path nowhere = directory.resolve("no").resolve("socket");
        assertThatExceptionOfType(PrivilegeException.class).isThrownBy(() -> DemandProgram.program("2 1 5 10")
                .control(nowhere, _ -> true)
                .jvm(j -> j.classPath(ClassPlaces.classPath(DemandProgram.class, Privsep.class, Imsg.class),
                        DemandProgram.class))
                .run("2 1 5 10"))
                .withMessageContaining("control").withMessageContaining("ENOENT");
    }
}
