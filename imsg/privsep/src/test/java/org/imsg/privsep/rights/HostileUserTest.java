package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.RawSyscall;
import org.imsg.testing.CapturedLog;
import org.imsg.testing.ProcStatus;
import org.imsg.unix.Child;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process of a child's user does what it can against the process that starts children of that user. */
@Timeout(120)
class HostileUserTest {
    private static final Path TRUE = Path.of("/bin/true");
    private static final int STARTS = 150;
    private static final int CHAINS = 30;
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    /** Starts another and ends, thousands of times a second, for as long as there is a file. */
    private static final String COMET = """
            stay=$1
            f() {
                if [ "$1" -gt 0 ]; then f $(($1 - 1)) & else exec sh "$0" "$stay"; fi
            }
            [ -e "$stay" ] && f 100
            """;

    @TempDir
    private Path directory;

    @BeforeEach
    void asRoot() throws IOException {
        assumeThat(Ids.current().isRoot()).as("needs root: children are other users").isTrue();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    /** Compiled from the test's resources; ends when its standard input does, and then prints how often it hit. */
    private Child attacker(Fd input, Fd output, String... arguments) throws Exception {
        Path program = directory.resolve("attacker");
        Path code = directory.resolve("attacker.c");
        try (InputStream text = getClass().getResourceAsStream("attacker.c")) {
            Files.copy(text, code);
        }
        Process compiler;
        try {
            compiler = new ProcessBuilder("cc", "-O2", "-o", program.toString(), code.toString()).inheritIO().start();
        } catch (IOException e) {
            assumeThat(e).as("needs a C compiler").isNull();
            throw e;
        }
        assertThat(compiler.waitFor()).isZero();
        return Confinement.none().to(Descriptions.NOBODY)
                .spawn(Child.of(program, arguments).descriptor(0, input).descriptor(1, output));
    }

    /** Starts children of its user beside the attacker; what the attacker says of its success. */
    private String attacked(String how) throws Exception {
        try (Fd.Pair input = Fd.pipe(); Fd.Pair output = Fd.pipe()) {
            Child attacker = attacker(input.first(), output.second(), how,
                    Long.toString(ProcessHandle.current().pid()));
            output.second().close();
            input.first().close();
            InputStream said = Channels.newInputStream(new FdChannel(output.first().move()));
            assertThat(said.read()).as("it is ready").isEqualTo('!');
            assertThat(said.read()).isEqualTo('\n');
            for (int i = 0; i < STARTS; i++)
                assertThat(Confinement.none().to(Descriptions.NOBODY).spawnJava(Child.of(TRUE)).waitFor().code())
                        .isZero();
            input.second().close();
            String result = new String(said.readAllBytes());
            said.close();
            attacker.waitFor();
            return result;
        }
    }

    private static Set<Integer> endedChildren() throws IOException {
        Set<Integer> ended = new HashSet<>();
        for (ProcessHandle child : ProcessHandle.current().children().toList()) {
            try {
                if (Files.readString(Path.of("/proc/" + child.pid() + "/stat")).contains(") Z "))
                    ended.add((int) child.pid());
            } catch (IOException _) {
                // gone meanwhile
            }
        }
        return ended;
    }

    /** Ends with the test's time, unlike a loop that swallows interrupts. */
    private static void waitUntil(Callable<Boolean> condition) throws Exception {
        while (!condition.call())
            if (Thread.interrupted())
                throw new InterruptedException("the test's time is over");
    }

    @Test
    void children_that_nobody_started_are_waited_for_and_those_of_process_builder_are_not_stolen() throws Exception {
        try (Orphans _ = Orphans.adopt(Duration.ofMillis(20)); Fd.Pair input = Fd.pipe(); Fd.Pair output = Fd.pipe()) {
            assertThat(attacker(input.first(), output.second(), "clone", "0").waitFor().code()).isZero();
            for (int i = 0; i < 30; i++)
                assertThat(new ProcessBuilder("/bin/sh", "-c", "exit 9").start().waitFor()).isEqualTo(9);
            waitUntil(() -> endedChildren().isEmpty());
        }
    }

    @Test
    void what_a_program_has_left_running_is_ended_and_what_others_run_is_not() throws Exception {
        try (Orphans orphans = Orphans.adopt(Duration.ofMillis(20)); Fd.Pair output = Fd.pipe()) {
            Child.Builder shell = leaving().descriptor(1, output.second());
            try (RunningSubject other = RunningSubject.confined("ids")) {
                endsWhatIsLeft(uid -> orphans.end(uid, PATIENCE), shell, 1);
                assertThat(other.ask("work")).isEqualTo("works");
            }
            endsWhatIsLeft(uid -> orphans.end(uid, PATIENCE), shell, 0);
            endsWhatIsLeft(uid -> orphans.endOneByOne(uid, PATIENCE), shell, 0);
        }
    }

    @Test
    void a_chain_of_forks_that_cannot_be_caught_keeps_no_other_user_s_processes_from_being_ended() throws Exception {
        Path comet = Files.writeString(directory.resolve("comet"), COMET);
        Path stay = Files.createFile(directory.resolve("stay"));
        try (Orphans orphans = Orphans.adopt(Duration.ofMillis(20));
                RunningSubject sibling = RunningSubject.confined("ids")) {
            assertThat(Confinement.none().to(Descriptions.NOBODY).spawn(Child.of(Path.of("/bin/sh"), "-c",
                    "setsid sh " + comet + " " + stay + " &").environment("PATH", "/usr/bin:/bin")).waitFor().success())
                    .isTrue();
            FutureTask<Boolean> caught = new FutureTask<>(
                    () -> orphans.endOneByOne(Descriptions.NOBODY.uid(), Duration.ofMinutes(1)));
            Thread.ofPlatform().start(caught);
            for (int i = 0; i < 20; i++)
                assertThat(orphans.end(64_999, Duration.ZERO)).isTrue();
            Files.delete(stay);
            assertThat(caught.get()).isTrue();
            assertThat(sibling.ask("work")).isEqualTo("works");
        }
    }

    /** Each is over when its turn comes to be looked at, and the next was not there when the list was made. */
    @Test
    void a_chain_of_forks_is_not_said_to_be_over_while_it_goes_on() throws Exception {
        Path comet = Files.writeString(directory.resolve("comet"), COMET);
        long uid = Descriptions.NOBODY.uid();
        try (Orphans orphans = Orphans.adopt(Duration.ofMillis(20))) {
            for (int i = 0; i < CHAINS; i++) {
                Path stay = Files.createFile(directory.resolve("stay"));
                assertThat(Confinement.none().to(Descriptions.NOBODY).spawn(Child.of(Path.of("/bin/sh"), "-c",
                        "setsid sh " + comet + " " + stay + " &").environment("PATH", "/usr/bin:/bin")).waitFor()
                        .success()).isTrue();
                if (orphans.endOneByOne(uid, Duration.ofMillis(5)))
                    for (int look = 0; look < 5; look++)
                        assertThat(ofUser(uid)).as("chain %d", i).isEmpty();
                Files.delete(stay);
                waitUntil(() -> orphans.endOneByOne(uid, PATIENCE));
            }
        }
    }

    /** It has its user before this process knows its number. */
    @Test
    void a_child_that_is_just_starting_is_not_taken_for_one_left_behind() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        try (Orphans orphans = Orphans.adopt(Duration.ofMillis(20))) {
            FutureTask<Void> sweeps = new FutureTask<>(() -> {
                while (!over.get())
                    orphans.endOneByOne(Descriptions.NOBODY.uid(), Duration.ZERO);
                return null;
            });
            Thread.ofPlatform().start(sweeps);
            try {
                for (int i = 0; i < 300; i++)
                    assertThat(Confinement.none().to(Descriptions.NOBODY).spawn(Child.of(TRUE)).waitFor())
                            .isEqualTo(new Child.ExitStatus(0, 0));
            } finally {
                over.set(true);
                sweeps.get();
            }
        }
    }

    /** As many as its policy allows: one of them is always about to start. */
    @Test
    void a_child_whose_programs_start_without_a_pause_keeps_no_process_from_being_ended_and_waited_for()
            throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        List<FutureTask<Void>> storm = new ArrayList<>();
        try (Orphans orphans = Orphans.adopt(Duration.ofMillis(20))) {
            for (int i = 0; i < 16; i++) {
                storm.add(new FutureTask<>(() -> {
                    while (!over.get())
                        Confinement.none().to(Ids.of(64_999, 64_999)).spawn(Child.of(TRUE)).waitFor();
                    return null;
                }));
                Thread.ofPlatform().start(storm.getLast());
            }
            endsWhatIsLeft(uid -> orphans.end(uid, PATIENCE), leaving(), 0);
            waitUntil(() -> endedChildren().isEmpty());
        } finally {
            over.set(true);
            for (FutureTask<Void> each : storm)
                each.get();
        }
    }

    /** The numbers are read one after the other: one that ended meanwhile may have become that of its parent's child. */
    @Test
    void two_processes_that_seem_to_be_each_other_s_parent_hold_nothing_up() throws Exception {
        Map<Integer, Orphans.Entry> seen = Map.of(64_001, new Orphans.Entry(64_001, 64_002, Set.of(1L), false), 64_002,
                new Orphans.Entry(64_002, 64_001, Set.of(1L), false));
        try (Orphans orphans = Orphans.adopt(Duration.ofMillis(20))) {
            assertThat(orphans.isOrphan(seen.get(64_001), seen, Set.of())).isFalse();
        }
    }

    /** The thread that kills borrows another uid, and its signal reaches the processes of that one too. */
    @Test
    void a_process_that_has_the_uid_that_the_killing_thread_borrows_is_not_killed() throws Exception {
        Child stranger = Confinement.none().to(Ids.of(0xFFFF_FFFDL, 0xFFFF_FFFDL))
                .spawn(Child.of(Path.of("/bin/sleep"), "1000"));
        try (Orphans orphans = Orphans.adopt(Duration.ofMillis(20))) {
            endsWhatIsLeft(uid -> orphans.end(uid, PATIENCE), leaving(), 0);
        }
        stranger.kill(15);
        assertThat(stranger.waitFor()).isEqualTo(new Child.ExitStatus(-1, 15));
    }

    @Test
    void what_is_left_is_ended_although_no_descriptor_is_free() throws Exception {
        long before = DescriptorLimit.get();
        List<Fd> table = new ArrayList<>();
        try (Orphans orphans = Orphans.adopt(Duration.ofMillis(20))) {
            Child.Builder shell = leaving();
            // Once before: with a full table no class can be loaded.
            assertThat(new ErrnoException("open", 24).name()).isEqualTo("EMFILE");
            endsWhatIsLeft(uid -> orphans.end(uid, PATIENCE), shell, 0);
            endsWhatIsLeft(uid -> {
                DescriptorLimit.set(400);
                fill(table);
                try {
                    return orphans.end(uid, PATIENCE);
                } finally {
                    DescriptorLimit.set(before);
                    table.forEach(Fd::close);
                }
            }, shell, 0);
            assertThat(table).isNotEmpty();
        } finally {
            DescriptorLimit.set(before);
        }
    }

    @Test
    void what_ends_while_no_descriptor_is_free_is_waited_for_once_there_is_one() throws Exception {
        try (Orphans _ = Orphans.adopt(Duration.ofMillis(20));
                CapturedLog log = new CapturedLog(Orphans.class);
                Fd.Pair input = Fd.pipe()) {
            assertThat(Confinement.none().to(Descriptions.NOBODY)
                    .spawn(Child.of(Path.of("/bin/sh"), "-c", "exec 3<&0; setsid cat <&3 & exit 0")
                            .environment("PATH", "/usr/bin:/bin").descriptor(0, input.first()))
                    .waitFor().success()).isTrue();
            assertThat(ofUser(Descriptions.NOBODY.uid())).hasSize(1);
            DescriptorLimit.whileNoneIsFree(() -> {
                input.second().close();
                waitUntil(() -> !log.lines().isEmpty());
                return null;
            });
            assertThat(log.lines()).singleElement().asString().contains("are not waited for at the moment");
            waitUntil(() -> endedChildren().isEmpty());
            assertThat(ofUser(Descriptions.NOBODY.uid())).isEmpty();
        }
    }

    private static void fill(List<Fd> table) throws IOException {
        try {
            while (table.size() < 400)
                table.add(Fd.open(Path.of("/dev/null")));
        } catch (ErrnoException e) {
            assertThat(e.name()).isEqualTo("EMFILE");
        }
    }

    /** Ends at once, and leaves two processes. */
    private static Child.Builder leaving() {
        return Child.of(Path.of("/bin/sh"), "-c",
                "setsid sh -c 'while :; do sleep 1000; done' & setsid sleep 1000 & echo $!")
                .environment("PATH", "/usr/bin:/bin");
    }

    private interface End {
        boolean of(long uid) throws IOException;
    }

    private static void endsWhatIsLeft(End end, Child.Builder shell, int others) throws Exception {
        long uid = Descriptions.NOBODY.uid();
        assertThat(Confinement.none().to(Descriptions.NOBODY).spawn(shell).waitFor().success()).isTrue();
        assertThat(ofUser(uid)).hasSizeGreaterThanOrEqualTo(others + 2);
        assertThat(end.of(uid)).isTrue();
        waitUntil(() -> ofUser(uid).size() <= others);
    }

    /** The processes of a user that have not ended. */
    private static List<Path> ofUser(long uid) throws IOException {
        List<Path> found = new ArrayList<>();
        try (var all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path each : all) {
                try {
                    String status = Files.readString(each.resolve("status"));
                    if (status.contains("\nUid:\t" + uid + "\t") && !status.contains("\nState:\tZ"))
                        found.add(each);
                } catch (IOException _) {
                    // gone meanwhile
                }
            }
        }
        return found;
    }

    /** Between the look at /proc and the signal the number may have become that of another process of the user. */
    @Test
    void a_process_that_has_the_number_of_one_left_behind_is_not_killed() throws Exception {
        Child child = Child.of(Path.of("/bin/sleep"), "1000").start();
        long self = ProcessHandle.current().pid();
        Orphans.kill(new Orphans.Entry(child.pid(), (int) self + 1, Set.of(0L), false), 0);
        Orphans.kill(new Orphans.Entry(child.pid(), (int) self, Set.of(0L), false), 64_001);
        child.kill(15);
        assertThat(child.waitFor()).isEqualTo(new Child.ExitStatus(-1, 15));
    }

    @Test
    void a_thread_that_does_not_go_is_not_waited_for_without_end() throws Exception {
        int self = RawSyscall.call(LinuxSyscalls.host().number("gettid"));
        assertThat(ConfinedSpawn.isGone(self, Duration.ofMillis(1))).isFalse();
        assertThat(ConfinedSpawn.isGone(0x3FFF_FFFF, Duration.ofMinutes(1))).isTrue();
    }

    @Test
    void it_cannot_signal_the_thread_that_starts_the_next_child() throws Exception {
        // A signal that does nothing by default: the test would not survive the other.
        assertThat(attacked("signal")).isEqualTo("0 hits\n");
    }

    @Test
    void it_cannot_limit_the_process_by_that_thread() throws Exception {
        long before = DescriptorLimit.get();
        try {
            assertThat(attacked("limit")).isEqualTo("0 hits\n");
            assertThat(DescriptorLimit.get()).isEqualTo(before);
        } finally {
            DescriptorLimit.set(before);
        }
    }

    @Test
    void it_cannot_trace_read_or_limit_a_jvm_that_starts_as_its_user() throws Exception {
        try (RunningSubject victim = RunningSubject.start(Descriptions.of("ids")::spawnJava);
                RunningSubject attacker = RunningSubject.confined("ids")) {
            for (String moment : List.of("started", "its user", "complete")) {
                assertThat(attacker.ask("raw ptrace 0x4206 " + victim.pid())).as(moment).isEqualTo("EPERM");
                assertThat(attacker.ask("raw openat -100 s:/proc/" + victim.pid() + "/mem 0")).as(moment)
                        .isEqualTo("EACCES");
                assertThat(attacker.ask("raw openat -100 s:/proc/" + victim.pid() + "/environ 0")).as(moment)
                        .isEqualTo("EACCES");
                if (moment.equals("started")) {
                    assertThat(attacker.ask("raw prlimit64 " + victim.pid() + " 7 buffer 0")).isEqualTo("EPERM");
                    assertThat(victim.ask("become ids")).isEqualTo("is");
                } else if (moment.equals("its user")) {
                    assertThat(victim.ask("complete ids")).isEqualTo("[]");
                }
            }
        }
    }

    @Test
    void a_jvm_has_its_user_in_every_thread_once_it_has_become_it() throws Exception {
        try (RunningSubject subject = RunningSubject.start(Descriptions.of("ids bound")::spawnJava)) {
            ProcStatus status = ProcStatus.of(subject.pid());
            assertThat(status.distinct("Uid").get("Uid")).containsExactly("65533 64001 64001 64001");
            assertThat(status.owner()).as("not dumpable").isZero();
            assertThat(subject.ask("complete ids bound")).isEqualTo("[]");
            assertThat(status.distinct("Uid", "NoNewPrivs", "CapEff", "CapPrm"))
                    .isEqualTo(Map.of("Uid", Set.of("64001 64001 64001 64001"), "NoNewPrivs", Set.of("1"), "CapEff",
                            Set.of("0000000000000000"), "CapPrm", Set.of("0000000000000000")));
            assertThat(subject.ask("raw setresuid 65533 65533 65533")).isEqualTo("EPERM");
            assertThat(subject.ask("work")).isEqualTo("works");
        }
    }

    /** The other order of steps, which works here too. */
    @Test
    void a_kernel_whose_exec_would_take_the_user_away_is_spared_no_new_privs_until_the_child_sets_it()
            throws Exception {
        Platform here = Confinement.query();
        Platform old = new Platform(here.system(), here.machine(), here.pledge(), here.seccomp(), here.landlock(),
                here.userNamespaces(), here.namespaces(), here.capabilities(), false);
        for (String words : List.of("ids bound", "ids bound promise:STDIO,RPATH java read:" + directory)) {
            try (RunningSubject subject = RunningSubject
                    .start(program -> RunningSubject.shown(words).spawn(program, old, false))) {
                ProcStatus status = ProcStatus.of(subject.pid());
                assertThat(status.distinct("NoNewPrivs").get("NoNewPrivs")).containsExactly("0");
                assertThat(subject.ask("become ids")).isEqualTo("is");
                assertThat(status.distinct("NoNewPrivs").get("NoNewPrivs")).containsExactly("1");
                assertThat(subject.ask("complete " + words)).isEqualTo("[]");
                assertThat(subject.ask("work")).isEqualTo("works");
            }
            try (RunningSubject subject = RunningSubject
                    .start(program -> RunningSubject.shown(words).spawn(program, old, true))) {
                assertThat(ProcStatus.of(subject.pid()).distinct("NoNewPrivs", "Uid")).isEqualTo(Map.of("NoNewPrivs",
                        Set.of("1"), "Uid", Set.of("64001 64001 64001 64001")));
            }
        }
    }

    @Test
    void a_shell_is_the_user_it_was_given_and_has_all_of_its_environment() throws Exception {
        Child.Builder shell = Child.of(Path.of("/bin/sh"), "-c",
                "test $(id -ru) = 64001 && test $(id -u) = 64001 && test \"$TMPDIR\" = '/a b' && test \"$A\" = b")
                .environment("TMPDIR", "/a b").environment("A", "b").environment("PATH", "/usr/bin:/bin");
        assertThat(Confinement.none().to(Descriptions.NOBODY).spawn(shell).waitFor().code()).isZero();
    }

    @Test
    void a_child_does_not_read_the_keys_of_this_process() throws Exception {
        String subject = "HostileUserTest";
        List<String> outcome = new ArrayList<>();
        // A session keyring of its own for the thread, whose children would inherit it.
        Thread.ofPlatform().start(() -> {
            try (Arena arena = Arena.ofConfined()) {
                int keyctl = LinuxSyscalls.host().number("keyctl");
                RawSyscall.call(keyctl, 1, 0);
                int key = RawSyscall.call(LinuxSyscalls.host().number("add_key"), arena.allocateFrom("user").address(),
                        arena.allocateFrom(subject).address(), arena.allocateFrom("secret").address(), 6, -3);
                // For everybody to read who possesses it, as keyrings are by default; and for others too.
                RawSyscall.call(keyctl, 5, key, 0x3f3f3f3fL);
                for (String words : List.of("none", "ids"))
                    try (RunningSubject child = RunningSubject.confined(words)) {
                        outcome.add(child.ask("raw keyctl 10 -3 s:user s:" + subject + " 0"));
                    }
            } catch (IOException e) {
                outcome.add(e.toString());
            }
        }).join();
        assumeThat(outcome).as("a kernel with keys").doesNotContain("ENOSYS");
        assertThat(outcome).as("ENOKEY").containsExactly("errno 126", "errno 126");
    }
}
