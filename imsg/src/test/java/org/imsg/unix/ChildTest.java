package org.imsg.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.imsg.testing.Call;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class ChildTest {
    private static final Path SH = Path.of("/bin/sh");

    @Test
    void a_child_has_the_descriptors_it_was_given_under_the_numbers_asked_for() throws Exception {
        try (Fd.Pair pipe = Fd.pipe()) {
            Child child = Child.of(SH, "-c", "echo from the child >&7").descriptor(7, pipe.second()).start();
            pipe.second().close();
            assertThat(readAll(pipe.first())).isEqualTo("from the child\n");
            assertThat(child.waitFor()).isEqualTo(new Child.ExitStatus(0, 0));
        }
    }

    @Test
    void what_is_done_at_the_end_is_done_by_the_thread_that_waits_and_never_by_the_one_that_starts() throws Exception {
        CompletableFuture<String> done = new CompletableFuture<>();
        Child child = Child.of(SH, "-c", "exit 3")
                .atExit(how -> done.complete(Thread.currentThread().getName() + " " + how.code()))
                .start(spawn -> {
                    int result = spawn.getAsInt();
                    awaitZombie();
                    return result;
                });
        assertThat(done.get()).isEqualTo("imsg-wait-sh 3");
        assertThat(child.onExit().toCompletableFuture()).isCompletedWithValue(new Child.ExitStatus(3, 0));
    }

    @Test
    void who_waits_for_the_starts_that_have_begun_does_not_wait_for_those_that_come_after() throws Exception {
        CompletableFuture<Void> over = new CompletableFuture<>();
        CompletableFuture<Void> begun = new CompletableFuture<>();
        Call<Child> first = Call.start(Call.On.PLATFORM, () -> Child.of(SH, "-c", "exit 0").start(spawn -> {
            int result = spawn.getAsInt();
            begun.complete(null);
            over.join();
            return result;
        }));
        begun.join();
        assertThat(Child.awaitStarts(Duration.ZERO)).isFalse();
        Call<Boolean> waits = Call.start(Call.On.PLATFORM, () -> Child.awaitStarts(Duration.ofSeconds(20)));
        waits.awaitWaiting();
        Call<Child> second = Call.start(Call.On.PLATFORM, () -> Child.of(SH, "-c", "exit 0").start(spawn -> {
            int result = spawn.getAsInt();
            Call.until(waits::isDone);
            return result;
        }));
        second.awaitWaiting();
        over.complete(null);
        assertThat(waits.result()).isTrue();
        assertThat(first.result().waitFor().success()).isTrue();
        assertThat(second.result().waitFor().success()).isTrue();
        assertThat(Child.awaitStarts(Duration.ZERO)).isTrue();
    }

    /** Returns when a child has ended that no thread has waited for yet. */
    private static void awaitZombie() {
        Call.until(() -> ProcessHandle.current().children().anyMatch(child -> child.info().command().isEmpty()));
    }

    /** Where a limit or a group is set by number, it must not reach the process that gets the number next. */
    @Test
    void a_number_stays_the_childs_while_something_is_done_with_it() throws Exception {
        try (Fd.Pair pipe = Fd.pipe()) {
            Child child = Child.of(SH, "-c", "read x").descriptor(0, pipe.first()).start();
            boolean done = child.whileThere(pid -> {
                Path stat = Path.of("/proc", Integer.toString(pid), "stat");
                pipe.second().close();
                Call.until(() -> contains(stat, ") Z "));
                for (int i = 0; i < 1000; i++)
                    Thread.yield();
                assertThat(stat).content().contains(") Z ");
            });
            assertThat(done).isTrue();
            assertThat(child.waitFor().signal()).isZero();
            Call.until(() -> {
                try {
                    return !child.whileThere(_ -> {});
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
        }
    }

    private static boolean contains(Path file, String part) {
        try {
            return Files.readString(file).contains(part);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void waiting_for_longer_than_nanoseconds_can_count_is_waiting() throws Exception {
        Child child = Child.of(SH, "-c", "exit 3").start();
        assertThat(child.waitFor(Duration.ofSeconds(Long.MAX_VALUE))).contains(new Child.ExitStatus(3, 0));
    }

    /** As a question mark it would be another file's name, or another's address. */
    @Test
    void what_has_no_bytes_is_refused_instead_of_becoming_a_question_mark() {
        String half = "a\ud800b";
        assertThatIllegalArgumentException().isThrownBy(() -> Child.of(SH, "-c", ":", half).start())
                .withMessageContaining("surrogate");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Child.of(SH, "-c", ":").environment("NAME", half).start())
                .withMessageContaining("surrogate");
        assertThatIllegalArgumentException().isThrownBy(() -> UnixAddress.ofAbstract(half))
                .withMessageContaining("surrogate");
    }

    @Test
    void an_argument_with_a_nul_in_it_is_refused_instead_of_cut() {
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> Child.of(SH, "-c", "exit 0\0; exit 1").start()).withMessageContaining("index 6");
    }

    @Test
    void two_descriptors_can_trade_their_numbers() throws Exception {
        try (Fd.Pair one = Fd.pipe(); Fd.Pair two = Fd.pipe()) {
            Child child = Child.of(SH, "-c", "echo one >&3; echo two >&4").descriptor(3, one.second())
                    .descriptor(4, two.second()).start();
            assertThat(child.waitFor().success()).isTrue();
            one.second().close();
            two.second().close();
            assertThat(readAll(one.first())).isEqualTo("one\n");
            assertThat(readAll(two.first())).isEqualTo("two\n");
        }
    }

    @Test
    void a_child_has_no_other_descriptor_from_3_on() throws Exception {
        try (Fd.Pair pipe = Fd.pipe(); Fd extra = Fd.open(Path.of("/dev/null"))) {
            assertThat(extra.isOpen()).isTrue();
            Child child = Child.of(Path.of("/bin/ls"), "/proc/self/fd").descriptor(1, pipe.second())
                    .descriptor(5, pipe.second()).start();
            pipe.second().close();
            // ls has the directory it lists open too, as the lowest free number.
            assertThat(readAll(pipe.first()).lines()).containsExactly("0", "1", "2", "3", "5");
            child.waitFor();
        }
    }

    @Test
    void a_childs_environment_is_what_it_was_given_and_nothing_else() throws Exception {
        try (Fd.Pair pipe = Fd.pipe()) {
            Child child = Child.of(Path.of("/usr/bin/env")).environment("ROLE", "resolver").environment("N", "2")
                    .descriptor(1, pipe.second()).start();
            pipe.second().close();
            assertThat(readAll(pipe.first())).isEqualTo("ROLE=resolver\nN=2\n");
            child.waitFor();
        }
    }

    @Test
    void an_exit_code_and_a_signal_are_told_apart() throws Exception {
        assertThat(Child.of(SH, "-c", "exit 37").start().waitFor()).isEqualTo(new Child.ExitStatus(37, 0));
        Child sleeper = Child.of(SH, "-c", "exec sleep 1000").start();
        assertThat(sleeper.waitFor(Duration.ZERO)).isEmpty();
        sleeper.kill(15);
        assertThat(sleeper.waitFor()).isEqualTo(new Child.ExitStatus(-1, 15));
        sleeper.kill(15);
    }

    /** As nohup(1) leaves SIGHUP, some that start a daemon leave SIGCHLD; the kernel then waits for children in place of their parent. */
    @Test
    void the_end_of_a_child_is_known_though_this_process_was_started_with_its_signal_ignored() throws Exception {
        assertThat(new ChildJvm().ignoringEndsOfChildren().run(ExitsWithSeven.class)).isEqualTo("7, ignored: 0\n");
    }

    /** Starts a child, and says how it ended and whether the kernel waits for it. */
    public static final class ExitsWithSeven {
        private ExitsWithSeven() {}

        public static void main(String[] arguments) throws Exception {
            Child child = Child.of(SH, "-c", "exit 7").start();
            long ignored = Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("SigIgn:")).mapToLong(line -> Long.parseLong(line.substring(8), 16))
                    .findFirst().orElseThrow() >> 16 & 1;
            System.out.println(child.waitFor().code() + ", ignored: " + ignored);
        }
    }

    @Test
    void a_childs_signals_are_as_by_default_though_the_jvm_ignores_some() throws Exception {
        try (Fd.Pair pipe = Fd.pipe()) {
            Child child = Child.of(SH, "-c", "grep -E 'Sig(Blk|Ign)' /proc/self/status >&3")
                    .descriptor(3, pipe.second())
                    .environment("PATH", "/usr/bin:/bin").start();
            pipe.second().close();
            for (String line : readAll(pipe.first()).lines().toList()) {
                // Signals 32 and 33 are the C library's own.
                long classic = Long.parseUnsignedLong(line.substring(line.indexOf('\t') + 1), 16) & 0x7FFF_FFFFL;
                assertThat(classic).as(line).isZero();
            }
            child.waitFor();
        }
    }

    @Test
    void a_program_that_is_not_there_is_an_error_that_names_the_cause() {
        assertThatExceptionOfType(ErrnoException.class).isThrownBy(() -> Child.of(Path.of("/nowhere/prog")).start())
                .withMessageContaining("posix_spawn(/nowhere/prog)").withMessageContaining("ENOENT");
    }

    @Test
    void a_child_leaves_no_zombie() throws Exception {
        Child child = Child.of(SH, "-c", "exit 0").start();
        child.waitFor();
        assertThat(Files.exists(Path.of("/proc/" + child.pid()))).isFalse();
    }

    private static String readAll(Fd fd) throws IOException {
        StringBuilder text = new StringBuilder();
        try (FdChannel channel = new FdChannel(fd)) {
            ByteBuffer buffer = ByteBuffer.allocate(4096);
            while (channel.read(buffer) >= 0) {
                text.append(StandardCharsets.UTF_8.decode(buffer.flip()));
                buffer.clear();
            }
        }
        return text.toString();
    }

    @Test
    void a_variable_whose_name_would_be_another_ones_is_refused() {
        for (String name : new String[]{"", "LD_PRELOAD=/tmp/x.so", "="})
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Child.of(Path.of("/bin/true")).environment(name, "value"))
                    .withMessageContaining('"' + name + '"');
    }
}
