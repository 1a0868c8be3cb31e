package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import org.imsg.testing.ProgramJar;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.privsep.ops.Monitor;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.PrivilegeException;
import org.imsg.privsep.rights.TestControlGroups;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Roles have the rights they declare and no others, seen from outside and tried from inside. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RoleRightsTest {
    private static final String NOBODY = "65534";

    @TempDir
    private static Path directory;
    private static String jar;

    @BeforeAll
    static void asRootWithProgramThatAllMayRead() throws IOException {
        assumeThat(Ids.current().isRoot()).as("needs root: roles become other users").isTrue();
        jar = ProgramJar.in(directory, TestProgram.class, Privsep.class, Imsg.class).toString();
    }

    private TestParent parent(String roles) {
        return new TestParent(roles, program -> program.jvm(j -> j.classPath(jar, TestProgram.class)));
    }

    private static long pid(TestParent parent, String who) {
        parent.awaitAll(who + " started");
        String said = parent.heard().stream().filter(text -> text.startsWith(who + " started")).findFirst()
                .orElseThrow();
        return Long.parseLong(said.substring(said.lastIndexOf(' ') + 1));
    }

    /** A field of /proc/PID/status, the same in every thread. */
    private static String status(long pid, String field) throws IOException {
        List<String> values;
        try (var tasks = Files.list(Path.of("/proc/" + pid + "/task"))) {
            values = tasks.map(task -> field(task, field)).distinct().toList();
        }
        assertThat(values).as(field + " of all threads").hasSize(1);
        return values.getFirst();
    }

    private static String field(Path task, String field) {
        try {
            return Files.readAllLines(task.resolve("status")).stream().filter(line -> line.startsWith(field + ":"))
                    .findFirst().orElseThrow().substring(field.length() + 1).strip();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void isNobody(long pid) throws IOException {
        assertThat(status(pid, "Uid")).isEqualTo(String.join("\t", NOBODY, NOBODY, NOBODY, NOBODY));
        assertThat(status(pid, "Gid")).isEqualTo(String.join("\t", NOBODY, NOBODY, NOBODY, NOBODY));
        assertThat(status(pid, "CapEff")).isEqualTo("0000000000000000");
        assertThat(status(pid, "CapPrm")).isEqualTo("0000000000000000");
    }

    @Test
    void a_role_that_pledged_is_its_user_and_can_open_nothing_and_still_talks() throws Exception {
        try (TestParent parent = parent("pledged>other other")) {
            long pid = pid(parent, "pledged[0]");
            isNobody(pid);
            assertThat(status(pid, "NoNewPrivs")).isEqualTo("1");
            assertThat(status(pid, "Seccomp")).isEqualTo("2");
            parent.tell("pledged", 0, "open /etc/hostname");
            parent.await("pledged[0] refused java.nio.file.AccessDeniedException");
            parent.tell("pledged", 0, "ask other");
            parent.await("pledged[0] heard other[0]");
            // What was not confined is as it was.
            assertThat(status(pid(parent, "other[0]"), "Uid")).startsWith("0\t");
            assertThat(status(ProcessHandle.current().pid(), "Seccomp")).isEqualTo("0");
        }
    }

    @Test
    void a_veiled_role_sees_what_was_unveiled_only() throws Exception {
        try (TestParent parent = parent("veiled")) {
            isNobody(pid(parent, "veiled[0]"));
            parent.tell("veiled", 0, "open /etc/hostname");
            parent.await("veiled[0] opened");
            parent.tell("veiled", 0, "open /etc/debian_version");
            parent.await("veiled[0] refused java.nio.file.AccessDeniedException");
        }
    }

    @Test
    void a_role_with_a_chroot_starts_outside_and_ends_up_inside_as_its_user() throws Exception {
        try (TestParent parent = parent("jailed>other other")) {
            long pid = pid(parent, "jailed[0]");
            isNobody(pid);
            assertThat(Files.readSymbolicLink(Path.of("/proc/" + pid + "/root"))).isEqualTo(Path.of("/srv"));
            assertThat(status(pid, "Seccomp")).isEqualTo("2");
            parent.tell("jailed", 0, "open /etc/hostname");
            parent.await("jailed[0] refused java.nio.file.NoSuchFileException");
            parent.tell("other", 0, "ask jailed");
            parent.await("other[0] heard jailed[0]");
        }
    }

    @Test
    void a_role_that_was_not_given_its_confinement_finds_out_and_does_not_start() throws Exception {
        JvmSettings jvm = new JvmSettings().classPath(jar, TestProgram.class);
        RoleSettings veiled = new RoleSettings("veiled", () -> _ -> {});
        try (Fd.Pair ends = Fd.socketpair(); ImsgChannel channel = ImsgChannel.of(ends.first().move())) {
            Child child = jvm.child("testprogram", veiled.name(), 0, List.of(), List.of("veiled"))
                    .descriptor(3, ends.second())
                    .environment("UID", NOBODY).environment("GID", NOBODY).start();
            ends.second().close();
            try (Imsg first = channel.receive()) {
                assertThat(Protocol.Record.of(first).text()).contains("veiled cannot give up its rights: proof")
                        .doesNotContain("\n");
            }
            assertThat(child.waitFor().code()).isEqualTo(1);
        }
    }

    @Test
    void a_role_is_confined_further_by_all_that_was_added() throws Exception {
        try (CapturedLog _ = new CapturedLog("testprogram"); TestParent parent = parent("bound")) {
            long pid = pid(parent, "bound[0]");
            assertThat(status(pid, "CapBnd")).isEqualTo("0000000000000000");
            assertThat(Files.readSymbolicLink(Path.of("/proc/" + pid + "/ns/uts")))
                    .isNotEqualTo(Files.readSymbolicLink(Path.of("/proc/self/ns/uts")));
        }
    }

    @Test
    void a_role_is_who_its_policy_says_and_is_given_what_that_allows_in_each_of_its_lives() throws Exception {
        try (CapturedLog log = new CapturedLog(Monitor.class.getName());
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = parent("again-clerk")) {
            for (int life = 0; life < 2; life++) {
                long pid = pid(parent, "again-clerk[0]");
                isNobody(pid);
                parent.tell("again-clerk", 0, "open /etc/shadow");
                parent.await("again-clerk[0] refused java.nio.file.AccessDeniedException");
                parent.tell("again-clerk", 0, "request /etc/shadow");
                assertThat(parent.await("again-clerk[0] was"))
                        .endsWith("passed /etc/shadow with " + Files.size(Path.of("/etc/shadow")) + " bytes");
                parent.tell("again-clerk", 0, "request /etc/gshadow");
                parent.await("again-clerk[0] was refused: org.imsg.privsep.ops.RefusedException");
                assertThat(log.await("is refused")).contains("again-clerk[0]").contains("/etc/gshadow");
                parent.forget();
                ProcessHandle.of(pid).orElseThrow().destroyForcibly();
            }
        }
    }

    @Test
    void a_policy_that_only_the_parent_can_read_gives_a_role_its_root_and_its_operations() throws Exception {
        Path policy = directory.resolve("policy");
        Files.writeString(policy, "user 65534:65534\nchroot /srv\nopen read /etc/shadow\n");
        Files.setPosixFilePermissions(policy, PosixFilePermissions.fromString("rw-------"));
        try (CapturedLog _ = new CapturedLog("testprogram"); TestParent parent = parent("filed=" + policy + " other")) {
            long pid = pid(parent, "filed[0]");
            isNobody(pid);
            assertThat(Files.readSymbolicLink(Path.of("/proc/" + pid + "/root"))).isEqualTo(Path.of("/srv"));
            parent.tell("filed", 0, "request /etc/shadow");
            parent.await("filed[0] was passed /etc/shadow");
            parent.tell("other", 0, "request /etc/shadow");
            assertThat(parent.await("other[0] was")).contains("IllegalStateException: role other has no policy");
        }
    }

    @Test
    void what_a_role_leaves_running_is_ended_before_the_finish_hook_is_told_of_its_end() throws Exception {
        try (CapturedLog _ = new CapturedLog("testprogram"); TestParent parent = parent("leaver other")) {
            long pid = pid(parent, "leaver[0]");
            parent.tell("leaver", 0, "leave");
            Path left = Path.of("/proc", parent.await("leaver[0] left ").split(" ")[2], "stat");
            assertThat(left).exists();
            CompletableFuture<Boolean> lives = new CompletableFuture<>();
            parent.onFinish(_ -> lives.complete(Files.exists(left) && !text(left).contains(") Z ")));
            ProcessHandle.of(pid).orElseThrow().destroyForcibly();
            assertThat(lives.get(30, TimeUnit.SECONDS)).isFalse();
            parent.onFinish(_ -> true);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException _) {
            return "gone, as in ) Z ";
        }
    }

    @Test
    void a_role_has_the_usual_limits() throws Exception {
        try (CapturedLog _ = new CapturedLog("testprogram"); TestParent parent = parent("pledged other")) {
            for (String role : List.of("pledged[0]", "other[0]"))
                assertThat(text(Path.of("/proc/" + pid(parent, role) + "/limits")).replaceAll(" +", " "))
                        .contains("Max open files 1024 1024", "Max core file size 0 0 ",
                                "Max data size 335544320 335544320 ")
                        .contains(role.startsWith("p") ? "Max processes 512 512" : "Max processes ");
        }
    }

    @Test
    void programs_of_a_child_are_gone_before_the_finish_hook_is_told_of_its_end() throws Exception {
        try (CapturedLog _ = new CapturedLog("testprogram");
                CapturedLog _ = new CapturedLog(Monitor.class.getName());
                TestParent parent = parent("again-clerk")) {
            long pid = pid(parent, "again-clerk[0]");
            parent.tell("again-clerk", 0, "run");
            Path program = Path.of("/proc", parent.await("again-clerk[0] runs ").split(" ")[2]);
            assertThat(program).exists();
            CompletableFuture<Boolean> left = new CompletableFuture<>();
            parent.onFinish(_ -> left.complete(Files.exists(program)));
            ProcessHandle.of(pid).orElseThrow().destroyForcibly();
            assertThat(left.get(30, TimeUnit.SECONDS)).isFalse();
            parent.onFinish(_ -> true);
        }
    }

    @Test
    void the_finish_hook_waits_until_nothing_is_done_for_the_child_any_more() throws Exception {
        CountDownLatch starting = new CountDownLatch(1);
        CompletableFuture<Void> goOn = new CompletableFuture<>();
        try (CapturedLog _ = new CapturedLog("testprogram");
                CapturedLog monitor = new CapturedLog(Monitor.class.getName());
                TestParent parent = parent("again-clerk again")) {
            monitor.onRecord(text -> {
                if (text.contains("runs a program")) {
                    starting.countDown();
                    // Not to be interrupted, like a system call that takes its time.
                    goOn.join();
                }
            });
            ProcessHandle clerk = ProcessHandle.of(pid(parent, "again-clerk[0]")).orElseThrow();
            ProcessHandle other = ProcessHandle.of(pid(parent, "again[0]")).orElseThrow();
            parent.tell("again-clerk", 0, "run");
            starting.await();
            clerk.destroyForcibly();
            clerk.onExit().join();
            other.destroyForcibly();
            parent.await("finished again[0]");
            assertThat(parent.heard()).noneMatch(said -> said.startsWith("finished again-clerk[0]"));
            goOn.complete(null);
            parent.await("finished again-clerk[0]");
        }
    }

    @Test
    void roles_of_one_user_that_may_signal_each_other_are_named_in_the_log() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram"); TestParent _ = parent("pledged veiled other")) {
            assertThat(log.await("")).startsWith("WARNING roles pledged, veiled are all uid " + NOBODY);
        }
        try (CapturedLog log = new CapturedLog("testprogram"); TestParent _ = parent("pledged jailed other")) {
            assertThat(log.await("")).startsWith("WARNING no user is named for other");
        }
    }

    @Test
    void what_is_no_message_to_the_monitor_is_a_violation_as_it_is_to_the_parent() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.again-clerk");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = parent("again-clerk")) {
            parent.awaitAll("again-clerk[0] started");
            parent.tell("again-clerk", 0, "garble");
            assertThat(log.await("violates the rules")).contains("what it asks for is no message");
            parent.await("finished again-clerk[0] was ended by signal 9");
        }
    }

    @Test
    void a_role_that_names_no_user_stays_root_and_the_log_says_so() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram"); TestParent _ = parent("pledged>other other")) {
            assertThat(log.await("no user is named")).isEqualTo("WARNING no user is named for other: they stay root");
        }
    }

    @Test
    void a_user_that_is_not_there_is_an_error_before_anybody_is_started() {
        assertThatExceptionOfType(PrivilegeException.class)
                .isThrownBy(() -> TestParent.program("stranger").run("stranger")).withMessageContaining("no-such-user");
    }

    @Test
    void a_role_with_a_chroot_and_no_user_is_refused_before_anybody_is_started() {
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> TestParent.program("rooted").run("rooted"))
                .withMessage("role rooted has a chroot and no user: root can leave it again");
    }

    @Test
    void what_a_role_leaves_in_its_control_group_ends_with_it_whoever_it_is() throws Exception {
        try (TestControlGroups place = TestControlGroups.make()) {
            UnaryOperator<Privsep> grouped = program -> program.jvm(j -> j.classPath(jar, TestProgram.class))
                    .controlGroups(place.directory);
            // The role keeps root, so that no uid tells what is its.
            try (TestParent parent = new TestParent("again-root", grouped)) {
                parent.await("again-root[0] started");
                assertThat(place.groups()).singleElement().asString().endsWith("again-root_0_");
                parent.tell("again-root", 0, "leave");
                String left = parent.await("again-root[0] left ").substring("again-root[0] left ".length());
                assertThat(Path.of("/proc", left, "cgroup")).content().contains("again-root_0_");
                parent.tell("again-root", 0, "exit 3");
                parent.await("finished again-root[0]");
                assertThat(Path.of("/proc", left, "stat")).satisfiesAnyOf(stat -> assertThat(stat).doesNotExist(),
                        stat -> assertThat(stat).content().contains(" Z "));
                parent.await("again-root[0] started");
                // It has become the parent's, which waits for it in its turn.
                while (Files.exists(Path.of("/proc", left)))
                    Thread.onSpinWait();
            }
            assertThat(place.groups()).isEmpty();
        }
    }

    /** A group is busy while one of its processes does not end, which the kernel decides. Here it is something mounted. */
    @Test
    void a_group_that_cannot_be_removed_is_waited_for_by_the_thread_of_its_child() throws Exception {
        try (TestControlGroups place = TestControlGroups.make(); CapturedLog log = new CapturedLog("testprogram")) {
            UnaryOperator<Privsep> grouped = program -> program.jvm(j -> j.classPath(jar, TestProgram.class))
                    .controlGroups(place.directory);
            CompletableFuture<String> waiting = new CompletableFuture<>();
            log.onRecord(record -> {
                if (record.contains("the control group of again-root[0] cannot be ended"))
                    waiting.complete(Thread.currentThread().getName());
            });
            Path busy;
            try (TestParent parent = new TestParent("again-root", grouped)) {
                parent.await("again-root[0] started");
                busy = Files.createDirectory(place.directory.resolve(place.groups().getFirst()).resolve("busy"));
                command("mount", "--bind", directory.toString(), busy.toString());
                try {
                    parent.tell("again-root", 0, "exit 3");
                    assertThat(waiting.get(30, TimeUnit.SECONDS)).isEqualTo("imsg-wait-java");
                } finally {
                    command("umount", busy.toString());
                }
                parent.await("again-root[0] started");
            }
            Files.delete(busy);
            Files.delete(busy.getParent());
        }
    }

    private static void command(String... words) throws Exception {
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)).isEmpty();
        assertThat(process.waitFor()).isZero();
    }

    @Test
    void limits_that_no_control_group_keeps_are_told_and_an_error_where_confinement_is_required() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram"); TestParent _ = parent("limited")) {
            assertThat(log.await("not enforced")).isEqualTo("WARNING not enforced: limited: the limits "
                    + "{memory.max=1073741824}: there is no directory for control groups");
        }
        assertThatExceptionOfType(PrivilegeException.class)
                .isThrownBy(() -> TestParent.program("!limited").controlGroups(directory).run("!limited"))
                .withMessageContaining("control groups in " + directory + ": it is no directory of a cgroup version 2")
                .withMessageContaining("limited: the limits");
    }

    /** The program, run by an ordinary user. */
    private Process unprivileged(String roles) throws IOException {
        Process process = new ProcessBuilder("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC",
                "-XX:-UsePerfData", "-jar", jar, roles, roles.replace("!", "").split(" ")[0], "0", "look")
                .redirectErrorStream(true).start();
        process.getOutputStream().close();
        return process;
    }

    @Test
    void without_root_all_run_as_the_same_user_confined_as_far_as_can_be_and_the_log_says_so() throws Exception {
        Process process = unprivileged("pledged jailed veiled");
        StringBuilder output = new StringBuilder();
        try (var reader = process.inputReader()) {
            for (String line; (line = reader.readLine()) != null;) {
                output.append(line).append('\n');
                if (line.startsWith("pledged[0] started")) {
                    long pid = Long.parseLong(line.substring(line.lastIndexOf(' ') + 1));
                    assertThat(status(pid, "Uid")).startsWith("12345\t12345");
                    assertThat(status(pid, "Seccomp")).isEqualTo("2");
                    process.toHandle().destroy();
                }
            }
        }
        process.waitFor();
        assertThat(output.toString().lines().filter(line -> line.contains("not enforced: ")))
                .singleElement().asString().contains("pledged: user nobody").contains("jailed: user and chroot")
                .contains("CAP_SETUID");
    }

    @Test
    void who_requires_confinement_is_refused_without_root() throws Exception {
        Process process = unprivileged("!pledged");
        try (InputStream output = process.getInputStream()) {
            assertThat(new String(output.readAllBytes(), StandardCharsets.UTF_8))
                    .contains("PrivilegeException: requireConfinement: pledged: user nobody")
                    .doesNotContain("started");
        }
        assertThat(process.waitFor()).isEqualTo(1);
    }
}
