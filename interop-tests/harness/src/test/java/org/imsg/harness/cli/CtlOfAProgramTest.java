package org.imsg.harness.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.imsg.ImsgChannel;
import org.imsg.privsep.Privsep;
import org.imsg.privsep.Role;
import org.imsg.privsep.RoleProcess;
import org.imsg.privsep.rights.Ids;
import org.imsg.testing.Call;
import org.imsg.testing.ClassPlaces;
import org.imsg.testing.TestedProgram;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command for control sockets, with a privilege-separated program that runs on the other side. */
@Timeout(120)
class CtlOfAProgramTest extends ImsgProgram {
    /** Two processes of a role with a filter and a niceness, and one on demand. */
    static final class Program {
        public static void main(String... arguments) throws Exception {
            System.exit(Privsep.program("watched")
                    .role("relay", Quiet::new, r -> r.pledge().instances(2).confine(c -> c.nice(1)))
                    .role("session", Quiet::new, r -> r.pledge().onDemand(d -> d.limit(2).spares(1)))
                    .parent(() -> self -> System.out.println("up")).control(Path.of(arguments[0]), _ -> true)
                    .run(arguments));
        }
    }

    static final class Quiet implements Role {
        @Override
        public void start(RoleProcess self) {
            // has nothing to do
        }

        @Override
        public void reload(RoleProcess self) {
            System.out.println("reloaded");
        }
    }

    @TempDir
    private Path directory;
    private TestedProgram program;

    @BeforeEach
    void start() throws Exception {
        program = TestedProgram.start(ClassPlaces.classPath(Program.class, Privsep.class, ImsgChannel.class),
                List.of(), Program.class, socket());
        program.awaitLine("up");
    }

    @AfterEach
    void stop() {
        program.close();
    }

    private String socket() {
        return directory.resolve("ctl").toString();
    }

    /** What it prints when it is told these words, and ends with 0. */
    private List<String> ctl(String... words) {
        assertThat(told(words)).as("%s", err).isZero();
        return out.toString().lines().toList();
    }

    private int told(String... words) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        String[] all = IntStream.range(0, words.length + 2)
                .mapToObj(i -> i == 0 ? "ctl" : i == 1 ? socket() : words[i - 2]).toArray(String[]::new);
        return imsg((Object[]) all);
    }

    /** Asks for the status as JSON until a line is as wanted; the line. */
    private String awaitLine(Predicate<String> wanted) {
        for (;;) {
            for (String line : ctl("status", "--json"))
                if (wanted.test(line))
                    return line;
            Thread.yield();
        }
    }

    private String awaitState(String name, String state) {
        return awaitLine(line -> line.contains("\"name\":\"" + name + "\"")
                && line.contains("\"state\":\"" + state + "\""));
    }

    private static String value(String line, String name) {
        return line.replaceFirst(".*\"" + name + "\":\"?([^,}\"]*)\"?[,}].*", "$1");
    }

    @Test
    void the_status_has_a_line_for_each_process_with_what_the_system_says_of_it() {
        awaitState("session[0]", "spare");
        assertThat(ctl("status")).satisfiesExactly(
                line -> assertThat(line).startsWith("name"),
                line -> assertThat(line)
                        .matches("parent +running +" + program.parent().toString().replace("/proc/", "") + " .*"),
                line -> assertThat(line).matches("relay\\[0] +running +[0-9]+ .* yes .*"),
                line -> assertThat(line).matches("relay\\[1] +running +[0-9]+ .* yes .*"),
                line -> assertThat(line).matches("session\\[0] +spare +[0-9]+ .* yes .*"),
                line -> assertThat(line).matches("session\\[1] +absent +- .*"));
        List<String> objects = ctl("status", "--json");
        assertThat(objects).allMatch(line -> line.startsWith("{") && line.endsWith("}"));
        assertThat(objects.stream().skip(1).filter(line -> line.contains("\"pid\":"))
                .map(line -> Long.valueOf(value(line, "pid"))))
                .containsExactlyInAnyOrderElementsOf(program.children().stream().map(ProcessHandle::pid).toList());
        assertThat(objects.get(1)).contains("\"role\":\"relay\"", "\"starts\":1", "\"filter\":\"yes\"");
        assertThat(Long.parseLong(value(objects.get(1), "messages-in"))).isPositive();
        assertThat(Long.parseLong(value(objects.get(1), "memory"))).isGreaterThan(1000);
    }

    @Test
    void processes_that_are_as_declared_are_exit_0_and_one_that_was_changed_from_outside_is_exit_1() throws Exception {
        awaitState("session[0]", "spare");
        assertThat(ctl("verify")).containsExactly("relay[0]: as declared", "relay[1]: as declared",
                "session[0]: as declared", "session[1]: absent");
        assumeThat(Ids.current().isRoot()).as("root, who may give back niceness").isTrue();
        String pid = value(awaitState("relay[1]", "running"), "pid");
        renice(pid);
        assertThat(told("verify")).isEqualTo(ExitCode.DIFFERENT);
        assertThat(out.toString().lines().toList()).hasSize(5).contains("relay[0]: as declared",
                "relay[1]: 1 differences").element(2).asString().matches("  thread " + pid
                        + " has niceness -20 instead of -?[0-9]+");
        assertThat(told("verify", "--json")).isEqualTo(ExitCode.DIFFERENT);
        assertThat(out.toString().lines()).element(1).asString().contains("\"name\":\"relay[1]\"",
                "\"differences\":1", "\"difference-1\":\"thread " + pid);
    }

    private static void renice(String pid) throws IOException, InterruptedException {
        Process renice = new ProcessBuilder("renice", "-n", "-20", "-p", pid).redirectErrorStream(true).start();
        String output = new String(renice.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(renice.waitFor()).as(output).isZero();
    }

    @Test
    void roles_are_stopped_started_and_restarted_the_log_made_verbose_and_the_configuration_read() throws Exception {
        String first = value(awaitState("relay[0]", "running"), "pid");
        ctl("log", "verbose");
        ctl("stop", "relay");
        program.awaitLine("relay[0] (pid " + first + ") ended with code 0");
        awaitState("relay[0]", "down");
        awaitState("relay[1]", "down");
        ctl("start", "relay");
        String second = awaitState("relay[0]", "running");
        assertThat(second).contains("\"starts\":2");
        ctl("restart", "relay");
        awaitLine(line -> line.contains("\"name\":\"relay[0]\"") && line.contains("\"state\":\"running\"")
                && line.contains("\"starts\":3"));
        ctl("reload");
        program.awaitLine("reloaded");
        assertThat(told("restart", "nobody")).isEqualTo(ExitCode.DIFFERENT);
        assertThat(err.toString()).isEqualTo("imsg: refused: there is no role nobody\n");
    }

    @Test
    void who_watches_sees_what_others_order_until_the_program_stops() throws Exception {
        ImsgProgram watching = new ImsgProgram() {};
        Call<Integer> watch = Call.start(Call.On.PLATFORM,
                () -> watching.imsg("ctl", socket(), "status", "--watch", "5ms", "--json"));
        awaitWatched(watching, "\"name\":\"relay[1]\",\"role\":\"relay\",\"state\":\"running\"");
        ctl("stop", "relay");
        awaitWatched(watching, "\"name\":\"relay[1]\",\"role\":\"relay\",\"state\":\"down\"");
        ctl("stop");
        assertThat(program.awaitEnd()).noneMatch(line -> line.contains("SEVERE"));
        assertThat(watch.result()).as("%s", watching.err).isEqualTo(ExitCode.FAILED);
        assertThat(watching.out.toString().lines()).allMatch(line -> line.startsWith("{") && line.endsWith("}"));
        assertThat(watching.err.toString()).hasLineCount(1);
    }

    private static void awaitWatched(ImsgProgram watching, String part) {
        Call.until(() -> watching.out.toString().contains(part));
    }
}
