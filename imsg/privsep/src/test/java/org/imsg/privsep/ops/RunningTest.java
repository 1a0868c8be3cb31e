package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.imsg.privsep.rights.ControlGroups;
import org.imsg.privsep.rights.DescriptorLimit;
import org.imsg.privsep.rights.TestControlGroups;
import org.imsg.sys.Readiness;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.unix.Child;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class RunningTest {
    private static final Path SH = Path.of("/bin/sh");

    @TempDir
    Path directory;
    private CapturedLog log;

    @BeforeEach
    void prepare() throws Exception {
        Root.required();
        log = new CapturedLog(Monitor.class);
    }

    @AfterEach
    void release() throws Exception {
        if (log != null)
            log.close();
    }

    private static Served served(String rule) throws IOException {
        return Served.by(Policy.of("run " + rule));
    }

    private static Program script(String script) {
        return Program.of(SH, "-c", script);
    }

    private static String read(Fd fd) throws IOException {
        StringBuilder text = new StringBuilder();
        try (FdChannel channel = new FdChannel(fd)) {
            ByteBuffer bytes = ByteBuffer.allocate(4096);
            while (channel.read(bytes) >= 0) {
                text.append(StandardCharsets.UTF_8.decode(bytes.flip()));
                bytes.clear();
            }
        }
        return text.toString();
    }

    @Test
    void a_program_runs_as_its_user_with_its_pipes_passed_and_its_exit_status_told() throws Exception {
        try (Served served = served("user=64010 group=64011 /bin/sh -c *");
                Privileged privileged = served.privileged();
                RunningProgram program = privileged.run(script("read x; echo \"got $x\"; echo oops >&2; exit 7"))) {
            try (FdChannel stdin = new FdChannel(program.stdin())) {
                stdin.write(ByteBuffer.wrap("word\n".getBytes(StandardCharsets.UTF_8)));
            }
            assertThat(read(program.stdout())).isEqualTo("got word\n");
            assertThat(read(program.stderr())).isEqualTo("oops\n");
            assertThat(program.waitFor()).isEqualTo(new Child.ExitStatus(7, 0));
            assertThat(program.uid()).isEqualTo(64010);
        }
    }

    @Test
    void a_program_has_the_ids_of_its_user_no_groups_and_no_way_back() throws Exception {
        try (Served served = served("user=64010 environment=PATH=/usr/bin:/bin /bin/sh -c *");
                Privileged privileged = served.privileged();
                RunningProgram program = privileged
                        .run(script("grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' /proc/self/status"))) {
            assertThat(read(program.stdout()).replaceAll("[ \t]+", " ").lines()).contains(
                    "Uid: 64010 64010 64010 64010", "Gid: 64010 64010 64010 64010", "Groups: ",
                    "CapInh: 0000000000000000", "CapPrm: 0000000000000000", "CapEff: 0000000000000000",
                    "CapBnd: 0000000000000000", "CapAmb: 0000000000000000", "NoNewPrivs: 1");
        }
    }

    @Test
    void a_program_has_no_descriptor_of_the_monitors_and_the_environment_of_its_rule() throws Exception {
        try (Served served = served("user=64010 environment=PATH=/usr/bin:/bin,WORD /bin/sh -c *");
                Privileged privileged = served.privileged();
                RunningProgram program = privileged
                        .run(script("ls /proc/self/fd | tr '\\n' ' '; env | grep -v -e PWD -e _= | sort")
                                .environment("WORD", "a b"))) {
            // ls has the directory it lists open too, as the lowest free number.
            assertThat(read(program.stdout())).isEqualTo("0 1 2 3 PATH=/usr/bin:/bin\nWORD=a b\n");
        }
    }

    @Test
    void a_program_works_in_the_directory_the_child_asks_for_beneath_its_rules() throws Exception {
        Path work = Files.createDirectory(directory.resolve("work"));
        Files.createSymbolicLink(directory.resolve("link"), Path.of("/etc"));
        Files.setAttribute(directory, "unix:mode", 0711);
        Root.give(work, 64010);
        try (Served served = served("user=64010 under=" + directory + "/ /bin/sh -c *");
                Privileged privileged = served.privileged()) {
            try (RunningProgram program = privileged.run(script("pwd -P; echo x > made").directory(work))) {
                assertThat(read(program.stdout())).isEqualTo(work.toRealPath() + "\n");
                assertThat(program.waitFor().success()).isTrue();
            }
            assertThat(Root.owner(work.resolve("made"))).isEqualTo("64010:64010");
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.run(script("pwd").directory(directory.resolve("link"))))
                    .withMessageContaining("symbolic link")
                    .matches(e -> e.rule().startsWith("policy:1: run user=64010 "));
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.run(script("pwd").directory(Path.of("/etc"))));
        }
    }

    @Test
    void a_directory_on_what_is_mounted_beneath_is_refused_unless_the_rule_says_mounts() throws Exception {
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        Files.setAttribute(directory, "unix:mode", 0711);
        try (Root.Mounted _ = Root.Mounted.on(mounted)) {
            Path work = Files.createDirectory(mounted.resolve("work"));
            Root.give(work, 64009);
            try (Served served = served("user=64010 under=" + directory + "/ own=64009 /bin/sh -c *");
                    Privileged privileged = served.privileged()) {
                for (Path path : List.of(mounted, work))
                    assertThatExceptionOfType(IOException.class).as(path.toString())
                            .isThrownBy(() -> privileged.run(script("pwd").directory(path)));
                assertThat(Root.owner(work)).isEqualTo("64009:64009");
            }
            try (Served served = served("user=64010 under=" + directory + "/ /bin/sh -c *");
                    Privileged privileged = served.privileged()) {
                for (Path path : List.of(mounted, work))
                    assertThatExceptionOfType(RefusedException.class).as(path.toString())
                            .isThrownBy(() -> privileged.run(script("pwd").directory(path)))
                            .withMessageContaining("something is mounted in the way");
            }
            try (Served served = served("user=64010 mounts own=64009 under=" + directory + "/ /bin/sh -c *");
                    Privileged privileged = served.privileged();
                    RunningProgram program = privileged.run(script("pwd -P").directory(work))) {
                assertThat(read(program.stdout())).isEqualTo(work.toRealPath() + "\n");
                program.waitFor();
                assertThat(Root.owner(work)).isEqualTo("64010:64010");
            }
        }
    }

    @Test
    void a_directory_is_not_made_the_runs_own_when_nobody_waits_any_more() throws Exception {
        Path work = Files.createDirectory(directory.resolve("work"));
        Root.give(work, 64009);
        Policy policy = Policy.of("run user=64010 under=" + directory + "/ own=64009 /bin/sh -c *");
        RunProgram request = script("true").directory(work).request();
        Permit<RunProgram, RunProgram.Rule> permit = Permits.of(policy, request, () -> true);
        assertThatExceptionOfType(ErrnoException.class)
                .isThrownBy(() -> RunProgram.perform(permit))
                .matches(e -> e.name().equals("ETIMEDOUT"));
        assertThat(Root.owner(work)).isEqualTo("64009:64009");
    }

    @Test
    void runs_that_overlap_have_different_uids_and_one_too_many_is_told_to_come_again() throws Exception {
        try (Served served = served("users=64010-64012 /bin/sh -c *"); Privileged privileged = served.privileged()) {
            List<RunningProgram> running = new ArrayList<>();
            Set<Long> uids = new HashSet<>();
            for (int i = 0; i < 3; i++) {
                running.add(privileged.run(script("read x")));
                uids.add(running.getLast().uid());
            }
            assertThat(uids).containsExactlyInAnyOrder(64010L, 64011L, 64012L);
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> privileged.run(script("true")))
                    .withMessageContaining("every uid of 64010-64012 is taken").matches(e -> e.name().equals("EAGAIN"));
            running.get(1).close();
            running.get(1).waitFor();
            try (RunningProgram again = privileged.run(script("exit 3"))) {
                assertThat(again.uid()).isEqualTo(running.get(1).uid());
                assertThat(again.waitFor().code()).isEqualTo(3);
            }
            running.forEach(RunningProgram::close);
        }
    }

    @Test
    void as_many_programs_as_the_limits_say_run_at_once_and_one_more_is_told_to_come_again() throws Exception {
        Limits two = new Limits(1000, 200, 256, 2, 3, 8, 20, Duration.ofSeconds(30), Duration.ofSeconds(10));
        try (Served served = Served.by(Policy.of("run user=64010 /bin/sh -c *"), monitor -> monitor.limits(two));
                Privileged privileged = served.privileged();
                RunningProgram first = privileged.run(script("read x"));
                RunningProgram second = privileged.run(script("read x"))) {
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> privileged.run(script("true")))
                    .withMessageContaining("more than 2 programs at once").matches(e -> e.name().equals("EAGAIN"));
            first.kill(9);
            first.waitFor();
            try (RunningProgram again = privileged.run(script("exit 3"))) {
                assertThat(again.waitFor().code()).isEqualTo(3);
            }
            assertThat(second.waitFor(Duration.ZERO)).as("the other runs on").isEmpty();
        }
    }

    @Test
    void what_a_program_leaves_running_is_gone_before_its_end_is_told() throws Exception {
        try (Served served = served("users=64010-64010 environment=PATH=/usr/bin:/bin /bin/sh -c *");
                Privileged privileged = served.privileged();
                RunningProgram program = privileged.run(script(
                        "setsid sh -c 'trap \"\" TERM HUP; echo $$; sleep 1000 & exec sleep 1000' & read x"))) {
            ByteBuffer pid = ByteBuffer.allocate(20);
            try (FdChannel stdout = new FdChannel(program.stdout().dup())) {
                stdout.read(pid);
            }
            Path left = Path.of("/proc/" + StandardCharsets.UTF_8.decode(pid.flip()).toString().strip());
            assertThat(left).exists();
            program.stdin().close();
            assertThat(program.waitFor().code()).isEqualTo(1);
            assertThat(UserProcesses.exist(64010)).isFalse();
            // Every end of the pipe is closed with them.
            assertThat(read(program.stdout())).isEmpty();
        }
    }

    /** Starts another and ends, thousands of times a second: whoever is found has gone. Ends by itself after a while. */
    private static final String COMET = """
            lives=$1
            f() {
                if [ "$1" -gt 0 ]; then f $(($1 - 1)) & else exec sh "$0" $((lives - 1)); fi
            }
            [ "$lives" -gt 0 ] && f 100
            """;

    @Test
    void what_starts_processes_faster_than_they_are_found_is_gone_with_its_program() throws Exception {
        Path comet = Files.writeString(directory.resolve("comet"), COMET);
        Files.setAttribute(directory, "unix:mode", 0711);
        try (CapturedLog left = new CapturedLog(UserPool.class);
                Served served = served("users=64010-64010 environment=PATH=/usr/bin:/bin /bin/sh -c *");
                Privileged privileged = served.privileged();
                RunningProgram program = privileged.run(script(
                        "for i in 1 2 3; do sh " + comet + " 150 & done; echo started; read x"))) {
            try (FdChannel stdout = new FdChannel(program.stdout().dup())) {
                stdout.read(ByteBuffer.allocate(20));
            }
            program.stdin().close();
            program.waitFor();
            assertThat(left.lines()).isEmpty();
            // All of them have its other end.
            assertThat(Readiness.READABLE.isNow(program.stdout().intValue())).as("nobody is left to write").isTrue();
        }
    }

    @Test
    void the_processes_of_a_user_are_killed_although_no_descriptor_is_free_to_look_for_them() throws Exception {
        assertThat(killed(() -> UserProcesses.end(64010)).signal()).as("first, for the classes").isEqualTo(9);
        assertThat(killed(() -> DescriptorLimit.whileNoneIsFree(() -> {
            try {
                return UserProcesses.end(64010);
            } catch (FileSystemException _) {
                return false;
            }
        })).signal()).isEqualTo(9);
    }

    private static Child.ExitStatus killed(Callable<Boolean> end) throws Exception {
        Child child = Permits.start(Child.of(Path.of("/bin/sleep"), "1000"), 64010, 64010);
        end.call();
        return child.waitFor();
    }

    @Test
    void the_processes_of_another_user_are_not_killed() throws Exception {
        Child stranger;
        try (Fd.Pair pipe = Fd.pipe()) {
            stranger = Permits.start(Child.of(SH, "-c", "read x").descriptor(0, pipe.first()), 64011, 64010);
            assertThat(UserProcesses.end(64010)).isTrue();
            assertThat(stranger.waitFor(Duration.ZERO)).isEmpty();
        }
        stranger.waitFor();
    }

    @Test
    void a_uid_is_not_handed_out_again_while_its_program_is_not_started_yet() throws Exception {
        UserPool users = new UserPool();
        IdRange one = IdRange.of(64010);
        assertThat(users.take(one)).hasValue(64010);
        assertThat(users.take(one)).isEmpty();
        users.give(64010);
        assertThat(users.take(one)).hasValue(64010);
        users.give(64010);
    }

    /** The sweep after a run would else end a run of another role, or remove its files. */
    @Test
    void a_uid_is_not_handed_out_by_two_pools_at_once_nor_while_one_of_them_sweeps_it() throws Exception {
        IdRange one = IdRange.of(64010);
        UserPool second = new UserPool(_ -> true, TimeSource.SYSTEM);
        List<OptionalInt> meanwhile = new ArrayList<>();
        UserPool first = new UserPool(_ -> meanwhile.add(second.take(one)), TimeSource.SYSTEM);
        assertThat(first.take(one)).hasValue(64010);
        assertThat(second.take(one)).isEmpty();
        first.give(64010);
        assertThat(meanwhile).containsExactly(OptionalInt.empty(), OptionalInt.empty());
        assertThat(second.take(one)).hasValue(64010);
        assertThat(first.take(one)).isEmpty();
        second.give(64010);
        assertThat(first.take(one)).hasValue(64010);
        first.give(64010);
    }

    @Test
    void a_uid_is_swept_before_its_first_run_and_after_each() throws Exception {
        List<Integer> swept = new ArrayList<>();
        UserPool users = new UserPool(swept::add, TimeSource.SYSTEM);
        IdRange one = IdRange.of(64010);
        for (int i = 0; i < 3; i++) {
            assertThat(users.take(one)).hasValue(64010);
            assertThat(swept).hasSize(i + 1);
            users.give(64010);
            assertThat(swept).hasSize(i + 2);
        }
    }

    @Test
    void a_file_that_is_left_writes_its_name_into_one_line_of_the_log() throws Exception {
        try (CapturedLog errors = new CapturedLog(UserPool.class)) {
            UserPool users = new UserPool(_ -> {
                throw new ErrnoException("unlinkat", "a\nSEVERE forged\u001b[31m\u2028", 1);
            }, TimeSource.SYSTEM);
            assertThat(users.take(IdRange.of(64010))).isEmpty();
            assertThat(errors.lines()).singleElement().asString()
                    .contains("something of it is left", "unlinkat(a?SEVERE forged?[31m?)");
        }
    }

    @Test
    void a_run_of_a_monitor_that_has_just_started_finds_nothing_of_those_before_it() throws Exception {
        Path left = Path.of("/tmp/imsg-left-" + ProcessHandle.current().pid());
        Files.writeString(left, "of a run before");
        try {
            Root.give(left, 64010);
            try (Served served = served("users=64010-64010 /bin/sh -c *");
                    Privileged privileged = served.privileged();
                    RunningProgram program = privileged.run(script("test -e " + left))) {
                assertThat(program.waitFor().code()).isEqualTo(1);
            }
        } finally {
            Files.deleteIfExists(left);
        }
    }

    @Test
    void a_uid_of_which_something_is_left_is_swept_again_later_and_not_by_everyone_at_once() throws Exception {
        ManualTime time = new ManualTime();
        List<Integer> swept = new ArrayList<>();
        Set<Integer> stubborn = new HashSet<>(Set.of(64010, 64011));
        UserPool users = new UserPool(uid -> {
            swept.add(uid);
            if (stubborn.contains(uid))
                throw new IOException("not in ten seconds");
            return true;
        }, time);
        IdRange two = new IdRange(64010, 64011);
        try (CapturedLog errors = new CapturedLog(UserPool.class)) {
            assertThat(users.take(two)).as("an attempt, in vain").isEmpty();
            assertThat(users.take(two)).as("another, in vain").isEmpty();
            assertThat(swept).containsExactly(64010, 64011);
            assertThat(users.take(two)).as("too early").isEmpty();
            time.advance(Duration.ofSeconds(61).toNanos());
            assertThat(users.take(two)).as("one attempt, in vain").isEmpty();
            assertThat(swept).hasSize(3);
            stubborn.clear();
            assertThat(users.take(two)).as("the other one").isPresent();
            assertThat(users.take(two)).as("the first is too early again").isEmpty();
            time.advance(Duration.ofSeconds(61).toNanos());
            assertThat(users.take(two)).isPresent();
            assertThat(swept).hasSize(5);
            assertThat(users.take(two)).as("both are taken").isEmpty();
            assertThat(errors.lines()).hasSize(3);
            users.give(64010);
            users.give(64011);
        }
    }

    /** The directory may hold files of every user, and its owner may make more of them than there is time to look at. */
    @Test
    void a_run_whose_files_keep_other_uids_from_being_swept_is_ended_and_its_files_go_with_theirs() throws Exception {
        List<Set<Integer>> removed = new ArrayList<>();
        Set<Integer> many = new HashSet<>();
        UserPool users = new UserPool(uids -> {
            removed.add(uids);
            for (int uid : many)
                throw new UserFiles.TooManyException("a file", uid);
        });
        try (CapturedLog told = new CapturedLog(UserPool.class); Fd.Pair pipe = Fd.pipe()) {
            assertThat(users.take(IdRange.of(64010))).hasValue(64010);
            Child run = Permits.start(Child.of(SH, "-c", "read x").descriptor(0, pipe.first()), 64010, 64010);
            many.add(64010);
            assertThat(users.take(IdRange.of(64011))).isEmpty();
            assertThat(run.waitFor()).isEqualTo(new Child.ExitStatus(-1, 9));
            users.give(64010);
            assertThat(told.lines()).hasSize(3).first().asString().contains("the run with uid 64010 is ended");
            many.clear();
            assertThat(users.take(IdRange.of(64012))).hasValue(64012);
            users.give(64012);
        }
        assertThat(removed).containsExactly(Set.of(64010), Set.of(64011), Set.of(64010, 64011),
                Set.of(64010, 64011, 64012), Set.of(64010, 64011, 64012));
    }

    @Test
    void the_user_is_found_among_whose_files_the_time_is_over() throws Exception {
        Root.give(Files.createFile(directory.resolve("file")), 64010);
        assertThatExceptionOfType(UserFiles.TooManyException.class).isThrownBy(
                () -> UserFiles.remove(Set.of(64011), List.of(directory.toString()), Duration.ofSeconds(-1)))
                .satisfies(e -> assertThat(e.uid).isEqualTo(64010));
        UserFiles.remove(Set.of(64010, 64011), List.of(directory.toString()), Duration.ofSeconds(30));
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void a_uid_that_has_a_process_of_somebody_elses_is_passed_over() throws Exception {
        Child stranger;
        try (Fd.Pair pipe = Fd.pipe();
                Served served = served("users=64010-64011 /bin/sh -c *");
                Privileged privileged = served.privileged()) {
            stranger = Permits.start(Child.of(SH, "-c", "read x").descriptor(0, pipe.first()), 64010, 64010);
            try (RunningProgram program = privileged.run(script("exit 0"))) {
                assertThat(program.uid()).isEqualTo(64011);
                assertThat(stranger.waitFor(Duration.ZERO)).isEmpty();
            }
        }
        stranger.waitFor();
    }

    @Test
    void a_program_is_killed_with_the_signal_the_child_asks_for() throws Exception {
        try (Served served = served("user=64010 /bin/sh -c *");
                Privileged privileged = served.privileged();
                RunningProgram program = privileged.run(script("read x"))) {
            program.kill(15);
            assertThat(program.waitFor()).isEqualTo(new Child.ExitStatus(-1, 15));
        }
    }

    @Test
    void a_program_ends_with_its_time() throws Exception {
        try (Served served = served("user=64010 /bin/sh -c *");
                Privileged privileged = served.privileged();
                RunningProgram program = privileged.run(script("read x").time(Duration.ofMillis(50)))) {
            assertThat(program.waitFor()).isEqualTo(new Child.ExitStatus(-1, 9));
        }
    }

    @Test
    void programs_end_with_the_child_that_asked_for_them() throws Exception {
        Path proc;
        try (Served served = served("users=64010-64012 /bin/sh -c *")) {
            Privileged privileged = served.privileged();
            RunningProgram program = privileged.run(script("read x"));
            proc = Path.of("/proc/" + program.pid());
            assertThat(proc).exists();
            privileged.close();
            served.end();
            assertThatExceptionOfType(IOException.class).isThrownBy(program::waitFor);
            program.close();
        }
        assertThat(proc).doesNotExist();
    }

    @Test
    void a_program_that_is_not_there_is_an_error_and_gives_its_uid_back() throws Exception {
        try (Served served = Served
                .by(Policy.of("run users=64010-64010 /nowhere/prog", "run users=64010-64010 /bin/sh ..."));
                Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> privileged.run(Program.of(Path.of("/nowhere/prog"))))
                    .withMessageContaining("posix_spawn(/nowhere/prog): ENOENT");
            try (RunningProgram program = privileged.run(script("exit 0"))) {
                assertThat(program.waitFor().success()).isTrue();
            }
        }
    }

    @Test
    void requests_are_answered_while_a_program_runs() throws Exception {
        try (Served served = Served.by(Policy.of("run user=64010 /bin/sh -c *", "lookup user"));
                Privileged privileged = served.privileged();
                RunningProgram program = privileged.run(script("read x"))) {
            assertThat(privileged.lookups().user("root")).isPresent();
            assertThat(program.waitFor(Duration.ZERO)).isEmpty();
        }
    }

    private String output(Policy policy, String script) throws IOException {
        try (Served served = Served.by(policy);
                Privileged privileged = served.privileged();
                RunningProgram program = privileged.run(script(script))) {
            String output = read(program.stdout());
            program.waitFor();
            return output;
        }
    }

    private static String limit(String limits, String name) {
        return limits.lines().filter(line -> line.startsWith(name)).findFirst().orElseThrow().replaceAll(" +", " ");
    }

    @Test
    void a_program_has_the_limits_of_its_rule_and_safe_ones_where_the_rule_says_nothing() throws Exception {
        String usual = output(Policy.of("run user=64010 /bin/sh -c *"), "exec /bin/cat /proc/self/limits");
        assertThat(limit(usual, "Max cpu time")).startsWith("Max cpu time 600 600");
        assertThat(limit(usual, "Max processes")).startsWith("Max processes 256 256");
        assertThat(limit(usual, "Max core file size")).startsWith("Max core file size 0 0");
        assertThat(limit(usual, "Max file size")).startsWith("Max file size 2147483648 2147483648");
        String own = output(Policy.of("run user=64010 nofile=100 nproc=20 cpu=7 fsize=1M core=0 memlock=64K data=512M "
                + "/bin/sh -c *"), "exec /bin/cat /proc/self/limits");
        assertThat(limit(own, "Max open files")).startsWith("Max open files 100 100");
        assertThat(limit(own, "Max processes")).startsWith("Max processes 20 20");
        assertThat(limit(own, "Max cpu time")).startsWith("Max cpu time 7 7");
        assertThat(limit(own, "Max file size")).startsWith("Max file size 1048576 1048576");
        assertThat(limit(own, "Max locked memory")).startsWith("Max locked memory 65536 65536");
        assertThat(limit(own, "Max data size")).startsWith("Max data size 536870912 536870912");
    }

    @Test
    void a_limit_that_is_no_number_is_a_fault_of_the_policy() {
        assertThatExceptionOfType(PolicyException.class).isThrownBy(() -> Policy.of("run user=1 nproc=many /bin/sh"))
                .withMessageContaining("expected a number such as 256 or 2G, or unlimited, not many");
        assertThatExceptionOfType(PolicyException.class)
                .isThrownBy(() -> Policy.of("run user=1 fsize=16777216T /bin/sh"))
                .withMessageContaining("expected at most 9223372036854775807, not 16777216T");
    }

    @Test
    void a_fork_bomb_ends_with_its_time_and_others_are_answered_meanwhile() throws Exception {
        Policy policy = Policy.of("run users=64010-64012 nproc=60 time=2 /bin/sh -c *", "lookup user");
        Monitor monitor = Monitor.of(policy);
        try (Served bomber = Served.by(monitor, "bomber");
                Served sister = Served.by(monitor, "sister");
                Privileged privileged = bomber.privileged();
                Privileged good = sister.privileged();
                RunningProgram bomb = privileged
                        .run(script("exec 2>/dev/null; (while :; do (exec sleep 1000) & done) & exec sleep 1000"))) {
            int answered = 0;
            while (bomb.waitFor(Duration.ofMillis(20)).isEmpty()) {
                assertThat(good.within(Duration.ofSeconds(5)).lookups().user("root")).isPresent();
                answered++;
            }
            assertThat(bomb.waitFor()).isEqualTo(new Child.ExitStatus(-1, 9));
            assertThat(answered).isPositive();
            assertThat(UserProcesses.exist((int) bomb.uid())).isFalse();
            try (RunningProgram next = good.run(script("exit 3"))) {
                assertThat(next.waitFor().code()).isEqualTo(3);
            }
        }
    }

    @Test
    void a_fork_bomb_that_leaves_the_monitor_no_thread_ends_with_its_time_and_the_next_program_runs() throws Exception {
        Path pids = Path.of("/sys/fs/cgroup/pids");
        assumeThat(pids).as("a hierarchy of pids limits").isWritable();
        Path group = Files.createDirectory(pids.resolve("imsg-crowded-" + ProcessHandle.current().pid()));
        try {
            Path logging = Files.writeString(directory.resolve("logging.properties"),
                    "handlers=java.util.logging.ConsoleHandler\njava.util.logging.ConsoleHandler.level=ALL\n"
                            + UserProcesses.class.getName() + ".level=ALL\n");
            assertThat(new ChildJvm().option("-Djava.util.logging.config.file=" + logging).run(CrowdedMonitor.class,
                    group.toString()))
                    .contains("first 3", "bomb 9", "left false", "next 3")
                    .doesNotContain("[max 0]", "no thread to kill");
        } finally {
            Files.delete(group);
        }
    }

    @Test
    void a_run_with_the_uid_of_an_earlier_one_finds_nothing_of_it() throws Exception {
        Policy policy = Policy.of("run users=64010-64010 environment=PATH=/usr/bin:/bin /bin/sh -c *");
        Path shared = Files.createDirectory(Path.of("/tmp/imsg-shared-" + ProcessHandle.current().pid()));
        try {
            Files.setAttribute(shared, "unix:mode", 01777);
            assertThat(output(policy, "umask 077; for d in /tmp /dev/shm /var/tmp " + shared + "; do "
                    + "mkdir -p $d/imsg-token-dir/deep && echo secret > $d/imsg-token-dir/deep/token && echo made; done; "
                    + "ipcmk -M 4096 >/dev/null && ipcs -m | grep -c 64010"))
                    .isEqualTo("made\n".repeat(4) + "1\n");
            assertThat(output(policy, "cat /tmp/imsg-token-dir/deep/token /dev/shm/imsg-token-dir/deep/token "
                    + "/var/tmp/imsg-token-dir/deep/token " + shared + "/imsg-token-dir/deep/token 2>/dev/null; "
                    + "ipcs -m | grep -c 64010; ls -d /tmp/imsg-token* /dev/shm/imsg-token* 2>/dev/null"))
                    .isEqualTo("0\n");
            assertThat(shared).isEmptyDirectory();
        } finally {
            Files.deleteIfExists(shared);
        }
    }

    /** Keys have no namespace: those of a user outlive its processes. */
    @Test
    void a_run_leaves_no_key_to_the_next_with_its_uid() throws Exception {
        Policy policy = Policy.of("run users=64010-64010 /bin/sh -c *");
        LinuxSyscalls calls = LinuxSyscalls.host();
        String add = "exec /usr/bin/perl -e 'my ($type, $name, $key) = (qw(user imsg secret)); "
                + "print syscall(%d, $type, $name, $key, 6, -4) > 0 ? q(kept) : $!'";
        String find = "exec /usr/bin/perl -e 'my ($type, $name) = (qw(user imsg)); "
                + "print syscall(%d, 10, -4, $type, $name, 0) > 0 ? q(found) : $!'";
        assertThat(output(policy, add.formatted(calls.number("add_key")))).isEqualTo("Permission denied");
        assertThat(output(policy, find.formatted(calls.number("keyctl")))).isEqualTo("Permission denied");
    }

    @Test
    void a_program_keeps_the_promises_of_its_rule_and_sees_the_paths_it_unveils() throws Exception {
        Path hidden = Files.writeString(Files.createDirectory(directory.resolve("hidden")).resolve("file"), "hidden");
        Path shown = Files.writeString(Files.createDirectory(directory.resolve("shown")).resolve("file"), "shown");
        Files.setAttribute(shown, "unix:mode", 0666);
        Files.setAttribute(directory, "unix:mode", 0711);
        String rule = "run user=64010 unveil=/usr:rx,/bin:rx,/lib:rx,/lib64:rx,/etc:r,/dev:rw," + shown.getParent()
                + ":rw promises=stdio,rpath,proc,exec /bin/sh -c *";
        assertThat(output(Policy.of(rule),
                "exec 2>&1; /bin/cat " + hidden + "; echo x > " + shown + "; /bin/cat " + shown))
                .contains(hidden + ": Permission denied", "cannot create " + shown, "shown").doesNotContain("hidden\n");
        assertThatExceptionOfType(PolicyException.class)
                .isThrownBy(() -> Policy.of("run user=1 unveil=/usr:q /bin/sh", "run user=1 promises=all /bin/sh"))
                .withMessageContaining("expected PATH:rwcx for unveil, not /usr:q")
                .withMessageContaining("policy:2: expected stdio, rpath");
    }

    @Test
    void a_program_gives_way_as_its_rule_says() throws Exception {
        assertThat(output(Policy.of("run user=64010 nice=4 /bin/sh -c *"), "echo $(($(nice) - $(ps -o ni= $PPID)))"))
                .isEqualTo("4\n");
        assertThatExceptionOfType(PolicyException.class)
                .isThrownBy(() -> Policy.of("run user=1 nice=20 /bin/sh", "run user=1 nice=-1 /bin/sh"))
                .withMessageContaining("policy:1: expected 0 to 19 for nice, not 20")
                .withMessageContaining("policy:2: expected 0 to 19 for nice, not -1");
    }

    @Test
    void a_program_has_the_namespaces_of_its_rule() throws Exception {
        assertThat(output(Policy.of("run user=64010 namespaces=net /bin/sh -c *"),
                "exec /bin/cat /proc/self/net/dev").lines().filter(line -> line.contains(":"))).hasSize(1);
    }

    @Test
    void a_program_has_the_descriptors_that_the_child_hands_over_and_the_monitor_keeps_none() throws Exception {
        try (Served served = served("user=64010 descriptors=3-9 /bin/sh -c *");
                Privileged privileged = served.privileged();
                Fd.Pair in = Fd.pipe();
                Fd.Pair out = Fd.pipe()) {
            Program program = script("read x <&9; echo \"got $x\" >&3; exec 3>&-; read y")
                    .descriptor(3, out.second()).descriptor(9, in.first());
            try (RunningProgram running = privileged.run(program); FdChannel writer = new FdChannel(in.second())) {
                out.second().close();
                writer.write(ByteBuffer.wrap("word\n".getBytes(StandardCharsets.UTF_8)));
                // Its end comes while the program runs on: no process has the other end any more.
                assertThat(read(out.first())).isEqualTo("got word\n");
                assertThat(running.waitFor(Duration.ZERO)).isEmpty();
            }
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.run(script("true").descriptor(10, in.first())))
                    .withMessageContaining("does not allow the descriptor 10");
        }
        assertThatExceptionOfType(PolicyException.class)
                .isThrownBy(() -> Policy.of("run user=1 descriptors=2-9 /bin/sh", "run user=1 descriptors=9-3 /bin/sh",
                        "run user=1 descriptors=root /bin/sh", "run user=1 descriptors=3-256 /bin/sh"))
                .matches(e -> e.getMessage().lines().count() == 4);
        assertThatIllegalArgumentException().isThrownBy(() -> script("true").descriptor(2, null));
    }

    /** They share their user, so nothing else tells what is whose. */
    @Test
    void what_a_run_leaves_in_its_control_group_is_gone_with_it_and_another_run_of_its_user_goes_on() throws Exception {
        try (TestControlGroups place = TestControlGroups.make()) {
            ControlGroups groups = ControlGroups.in(place.directory);
            Policy policy = Policy.of("run user=64010 environment=PATH=/usr/bin:/bin descriptors=3 /bin/sh -c *");
            try (Served served = Served.by(policy, monitor -> monitor.controlGroups(groups));
                    Privileged privileged = served.privileged();
                    Fd.Pair life = Fd.pipe();
                    RunningProgram other = privileged.run(script("read x"))) {
                try (RunningProgram program = privileged.run(script(
                        "grep -c imsg /proc/self/cgroup; setsid sh -c 'trap \"\" TERM HUP; exec sleep 1000' & read x")
                        .descriptor(3, life.second()))) {
                    life.second().close();
                    program.stdin().close();
                    assertThat(program.waitFor().code()).isEqualTo(1);
                    assertThat(read(life.first())).as("every end of the pipe is closed").isEmpty();
                    assertThat(read(program.stdout())).isEqualTo("1\n");
                }
                assertThat(other.waitFor(Duration.ZERO)).isEmpty();
            }
            assertThat(place.groups()).isEmpty();
        }
    }

    @Test
    void limits_of_a_control_group_are_refused_where_the_monitor_makes_none() throws Exception {
        try (Served served = served("user=64010 memory.max=512M pids.max=100 cpu.max=0.5 /bin/sh -c *");
                Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(IOException.class).isThrownBy(() -> privileged.run(script("true")))
                    .withMessage("control groups: the line limits a run by {cpu.max=50000 100000, "
                            + "memory.max=536870912, pids.max=100}, and its monitor was given no directory for "
                            + "control groups");
        }
        assertThatExceptionOfType(PolicyException.class)
                .isThrownBy(() -> Policy.of("run user=1 cpu.max=half /bin/sh", "run user=1 pids.max=0 /bin/sh",
                        "run user=1 memory.max=-1 /bin/sh"))
                .withMessageContaining("expected a number of processors such as 0.5, not half")
                .matches(e -> e.getMessage().lines().count() == 3);
    }

    /** What it takes to start a shell: setpriv(1) and prlimit(1) besides, and their libraries. */
    private void fill(Path root) throws Exception {
        Process copy = new ProcessBuilder("/bin/sh", "-c", "mkdir -p $1/usr/bin $1/bin; "
                + "for f in setpriv prlimit sh cat; do cp -L $(command -v $f) $1/usr/bin/; ln -f $1/usr/bin/$f $1/bin/; "
                + "for lib in $(ldd $(command -v $f) | grep -o '/[^ ]*'); do mkdir -p $1/${lib%/*}; cp -L $lib $1/$lib; "
                + "done; done", "fill", root.toString()).inheritIO().start();
        assertThat(copy.waitFor()).isZero();
    }

    @Test
    void a_program_of_a_chroot_runs_in_its_root_and_finds_nothing_of_what_is_outside() throws Exception {
        Path outside = Files.writeString(directory.resolve("outside"), "secret");
        Path root = Files.createDirectory(directory.resolve("root"));
        fill(root);
        Files.writeString(root.resolve("inside"), "shown\n");
        Files.setAttribute(directory, "unix:mode", 0711);
        Policy policy = Policy.of("run users=64010-64010 chroot=" + root + " /bin/sh -c *");
        assertThat(output(policy, "exec 2>&1; cat inside; cd ../../..; echo /*; cat " + outside))
                .startsWith("shown\n/bin /inside /").contains(" /usr\n").contains("No such file")
                .doesNotContain("secret", "/proc", "/etc");
        try (Served served = Served.by(policy); Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.run(script("true").directory(Path.of("/inside"))))
                    .withMessageContaining("does not allow the directory /inside");
        }
        assertThatExceptionOfType(PolicyException.class)
                .isThrownBy(
                        () -> Policy.of("run user=1 chroot=/srv under=/srv/ /bin/sh", "run user=1 chroot=srv /bin/sh"))
                .withMessageContaining("expected either chroot= or under=")
                .withMessageContaining("a path begins with /, not srv");
    }

    @Test
    void a_directory_is_not_handed_to_a_program_for_it_is_a_way_out_of_a_chroot() throws Exception {
        Path root = Files.createDirectory(directory.resolve("root"));
        fill(root);
        Files.setAttribute(directory, "unix:mode", 0711);
        try (Served served = served("user=64010 descriptors=3 chroot=" + root + " /bin/sh -c *");
                Privileged privileged = served.privileged();
                Fd outside = Fd.open(Path.of("/"))) {
            assertThatExceptionOfType(RefusedException.class)
                    .isThrownBy(() -> privileged.run(script("true").descriptor(3, outside)))
                    .withMessageContaining("descriptor 3 is a directory");
        }
    }

    /** The threads that start children take turns, and the supervising thread is one of them. */
    @Test
    void however_many_programs_a_child_runs_at_once_one_of_them_starts_at_a_time() throws Exception {
        AtomicInteger starting = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Host.Launcher counting = (program, confinement) -> {
            most.accumulateAndGet(starting.incrementAndGet(), Math::max);
            try {
                return confinement.spawn(program);
            } finally {
                starting.decrementAndGet();
            }
        };
        try (Served served = Served.by(Policy.of("run user=64010 /bin/sh -c *"), monitor -> monitor.launcher(counting));
                Privileged privileged = served.privileged();
                ExecutorService runs = Executors.newFixedThreadPool(16)) {
            List<Future<Child.ExitStatus>> ended = runs.invokeAll(Collections.nCopies(48, () -> {
                try (RunningProgram program = privileged.run(script("exit 7"))) {
                    return program.waitFor();
                }
            }));
            for (Future<Child.ExitStatus> each : ended)
                assertThat(each.get()).isEqualTo(new Child.ExitStatus(7, 0));
        }
        assertThat(most).hasValue(1);
    }
}
