package org.imsg.privsep.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.RawSyscall;
import org.imsg.testing.ChildJvm;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;
import org.imsg.unix.OpenFlag;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class OpeningTest {
    @TempDir
    Path directory;
    private CapturedLog log;

    @BeforeEach
    void capture() throws Exception {
        log = new CapturedLog(Monitor.class);
    }

    @AfterEach
    void release() throws Exception {
        log.close();
    }

    private Policy policy(String options) {
        return Policy.of("open " + options + " " + directory + "/");
    }

    private static String text(Fd fd) throws IOException {
        try (FdChannel channel = new FdChannel(fd)) {
            ByteBuffer bytes = ByteBuffer.allocate(100);
            channel.read(bytes);
            return StandardCharsets.UTF_8.decode(bytes.flip()).toString();
        }
    }

    private static void write(Fd fd, String text) throws IOException {
        try (FdChannel channel = new FdChannel(fd)) {
            channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
        }
    }

    private static void assertRefused(Privileged privileged, Path file, String why, OpenFlag... how) {
        assertThatExceptionOfType(RefusedException.class).as(file.toString())
                .isThrownBy(() -> privileged.open(file, how)).withMessageContaining(why)
                .satisfies(e -> assertThat(e.rule().startsWith("policy:")).as("names its rule: " + e.rule())
                        .isEqualTo(!why.startsWith("no rule")));
    }

    @Test
    void the_monitor_counts_how_the_requests_of_all_children_ended() throws Exception {
        Monitor monitor = Monitor.of(policy("read"));
        Path there = Files.writeString(directory.resolve("there"), "text");
        for (String child : List.of("one", "other"))
            try (Served served = Served.by(monitor, child); Privileged privileged = served.privileged()) {
                privileged.open(there).close();
                assertThatExceptionOfType(ErrnoException.class)
                        .isThrownBy(() -> privileged.open(directory.resolve("absent")));
                assertRefused(privileged, Path.of("/etc/passwd"), "no rule");
            }
        assertThat(monitor.counters()).isEqualTo(new Monitor.Counters(2, 2, 2, 0));
    }

    @ParameterizedTest
    @EnumSource
    void a_file_is_read_written_appended_to_and_made_through_descriptors_of_the_parents(Beneath way) throws Exception {
        Path file = directory.resolve("log");
        try (Served served = Served.by(policy("read,write,append,create"), monitor -> monitor.beneath(way));
                Privileged privileged = served.privileged()) {
            write(privileged.open(file, 0640, OpenFlag.WRITE, OpenFlag.CREATE_NEW), "one ");
            write(privileged.open(file, OpenFlag.WRITE, OpenFlag.APPEND), "two");
            assertThat(text(privileged.open(file, OpenFlag.READ))).isEqualTo("one two");
            write(privileged.open(file, OpenFlag.WRITE, OpenFlag.TRUNCATE), "three");
            assertThat(Files.readString(file)).isEqualTo("three");
            assertThat(Files.getAttribute(file, "unix:mode")).isEqualTo(0100640);
        }
    }

    @Test
    void what_the_system_refuses_the_parent_is_the_childs_error_too() throws Exception {
        Path missing = directory.resolve("missing");
        try (Served served = Served.by(policy("read")); Privileged privileged = served.privileged()) {
            assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> privileged.open(missing))
                    .withMessageContaining("open(" + missing + "): ENOENT (2)");
        }
    }

    @Test
    void a_refusal_is_counted_and_logged_with_the_rule_and_the_child() throws Exception {
        Files.writeString(directory.resolve("x"), "x");
        try (Served served = Served.by(policy("read")); Privileged privileged = served.privileged()) {
            assertRefused(privileged, directory.resolve("x"), "does not allow to write", OpenFlag.WRITE);
            assertRefused(privileged, Path.of("/etc/shadow"), "no rule allows to open /etc/shadow");
            privileged.open(directory.resolve("x")).close();
            assertThat(served.refusals.sum()).isEqualTo(2);
        }
        assertThat(log.lines()).hasSize(2);
        assertThat(log.lines().get(0)).startsWith("child is refused: the rule does not allow to write")
                .contains("policy:1: open read " + directory);
    }

    @Test
    void a_line_break_in_a_path_does_not_begin_a_line_of_the_log() throws Exception {
        try (Served served = Served.by(Policy.of()); Privileged privileged = served.privileged()) {
            assertRefused(privileged, Path.of("/x\nchild is trusted"), "no rule allows");
        }
        assertThat(log.lines()).singleElement().asString().contains("/x?child").doesNotContain("\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/../etc/shadow", "/./x", "//x", "/a/../x", "/x/", "/"})
    void a_path_is_taken_letter_by_letter(String tail) throws Exception {
        Files.createDirectory(directory.resolve("a"));
        Files.writeString(directory.resolve("x"), "x");
        try (Served served = Served.by(policy("read")); Raw raw = new Raw(served.channel)) {
            assertThat(raw.ask(new OpenFile(directory + tail, Set.of(), 0)).type())
                    .isEqualTo(OperationProtocol.REFUSED);
            assertThat(raw.ask(new OpenFile(directory + "/x", Set.of(), 0)).type())
                    .isEqualTo(OperationProtocol.DESCRIPTOR);
        }
    }

    @ParameterizedTest
    @EnumSource
    void links_are_refused_wherever_they_stand(Beneath way) throws Exception {
        Path inside = Files.createDirectory(directory.resolve("inside"));
        Files.writeString(inside.resolve("file"), "x");
        Files.createSymbolicLink(directory.resolve("link"), inside);
        Files.createSymbolicLink(inside.resolve("passwd"), Path.of("/etc/passwd"));
        try (Served served = Served.by(policy("read"), monitor -> monitor.beneath(way));
                Privileged privileged = served.privileged()) {
            assertRefused(privileged, inside.resolve("passwd"), "symbolic link");
            assertRefused(privileged, directory.resolve("link/file"), "symbolic link");
        }
    }

    @Test
    void magic_links_of_proc_are_refused_though_a_policy_names_proc() throws Exception {
        assumeThat(Path.of("/proc/self/root")).exists();
        try (Served served = Served.by(Policy.of("open read /proc/")); Privileged privileged = served.privileged()) {
            for (String path : List.of("/proc/self/root/etc/shadow", "/proc/1/root/etc/shadow", "/proc/self/fd/0",
                    "/proc/thread-self/cwd/x"))
                assertRefused(privileged, Path.of(path), "symbolic link");
        }
    }

    @Test
    void a_hard_link_is_refused_unless_the_rule_says_otherwise() throws Exception {
        Path secret = Files.writeString(directory.resolve("secret"), "secret");
        Path allowed = Files.createDirectory(directory.resolve("allowed"));
        Files.createLink(allowed.resolve("link"), secret);
        try (Served served = Served.by(Policy.of("open read,write " + allowed + "/"));
                Privileged privileged = served.privileged()) {
            assertRefused(privileged, allowed.resolve("link"), "has 2 hard links");
            assertRefused(privileged, allowed.resolve("link"), "hard links", OpenFlag.WRITE, OpenFlag.TRUNCATE);
        }
        assertThat(secret).hasContent("secret");
        try (Served served = Served.by(Policy.of("open read links " + allowed + "/"));
                Privileged privileged = served.privileged()) {
            assertThat(text(privileged.open(allowed.resolve("link")))).isEqualTo("secret");
        }
    }

    @Test
    void a_file_of_somebody_else_is_refused_if_the_rule_names_an_owner() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "x");
        int owner = (int) Files.getAttribute(file, "unix:uid");
        try (Served served = Served.by(Policy.of("open read owner=" + (owner + 1) + " " + directory + "/"));
                Privileged privileged = served.privileged()) {
            assertRefused(privileged, file, "the file's owner is " + owner + ", not " + (owner + 1));
        }
        try (Served served = Served.by(Policy.of("open read owner=" + owner + " " + directory + "/"));
                Privileged privileged = served.privileged()) {
            privileged.open(file).close();
        }
    }

    @Test
    void a_pipe_with_nobody_at_the_other_end_holds_nothing_up_and_is_refused() throws Exception {
        Path fifo = directory.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", fifo.toString()).inheritIO().start().waitFor()).isZero();
        try (Served served = Served.by(policy("read,write")); Privileged privileged = served.privileged()) {
            assertRefused(privileged, fifo, "not a regular file");
            assertRefused(privileged, fifo, "not a regular file", OpenFlag.WRITE);
        }
    }

    /** A writer waits in open(2) for a reader, and would take the parent for it. */
    @Test
    void a_pipe_that_is_refused_is_not_opened() throws Exception {
        Path fifo = directory.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", fifo.toString()).inheritIO().start().waitFor()).isZero();
        Process writer = new ProcessBuilder("sh", "-c", "echo began; exec echo whole > " + fifo).start();
        try (Served served = Served.by(policy("read,write")); Privileged privileged = served.privileged()) {
            assertThat(writer.inputReader().readLine()).isEqualTo("began");
            for (int i = 0; i < 100; i++)
                assertRefused(privileged, fifo, "not a regular file");
            Process reader = new ProcessBuilder("timeout", "30", "cat", fifo.toString()).start();
            assertThat(reader.inputReader().readLine()).isEqualTo("whole");
            assertThat(reader.waitFor()).isZero();
            assertThat(writer.waitFor()).isZero();
        } finally {
            writer.destroyForcibly().waitFor();
        }
    }

    @Test
    void directories_are_never_opened_and_devices_only_where_the_rule_says_special() throws Exception {
        Path inside = Files.createDirectory(directory.resolve("inside"));
        try (Served served = Served.by(Policy.of("open read " + directory + "/", "open read /dev/null",
                "open read special /dev/zero")); Privileged privileged = served.privileged()) {
            assertRefused(privileged, inside, "not a regular file");
            assertRefused(privileged, Path.of("/dev/null"), "not a regular file");
            try (Fd zero = privileged.open(Path.of("/dev/zero"))) {
                assertThat(zero.isOpen()).isTrue();
            }
        }
        try (Served served = Served.by(policy("read special")); Privileged privileged = served.privileged()) {
            assertRefused(privileged, inside, "a directory");
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_file_on_what_is_mounted_beneath_is_refused_unless_the_rule_says_mounts(Beneath way) throws Exception {
        Root.required();
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        mount("mount", "-t", "tmpfs", "imsg-open-test", mounted.toString());
        try {
            Path file = Files.writeString(mounted.resolve("file"), "x");
            try (Served served = Served.by(policy("read"), monitor -> monitor.beneath(way));
                    Privileged privileged = served.privileged()) {
                assertRefused(privileged, file, "something is mounted in the way");
            }
            try (Served served = Served.by(policy("read mounts"), monitor -> monitor.beneath(way));
                    Privileged privileged = served.privileged()) {
                assertThat(text(privileged.open(file))).isEqualTo("x");
            }
        } finally {
            mount("umount", mounted.toString());
        }
    }

    private static void mount(String... command) throws Exception {
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }

    /** As where the owner has used up its quota. The next request would else be refused for the file's owner. */
    @Test
    void a_file_that_is_made_and_cannot_be_given_to_its_owner_does_not_stay() throws Exception {
        Root.required();
        Path file = directory.resolve("log");
        try (Served served = Served.by(policy("write,create owner=64010"),
                monitor -> monitor.threads(OpeningTest::unableToChown));
                Privileged privileged = served.privileged()) {
            for (int i = 0; i < 2; i++)
                assertThatExceptionOfType(ErrnoException.class)
                        .isThrownBy(() -> privileged.open(file, 0600, OpenFlag.WRITE, OpenFlag.CREATE))
                        .matches(e -> e.name().equals("EPERM")).withMessageContaining("fchown");
        }
        assertThat(file).doesNotExist();
    }

    /** A thread without CAP_CHOWN. */
    private static Thread unableToChown(Runnable work) {
        return Thread.ofPlatform().daemon().unstarted(() -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment header = arena.allocateFrom(ValueLayout.JAVA_INT, 0x20080522, 0);
                MemorySegment sets = arena.allocate(24, 4);
                assertThat(RawSyscall.call(LinuxSyscalls.host().number("capget"), header.address(), sets.address()))
                        .isZero();
                sets.set(ValueLayout.JAVA_INT, 0, sets.get(ValueLayout.JAVA_INT, 0) & ~1);
                assertThat(RawSyscall.call(LinuxSyscalls.host().number("capset"), header.address(), sets.address()))
                        .isZero();
            }
            work.run();
        });
    }

    @Test
    void a_file_that_is_made_belongs_to_the_owner_and_group_of_the_rule_and_one_that_was_there_is_checked()
            throws Exception {
        Root.required();
        Path foreign = Files.writeString(directory.resolve("foreign"), "x");
        try (Served served = Served.by(policy("write,create owner=64010 group=64011"));
                Privileged privileged = served.privileged()) {
            Path file = directory.resolve("log");
            write(privileged.open(file, 0600, OpenFlag.WRITE, OpenFlag.CREATE), "one");
            assertThat(Root.owner(file)).isEqualTo("64010:64011");
            write(privileged.open(file, 0600, OpenFlag.WRITE, OpenFlag.CREATE, OpenFlag.APPEND), " two");
            assertThat(file).hasContent("one two");
            assertRefused(privileged, foreign, "the file's owner is 0, not 64010", OpenFlag.WRITE, OpenFlag.CREATE);
            assertThatExceptionOfType(ErrnoException.class)
                    .isThrownBy(() -> privileged.open(file, 0600, OpenFlag.WRITE, OpenFlag.CREATE_NEW))
                    .matches(e -> e.name().equals("EEXIST"));
        }
        assertThat(Root.owner(foreign)).isEqualTo("0:0");
        assertThatExceptionOfType(PolicyException.class)
                .isThrownBy(() -> Policy.of("open write,create owner=5-9 /x", "open read group=5 /x"))
                .withMessageContaining("policy:1: expected one id, not 5-9")
                .withMessageContaining("policy:2: expected create and owner= beside group=");
    }

    @ParameterizedTest
    @ValueSource(strings = {"C", "C.UTF-8"})
    void a_name_has_the_same_bytes_for_the_child_and_the_parent_whatever_the_locale(String locale) throws Exception {
        assertThat(new ChildJvm().environment("LC_ALL", locale).run(AsksInAnyLocale.class, directory.toString()).lines()
                .filter(line -> line.matches("(opened and removed|refused|single): .*")))
                .containsExactly("opened and removed: true", "refused: true", "single: true");
    }
}
