package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.imsg.testing.ChildJvm;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the flight recorder is shown of the children of a {@link RecordedProgram}, in its parent. */
@Timeout(180)
class FlightRecorderTest {
    private static final Path SETTINGS = Path.of("..", "src", "main", "resources", "META-INF", "imsg.jfc");

    private static List<RecordedEvent> events;
    private static String printed;

    @BeforeAll
    static void record(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("privsep.jfr");
        printed = new ChildJvm().option("-XX:StartFlightRecording:settings=" + SETTINGS.toAbsolutePath() + ",filename="
                + file).run(RecordedProgram.class);
        // A recording has those of each thread in order.
        events = RecordingFile.readAllEvents(file).stream().sorted(Comparator.comparing(RecordedEvent::getEndTime))
                .toList();
    }

    private static Stream<RecordedEvent> of(String name) {
        return events.stream().filter(event -> event.getEventType().getName().equals("imsg.privsep." + name));
    }

    private static Map<Integer, Long> ages(String name) {
        return of(name).collect(Collectors.toMap(event -> event.getInt("pid"), event -> event.getDuration("age")
                .toNanos()));
    }

    @Test
    void each_process_is_recorded_as_it_starts_is_ready_and_is_told_to_begin_with_the_time_until_then() {
        assertThat(of("ChildStart")).extracting(event -> event.getString("child"), event -> event.getLong("starts"))
                .containsExactlyInAnyOrder(tuple("mortal[0]", 1L), tuple("clerk[0]", 1L), tuple("mortal[0]", 2L));
        Map<Integer, Long> ready = ages("ChildReady");
        Map<Integer, Long> runs = ages("ChildRun");
        assertThat(ages("ChildStart")).hasSize(3).allSatisfy((pid, age) -> {
            assertThat(age).isPositive().isLessThan(ready.get(pid));
            assertThat(ready.get(pid)).isLessThan(runs.get(pid));
        });
    }

    @Test
    void the_end_of_a_process_is_recorded_with_its_code_and_whether_another_follows() {
        assertThat(of("ChildEnd")).extracting(event -> event.getString("child"), event -> event.getBoolean("told"),
                event -> event.getBoolean("restart"))
                .containsExactlyInAnyOrder(tuple("mortal[0]", false, true), tuple("mortal[0]", true, false),
                        tuple("clerk[0]", true, false));
        assertThat(of("ChildEnd").filter(event -> !event.getBoolean("told"))).singleElement().satisfies(event -> {
            assertThat(event.getInt("code")).isEqualTo(3);
            assertThat(event.getInt("signal")).isZero();
        });
    }

    @Test
    void a_privileged_operation_is_recorded_with_what_was_asked_for_and_what_became_of_it() {
        assertThat(of("PrivilegedOperation"))
                .extracting(event -> event.getString("child"), event -> event.getString("kind"),
                        event -> event.getString("outcome"))
                .containsExactly(tuple("clerk[0]", "open", "allowed"), tuple("clerk[0]", "open", "refused"));
        assertThat(of("PrivilegedOperation").map(event -> event.getString("subject")))
                .satisfiesExactly(first -> assertThat(first).contains("/etc/hostname"),
                        second -> assertThat(second).contains("/etc/passwd"));
        assertThat(of("PrivilegedOperation")).allSatisfy(event -> assertThat(event.getDuration()).isPositive());
    }

    @Test
    void the_parent_s_code_sees_how_each_child_is() {
        assertThat(printed.lines().filter(line -> line.startsWith("child "))).satisfiesExactlyInAnyOrder(
                line -> assertThat(line).contains("role=mortal, instance=0, state=running, starts=2, pid=")
                        .contains("refusals=0"),
                line -> assertThat(line).contains("role=clerk, instance=0, state=running, starts=1, pid=")
                        .containsPattern("messagesReceived=[1-9]").contains("refusals=1"));
    }

    @Test
    void every_event_is_in_the_settings_file() throws Exception {
        Set<String> named = Pattern.compile("name=\"(imsg\\.privsep\\.\\w+)\"").matcher(Files.readString(SETTINGS))
                .results().map((MatchResult found) -> found.group(1)).collect(Collectors.toSet());
        assertThat(events.stream().map(event -> event.getEventType().getName())
                .filter(name -> name.startsWith("imsg.privsep."))).hasSize(14).allMatch(named::contains);
        assertThat(named).hasSize(5);
    }
}
