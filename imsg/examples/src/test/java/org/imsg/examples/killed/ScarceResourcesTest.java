package org.imsg.examples.killed;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.imsg.testing.TestedProgram;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * An example whose parent has few descriptors or little memory serves, or ends and says why; one of whose processes is suspended
 * for a while serves again. Nothing of it is left.
 */
@Timeout(3600)
class ScarceResourcesTest {
    private static final List<String> NO_PREFIX = List.of(), NO_OPTIONS = List.of();
    /** Longer than a process is given to stop by itself. */
    private static final long SUSPENDED_NANOS = TimeUnit.SECONDS.toNanos(8);
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Pattern SCARCITY = Pattern.compile("EMFILE|[Tt]oo many open files|OutOfMemoryError"
            + "|Too small maximum heap|heap space|error code 24"
            // What the JVM says that cannot open all its jars.
            + "|Could not find or load main class|NoClassDefFoundError");
    private static final int FEW_DESCRIPTORS = 64, PLENTY_OF_DESCRIPTORS = 1024, PLENTY_OF_MEGABYTES = 32;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(ints = {20, FEW_DESCRIPTORS, PLENTY_OF_DESCRIPTORS})
    void a_program_with_a_small_descriptor_table_serves_or_says_that_it_is_full(int descriptors) throws Exception {
        Victim victim = Victims.RELAYD.in(directory);
        try {
            assertThat(serves(victim, limit(descriptors), NO_OPTIONS)).isEqualTo(descriptors >= FEW_DESCRIPTORS);
        } finally {
            victim.end();
        }
    }

    @Tag("torture")
    @ParameterizedTest
    @EnumSource
    void every_program_with_any_number_of_descriptors_serves_or_says_that_they_are_too_few(Victims which)
            throws Exception {
        List<Integer> served = new ArrayList<>();
        Victim victim = which.in(directory);
        try {
            for (int few : IntStream.iterate(12, few -> few < 80, few -> few + 4).boxed().toList())
                if (serves(victim, limit(few), NO_OPTIONS))
                    served.add(few);
            assertThat(serves(victim, limit(PLENTY_OF_DESCRIPTORS), NO_OPTIONS)).isTrue();
        } finally {
            victim.end();
        }
        System.out.println(which + " serves with " + served + " descriptors");
    }

    @Tag("torture")
    @ParameterizedTest
    @EnumSource
    void every_program_with_any_heap_serves_or_says_that_it_is_too_small(Victims which) throws Exception {
        List<Integer> served = new ArrayList<>();
        Victim victim = which.in(directory);
        try {
            for (int megabytes : List.of(2, 3, 4, 5, 6, 7, 8, 10, 12, 16))
                if (serves(victim, NO_PREFIX, List.of("-Xmx" + megabytes + "m")))
                    served.add(megabytes);
            assertThat(serves(victim, NO_PREFIX, List.of("-Xmx" + PLENTY_OF_MEGABYTES + "m"))).isTrue();
        } finally {
            victim.end();
        }
        System.out.println(which + " serves with " + served + " megabytes");
    }

    private static List<String> limit(int descriptors) {
        return List.of("/bin/sh", "-c", "ulimit -n " + descriptors + " && exec \"$@\"", "sh");
    }

    /** Whether it serves; if not, it says why, and ends or tries again later. */
    private static boolean serves(Victim victim, List<String> before, List<String> options) throws Exception {
        Client client = new Client(victim);
        try (TestedProgram program = victim.start(before, options)) {
            client.begin();
            long start = System.nanoTime();
            while (client.answers() == 0 && program.process().isAlive() && !hasSaidWhy(program)) {
                LockSupport.parkNanos(1_000_000);
                assertThat(System.nanoTime() - start).as("with %s %s: %s", before, options, program.said())
                        .isLessThan(PATIENCE.toNanos());
            }
            if (client.answers() == 0 && !hasSaidWhy(program))
                assertThat(String.join("\n", program.awaitEnd())).as("with %s %s", before, options)
                        .containsPattern(SCARCITY);
            program.process().destroyForcibly();
            client.end();
        }
        victim.awaitNothingLeft();
        return client.answers() > 0;
    }

    private static boolean hasSaidWhy(TestedProgram program) {
        return program.said().stream().anyMatch(line -> SCARCITY.matcher(line).find());
    }

    @Tag("torture")
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = {"HELLO", "RELAYD"})
    void a_process_that_is_suspended_for_a_while_keeps_the_program_from_nothing_afterwards(Victims which)
            throws Exception {
        Victim victim = which.in(directory);
        Client client = new Client(victim);
        try (TestedProgram program = victim.start()) {
            client.begin();
            assertThat(client.isAnswered()).isTrue();
            for (ProcessHandle process : program.processes()) {
                signal(process, "STOP");
                LockSupport.parkNanos(SUSPENDED_NANOS);
                signal(process, "CONT");
                assertThat(client.isAnswered()).as("after %s", process.info().commandLine()).isTrue();
            }
            client.end();
            victim.check();
            victim.stop();
        } finally {
            victim.end();
        }
        victim.awaitNothingLeft();
    }

    @Tag("torture")
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = {"HELLO", "RELAYD", "BUILD_RUNNER"})
    void a_child_that_stays_suspended_does_not_keep_the_program_from_its_end(Victims which) throws Exception {
        Victim victim = which.in(directory);
        Client client = new Client(victim);
        try (TestedProgram program = victim.start()) {
            client.begin();
            assertThat(client.isAnswered()).isTrue();
            client.end();
            for (ProcessHandle child : program.children())
                signal(child, "STOP");
            program.stop();
        } finally {
            victim.end();
        }
        victim.awaitNothingLeft();
    }

    @Test
    void a_program_whose_disk_is_full_loses_nothing_that_it_has_acknowledged_and_serves_when_there_is_room()
            throws Exception {
        fillTheDiskOf(Victims.SYSLOG);
    }

    /** If the notice of a message was lost, the message is found when the queue is looked through, once a minute. */
    @Tag("torture")
    @Test
    void a_mail_server_whose_disk_is_full_loses_no_message_that_it_has_acknowledged() throws Exception {
        fillTheDiskOf(Victims.MASTER);
    }

    private void fillTheDiskOf(Victims which) throws Exception {
        Victim victim = which.in(directory);
        Victim.ran("", "mount", "-t", "tmpfs", "-o", "mode=755,size=96k", "imsg-full-disk", victim.disk.toString());
        try (TestedProgram program = victim.start()) {
            int asked = 0;
            for (int answered = 0; answered < 3; asked++)
                if (victim.isAnswered(asked))
                    answered++;
                else
                    assertThat(program.process().isAlive()).isTrue();
            Path filler = fill(victim.disk);
            for (int refused = 0; refused < 3; asked++)
                if (!victim.isAnswered(asked))
                    refused++;
            Files.delete(filler);
            for (int answered = 0; answered < 3; asked++)
                if (victim.isAnswered(asked))
                    answered++;
                else
                    assertThat(program.process().isAlive()).isTrue();
            victim.check();
            program.stop();
        } finally {
            victim.end();
            victim.awaitNothingLeft();
            Victim.ran("", "umount", victim.disk.toString());
        }
    }

    /** Makes a file that leaves no room for another byte. */
    private static Path fill(Path disk) throws IOException {
        Path filler = disk.resolve("filler");
        try (OutputStream out = Files.newOutputStream(filler)) {
            for (;;)
                out.write(0);
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("No space left");
            return filler;
        }
    }

    private static void signal(ProcessHandle process, String name) throws Exception {
        if (process.isAlive())
            new ProcessBuilder("/bin/sh", "-c", "kill -" + name + " " + process.pid()).inheritIO().start().waitFor();
    }
}
