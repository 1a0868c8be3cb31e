package org.imsg.harness.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import org.imsg.ImsgChannel;
import org.imsg.ImsgListener;
import org.imsg.ImsgView;
import org.imsg.WireFormat;
import org.imsg.harness.conformance.DefectiveServer.Defect;
import org.imsg.harness.conformance.DefectiveServer.Habit;
import org.imsg.harness.conformance.Report.Outcome;
import org.imsg.harness.conformance.Report.Status;
import org.imsg.harness.record.Event;
import org.imsg.harness.stream.RawListener;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The suite passes what is right, and finds each fault by the case that is for it. */
@Timeout(60)
class ConformanceTest {
    private static final Duration PATIENT = Duration.ofSeconds(10);
    /** What a defect keeps back is waited for that long. */
    private static final Duration LESS_PATIENT = Duration.ofMillis(1500);

    @TempDir
    private Path directory;

    @Test
    void what_is_right_passes() throws Exception {
        AtOnce.run(Right.values().length, List.of(Right.values()), right -> {
            Path socket = directory.resolve(right.name());
            try (AutoCloseable server = right.start(socket)) {
                assertThat(server).isNotNull();
                Target target = target(socket, right == Right.CLASSIC_C ? WireFormat.CLASSIC : WireFormat.MODERN,
                        PATIENT);
                assertAllPass(new Conformance(target, right::isAsked).run(_ -> {
                    // only the report matters
                }));
            }
        });
    }

    /**
     * Servers without a fault: two in C, written to imsg(3), one on ImsgChannel, the same with descriptors that come with its answers, and
     * the defective one without a defect.
     */
    private enum Right {
        CLASSIC_C, MODERN_C, CHANNEL, CHANNEL_WITH_DESCRIPTORS, NO_DEFECT;

        private static final Set<String> FLOODS = Set.of("flood-of-requests", "a-client-that-does-not-read");

        AutoCloseable start(Path socket) throws Exception {
            return switch (this) {
                case CLASSIC_C -> new ForkingServer(socket, WireFormat.CLASSIC);
                case MODERN_C -> new ForkingServer(socket, WireFormat.MODERN);
                case CHANNEL -> new EchoServer(socket, false);
                case CHANNEL_WITH_DESCRIPTORS -> new EchoServer(socket, true);
                case NO_DEFECT -> new DefectiveServer(socket, Defect.NONE);
            };
        }

        /** All but the floods, which would be ones of descriptors. */
        boolean isAsked(String name) {
            return this != CHANNEL_WITH_DESCRIPTORS || !FLOODS.contains(name);
        }
    }

    @Test
    void a_defect_fails_the_cases_that_are_for_it_and_no_others() throws Exception {
        AtOnce.run(DEFECTS.size(), DEFECTS.entrySet().stream().toList(), entry -> {
            Path socket = directory.resolve(entry.getKey().name());
            try (DefectiveServer server = new DefectiveServer(socket, entry.getKey())) {
                assertThat(server).isNotNull();
                List<String> failed = new ArrayList<>(failed(socket, LESS_PATIENT, _ -> true));
                assertThat(failed).as(entry.getKey().name()).containsAll(entry.getValue());
                failed.removeAll(entry.getValue());
                // A busy machine may have been too slow for the others.
                assertThat(failed(socket, PATIENT, failed::contains)).as(entry.getKey().name()).isEmpty();
            }
        });
    }

    private static List<String> failed(Path socket, Duration patience, Predicate<String> cases) throws IOException {
        return failed(new Conformance(target(socket, WireFormat.MODERN, patience), cases).run(_ -> {
            // only the report matters
        }));
    }

    @Test
    @Timeout(180)
    void what_a_daemon_is_free_to_do_fails_no_case() throws Exception {
        AtOnce.run(HABITS.size(), HABITS.entrySet().stream().toList(), entry -> {
            Path socket = directory.resolve(entry.getKey().name());
            try (DefectiveServer server = new DefectiveServer(socket, Defect.NONE, entry.getKey())) {
                assertThat(server).isNotNull();
                Report report = run(socket, WireFormat.MODERN, PATIENT);
                assertThat(failed(report)).as(entry.getKey() + " " + report.outcomes()).isEmpty();
                assertThat(untested(report)).as(entry.getKey().name()).containsExactlyElementsOf(entry.getValue());
            }
        });
    }

    @Test
    void a_daemon_that_is_said_to_serve_one_client_at_a_time_is_asked_no_more_of() throws Exception {
        Path socket = directory.resolve("s");
        try (DefectiveServer server = new DefectiveServer(socket, Defect.SERVES_ONE_AT_A_TIME)) {
            assertThat(server).isNotNull();
            Report report = new Conformance(
                    new Target(socket, WireFormat.MODERN, 16384, 7, 0, new byte[]{1, 2, 3}, List.of(), 1, PATIENT))
                    .run(_ -> {
                        // only the report matters
                    });
            assertThat(failed(report)).isEmpty();
            assertThat(untested(report)).containsExactly("others-while-a-header-is-cut",
                    "others-while-a-payload-is-cut", "others-while-one-is-refused", "descriptor-closed-once",
                    "no-descriptor-is-none", "others-while-one-is-silent", "rest-while-nothing-comes",
                    "many-connections", "a-client-that-does-not-read");
        }
    }

    @Test
    void an_answer_without_end_is_given_up() throws Exception {
        Path socket = directory.resolve("s");
        byte[] line = Arrays.copyOf(Event.header(WireFormat.MODERN, 8, 16384, false, 0, 1), 16384);
        Thread serving;
        try (RawListener listener = RawListener.listen(socket, 0600)) {
            serving = Thread.ofVirtual().start(() -> {
                try {
                    listener.serve((client, _) -> {
                        try {
                            client.receive();
                            for (;;)
                                client.send(line);
                        } catch (ErrnoException _) {
                            // the client has had enough
                        }
                    });
                } catch (IOException _) {
                    // closed
                }
            });
            Report report = new Conformance(target(socket, WireFormat.MODERN, PATIENT), "length-0"::equals)
                    .run(_ -> {
                        // only the report matters
                    });
            assertThat(report.outcomes()).singleElement().satisfies(outcome -> assertThat(outcome.remark()).startsWith(
                    "a request is not answered with messages: what the daemon says has no end: "));
        }
        serving.join();
    }

    @Test
    void every_defect_has_its_line_in_the_table() {
        assertThat(DEFECTS.keySet()).containsExactlyInAnyOrderElementsOf(
                EnumSet.complementOf(EnumSet.of(Defect.NONE, Defect.DIES_OF_HALF_A_HEADER)));
    }

    @Test
    void a_daemon_that_dies_is_noticed_in_the_case_that_killed_it() throws Exception {
        Path socket = directory.resolve("s");
        try (DefectiveServer server = new DefectiveServer(socket, Defect.DIES_OF_HALF_A_HEADER)) {
            assertThat(server).isNotNull();
            Target target = target(socket, WireFormat.MODERN, Duration.ofMillis(400));
            Report report = new Conformance(target, "end-in-header"::equals).run(_ -> {
                // only the report matters
            });
            assertThat(report.outcomes()).singleElement().satisfies(outcome -> {
                assertThat(outcome.status()).isEqualTo(Status.FAILED);
                assertThat(outcome.remark()).contains("afterwards no client can connect");
            });
        }
    }

    @Test
    void a_daemon_that_reads_no_more_is_not_waited_for_without_end() throws Exception {
        Path socket = directory.resolve("s");
        try (DefectiveServer server = new DefectiveServer(socket, Defect.READS_THREE)) {
            assertThat(server).isNotNull();
            Target large = new Target(socket, WireFormat.MODERN, 16384, 7, 0, new byte[16_000], List.of(),
                    Target.USUAL_CONNECTIONS, LESS_PATIENT);
            Report report = new Conformance(large, "twenty-in-one-write"::equals).run(_ -> {
                // only the report matters
            });
            assertThat(report.outcomes()).singleElement().satisfies(outcome -> {
                assertThat(outcome.status()).isEqualTo(Status.FAILED);
                assertThat(outcome.remark()).contains("the peer does not read");
            });
        }
    }

    @Test
    void a_request_that_is_not_answered_ends_the_run_with_its_type() throws Exception {
        try (SilentServer server = new SilentServer(directory.resolve("silent"))) {
            assertThatThrownBy(() -> run(server.socket(), WireFormat.MODERN, Duration.ofMillis(100)))
                    .isInstanceOf(IOException.class).hasMessageContaining("type 7 is not answered");
        }
    }

    @Test
    void the_report_is_read_by_what_reads_JUnit() throws Exception {
        Report report = new Report("x", List.of(
                new Outcome("framing", "one", "it <answers>", Status.PASSED, "", Duration.ofMillis(5)),
                new Outcome("framing", "two", "it \"closes\"", Status.FAILED, "a & b", Duration.ofMillis(5)),
                new Outcome("load", "three", "", Status.NOT_TESTED, "no", Duration.ZERO)), "");
        var document = javax.xml.parsers.DocumentBuilderFactory.newInstance().newDocumentBuilder()
                .parse(new org.xml.sax.InputSource(new java.io.StringReader(report.junitXml())));
        assertThat(document.getDocumentElement().getAttribute("failures")).isEqualTo("1");
        assertThat(document.getDocumentElement().getAttribute("skipped")).isEqualTo("1");
        assertThat(document.getElementsByTagName("testcase").getLength()).isEqualTo(3);
        assertThat(document.getElementsByTagName("failure").item(0).getAttributes().getNamedItem("message")
                .getNodeValue()).isEqualTo("a & b");
        assertThat(report.outcomes().get(1).toString()).contains("C imsg: it \"closes\"");
    }

    private static Report run(Path socket, WireFormat format, Duration patience) throws IOException {
        return new Conformance(target(socket, format, patience)).run(_ -> {
            // only the report matters
        });
    }

    private static Target target(Path socket, WireFormat format, Duration patience) {
        return new Target(socket, format, 16384, 7, 0, new byte[]{1, 2, 3}, List.of(), Target.USUAL_CONNECTIONS,
                patience);
    }

    private static void assertAllPass(Report report) {
        assertThat(report.outcomes()).hasSizeGreaterThan(Conformance.names().size() - 11)
                .allSatisfy(outcome -> assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.PASSED));
    }

    private static List<String> failed(Report report) {
        return ended(report, Status.FAILED);
    }

    private static List<String> untested(Report report) {
        return ended(report, Status.NOT_TESTED);
    }

    private static List<String> ended(Report report, Status status) {
        return report.outcomes().stream().filter(outcome -> outcome.status() == status).map(Outcome::name).toList();
    }

    /** Sends every message back, on a virtual thread a client; if wanted with a descriptor. */
    private static final class EchoServer implements AutoCloseable {
        private final ImsgListener listener;
        private final Thread accepting;
        private final boolean passes;

        EchoServer(Path path, boolean passes) throws IOException {
            this.passes = passes;
            listener = ImsgListener.listen(path);
            accepting = Thread.ofVirtual().start(this::accept);
        }

        Path socket() {
            return listener.address().path();
        }

        private void accept() {
            try {
                for (;;) {
                    ImsgChannel channel = listener.accept().allowFdPassing();
                    if (passes)
                        channel.format(WireFormat.MODERN);
                    Thread.ofVirtual().start(() -> serve(channel));
                }
            } catch (IOException _) {
                // closed
            }
        }

        private void answer(ImsgChannel channel, ImsgView message) throws IOException {
            Fd passed = passes ? Fd.open(Path.of("/dev/null"), OpenFlag.READ) : null;
            channel.composev(message.type(), message.id(), message.pid(), passed, message.payload());
        }

        private void serve(ImsgChannel channel) {
            try (channel) {
                while (channel.read(message -> answer(channel, message)) >= 0)
                    channel.flush();
            } catch (IOException _) {
                // the client broke the protocol, or has left
            }
        }

        @Override
        public void close() throws IOException {
            listener.close();
            Threads.join(accepting);
        }
    }

    /** Accepts and says nothing. */
    private static final class SilentServer implements AutoCloseable {
        private final ImsgListener listener;

        SilentServer(Path path) throws IOException {
            listener = ImsgListener.listen(path);
        }

        Path socket() {
            return listener.address().path();
        }

        @Override
        public void close() throws IOException {
            listener.close();
        }
    }

    /** By the habit, the cases that cannot look then. */
    private static final Map<Habit, List<String>> HABITS = Map.of(Habit.GREETS, List.of(), Habit.ENDS_AFTER_AN_ANSWER,
            List.of("others-while-one-is-refused", "two-in-one-write", "twenty-in-one-write",
                    "unknown-type-with-payload", "cut-header-behind-a-request", "long-rest-behind-a-request",
                    "lengths-behind-a-request", "length-at-limit", "answers-of-many-lengths",
                    "mark-without-descriptor", "descriptor-not-asked-for", "descriptor-without-mark",
                    "two-descriptors-with-one-message", "descriptor-flood", "descriptor-closed-once",
                    "no-descriptor-is-none", "flood-of-requests", "a-client-that-does-not-read"),
            Habit.ANSWERS_SLOWLY, List.of("flood-of-requests", "a-client-that-does-not-read"),
            Habit.PAUSES_INSIDE_A_MESSAGE, List.of("flood-of-requests", "a-client-that-does-not-read"),
            Habit.PAUSES_BETWEEN_MESSAGES, List.of("flood-of-requests", "a-client-that-does-not-read"));

    private static final Map<Defect, List<String>> DEFECTS = """
            TAKES_SHORT_LENGTHS                 | others-while-one-is-refused,length-15,length-0,known-type-length-15,known-type-length-0,marked-lengths,lengths-behind-a-request,descriptor-with-a-length-that-is-refused
            HAS_NO_LIMIT                        | length-over-limit,length-all-ones,known-type-length-over-limit,known-type-length-all-ones,length-16-with-upper-bits,marked-lengths,lengths-behind-a-request
            HAS_A_LOW_LIMIT                     | length-at-limit,longest-answer,answers-of-many-lengths
            WANTS_WHOLE_WRITES                  | byte-by-byte,cut-in-header,cut-behind-header,others-while-a-header-is-cut,others-while-a-payload-is-cut,cut-header-behind-a-request,long-rest-behind-a-request,rest-while-nothing-comes,flood-of-requests
            FORGETS_THE_SECOND_MESSAGE          | two-in-one-write,twenty-in-one-write,cut-header-behind-a-request,long-rest-behind-a-request,lengths-behind-a-request,flood-of-requests
            KEEPS_DESCRIPTORS                   | descriptor-not-asked-for,known-type-descriptor,two-descriptors-with-one-message,known-type-two-descriptors,descriptor-with-other-payloads,descriptor-with-the-last-byte,descriptor-flood,a-descriptor-with-each-part
            KEEPS_UNMARKED_DESCRIPTORS          | descriptor-without-mark,known-type-descriptor-without-mark
            KEEPS_DESCRIPTORS_OF_HALF_A_MESSAGE | descriptor-and-then-no-more
            WAITS_FOR_PROMISED_DESCRIPTORS      | mark-without-descriptor,known-type-mark-without-descriptor
            STAYS_AFTER_THE_END                 | known-type-mark-without-descriptor,half-close-after-request,end-in-header,end-in-payload,end-in-request
            SERVES_ONE_AT_A_TIME                | others-while-a-header-is-cut,others-while-a-payload-is-cut,descriptor-closed-once,no-descriptor-is-none,leaving-without-reading,others-while-one-is-silent,rest-while-nothing-comes,many-connections,a-client-that-does-not-read
            TIRES_AFTER_A_HUNDRED               | flood-of-requests
            READS_THREE                         | twenty-in-one-write,answers-of-many-lengths,descriptor-flood,flood-of-requests
            LETS_ONE_BLOCK_ALL                  | a-client-that-does-not-read
            ENDS_ONLY_ITS_OUTPUT                | length-15,length-0,length-over-limit,length-all-ones,known-type-length-15,known-type-length-0,known-type-length-over-limit,known-type-length-all-ones,length-16-with-upper-bits,marked-lengths,lengths-behind-a-request
            """
            .lines().map(line -> line.split("\\s*\\|\\s*"))
            .collect(Collectors.toMap(parts -> Defect.valueOf(parts[0]), parts -> List.of(parts[1].split(","))));
}
