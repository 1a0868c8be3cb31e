package org.imsg.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.channels.Selector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;

/** The leak check, run on small test classes that do right or wrong. */
@EnabledOnOs(OS.LINUX)
class LeakExtensionTest {
    private static final int MOST_RUNS = 20;

    @AfterEach
    void closeWhatTheSamplesLeft() throws Exception {
        Leftovers.close();
    }

    @Test
    void a_test_that_leaves_a_descriptor_open_fails_with_its_target() {
        assertThat(failures(LeavesAFile.class)).singleElement().asString().contains("left: fd ", "/proc/self/status"
                .replace("self", Long.toString(ProcessHandle.current().pid())));
    }

    @Test
    void a_test_that_closes_what_is_not_its_own_fails() {
        assertThat(failures(ClosesADescriptorOfItsClass.class)).singleElement().asString().contains("gone: fd ",
                "pipe:[");
    }

    @Test
    void a_test_that_leaves_a_selector_open_fails_although_the_jvm_has_pollers_of_its_own() {
        assertThat(failures(LeavesASelector.class)).singleElement().asString().contains("anon_inode:[eventpoll]");
    }

    @Test
    void a_test_that_leaves_a_zombie_fails() {
        assertThat(failures(LeavesAZombie.class)).singleElement().asString().contains("(true), a zombie");
    }

    @Test
    void a_test_that_leaves_a_child_running_fails() {
        assertThat(failures(LeavesAChildRunning.class)).singleElement().asString().contains("(cat), running");
    }

    @Test
    void a_test_that_leaves_a_mount_fails(@TempDir Path directory) throws Exception {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root may mount");
        LeavesAMount.directory = directory;
        assertThat(failures(LeavesAMount.class)).singleElement().asString().contains("mount tmpfs on " + directory);
    }

    @Test
    void a_test_that_forgets_a_descriptor_fails_before_a_cleaner_closes_it() {
        assertThat(failuresWithoutACollection(ForgetsAFile.class)).singleElement().asString().contains("left: fd ",
                "/status");
        // Else a collection during another test would close it.
        Call.until(() -> {
            System.gc();
            return openFiles().noneMatch(file -> file.endsWith("/status"));
        });
    }

    /** A collection that the JVM starts by itself lets a cleaner close the file; such a run says nothing. */
    private static List<String> failuresWithoutACollection(Class<?> testClass) {
        for (int run = 0; run < MOST_RUNS; run++) {
            long before = collections();
            List<String> failures = failures(testClass);
            if (collections() == before) {
                return failures;
            }
        }
        throw new AssertionError("a collection in each of " + MOST_RUNS + " runs");
    }

    private static long collections() {
        return ManagementFactory.getGarbageCollectorMXBeans().stream()
                .mapToLong(GarbageCollectorMXBean::getCollectionCount).sum();
    }

    private static Stream<String> openFiles() {
        try (Stream<Path> numbers = Files.list(Path.of("/proc/self/fd"))) {
            return numbers.map(LeakExtensionTest::target).toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String target(Path number) {
        try {
            return Files.readSymbolicLink(number).toString();
        } catch (IOException _) {
            return ""; // closed meanwhile
        }
    }

    @Test
    void a_mount_that_another_program_makes_meanwhile_fails_no_test() throws Exception {
        assumeTrue("root".equals(System.getProperty("user.name")), "only root may mount");
        Path elsewhere = Files.createTempDirectory("elsewhere");
        LeavesAMount.directory = elsewhere;
        assertThat(failures(LeavesAMount.class)).isEmpty();
        Leftovers.close();
        Files.delete(elsewhere);
    }

    @Test
    void a_class_that_leaves_a_descriptor_of_before_all_fails() {
        assertThat(failures(LeavesADescriptorOfBeforeAll.class)).singleElement().asString()
                .contains("LeavesADescriptorOfBeforeAll", "left: fd ");
    }

    @Test
    void fixtures_in_fields_and_before_each_may_hold_descriptors_while_the_test_runs() {
        assertThat(failures(TidyFixtures.class)).isEmpty();
    }

    @Test
    void virtual_threads_and_entropy_are_not_held_against_a_test() {
        assertThat(failures(UsesTheJvm.class)).isEmpty();
    }

    /** What the tests of a class, and the class, fail with. */
    static List<String> failures(Class<?> testClass) {
        var results = EngineTestKit.engine("junit-jupiter")
                .configurationParameter("junit.jupiter.extensions.autodetection.enabled", "true")
                .configurationParameter("imsg.testing.patience.milliseconds", "100").selectors(selectClass(testClass))
                .execute();
        assertThat(results.testEvents().finished().count()).isPositive();
        return results.allEvents().failed().stream().map(LeakExtensionTest::message).toList();
    }

    private static String message(Event failed) {
        return failed.getRequiredPayload(org.junit.platform.engine.TestExecutionResult.class).getThrowable()
                .map(Throwable::getMessage).orElse("no message");
    }

    static class LeavesAFile {
        @Test
        void leaves() throws IOException {
            Leftovers.keep(new FileInputStream("/proc/self/status"));
        }
    }

    static class ForgetsAFile {
        @Test
        void forgets() throws IOException {
            new FileInputStream("/proc/self/status");
        }
    }

    static class ClosesADescriptorOfItsClass {
        private static Pipe pipe;

        @BeforeAll
        static void open() throws IOException {
            pipe = Pipe.open();
        }

        @Test
        void closes() throws IOException {
            pipe.sink().close();
        }

        @AfterAll
        static void close() throws IOException {
            pipe.source().close();
        }
    }

    static class LeavesASelector {
        @Test
        void leaves() throws IOException {
            Leftovers.keep(Selector.open());
        }
    }

    static class LeavesAZombie {
        @Test
        void leaves() throws Throwable {
            Leftovers.keepZombie();
        }
    }

    static class LeavesAChildRunning {
        @Test
        void leaves() throws IOException {
            Process cat = new ProcessBuilder("cat").redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
            Leftovers.keep(() -> {
                cat.destroy();
                cat.waitFor();
                cat.getOutputStream().close();
                cat.getErrorStream().close();
            });
        }
    }

    static class LeavesAMount {
        private static Path directory;

        @Test
        void leaves() throws Exception {
            run("mount", "-t", "tmpfs", "imsg-leak-test", directory.toString());
            Leftovers.keep(() -> run("umount", directory.toString()));
        }

        private static void run(String... command) throws IOException, InterruptedException {
            assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
        }
    }

    static class LeavesADescriptorOfBeforeAll {
        @BeforeAll
        static void open() throws IOException {
            Leftovers.keep(new FileInputStream("/proc/self/status"));
        }

        @Test
        void does_nothing() {}
    }

    static class TidyFixtures {
        private final Pipe pipe = Pipe.open();
        private FileInputStream file;

        TidyFixtures() throws IOException {}

        @BeforeEach
        void open() throws IOException {
            file = new FileInputStream("/proc/self/status");
        }

        @Test
        void uses() throws IOException {
            assertThat(file.read()).isPositive();
        }

        @AfterEach
        void close() throws IOException {
            file.close();
            pipe.source().close();
            pipe.sink().close();
        }
    }

    static class UsesTheJvm {
        @Test
        void parks_virtual_threads() throws Exception {
            Pipe pipe = Pipe.open();
            try (var source = pipe.source(); var sink = pipe.sink()) {
                Thread reader = Thread.ofVirtual().start(() -> {
                    try {
                        source.read(ByteBuffer.allocate(1));
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                });
                while (reader.getState() != Thread.State.WAITING) {
                    Thread.onSpinWait();
                }
                sink.write(ByteBuffer.allocate(1));
                reader.join();
            }
            assertThat(Files.readString(Path.of("/proc/self/comm"))).isNotEmpty();
            assertThat(new java.security.SecureRandom().generateSeed(4)).hasSize(4);
        }
    }
}
