package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A child that was taken over: the parent says so in its log, does what the role's policy says, and serves the others. */
@Timeout(90)
class HostileChildTest {
    private static void serves(TestParent parent, String who) throws Exception {
        parent.forget();
        parent.tell(who, 0, "look");
        parent.await(who + "[0] pid");
    }

    @Test
    void who_breaks_the_rules_is_killed_and_the_others_are_served() throws Exception {
        List<String> orders = List.of("unhandled", "short", "raw 1 3 0 0", "raw " + Protocol.START + " 16 0 0",
                "raw " + Protocol.LOST + " 20 0 0 0", "raw " + Protocol.LOST + " 16 0 0");
        List<String> logged = List.of("no handler is set for imsg type 6",
                "2 bytes from hostile[1] is not what its handler reads",
                "no message",
                "not a child's to send", "lost a channel that it was not sent", "a name that is cut short");
        try (CapturedLog log = new CapturedLog("testprogram.hostile");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile*6 bystander")) {
            for (int i = 0; i < orders.size(); i++) {
                parent.tell("hostile", i, orders.get(i));
                assertThat(log.await("violates the rules")).startsWith("WARNING hostile[" + i + "] (pid ")
                        .contains("(KILL_CHILD)").contains(logged.get(i));
                parent.await("finished hostile[" + i + "] was ended by signal 9");
                serves(parent, "bystander");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"hostile-clerk", "hostile-dropped-clerk"})
    void who_asks_the_monitor_for_nonsense_is_dealt_with_as_its_role_says(String role) throws Exception {
        boolean dropped = role.contains("dropped");
        try (CapturedLog log = new CapturedLog("testprogram." + role);
                CapturedLog _ = new CapturedLog("testprogram");
                CapturedLog _ = new CapturedLog("org.imsg.privsep.ops.Monitor");
                TestParent parent = new TestParent(role + " bystander")) {
            parent.tell(role, 0, "pester");
            assertThat(log.await("violates the rules")).contains(dropped ? "(DROP_CHILD)" : "(KILL_CHILD)",
                    "its monitor serves it no longer: it sent 4 messages that are no requests");
            assertThat(parent.await("finished " + role + "[0]"))
                    .contains(dropped ? "ended with code" : "was ended by signal 9");
            serves(parent, "bystander");
        }
    }

    @Test
    void what_a_child_says_after_it_broke_the_rules_is_not_listened_to() throws Exception {
        try (CapturedLog _ = new CapturedLog("testprogram.hostile");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile")) {
            parent.tell("hostile", 0, "insist");
            parent.await("finished hostile[0] was ended by signal 9");
            assertThat(parent.heard()).doesNotContain("hostile[0] still here");
        }
    }

    @Test
    void who_speaks_another_version_of_the_framework_breaks_the_rules() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.hostile");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile")) {
            parent.tell("hostile", 0, "raw " + Protocol.READY + " 20 0 0 99");
            assertThat(log.await("violates the rules")).contains("speaks version 99");
            parent.await("finished hostile[0] was ended by signal 9");
        }
    }

    @Test
    void who_speaks_before_it_is_started_breaks_the_rules() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.hostile-early-tolerated");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile-early-tolerated")) {
            assertThat(log.await("violates the rules")).contains("sent before it was told to start: imsg type 1");
            serves(parent, "hostile-early-tolerated");
            assertThat(parent.heard()).noneMatch(said -> said.contains("too early"));
        }
    }

    @Test
    void who_was_killed_is_started_again_and_trusted_again() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.hostile");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile>bystander bystander")) {
            parent.await("hostile[0] started");
            parent.tell("hostile", 0, "unhandled");
            log.await("violates the rules");
            parent.awaitAll("bystander[0] disconnected hostile[0]");
            parent.await("hostile[0] started");
            serves(parent, "hostile");
        }
    }

    @Test
    void who_is_to_be_dropped_loses_its_channel_and_ends_by_itself() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.hostile-dropped");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile-dropped bystander")) {
            parent.tell("hostile-dropped", 0, "unhandled");
            assertThat(log.await("violates the rules")).contains("(DROP_CHILD)");
            assertThat(parent.await("finished hostile-dropped[0]")).contains("ended with code");
            serves(parent, "bystander");
        }
    }

    @Test
    void who_is_tolerated_loses_its_message_but_not_when_the_stream_is_broken() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.hostile-tolerated");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile-tolerated bystander")) {
            parent.tell("hostile-tolerated", 0, "unhandled");
            assertThat(log.await("violates the rules")).contains("(DROP_MESSAGE)");
            serves(parent, "hostile-tolerated");
            parent.tell("hostile-tolerated", 0, "raw 1 3 0 0");
            assertThat(log.await("violates the rules")).contains("no message");
            parent.await("finished hostile-tolerated[0]");
            serves(parent, "bystander");
        }
    }

    @Test
    void descriptors_nobody_asked_for_are_closed() throws Exception {
        try (TestParent parent = new TestParent("hostile bystander")) {
            parent.tell("hostile", 0, "flood 500");
            parent.await("hostile[0] flooded");
            serves(parent, "bystander");
            assertThat(parent.heard()).noneMatch(said -> said.startsWith("finished"));
        }
    }

    @Test
    void a_role_that_another_role_sends_nonsense_drops_it_and_goes_on() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.bystander");
                TestParent parent = new TestParent("hostile>bystander bystander")) {
            parent.awaitAll("hostile[0] connected bystander[0]");
            parent.tell("hostile", 0, "nonsense bystander");
            assertThat(log.await("dropped")).contains("no handler is set for imsg type 6").contains("from hostile[0]");
            // An order is one if it comes from the parent.
            parent.tell("hostile", 0, "order bystander");
            assertThat(log.await("dropped")).contains("no handler is set for imsg type 3").contains("from hostile[0]");
            serves(parent, "bystander");
        }
    }

    @Test
    void what_is_told_of_siblings_leaves_room_for_what_a_role_has_to_say_itself() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.bystander");
                TestParent parent = new TestParent("hostile>bystander hostile-tolerated>bystander bystander")) {
            parent.awaitAll("hostile[0] connected bystander[0]", "hostile-tolerated[0] connected bystander[0]");
            for (String hostile : List.of("hostile", "hostile-tolerated"))
                parent.tell(hostile, 0, "nonsense bystander 3000");
            parent.awaitAll("hostile[0] sent nonsense", "hostile-tolerated[0] sent nonsense");
            // Answered when all of it has been read.
            for (String hostile : List.of("hostile", "hostile-tolerated"))
                parent.tell(hostile, 0, "ask bystander");
            parent.awaitAll("hostile[0] heard", "hostile-tolerated[0] heard");
            parent.tell("bystander", 0, "print");
            assertThat(log.await("an error")).isNotEmpty();
        }
    }

    /** The framework's messages mean something from the parent only: a sibling that forges them is told off and changes nothing. */
    @Test
    void a_sibling_speaks_for_no_parent() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.bystander");
                TestParent parent = new TestParent("hostile>bystander bystander")) {
            parent.awaitAll("hostile[0] connected bystander[0]");
            for (int type = Protocol.READY; type <= Protocol.REFUSED; type++) {
                parent.tell("hostile", 0, "forge bystander " + type);
                assertThat(log.await("dropped")).contains("no handler is set for", "from hostile[0]");
            }
            serves(parent, "bystander");
            assertThat(parent.heard()).noneMatch(said -> said.contains("bystander[0] reload")
                    || said.startsWith("finished bystander"));
        }
    }

    @Test
    void a_child_that_says_again_that_it_is_ready_breaks_the_rules() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.hostile");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile bystander")) {
            parent.tell("hostile", 0, "raw " + Protocol.READY + " 20 0 0 " + Protocol.VERSION);
            assertThat(log.await("violates the rules")).contains("says again that it is ready");
            parent.await("finished hostile[0] was ended by signal 9");
            serves(parent, "bystander");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes", "descriptors"})
    void a_child_that_reads_no_answer_is_ended_with_one_record(String what) throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.hostile");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile bystander")) {
            parent.tell("hostile", 0, "deaf " + what);
            assertThat(log.await("hostile[0]")).contains("violates the rules (KILL_CHILD)", "does not read",
                    what.equals("bytes") ? "0 descriptors" : "64 descriptors");
            parent.await("finished hostile[0] was ended by signal 9");
            assertThat(log.rest()).noneMatch(record -> record.contains("failed") || record.contains("violates"));
            serves(parent, "bystander");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"stack", "memory", "class"})
    void an_error_in_a_handler_ends_the_child_that_caused_it_and_nothing_else(String error) throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.hostile");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile bystander")) {
            parent.await("hostile[0] started");
            parent.tell("hostile", 0, "fail " + error);
            assertThat(log.await("hostile[0]")).contains("is killed: handling what it sends failed: java.lang.",
                    "Error");
            parent.await("finished hostile[0] was ended by signal 9");
            parent.await("hostile[0] started");
            serves(parent, "bystander");
            serves(parent, "hostile");
        }
    }

    @Test
    void an_error_in_the_supervision_of_a_child_is_survived() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile bystander")) {
            parent.await("hostile[0] started");
            AtomicBoolean once = new AtomicBoolean();
            log.onRecord(record -> {
                if (record.contains("hostile[0]") && once.compareAndSet(false, true))
                    throw new OutOfMemoryError("as told");
            });
            parent.tell("hostile", 0, "exit 3");
            log.await("supervision failed, and goes on");
            parent.await("hostile[0] started");
            serves(parent, "bystander");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"log-flood", "print-flood"})
    void what_a_child_logs_and_prints_is_bounded_and_what_is_dropped_is_counted(String flood) throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.hostile");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile bystander")) {
            parent.await("hostile[0] started");
            long begun = System.nanoTime();
            parent.tell("hostile", 0, flood);
            parent.await("hostile[0] " + (flood.equals("log-flood") ? "logged" : "printed"));
            serves(parent, "bystander");
            parent.tell("hostile", 0, "exit 0");
            parent.await("finished hostile[0]");
            List<String> records = log.rest();
            long seconds = (System.nanoTime() - begun) / 1_000_000_000 + 1;
            PeerBounds usual = PeerBounds.USUAL;
            assertThat(records.stream().mapToLong(String::length).sum()).isPositive()
                    .isLessThan((usual.recordsAtOnce() + seconds * usual.records() + 100) * PeerBounds.RECORD_LENGTH);
            assertThat(records).allMatch(record -> record.length() < usual.recordLength() + 100)
                    .anyMatch(record -> record
                            .matches("WARNING \\d+ log records of hostile\\[0] were dropped: more than 100 a second"));
        }
    }

    @Test
    void what_a_child_prints_is_logged_line_by_line_under_its_name() throws Exception {
        try (CapturedLog log = new CapturedLog("testprogram.hostile");
                CapturedLog _ = new CapturedLog("testprogram");
                TestParent parent = new TestParent("hostile")) {
            parent.tell("hostile", 0, "print");
            parent.await("hostile[0] printed");
            parent.tell("hostile", 0, "exit 0");
            parent.await("finished hostile[0]");
            assertThat(log.rest()).containsSubsequence("INFO hostile[0] stdout: a line\\u001b[31m",
                    "INFO hostile[0] stdout: WARNING other[0]: forged")
                    .containsSubsequence("WARNING hostile[0] stderr: an error",
                            "WARNING hostile[0] stderr: a line that does not end");
        }
    }

    @Test
    void standard_streams_are_the_childs_own_unless_its_role_shares_them() throws Exception {
        try (TestParent parent = new TestParent("hostile shared")) {
            parent.tell("hostile", 0, "streams");
            assertThat(parent.await("hostile[0] reads")).matches(
                    "hostile\\[0] reads -1 from /dev/null writes (pipe:\\[\\d+]) (?!\\1)pipe:\\[\\d+]");
            parent.tell("hostile", 0, "truncate");
            parent.await("hostile[0] has nothing to truncate");
            parent.tell("shared", 0, "output");
            assertThat(parent.await("shared[0] writes")).isEqualTo("shared[0] writes "
                    + Files.readSymbolicLink(Path.of("/proc/self/fd/1")));
        }
    }
}
