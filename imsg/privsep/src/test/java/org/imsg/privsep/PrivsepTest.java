package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.imsg.Imsg;
import org.imsg.testing.Call;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Programs of real processes, with the test as their parent. */
@Timeout(90)
class PrivsepTest {
    private static final Duration MOMENT = Duration.ofMillis(200);
    private static final Duration LONG = Duration.ofSeconds(30);

    @Test
    void every_process_of_every_role_runs_in_a_session_of_its_own_with_little_around_it() throws Exception {
        try (TestParent parent = new TestParent("one*2 other")) {
            for (String role : List.of("one", "other"))
                parent.tell(role, 0, "look");
            for (String who : List.of("one[0]", "other[0]")) {
                parent.awaitAll(who + " pid");
                String said = parent.heard().stream().filter(text -> text.startsWith(who + " pid")).findFirst()
                        .orElseThrow();
                String[] words = said.split(" ");
                assertThat(words[4]).as("session").isEqualTo(words[2]);
                assertThat(words[6].split(",")).as("sockets").hasSize(1);
                assertThat(words[8].split(",")).contains("IMSG_PROGRAM", "IMSG_ROLE", "IMSG_INSTANCE")
                        .isSubsetOf("IMSG_PROGRAM", "IMSG_ROLE", "IMSG_INSTANCE", "PATH", "LANG", "LC_ALL", "LC_CTYPE",
                                "TZ");
            }
        }
    }

    @Test
    void nobody_starts_before_everybody_is_prepared() throws Exception {
        try (TestParent parent = new TestParent("a*2>b b c")) {
            parent.awaitAll("a[0] started", "a[1] started", "b[0] started", "c[0] started");
            List<String[]> times = parent.heard().stream().filter(said -> said.contains("] started "))
                    .map(said -> said.split(" ")).toList();
            // nanoTime counts from the same moment in all processes of a machine.
            long lastPrepared = times.stream().mapToLong(time -> Long.parseLong(time[2])).max().orElseThrow();
            long firstStarted = times.stream().mapToLong(time -> Long.parseLong(time[3])).min().orElseThrow();
            assertThat(firstStarted).isGreaterThan(lastPrepared);
        }
    }

    @Test
    void every_process_of_a_role_talks_to_every_process_of_a_role_it_names_and_they_know_who_is_who() throws Exception {
        try (TestParent parent = new TestParent("a*2>b b*2 c")) {
            parent.awaitAll("a[0] connected b[0]", "a[0] connected b[1]", "a[1] connected b[0]", "a[1] connected b[1]",
                    "b[0] connected a[0]", "b[0] connected a[1]", "b[1] connected a[0]", "b[1] connected a[1]");
            parent.tell("a", 1, "ask b");
            parent.awaitAll("a[1] heard b[0] of testprogram to a[1]: how are you",
                    "a[1] heard b[1] of testprogram to a[1]: how are you");
            assertThat(parent.heard()).noneMatch(said -> said.startsWith("c[0] connected"));
        }
    }

    @Test
    void a_role_can_only_be_asked_for_if_it_was_declared() throws Exception {
        try (TestParent parent = new TestParent("a")) {
            assertThatExceptionOfType(IllegalArgumentException.class).isThrownBy(() -> parent.self().peer("b"))
                    .withMessageContaining("role b").withMessageContaining("[a]");
            assertThatExceptionOfType(PeerGoneException.class).isThrownBy(() -> parent.self().peer("a", 1))
                    .withMessageStartingWith("a[1] is not connected");
        }
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> Privsep.program("p").role("a", () -> _ -> {}, r -> r.connect("z")).run())
                .withMessageContaining("z").withMessageContaining("[a]");
        assertThatExceptionOfType(IllegalStateException.class).isThrownBy(() -> Privsep.program("p").run());
    }

    @Test
    void the_frameworks_own_types_are_not_for_programs() throws Exception {
        try (TestParent parent = new TestParent("a")) {
            assertThatExceptionOfType(IllegalArgumentException.class)
                    .isThrownBy(() -> parent.self().peer("a").send(Imsg.of(0xFFFF_0004)))
                    .withMessageContaining("4294901760");
            assertThatExceptionOfType(IllegalArgumentException.class)
                    .isThrownBy(() -> parent.self().on(Peer.FIRST_RESERVED_TYPE, (_, _) -> {}));
            parent.self().on(Peer.FIRST_RESERVED_TYPE - 1, (_, _) -> {});
        }
    }

    @Test
    void an_end_is_reported_with_its_exit_code_and_stops_the_program() throws Exception {
        TestParent parent = new TestParent("a b");
        parent.tell("a", 0, "exit 37");
        assertThat(parent.result()).isEqualTo(1);
        assertThat(parent.heard()).containsSubsequence("finished a[0] ended with code 37",
                "finished b[0] ended with code 0");
    }

    /** One line: the role and the process, the reason that its JVM gave, and the places to look at. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {"-XX:NoSuch; 1; Unrecognized VM option 'NoSuch'",
            "-Xmx1m; 1; Error occurred during initialization of VM", "-version; 0; openjdk version"})
    void a_jvm_that_does_not_become_a_child_is_told_with_what_it_printed_and_what_may_help(String option, int code,
            String printed)
            throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram"); CapturedLog _ = new CapturedLog("testprogram.a")) {
            assertThat(TestProgram.program("a").jvm(jvm -> jvm.options(option)).run("a")).isOne();
            assertThat(log.await("before it was ready")).startsWith("WARNING a[0] (pid ")
                    .contains(") ended with code " + code + " before it was ready, and printed: " + printed)
                    .endsWith("; its user has to be able to read the class path, and the role's JVM options and limits"
                            + " to suffice");
        }
    }

    @Test
    void a_java_that_is_not_there_is_told_in_one_line() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram")) {
            assertThat(TestProgram.program("a").jvm(jvm -> jvm.java(Path.of("/no/java"))).run("a")).isOne();
            assertThat(log.await("cannot be started")).isEqualTo("SEVERE a[0] cannot be started: posix_spawn(/no/java):"
                    + " ENOENT (2): No such file or directory; java has to be there, and the role's user to reach it and"
                    + " every directory above it");
        }
    }

    @Test
    void a_parent_that_cannot_start_is_told_in_one_line_and_stops_the_program() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram")) {
            assertThat(TestParent.program("a").parent(() -> _ -> {
                throw new IOException("no port", new ErrnoException("bind", "port 80", Errno.number("EADDRINUSE")));
            }).run("a")).isOne();
            assertThat(log.await("the parent cannot start")).isEqualTo(
                    "SEVERE the parent cannot start: no port: bind(port 80): EADDRINUSE (98): Address already in use");
        }
    }

    @Test
    void an_end_is_reported_with_its_signal() throws Exception {
        try (TestParent parent = new TestParent("again")) {
            kill(parent, "again[0]");
            parent.await("finished again[0] was ended by signal 9");
            parent.await("again[0] started");
        }
    }

    private static void kill(TestParent parent, String who) {
        parent.awaitAll(who + " started");
        String said = parent.heard().stream().filter(text -> text.startsWith(who + " started"))
                .reduce((_, last) -> last).orElseThrow();
        long pid = Long.parseLong(said.substring(said.lastIndexOf(' ') + 1));
        parent.forget();
        ProcessHandle.of(pid).orElseThrow().destroyForcibly();
    }

    @Test
    void who_was_started_again_is_connected_again_and_the_others_see_it_go_and_come() throws Exception {
        try (TestParent parent = new TestParent("a*2>again again")) {
            parent.awaitAll("a[0] connected again[0]", "a[1] connected again[0]", "again[0] started");
            kill(parent, "again[0]");
            parent.awaitAll("a[0] disconnected again[0]", "a[1] disconnected again[0]", "a[0] connected again[0]",
                    "a[1] connected again[0]", "again[0] connected a[0]", "again[0] connected a[1]");
            parent.tell("a", 0, "ask again");
            parent.await("a[0] heard again[0] of testprogram to a[0]: how are you");
        }
    }

    @Test
    void who_had_no_descriptor_free_for_another_is_connected_to_it_when_it_has() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.pledged");
                TestParent parent = new TestParent("pledged>again again")) {
            parent.awaitAll("pledged[0] connected again[0]", "again[0] connected pledged[0]");
            parent.self().down("again");
            parent.await("pledged[0] disconnected again[0]");
            parent.tell("pledged", 0, "hoard");
            parent.await("pledged[0] hoards until EMFILE");
            parent.self().up("again");
            assertThat(log.await("did not arrive")).contains("the channel to again[0] did not arrive: LOST");
            parent.tell("pledged", 0, "yield");
            parent.await("pledged[0] connected again[0]");
            parent.tell("pledged", 0, "ask again");
            parent.await("pledged[0] heard again[0] of testprogram to pledged[0]: how are you");
        }
    }

    @Test
    void a_role_that_has_no_descriptor_free_for_its_monitor_is_not_started() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.starved-clerk");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("starved-clerk")) {
            assertThat(log.await("did not arrive")).contains("starved-clerk cannot start: the channel to the monitor"
                    + " did not arrive: LOST; raise the role's limit of descriptors");
            parent.await("finished starved-clerk[0] ended with code 1");
        }
    }

    @Test
    void a_finish_program_is_told_what_ended_and_how_and_is_killed_when_its_time_is_over(@TempDir Path directory)
            throws Exception {
        Path told = directory.resolve("told");
        System.setProperty(TestProgram.FINISH,
                "test -e " + told + " || { sleep 1000 & echo \"$$ $! $@\" > " + told + "; wait; }");
        Deadlines usual = Deadlines.USUAL;
        try (CapturedLog log = new CapturedLog("testprogram");
                TestParent parent = new TestParent("finisher", program -> program.deadlines(
                        new Deadlines(usual.ready(), usual.end(), usual.term(), Duration.ofSeconds(1))))) {
            String pid;
            do {
                // A machine that takes a second to start the program has it killed before it writes anything.
                pid = parent.await("finisher[0] started").replaceAll(".* ", "");
                parent.tell("finisher", 0, "exit 7");
                log.await("the finish hook for finisher[0] has not returned");
            } while (!Files.exists(told));
            String[] words = Files.readString(told).split(" ", 3);
            assertThat(words[2]).isEqualTo("finisher 0 " + pid + " 7 0\n");
            // The second one has no parent when the first is gone: the program that has adopted it waits for it.
            Call.until(() -> Stream.of(words[0], words[1]).noneMatch(each -> Files.exists(Path.of("/proc", each))));
        } finally {
            System.clearProperty(TestProgram.FINISH);
        }
    }

    @Test
    void a_finish_hook_that_hangs_is_interrupted_and_the_child_is_started_again_all_the_same() throws Exception {
        CountDownLatch interrupted = new CountDownLatch(1);
        try (TestParent parent = new TestParent("again", p -> p.deadlines(TestParent.deadlines(LONG, LONG, MOMENT)))) {
            parent.onFinish(_ -> {
                try {
                    new CountDownLatch(1).await();
                } catch (InterruptedException _) {
                    interrupted.countDown();
                }
                return true;
            });
            kill(parent, "again[0]");
            parent.await("again[0] started");
            interrupted.await();
            parent.onFinish(_ -> true);
        }
    }

    @Test
    void stopping_lets_children_end_by_themselves() throws Exception {
        TestParent parent = new TestParent("a>b b");
        parent.close();
        assertThat(parent.heard()).contains("finished a[0] ended with code 0", "finished b[0] ended with code 0");
        assertThat(parent.result()).isZero();
    }

    @Test
    void a_child_that_does_not_end_is_sent_TERM() throws Exception {
        TestParent parent = new TestParent("a", p -> p.deadlines(TestParent.deadlines(MOMENT, LONG, LONG)));
        parent.tell("a", 0, "refuse-stop");
        parent.await("a[0] refusing");
        parent.close();
        // A JVM ends in order on SIGTERM, with 128 and the signal's number.
        assertThat(parent.heard()).contains("finished a[0] ended with code 143");
        assertThat(parent.result()).isZero();
    }

    @Test
    void a_child_that_does_not_end_on_TERM_is_sent_KILL() throws Exception {
        TestParent parent = new TestParent("a", p -> p.deadlines(TestParent.deadlines(MOMENT, MOMENT, LONG)));
        parent.tell("a", 0, "refuse-term");
        parent.await("a[0] refusing");
        parent.close();
        assertThat(parent.heard()).contains("finished a[0] was ended by signal 9");
    }

    @Test
    void a_handler_that_hangs_does_not_keep_a_child_from_being_ended() throws Exception {
        TestParent parent = new TestParent("a", p -> p.deadlines(TestParent.deadlines(MOMENT, LONG, LONG)));
        parent.tell("a", 0, "hang");
        parent.await("a[0] hanging");
        parent.close();
        assertThat(parent.heard()).contains("finished a[0] ended with code 143");
    }

    @Test
    void a_handler_that_throws_drops_its_message_only() throws Exception {
        try (TestParent parent = new TestParent("a")) {
            parent.tell("a", 0, "throw");
            parent.tell("a", 0, "look");
            parent.await("a[0] pid");
        }
    }

    @Test
    void a_reload_reaches_the_children_and_replaces_those_who_want_that() throws Exception {
        try (TestParent parent = new TestParent("a fresh")) {
            parent.awaitAll("a[0] started", "fresh[0] started");
            parent.forget();
            parent.self().reload();
            parent.awaitAll("a[0] reload", "finished fresh[0] ended with code 0", "fresh[0] started");
            assertThat(parent.heard()).noneMatch(said -> said.startsWith("a[0] started"))
                    .doesNotContain("fresh[0] reload");
        }
    }

    @Test
    void a_configuration_that_cannot_be_read_stays_as_it_was_whatever_its_reading_throws() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram"); TestParent parent = new TestParent("moody")) {
            assertThat(log.await("the configuration of"))
                    .isEqualTo("SEVERE the configuration of role moody cannot be read: it stays as it was: as told");
            parent.self().reload();
            log.await("the configuration of");
            parent.tell("moody", 0, "look");
            parent.await("moody[0] pid");
        }
    }

    @Test
    void an_interrupt_stops_the_program_in_order() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        Thread running = Thread.currentThread();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                started.await();
                running.interrupt();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        assertThatExceptionOfType(InterruptedException.class).isThrownBy(
                () -> TestParent.program("a").parent(() -> self -> {
                    self.on(TestProgram.SAY, (_, _) -> {});
                    started.countDown();
                }).run("a"));
    }

    @Test
    void a_reload_reads_policy_files_again_and_one_with_faults_changes_nothing(@TempDir Path directory)
            throws Exception {
        Path policy = Files.writeString(directory.resolve("policy"), "open read /etc/hostname\n");
        try (CapturedLog log = new CapturedLog("testprogram");
                CapturedLog _ = new CapturedLog("org.imsg.privsep.ops.Monitor");
                TestParent parent = new TestParent("filed=" + policy)) {
            Files.writeString(policy, "open read /etc/hosts\n");
            parent.self().reload();
            parent.await("filed[0] reload");
            parent.tell("filed", 0, "request /etc/hosts");
            parent.await("filed[0] was passed /etc/hosts");
            parent.tell("filed", 0, "request /etc/hostname");
            parent.await("filed[0] was refused");
            Files.writeString(policy, "open read /etc/hostname\nopen raed /etc/hosts\nopne\n");
            parent.self().reload();
            assertThat(log.await("stays as it was")).contains(policy + ":2: ", "; " + policy + ":3: ")
                    .doesNotContain("\n");
            parent.await("filed[0] reload");
            parent.tell("filed", 0, "request /etc/hosts");
            parent.await("filed[0] was passed /etc/hosts");
        }
    }
}
