package org.imsg.harness.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.imsg.WireFormat;
import org.imsg.harness.conformance.FaultyDaemonServer.Fault;
import org.imsg.harness.conformance.Report.Outcome;
import org.imsg.harness.conformance.Report.Status;
import org.imsg.harness.describe.ProtocolDescription;
import org.imsg.harness.fuzz.Finding;
import org.imsg.harness.fuzz.Fuzzer;
import org.imsg.harness.record.Direction;
import org.imsg.harness.record.Event;
import org.imsg.harness.record.Recording;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A daemon in C with one fault: the suite finds each, and none where there is none. */
@Timeout(120)
class FaultyDaemonTest {
    private static final Duration PATIENT = Duration.ofSeconds(10);
    /** What a fault keeps back is waited for that long. */
    private static final Duration LESS_PATIENT = Duration.ofSeconds(5);
    private static final int ALL = 100;
    private static final byte[] PAYLOAD = {3, 0, 0, 0, 'a', 'b', 'c'};

    private static final Consumer<Outcome> UNTOLD = _ -> {
        // only the report matters
    };

    /** Faults that are no crashes by what one client says, and end the service all the same. */
    private static final Set<String> ENDING = Set.of("sigpipe", "tires", "tires-late", "crash-reset", "keeps-input",
            "write-error", "removes-socket", "table", "accept-error", "hangs-length-0", "crash-second-refused",
            "crash-unread", "crash-thousand", "crash-eight");

    /** How many bytes it takes to show a crash, where that is more than one request. */
    private static final Map<String, Integer> LONGER = Map.of("crash-page", 16 + 4097, "crash-behind",
            2 * 16 + PAYLOAD.length);

    /** Faults in what only the classic format has. */
    private static final Set<String> CLASSIC = Set.of("any-flag");

    @TempDir
    private Path directory;

    @Test
    void without_a_fault_every_case_passes_and_none_is_left_untested() throws Exception {
        List<Fault> requests = List.of(new Fault("1", 1, false), new Fault("2", 2, false), new Fault("3", 3, false),
                new Fault("classic", 1, false));
        AtOnce.run(requests.size(), requests, request -> {
            boolean classic = request.name().equals("classic");
            try (FaultyDaemonServer _ = new FaultyDaemonServer(socket(request.name()), classic, "none")) {
                assertAllPass(new Conformance(target(request.name(),
                        classic ? WireFormat.CLASSIC : WireFormat.MODERN, request.type())).run(UNTOLD));
            }
        });
    }

    @Test
    void the_program_has_no_fault_that_is_not_in_the_table() throws Exception {
        List<String> faults = new ArrayList<>(FaultyDaemonServer.faults().stream().map(Fault::name).toList());
        faults.remove("none");
        assertThat(faults).hasSizeGreaterThanOrEqualTo(20).containsExactlyInAnyOrderElementsOf(CASES.keySet());
    }

    @Test
    void every_fault_fails_the_case_that_is_for_it() throws Exception {
        AtOnce.run(ALL, FaultyDaemonServer.faults().stream().filter(fault -> CASES.containsKey(fault.name())).toList(),
                this::isFound);
    }

    private void isFound(Fault fault) throws IOException {
        String name = fault.name();
        boolean classic = CLASSIC.contains(name);
        try (FaultyDaemonServer _ = new FaultyDaemonServer(socket(name), classic, name)) {
            Target target = new Target(socket(name), classic ? WireFormat.CLASSIC : WireFormat.MODERN, 16384,
                    fault.type(), 0, PAYLOAD, List.of(),
                    Target.USUAL_CONNECTIONS, LESS_PATIENT);
            Report report = new Conformance(target, CASES.get(name)::equals).run(UNTOLD);
            assertThat(report.outcomes()).as(name).singleElement().returns(Status.FAILED, Outcome::status);
            assertThat(report.goneSince()).as(name)
                    .isEqualTo(fault.crash() || ENDING.contains(name) ? CASES.get(name) : "");
        }
    }

    @Test
    void after_a_crash_the_report_says_since_which_case_and_no_other_is_called_passed() throws Exception {
        try (FaultyDaemonServer _ = new FaultyDaemonServer(socket(""), false, "crash-empty")) {
            List<Outcome> told = new ArrayList<>();
            Report report = new Conformance(target("", WireFormat.MODERN, 1)).run(told::add);
            int crash = report.outcomes().stream().map(Outcome::name).toList()
                    .indexOf("known-type-with-other-payloads");
            assertThat(report.goneSince()).isEqualTo("known-type-with-other-payloads");
            assertThat(report.outcomes().get(crash).status()).isEqualTo(Status.FAILED);
            assertThat(report.outcomes().subList(crash + 1, report.outcomes().size())).isNotEmpty()
                    .allMatch(outcome -> outcome.status() == Status.NOT_RUN);
            assertThat(told).isEqualTo(report.outcomes().subList(0, crash + 1));
            assertThat(report.summary())
                    .endsWith(" not tested; the daemon is gone since known-type-with-other-payloads, "
                            + (report.outcomes().size() - crash - 1) + " not run");
        }
    }

    @Test
    void a_daemon_that_dies_of_the_probe_is_told_of_with_what_was_said() throws Exception {
        try (FaultyDaemonServer _ = new FaultyDaemonServer(socket(""), false, "crash-long-length")) {
            assertThatThrownBy(() -> new Probe(socket(""), Duration.ofMillis(400)).run())
                    .isInstanceOf(Probe.DaemonGoneException.class)
                    .hasMessageStartingWith("the daemon is gone since a client said ")
                    .hasMessageContaining("ECONNREFUSED");
        }
    }

    @Test
    void no_terminal_obeys_the_name_of_a_process_that_was_probed() throws Exception {
        Path program = Files.copy(FaultyDaemonServer.PROGRAM, directory.resolve("a\u001B[2Jb"),
                StandardCopyOption.COPY_ATTRIBUTES);
        try (FaultyDaemonServer _ = new FaultyDaemonServer(program, socket(""), false, "none")) {
            assertThat(new Probe(socket(""), Duration.ofMillis(400)).run().process()).endsWith("(a\\u001b[2Jb)");
        }
    }

    /** So a run with what was probed still finds the daemon that is off by one. */
    @Test
    void a_limit_that_is_off_by_one_is_meant_to_be_the_usual_one() {
        assertThat(Stream.of(16383, 16384, 16385, 16400, 20000).map(Probe::usual))
                .containsExactly(16384, 16384, 16384, 16400, 20000);
    }

    @Test
    void types_that_the_answer_must_have_can_be_given() throws Exception {
        Target learned = target("", WireFormat.MODERN, 1);
        try (FaultyDaemonServer _ = new FaultyDaemonServer(socket(""), false, "none")) {
            Report report = new Conformance(
                    new Target(learned.socket(), learned.format(), learned.limit(), 1, 0, PAYLOAD,
                            List.of(1, 4), Target.USUAL_CONNECTIONS, PATIENT),
                    "answers-of-one-kind"::equals).run(UNTOLD);
            assertThat(report.outcomes()).singleElement().returns(Status.FAILED, Outcome::status)
                    .returns("the answer has the types [1], not [1, 4]", Outcome::remark);
        }
    }

    /** Whether it trusts lengths in a payload is not seen then. */
    @Test
    void a_request_without_a_payload_that_could_be_cut_short_leaves_that_untested() throws Exception {
        Target echo = target("", WireFormat.MODERN, 1);
        try (FaultyDaemonServer _ = new FaultyDaemonServer(socket(""), false, "none")) {
            Report report = new Conformance(new Target(echo.socket(), echo.format(), echo.limit(), 1, 0, new byte[0],
                    List.of(), Target.USUAL_CONNECTIONS, PATIENT), "known-type-with-other-payloads"::equals)
                    .run(UNTOLD);
            assertThat(report.outcomes()).singleElement().returns(Status.NOT_TESTED, Outcome::status)
                    .returns("only longer payloads: the request has none to cut short, --hex gives it one",
                            Outcome::remark);
        }
    }

    @Test
    void a_documented_limit_of_connections_is_kept_to() throws Exception {
        Target usual = target("", WireFormat.MODERN, 1);
        try (FaultyDaemonServer _ = new FaultyDaemonServer(socket(""), false, "ten-clients")) {
            Report report = new Conformance(new Target(usual.socket(), usual.format(), usual.limit(), 1, 0, PAYLOAD,
                    List.of(), 10, PATIENT), "many-connections"::equals).run(UNTOLD);
            assertThat(report.outcomes()).singleElement().returns(Status.PASSED, Outcome::status)
                    .returns("10 connections", Outcome::remark);
        }
    }

    @Test
    void every_crash_is_found_and_shrunk_by_the_fuzzer() throws Exception {
        AtOnce.run(ALL, FaultyDaemonServer.faults().stream().filter(Fault::crash).toList(), this::isShrunk);
    }

    private void isShrunk(Fault fault) throws IOException, InterruptedException {
        try (FaultyDaemonServer daemon = new FaultyDaemonServer(socket(fault.name()), false, fault.name())) {
            Finding finding = fuzzer(fault.name(), daemon).run(Duration.ofSeconds(60), 5000, _ -> {
                // no progress is shown
            }).orElseThrow(() -> new AssertionError(fault + " is not found"));
            assertThat(finding.reproduced()).as(fault.name()).isTrue();
            assertThat(finding.shrunk()).as(fault.name()).hasSizeLessThanOrEqualTo(2);
            assertThat(finding.shrunk().stream().mapToInt(event -> event.bytes().length).sum()).as(fault.name())
                    .isLessThanOrEqualTo(LONGER.getOrDefault(fault.name(), 16 + PAYLOAD.length));
        }
    }

    @Test
    void the_fuzzer_finds_nothing_where_there_is_nothing() throws Exception {
        try (FaultyDaemonServer daemon = new FaultyDaemonServer(socket(""), false, "none")) {
            assertThat(fuzzer("", daemon).run(Duration.ofSeconds(20), 500, _ -> {
                // no progress is shown
            })).isEmpty();
        }
    }

    private Fuzzer fuzzer(String name, FaultyDaemonServer daemon) {
        Recording said = new Recording(Instant.EPOCH, Stream.of(1, 2, 3).map(type -> Event
                .message(Direction.TO_SERVER, WireFormat.MODERN, type, 0, 99, PAYLOAD, List.of())).toList());
        return new Fuzzer(socket(name), said, ProtocolDescription.NONE, PATIENT, daemon::restart, 7);
    }

    private Path socket(String name) {
        return directory.resolve("s" + name);
    }

    private Target target(String name, WireFormat format, int type) {
        return new Target(socket(name), format, 16384, type, 0, PAYLOAD, List.of(), Target.USUAL_CONNECTIONS, PATIENT);
    }

    private static void assertAllPass(Report report) {
        assertThat(report.outcomes()).hasSizeGreaterThan(Conformance.names().size() - 8)
                .allSatisfy(outcome -> assertThat(outcome.status()).as(outcome.toString()).isEqualTo(Status.PASSED));
    }

    /** By the fault, a case that finds it. */
    private static final Map<String, String> CASES = """
            short-length | length-15
            short-length-known | known-type-length-15
            no-limit | length-over-limit
            no-limit-known | known-type-length-over-limit
            low-limit | length-at-limit
            payload-length | unknown-type
            forgets-part | byte-by-byte
            waits-for-header | others-while-a-header-is-cut
            waits-for-payload | others-while-a-payload-is-cut
            one-a-read | two-in-one-write
            late-second | two-in-one-write
            drops-cut-body | byte-by-byte
            body-as-header | unknown-type-with-payload
            twice | answers-of-one-kind
            twice-if-cut | byte-by-byte
            other-id | answers-of-one-kind
            swapped-id | answers-of-one-kind
            stale-id | answers-of-one-kind
            other-pid | answers-of-one-kind
            other-type | twenty-in-one-write
            swapped-length | request-in-one-write
            short-answer | request-in-one-write
            truncates | longest-answer
            out-of-order | two-in-one-write
            other-client | many-connections
            keeps-descriptor | known-type-descriptor
            keeps-unknown-descriptor | descriptor-not-asked-for
            keeps-unmarked-descriptor | descriptor-without-mark
            keeps-second-descriptor | two-descriptors-with-one-message
            keeps-late-descriptor | descriptor-with-the-last-byte
            closes-twice | descriptor-closed-once
            first-message | descriptor-with-its-own-message
            last-message | descriptor-with-its-own-message
            ignores-descriptor | descriptor-with-a-cut-message
            waits-for-descriptor | mark-without-descriptor
            mark-in-length | mark-without-descriptor
            ignores-end | half-close-after-request
            keeps-socket | nothing-is-left-open
            keeps-input | descriptor-and-then-no-more
            blocks | a-client-that-does-not-read
            drops-answers | flood-of-requests
            ten-clients | many-connections
            tires | leaving-without-reading
            sigpipe | leaving-without-reading
            high-limit | length-over-limit
            mark-in-length-known | known-type-mark-in-a-cut-message
            waits-for-descriptor-known | known-type-mark-without-descriptor
            short-type | type-with-higher-bits
            takes-rest | end-in-request
            skips-refused | length-15
            shared-input | others-while-a-header-is-cut
            closes-other | others-while-one-is-refused
            large-id | two-in-one-write
            short-pid | answers-of-one-kind
            marks-answers | answers-of-one-kind
            drops-last-byte | longest-answer
            drops-page-byte | answers-of-many-lengths
            drops-rest | flood-of-requests
            moves-one | twenty-in-one-write
            twice-late | flood-of-requests
            keeps-refused-socket | nothing-is-left-open
            keeps-refused-descriptor | descriptor-with-a-length-that-is-refused
            keeps-wrong-descriptor | descriptor-with-other-payloads
            leaks-refused | nothing-is-left-in-memory
            leaks-client | nothing-is-left-in-memory
            leaks-message | nothing-is-left-in-memory
            tires-late | nothing-is-left-in-memory
            crash-empty | known-type-with-other-payloads
            crash-short-length | length-15
            crash-long-length | length-over-limit
            crash-mark | mark-without-descriptor
            crash-unknown-type | unknown-type
            crash-count | known-type-with-other-payloads
            crash-half-header | end-in-header
            crash-split-header | byte-by-byte
            crash-silent | leaving-without-a-word
            crash-reset | leaving-without-reading
            crash-peerid | other-peerids-and-pids
            crash-pid | other-peerids-and-pids
            sixteen-bit-length | length-16-with-upper-bits
            loose-length | length-16-with-upper-bits
            unchecked-marked | marked-lengths
            checks-first | lengths-behind-a-request
            refuses-empty | unknown-type
            takes-part | byte-by-byte
            overlap | long-rest-behind-a-request
            forgets-tail | cut-header-behind-a-request
            never-moves | flood-of-requests
            dedupes | many-connections
            hundred-a-read | flood-of-requests
            any-flag | other-flags-are-no-mark
            drops-slow | flood-of-requests
            resends | flood-of-requests
            no-pollout | flood-of-requests
            write-error | leaving-without-reading
            spins | rest-while-nothing-comes
            spins-while-cut | rest-while-nothing-comes
            waits-for-first-word | others-while-one-is-silent
            impatient | rest-while-nothing-comes
            replaces | many-connections
            removes-socket | end-in-header
            table | more-connections-than-descriptors
            accept-error | more-connections-than-descriptors
            keeps-excess | more-connections-than-descriptors
            zombies | no-process-is-left
            refuses-next | length-15
            inherits-descriptor | another-client's-descriptor
            shared-descriptors | another-client's-descriptor
            inherits-answers | leaving-without-reading
            closes-zero | no-descriptor-is-none
            overwrites-descriptor | a-descriptor-with-each-part
            sixteen-descriptors | each-of-many-has-its-descriptor
            echoes-mark | known-type-mark-without-descriptor
            stray-descriptor | answers-of-one-kind
            text-for-error | length-15
            stops-reading | length-15
            keeps-fortieth | nothing-is-left-open
            leaks-little | nothing-is-left-in-memory
            leaks-unread | nothing-is-left-in-memory
            leaks-marked | nothing-is-left-in-memory
            overread | known-type-with-other-payloads
            zero-pid | answers-of-one-kind
            dead-pid | answers-of-one-kind
            strings | known-type-with-other-payloads
            first-id | two-in-one-write
            hangs-length-0 | length-0
            crash-page | length-at-limit
            crash-negative-type | type-with-higher-bits
            crash-type-0 | types-at-the-edges
            crash-two-descriptors | two-descriptors-with-one-message
            crash-unmarked-descriptor | descriptor-without-mark
            crash-half-payload | end-in-payload
            crash-text | known-type-with-other-payloads
            crash-behind | lengths-behind-a-request
            crash-second-refused | marked-lengths
            crash-unread | leaving-without-reading
            crash-thousand | flood-of-requests
            crash-eight | twenty-in-one-write
            """
            .lines().map(line -> line.split("\\s*\\|\\s*"))
            .collect(Collectors.toMap(parts -> parts[0].strip(), parts -> parts[1]));
}
