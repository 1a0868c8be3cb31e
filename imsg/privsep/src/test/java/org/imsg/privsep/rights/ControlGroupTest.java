package org.imsg.privsep.rights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.ClosedFileSystemException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.imsg.testing.Call;
import org.imsg.testing.ChildJvm;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The groups that children are put into, on a machine where root may make some. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ControlGroupTest {
    private static final Confinement STRANGER = Confinement.none().to(Ids.of(64020, 64020)).boundingSet();

    private TestControlGroups place;
    private ControlGroups groups;

    @BeforeEach
    void asRoot() throws IOException {
        assumeThat(Ids.current().isRoot()).as("root, who may make control groups").isTrue();
        place = TestControlGroups.make();
        groups = ControlGroups.in(place.directory);
    }

    @AfterEach
    void nothingIsLeft() throws IOException {
        if (place == null)
            return;
        assertThat(place.groups()).isEmpty();
        place.close();
    }

    private static Child.Builder shell(String script) {
        return Child.of(Path.of("/bin/sh"), "-c", script).environment("PATH", "/usr/bin:/bin");
    }

    /** What a script prints, in a group. */
    private static String output(Confinement confinement, ControlGroup group, String script) throws Exception {
        try (Fd.Pair pipe = Fd.pipe(); Fd.Pair none = Fd.pipe()) {
            Child child = confinement.controlGroup(group)
                    .spawn(shell(script).descriptor(0, none.first()).descriptor(1, pipe.second()));
            pipe.second().close();
            StringBuilder text = new StringBuilder();
            try (FdChannel output = new FdChannel(pipe.first())) {
                ByteBuffer bytes = ByteBuffer.allocate(4096);
                while (output.read(bytes) >= 0) {
                    text.append(StandardCharsets.UTF_8.decode(bytes.flip()));
                    bytes.clear();
                }
            }
            child.waitFor();
            return text.toString();
        }
    }

    @Test
    void all_in_a_group_are_ended_and_it_is_removed_although_no_descriptor_is_free() throws Exception {
        // The first time for the classes.
        assertThat(killed(group -> {
            group.close();
            return group;
        })).isEqualTo(9);
        assertThat(killed(group -> DescriptorLimit.whileNoneIsFree(() -> {
            group.close();
            return group;
        }))).isEqualTo(9);
        assertThat(place.groups()).isEmpty();
    }

    private interface Closing {
        ControlGroup close(ControlGroup group) throws Exception;
    }

    /** The signal that ends a process of a group. */
    private int killed(Closing closing) throws Exception {
        ControlGroup group = groups.make("trial", GroupLimits.none());
        Child child = STRANGER.controlGroup(group).spawn(shell("exec sleep 1000"));
        // It moves itself, and would fail to if the group were gone before.
        while (group.pids().isEmpty())
            Thread.onSpinWait();
        closing.close(group);
        return child.waitFor().signal();
    }

    /** Processes that began before it was moved would be outside: one in two was, when the parent moved it. */
    @Test
    void a_program_and_all_that_it_starts_are_in_its_group_from_their_first_instruction_on() throws Exception {
        for (Confinement confinement : new Confinement[]{STRANGER, Confinement.none(),
                STRANGER.limit(Resource.NPROC, 50).promise(Promise.RPATH, Promise.PROC, Promise.EXEC, Promise.ID)})
            for (int i = 0; i < 5; i++)
                try (ControlGroup group = groups.make("trial", GroupLimits.none())) {
                    assertThat(output(confinement, group,
                            "grep ^0: /proc/self/cgroup & grep ^0: /proc/self/cgroup; wait"))
                            .isEqualTo(("0::/" + place.name() + "/" + group.toString().replaceFirst(".*/", "") + "\n")
                                    .repeat(2));
                }
    }

    @Test
    void a_program_is_left_no_descriptor_to_move_others_by() throws Exception {
        try (ControlGroup group = groups.make("trial", GroupLimits.none()); Fd file = Fd.open(Path.of("/dev/null"))) {
            assertThat(output(STRANGER, group, "ls /proc/self/fd | tr '\\n' ' '")).isEqualTo("0 1 2 3 ");
            assertThat(output(STRANGER, group, "echo 0 2>/dev/null > /sys/fs/cgroup/unified/cgroup.procs && echo out"))
                    .isEmpty();
            Child.Builder full = shell("true");
            for (int number = 3; number < 10; number++)
                full.descriptor(number, file);
            assertThatIllegalArgumentException().isThrownBy(() -> STRANGER.controlGroup(group).spawn(full))
                    .withMessage("no number from 3 to 9 is free to wait for the control group by");
        }
    }

    /** The shell before the program is of the child's user, whose other processes may take its descriptors. */
    @Test
    void a_shell_that_waits_for_its_group_holds_nothing_that_moves_a_process(@TempDir Path files) throws Exception {
        Path procs = files.resolve("cgroup.procs");
        assertThat(new ProcessBuilder("mkfifo", procs.toString()).start().waitFor()).isZero();
        // Full: a write to it waits until it is read.
        try (RandomAccessFile full = new RandomAccessFile(procs.toFile(), "rw");
                Fd.Pair input = Fd.pipe()) {
            full.write(new byte[1 << 16]);
            Call<Child> start = Call.start(Call.On.PLATFORM, () -> STRANGER.controlGroup(new ControlGroup(files))
                    .spawn(shell("read x").descriptor(0, input.first())));
            Path shell = Path.of("/proc/" + childCalled("sh"));
            try (Stream<Path> descriptors = Files.list(shell.resolve("fd"))) {
                for (Path each : descriptors.toList())
                    try {
                        assertThat(Files.readSymbolicLink(each)).isNotEqualTo(procs);
                    } catch (NoSuchFileException _) {
                        // A file the shell was just loaded from, closed since; what it was given stays open.
                    }
            } finally {
                full.readFully(new byte[1 << 16]);
                input.second().close();
                start.result().waitFor();
            }
        }
    }

    private static long childCalled(String name) throws IOException {
        for (;;)
            for (ProcessHandle each : ProcessHandle.current().children().toList())
                try {
                    if (Files.readString(Path.of("/proc/" + each.pid() + "/comm")).strip().equals(name))
                        return each.pid();
                } catch (IOException _) {
                    // It has ended: ENOENT, or ESRCH between open and read.
                }
    }

    /** As when there is no memory at that moment: here there is no file system any more. */
    @Test
    void a_child_that_cannot_be_moved_for_whatever_reason_is_killed(@TempDir Path files) throws Exception {
        FileSystem closed = FileSystems.newFileSystem(files.resolve("groups.zip"), Map.of("create", "true"));
        Path directory = closed.getPath("/group");
        closed.close();
        assertThatExceptionOfType(ClosedFileSystemException.class).isThrownBy(
                () -> STRANGER.controlGroup(new ControlGroup(directory)).spawnJava(shell("exec sleep 1000")));
        while (ProcessHandle.current().children().anyMatch(ProcessHandle::isAlive))
            Thread.onSpinWait();
    }

    @Test
    void a_program_that_cannot_get_into_its_group_does_not_run() throws Exception {
        ControlGroup group = groups.make("trial", GroupLimits.none());
        Path directory = Path.of(group.toString());
        // A group within one that is for threads has the file, but may be entered by none.
        ControlGroups.write(directory.resolve("cgroup.type"), "threaded");
        Path within = Files.createDirectory(directory.resolve("within"));
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> output(STRANGER, new ControlGroup(within), "echo ran"))
                .withMessageContaining("not supported");
        Files.delete(within);
        Files.delete(directory);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> STRANGER.controlGroup(group).spawn(shell("true")))
                .withMessageContaining("cgroup.procs");
        group.close();
    }

    /** It forks faster than its processes can be found. */
    @Test
    void a_fork_bomb_ends_with_its_group() throws Exception {
        ControlGroup group = groups.make("bomb", GroupLimits.none());
        Child bomb = Confinement.none().to(Ids.of(64021, 64021)).limit(Resource.NPROC, 100).limit(Resource.CPU, 10)
                .controlGroup(group).spawn(shell(
                        "f() { while :; do sh -c 'exec sleep 0.01' & done; }; f 2>/dev/null & f 2>/dev/null & exec sleep 1000"));
        try {
            // Not so many at once: where it gets little time, they end as fast as they come.
            Set<Long> seen = new HashSet<>();
            while (seen.size() < 20 && bomb.waitFor(Duration.ofMillis(1)).isEmpty())
                seen.addAll(group.pids());
        } finally {
            group.close();
        }
        assertThat(bomb.waitFor()).isEqualTo(new Child.ExitStatus(-1, 9));
        try (var processes = Files.list(Path.of("/proc"))) {
            assertThat(processes.filter(path -> path.getFileName().toString().matches("[0-9]+"))
                    .filter(ControlGroupTest::runsTheBomb)).isEmpty();
        }
    }

    private static boolean runsTheBomb(Path process) {
        try {
            String status = Files.readString(process.resolve("status"));
            return status.contains("Uid:\t64021") && !status.contains("State:\tZ");
        } catch (IOException _) {
            return false;
        }
    }

    /** As root, or where a directory was given to it, a process can make groups and move there. */
    @Test
    void processes_that_have_gone_into_a_group_within_end_with_it() throws Exception {
        ControlGroup group = groups.make("outer", GroupLimits.none());
        Path within = Files.createDirectories(Path.of(group.toString(), "inner", "innermost"));
        Child lives = shell("exec sleep 1000").start();
        lives.whileThere(new ControlGroup(within)::add);
        assertThat(group.pids()).isEmpty();
        group.close();
        assertThat(lives.waitFor()).isEqualTo(new Child.ExitStatus(-1, 9));
    }

    @Test
    void groups_that_a_run_before_has_left_are_killed_and_removed_and_those_of_this_one_are_not() throws Exception {
        Path left = Files.createDirectory(place.directory.resolve("imsg-4194305-1-left"));
        Child lives = shell("exec sleep 1000").start();
        new ControlGroup(left).add(lives.pid());
        Path strange = Files.createDirectory(place.directory.resolve("other"));
        try (ControlGroup mine = groups.make("mine", GroupLimits.none())) {
            ControlGroups.in(place.directory);
            assertThat(lives.waitFor()).isEqualTo(new Child.ExitStatus(-1, 9));
            assertThat(place.groups()).containsExactlyInAnyOrder("other", mine.toString().replaceFirst(".*/", ""));
        }
        Files.delete(strange);
    }

    @Test
    void a_directory_that_is_none_and_controllers_that_are_not_there_are_refused_with_the_reason(@TempDir Path other)
            throws Exception {
        assertThatExceptionOfType(PrivilegeException.class).isThrownBy(() -> ControlGroups.in(other))
                .withMessage("control groups in " + other
                        + ": it is no directory of a cgroup version 2 file system");
        assertThatExceptionOfType(PrivilegeException.class).isThrownBy(() -> ControlGroups.in(other.resolve("x")))
                .withMessageStartingWith("control groups in " + other + "/x: ");
        String there = Files.readString(place.directory.resolve("cgroup.controllers"));
        GroupLimits limits = GroupLimits.none().memory(1 << 20);
        if (!there.contains("memory")) {
            assertThat(groups.missing(limits)).singleElement().asString()
                    .startsWith("control groups in " + place.directory + ": of the controllers memory it has ")
                    .endsWith(": the others are in use by cgroup version 1, or were not given to it (systemd: "
                            + "Delegate=yes)");
            assertThatExceptionOfType(PrivilegeException.class).isThrownBy(() -> groups.make("trial", limits))
                    .withMessage(groups.missing(limits).getFirst());
        }
        assertThat(groups.missing(GroupLimits.none())).isEmpty();
    }

    /** Where version 1 has the controllers, as on many machines for tests, only the refusal can be tried. */
    private ControlGroup limited(GroupLimits limits) throws Exception {
        if (groups.missing(limits).isEmpty())
            return groups.make("trial", limits);
        assertThatExceptionOfType(PrivilegeException.class).isThrownBy(() -> groups.make("trial", limits))
                .withMessageContaining("of the controllers " + String.join(", ", limits.controllers()) + " it has ");
        return null;
    }

    @Test
    void processes_and_processors_are_limited_together_or_refused() throws Exception {
        try (ControlGroup group = limited(GroupLimits.none().pids(5).cpus(0.5))) {
            if (group == null)
                return;
            assertThat(Files.readString(Path.of(group.toString(), "pids.max"))).isEqualTo("5\n");
            assertThat(Files.readString(Path.of(group.toString(), "cpu.max"))).isEqualTo("50000 100000\n");
            assertThat(output(STRANGER, group,
                    "exec 2>/dev/null; for i in 1 2 3 4 5 6 7 8; do sleep 0.1 & done; wait; echo no")).isEmpty();
            assertThat(Files.readString(Path.of(group.toString(), "pids.events"))).doesNotContain("max 0");
        }
    }

    @Test
    void memory_is_limited_together_or_refused() throws Exception {
        try (ControlGroup group = limited(GroupLimits.none().memory(64 << 20))) {
            if (group == null)
                return;
            Child child = STRANGER.controlGroup(group).spawn(shell("exec head -c 200M /dev/zero | tail -c 200M"));
            assertThat(child.waitFor(Duration.ofSeconds(30)).orElseThrow().signal()).isEqualTo(9);
        }
    }

    /** Becomes another program, in a group. */
    static final class Executed {
        public static void main(String... arguments) throws Exception {
            ControlGroup group = new ControlGroup(Path.of(arguments[0]));
            Exec.of(Path.of("/bin/cat"), "/proc/self/cgroup").confined(STRANGER.controlGroup(group)).perform();
        }
    }

    @Test
    void a_program_that_becomes_another_takes_it_into_its_group() throws Exception {
        try (ControlGroup group = groups.make("executed", GroupLimits.none())) {
            assertThat(new ChildJvm().run(Executed.class, group.toString()))
                    .contains("0::/" + place.name() + "/" + group.toString().replaceFirst(".*/", "") + "\n");
        }
    }

    /** The program of a service with {@code Delegate=yes}. */
    static final class Delegated {
        public static void main(String... arguments) throws Exception {
            ControlGroups.write(Path.of(arguments[0], "cgroup.procs"), "0");
            ControlGroups own = ControlGroups.own();
            System.out.println("own " + own);
            own.enable(Set.of(arguments[1]));
            System.out.println(Files.readString(Path.of("/proc/self/cgroup")));
        }
    }

    /** A group with processes of its own can give its children no controllers. */
    @Test
    void a_program_that_has_its_own_group_moves_out_of_the_way_of_its_children() throws Exception {
        Path root = place.directory.getParent();
        Path enabled = root.resolve("cgroup.subtree_control");
        String before = Files.readString(enabled);
        String there = Files.readString(root.resolve("cgroup.controllers")).strip().split(" ")[0];
        assumeThat(there).as("a controller in version 2").isNotEmpty();
        ControlGroups.write(enabled, "+" + there);
        try {
            assertThat(new ChildJvm().run(Delegated.class, place.directory.toString(), there))
                    .contains("own " + place.directory, "0::/" + place.name() + "/parent");
            assertThat(place.directory.resolve("cgroup.subtree_control")).hasContent(there);
        } finally {
            Files.deleteIfExists(place.directory.resolve("parent"));
            if (!before.contains(there)) {
                ControlGroups.write(place.directory.resolve("cgroup.subtree_control"), "-" + there);
                ControlGroups.write(enabled, "-" + there);
            }
        }
    }

    /** By files like those of a group: where version 1 has the controllers there are none to change. */
    @Test
    void a_group_that_allows_more_than_it_was_given_differs(@TempDir Path files) throws Exception {
        ControlGroup group = new ControlGroup(files, GroupLimits.none().memory(5000).pids(7).cpus(0.5));
        for (String each : new String[]{"cgroup.procs 12", "memory.max 4096", "pids.max 7", "cpu.max 50000 100000"})
            Files.writeString(files.resolve(each.substring(0, each.indexOf(' '))),
                    each.substring(each.indexOf(' ') + 1) + "\n");
        assertThat(group.differences(12)).isEmpty();
        Files.writeString(files.resolve("memory.max"), "8192\n");
        Files.writeString(files.resolve("pids.max"), "max\n");
        Files.writeString(files.resolve("cpu.max"), "max 100000\n");
        assertThat(group.differences(1)).containsExactly("is not in the control group " + files,
                "has cpu.max max 100000 instead of 50000 100000", "has memory.max 8192 instead of 5000",
                "has pids.max max instead of 7");
    }

    @Test
    void a_group_without_a_limit_has_what_the_kernel_takes_for_none(@TempDir Path files) throws Exception {
        GroupLimits none = GroupLimits.none().memory(Long.MAX_VALUE).pids(4_194_305);
        assertThat(none).hasToString("{memory.max=max, pids.max=max}");
        for (String file : new String[]{"memory.max max", "pids.max 7", "cgroup.procs 12"})
            Files.writeString(files.resolve(file.split(" ")[0]), file.split(" ")[1] + "\n");
        assertThat(new ControlGroup(files, none).differences(12)).isEmpty();
    }

    @Test
    void a_group_of_an_earlier_process_that_had_the_same_number_is_removed() throws Exception {
        Path stale = Files.createDirectory(place.directory.resolve("imsg-" + ProcessHandle.current().pid() + "-1-run"));
        try (ControlGroup _ = groups.make("run", GroupLimits.none())) {
            ControlGroups.in(place.directory);
            assertThat(stale).doesNotExist();
            assertThat(place.groups()).hasSize(1);
        }
    }

    @Test
    void limits_are_told_from_nonsense() {
        assertThat(GroupLimits.none().memory(1 << 20).pids(7).cpus(1.5))
                .hasToString("{cpu.max=150000 100000, memory.max=1048576, pids.max=7}");
        assertThatIllegalArgumentException().isThrownBy(() -> GroupLimits.none().memory(0));
        assertThatIllegalArgumentException().isThrownBy(() -> GroupLimits.none().pids(-1));
        for (double cpus : new double[]{0, -1, 0.001, 10_001, Double.NaN, Double.POSITIVE_INFINITY})
            assertThatIllegalArgumentException().isThrownBy(() -> GroupLimits.none().cpus(cpus));
    }
}
