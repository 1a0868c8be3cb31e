package org.imsg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
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

/** What the flight recorder is shown. The programs that are recorded are JVMs of their own: a recorder never ends. */
@Timeout(180)
class FlightRecorderTest {
    private static final Path SETTINGS = Path.of("src", "main", "resources", "META-INF", "imsg.jfc");
    private static final String NAME = "imsg-recorded-" + ProcessHandle.current().pid();

    private static List<RecordedEvent> events;
    private static Set<String> types;

    @TempDir
    static Path directory;

    @BeforeAll
    static void record() throws Exception {
        Path file = directory.resolve("all.jfr");
        run("settings=" + SETTINGS.toAbsolutePath()
                + ",imsg.MessageSent#throttle=off,imsg.MessageReceived#throttle=off,"
                + "imsg.WaitForRoom#threshold=0ns", file);
        events = inOrder(file);
        try (RecordingFile recording = new RecordingFile(file)) {
            types = recording.readEventTypes().stream().map(type -> type.getName())
                    .filter(name -> name.startsWith("imsg.")).collect(Collectors.toSet());
        }
    }

    private static void run(String options, Path file, String... more) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(NAME));
        arguments.addAll(List.of(more));
        assertThat(new ChildJvm().option("-XX:StartFlightRecording:" + options + ",filename=" + file)
                .run(Recorded.class, arguments.toArray(String[]::new))).contains("done");
    }

    /** A recording has those of each thread in order. */
    private static List<RecordedEvent> inOrder(Path file) throws IOException {
        return RecordingFile.readAllEvents(file).stream().sorted(Comparator.comparing(RecordedEvent::getEndTime))
                .toList();
    }

    private static List<RecordedEvent> of(String name) {
        return of(events, name);
    }

    private static List<RecordedEvent> of(List<RecordedEvent> all, String name) {
        return all.stream().filter(event -> event.getEventType().getName().equals("imsg." + name)).toList();
    }

    /** The parent of the class path's loader finds their classes, which are empty files. */
    @Test
    void events_that_cannot_be_made_are_not_recorded_and_nothing_else_goes_wrong(@TempDir Path broken)
            throws Exception {
        Path classes = Path.of("target", "classes");
        try (Stream<Path> all = Files.walk(classes)) {
            for (Path each : all.filter(file -> file.toString().contains("Events$")).toList()) {
                Path empty = broken.resolve(classes.relativize(each).toString());
                Files.createDirectories(empty.getParent());
                Files.createFile(empty);
            }
        }
        Path file = broken.resolve("none.jfr");
        assertThat(new ChildJvm().option("-Xbootclasspath/a:" + broken)
                .option("-XX:StartFlightRecording:settings=" + SETTINGS.toAbsolutePath() + ",filename=" + file)
                .run(Recorded.class, NAME + "-broken")).contains("done");
        assertThat(RecordingFile.readAllEvents(file))
                .noneMatch(event -> event.getEventType().getName().startsWith("imsg."));
    }

    @Test
    void a_message_is_recorded_with_its_type_id_size_and_whether_a_descriptor_goes_with_it() {
        assertThat(of("MessageSent")).filteredOn(event -> event.getLong("type") < 10)
                .extracting(event -> event.getLong("type"), event -> event.getLong("id"),
                        event -> event.getInt("size"), event -> event.getBoolean("descriptor"))
                .containsExactly(tuple(7L, 70L, 18, true), tuple(8L, 0xFFFF_FFFFL, 20, false),
                        tuple(9L, 0L, 16, false));
        assertThat(of("MessageReceived")).filteredOn(event -> event.getLong("type") < 10)
                .extracting(event -> event.getLong("type"), event -> event.getLong("id"),
                        event -> event.getInt("size"), event -> event.getBoolean("descriptor"))
                .containsExactly(tuple(7L, 70L, 18, true), tuple(8L, 0xFFFF_FFFFL, 20, false),
                        tuple(9L, 0L, 16, false));
        assertThat(of("MessageSent")).filteredOn(event -> event.getLong("type") == 10).hasSizeBetween(500, 999);
    }

    @Test
    void a_message_that_waited_for_its_peer_to_read_took_as_long_as_its_flush() {
        RecordedEvent wait = of("WaitForRoom").getLast();
        assertThat(of("MessageSent").stream().filter(event -> event.getLong("type") == 10).toList().getLast()
                .getDuration()).isGreaterThanOrEqualTo(wait.getDuration());
    }

    @Test
    void a_wait_for_room_is_recorded_with_what_is_queued_and_how_it_ended() {
        assertThat(of("WaitForRoom")).hasSizeGreaterThan(1).allSatisfy(event -> {
            assertThat(event.getInt("queued")).isPositive();
            assertThat(event.getDuration()).isPositive();
        });
        assertThat(of("WaitForRoom").getFirst().getBoolean("gotRoom")).isFalse();
        assertThat(of("WaitForRoom").getLast().getBoolean("gotRoom")).isTrue();
    }

    @Test
    void a_message_for_which_the_queue_has_no_room_is_recorded_with_the_bound() {
        assertThat(of("QueueFull")).singleElement().satisfies(event -> {
            assertThat(event.getInt("size")).isEqualTo(116);
            assertThat(event.getInt("queued")).isEqualTo(20);
            assertThat(event.getInt("bound")).isEqualTo(20);
        });
    }

    @Test
    void a_descriptor_that_did_not_come_is_recorded_with_its_message_and_the_reason() {
        assertThat(of("DescriptorLost"))
                .extracting(event -> event.getLong("type"), event -> event.getLong("id"),
                        event -> event.getString("reason"))
                .containsExactly(tuple(12L, 120L, "LOST"), tuple(13L, 0L, "MISSING"));
    }

    @Test
    void descriptors_that_were_too_many_are_recorded() {
        assertThat(of("DescriptorsClosed")).extracting(event -> event.getLong("count")).containsExactly(2L);
    }

    @Test
    void a_listener_records_the_user_of_each_connection_it_accepts_and_refuses() throws Exception {
        long uid;
        try (var pair = ImsgChannel.pair()) {
            uid = pair.first().peerCredentials().uid();
        }
        assertThat(of("ConnectionAccepted")).hasSize(2).allSatisfy(event -> {
            assertThat(event.getLong("uid")).isEqualTo(uid);
            assertThat(event.getInt("pid")).isPositive();
            assertThat(event.getString("address")).isEqualTo("@" + NAME);
        });
        assertThat(of("ConnectionRefused"))
                .extracting(event -> event.getLong("uid"), event -> event.getString("reason"))
                .containsExactly(tuple(uid, "is not allowed"), tuple(uid, "is one too many for the user"));
    }

    @Test
    void every_event_is_in_the_settings_file() throws Exception {
        assertThat(types).hasSize(8).isEqualTo(Pattern.compile("name=\"(imsg\\.\\w+)\"")
                .matcher(Files.readString(SETTINGS)).results().map(found -> found.group(1))
                .collect(Collectors.toSet()));
    }

    @Test
    void a_busy_channel_is_sampled_and_what_is_shorter_than_the_threshold_or_not_turned_on_is_left_out()
            throws Exception {
        Path file = directory.resolve("few.jfr");
        run("settings=none,+imsg.MessageSent#enabled=true,+imsg.MessageSent#throttle=5/s,"
                + "+imsg.MessageReceived#enabled=true,+imsg.MessageReceived#threshold=1h", file, "5000");
        List<RecordedEvent> few = inOrder(file);
        assertThat(of(few, "MessageSent")).hasSizeBetween(1, 1000);
        assertThat(few).allMatch(event -> event.getEventType().getName().equals("imsg.MessageSent"));
    }

    @Test
    void where_the_module_jdk_jfr_is_absent_all_goes_on_without() throws Exception {
        assertThat(new ChildJvm().option("--limit-modules").option("java.base").run(Recorded.class, NAME))
                .contains("done");
    }

    @Test
    void while_the_recorder_has_not_started_no_class_of_an_event_is_loaded() throws Exception {
        String loaded = new ChildJvm().option("-Xlog:class+load").run(Recorded.class, NAME);
        assertThat(loaded).contains("org.imsg.SendBuffer ", "done");
        assertThat(Pattern.compile("(jdk\\.jfr\\.[\\w.$]+|org\\.imsg\\.[\\w.]*Events[\\w$]*) ").matcher(loaded)
                .results().map(found -> found.group(1))).containsOnly("jdk.jfr.FlightRecorder");
    }
}
