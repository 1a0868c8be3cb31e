package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.imsg.privsep.ops.Root;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.Test;

/**
 * Whatever eight hostile children do at once, the parent lives on with little memory and few descriptors, and four others are
 * answered. {@code mvn -Psoak} makes it a long run, which is held to ten times the latency of the quiet program too, with the
 * processors shared as among the processes of a service.
 */
class SoakTest {
    private static final int SECONDS = 60 * Integer.getInteger("soak.minutes", 0);
    private static final int SHORT = 20;
    /** With it, niceness does not count between a parent and its children: see {@link org.imsg.privsep.rights.Confinement#nice(int)}. */
    private static final Path AUTOGROUP = Path.of("/proc/sys/kernel/sched_autogroup_enabled");
    private static final Pattern REPORT = Pattern
            .compile("^soak: honest\\[\\d] quiet (\\d+) storm (\\d+) lost (\\d+)$", Pattern.MULTILINE);

    @Test
    void children_that_attack_are_ended_and_the_others_are_served_meanwhile() throws Exception {
        Root.required();
        int seconds = Math.max(SECONDS, SHORT);
        boolean shared = SECONDS > SHORT && Files.exists(AUTOGROUP) && Files.readString(AUTOGROUP).equals("1\n");
        try {
            if (shared)
                Files.writeString(AUTOGROUP, "0");
            check(seconds);
        } finally {
            if (shared)
                Files.writeString(AUTOGROUP, "1");
        }
    }

    private static void check(int seconds) throws Exception {
        String output = new ChildJvm().option("-Xmx64m").mostDescriptors(256)
                .atMost(Duration.ofSeconds(seconds).plusMinutes(4)).run(Soak.class, "" + seconds);
        List<MatchResult> reports = REPORT.matcher(output).results().toList();
        assertThat(reports).as(summary(output)).hasSize(4).allMatch(report -> report.group(3).equals("0"));
        assertThat(output).containsPattern("soak: ended [1-9]\\d+ honest 0");
        // A child that ends for lack of its own memory may say so.
        assertThat(output.lines().filter(line -> !line.matches("INFO: hostile\\d\\[0] std(out|err): .*")))
                .noneMatch(line -> line.contains("OutOfMemoryError"));
        if (SECONDS > SHORT) {
            System.out.println(summary(output));
            assertThat(reports).as(summary(output)).allMatch(
                    report -> Long.parseLong(report.group(2)) < 10 * Long.parseLong(report.group(1)));
        }
    }

    private static String summary(String output) {
        return String.join("\n", output.lines().filter(line -> line.startsWith("soak: ")).toList());
    }
}
