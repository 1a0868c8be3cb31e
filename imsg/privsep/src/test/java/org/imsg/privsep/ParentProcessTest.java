package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.imsg.testing.Call;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Parents that are processes of their own: what signals do to them, and what they print. */
// In a thread of its own: no interrupt ends a read from a process.
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ParentProcessTest {
    /** A program that prints what happens to it. */
    private static final class Program implements AutoCloseable {
        final Process process;
        private final BufferedReader output;
        final List<String> printed = new ArrayList<>();

        Program(String... arguments) throws IOException {
            process = new ChildJvm().start(TestProgram.class, arguments);
            output = process.inputReader();
        }

        /** The first line that begins so, whether it was read before or comes now. */
        String await(String beginning) throws IOException {
            for (String line : printed)
                if (line.startsWith(beginning))
                    return line;
            for (String line; (line = output.readLine()) != null;) {
                printed.add(line);
                if (line.startsWith(beginning))
                    return line;
            }
            throw new AssertionError("ended without printing \"" + beginning + "\" after " + printed);
        }

        ProcessHandle child(String who) throws IOException {
            String line = await(who + " started");
            return ProcessHandle.of(Long.parseLong(line.substring(line.lastIndexOf(' ') + 1))).orElseThrow();
        }

        void signal(String name) throws Exception {
            new ProcessBuilder("kill", "-" + name, "" + process.pid()).inheritIO().start().waitFor();
        }

        void readToEnd() throws IOException {
            for (String line; (line = output.readLine()) != null;)
                printed.add(line);
        }

        @Override
        public void close() throws IOException {
            process.destroyForcibly().onExit().join();
            output.close();
            process.getOutputStream().close();
            process.getErrorStream().close();
        }
    }

    /** Whether it runs: one that has ended stays in the list of processes until whoever inherited it has waited for it. */
    private static boolean runs(ProcessHandle process) {
        try {
            String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
            return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
        } catch (IOException _) {
            return false;
        }
    }

    private static void endWithin(Duration most, ProcessHandle... processes) {
        long since = System.nanoTime();
        for (ProcessHandle process : processes)
            Call.until(() -> !runs(process));
        assertThat(Duration.ofNanos(System.nanoTime() - since)).isLessThan(most);
    }

    @Test
    void a_parent_killed_with_9_takes_its_children_with_it_within_a_second_whatever_they_do() throws Exception {
        try (Program program = new Program("one other", "one", "0", "hang")) {
            ProcessHandle one = program.child("one[0]");
            program.await("one[0] hanging");
            ProcessHandle other = program.child("other[0]");
            program.process.destroyForcibly().waitFor();
            endWithin(Duration.ofSeconds(1), one, other);
        }
    }

    @Test
    void TERM_at_the_parent_stops_the_program_in_order() throws Exception {
        try (Program program = new Program("one")) {
            program.await("one[0] started");
            program.signal("TERM");
            program.await("finished one[0]");
            assertThat(program.printed).last().asString().endsWith("ended with code 0");
            program.readToEnd();
            assertThat(program.process.waitFor()).isEqualTo(143);
        }
    }

    @Test
    void HUP_at_the_parent_is_a_reload_for_parent_and_children() throws Exception {
        try (Program program = new Program("one")) {
            program.await("one[0] started");
            program.signal("HUP");
            program.await("parent reload");
            program.await("one[0] reload");
            program.signal("TERM");
            program.readToEnd();
        }
    }

    @Test
    void log_records_of_children_are_written_by_the_parent_who_says_whose_they_are() throws Exception {
        try (Program program = new Program("one", "one", "0", "log")) {
            ProcessHandle one = program.child("one[0]");
            program.await("one[0] logged");
            program.signal("TERM");
            program.readToEnd();
            String who = "one[0] (pid " + one.pid() + ") some.where: ";
            assertThat(program.printed).containsSubsequence("WARNING: " + who + "a relayed record",
                    "    | with a forged line\\u001b[31m", "SEVERE: " + who + "and a thrown",
                    "    | java.io.IOException: the cause");
            assertThat(program.process.waitFor(30, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void a_child_that_cannot_start_says_in_one_line_what_failed_why_and_what_to_do() throws Exception {
        try (Program program = new Program("unprepared")) {
            program.readToEnd();
            assertThat(program.process.waitFor()).isEqualTo(1);
            assertThat(program.printed).filteredOn(line -> line.contains("cannot")).singleElement().asString()
                    .startsWith("SEVERE: unprepared[0] (pid ")
                    .endsWith("unprepared cannot be prepared: no configuration: "
                            + "/etc/unprepared.conf does not exist; mend prepare() of the role, or what it needs");
            assertThat(program.printed).noneMatch(line -> line.contains("\tat "));
        }
    }
}
