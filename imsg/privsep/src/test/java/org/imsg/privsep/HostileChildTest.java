package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A child that was taken over: the parent says so in its log, does what the role's policy says, and serves the others. */
@Timeout(90)
class HostileChildTest {
    private static void serves(Stage stage, String who) throws Exception {
        stage.forget();
        stage.tell(who, 0, "look");
        stage.await(who + "[0] pid");
    }

    @Test
    void who_breaks_the_rules_is_killed_and_the_others_are_served() throws Exception {
        List<String> orders = List.of("unhandled", "short", "raw 1 3 0 0", "raw " + Protocol.START + " 16 0 0");
        List<String> logged = List.of("nobody handles imsg type 6", "2 bytes from hostile[1] is too short",
                "no message",
                "not a child's to send");
        try (CapturedLog log = new CapturedLog("troupe.hostile");
                CapturedLog _ = new CapturedLog("troupe");
                Stage stage = new Stage("hostile*4 bystander")) {
            for (int i = 0; i < orders.size(); i++) {
                stage.tell("hostile", i, orders.get(i));
                assertThat(log.await("violates the rules")).startsWith("WARNING hostile[" + i + "] (pid ")
                        .contains("(KILL_CHILD)").contains(logged.get(i));
                stage.await("finished hostile[" + i + "] was ended by signal 9");
                serves(stage, "bystander");
            }
        }
    }

    @Test
    void what_a_child_says_after_it_broke_the_rules_is_not_listened_to() throws Exception {
        try (CapturedLog _ = new CapturedLog("troupe.hostile");
                CapturedLog _ = new CapturedLog("troupe");
                Stage stage = new Stage("hostile")) {
            stage.tell("hostile", 0, "insist");
            stage.await("finished hostile[0] was ended by signal 9");
            assertThat(stage.heard()).doesNotContain("hostile[0] still here");
        }
    }

    @Test
    void who_speaks_another_version_of_the_framework_breaks_the_rules() throws Exception {
        try (CapturedLog log = new CapturedLog("troupe.hostile");
                CapturedLog _ = new CapturedLog("troupe");
                Stage stage = new Stage("hostile")) {
            stage.tell("hostile", 0, "raw " + Protocol.READY + " 20 0 0 99");
            assertThat(log.await("violates the rules")).contains("speaks version 99");
            stage.await("finished hostile[0] was ended by signal 9");
        }
    }

    @Test
    void who_speaks_before_it_is_started_breaks_the_rules() throws Exception {
        try (CapturedLog log = new CapturedLog("troupe.hostile-early-tolerated");
                CapturedLog _ = new CapturedLog("troupe");
                Stage stage = new Stage("hostile-early-tolerated")) {
            assertThat(log.await("violates the rules")).contains("sent before it was told to start: imsg type 1");
            serves(stage, "hostile-early-tolerated");
            assertThat(stage.heard()).noneMatch(said -> said.contains("too early"));
        }
    }

    @Test
    void who_was_killed_is_started_again_and_trusted_again() throws Exception {
        try (CapturedLog log = new CapturedLog("troupe.hostile");
                CapturedLog _ = new CapturedLog("troupe");
                Stage stage = new Stage("hostile>bystander bystander")) {
            stage.await("hostile[0] started");
            stage.tell("hostile", 0, "unhandled");
            log.await("violates the rules");
            stage.awaitAll("bystander[0] disconnected hostile[0]");
            stage.await("hostile[0] started");
            serves(stage, "hostile");
        }
    }

    @Test
    void who_is_to_be_dropped_loses_its_channel_and_ends_by_itself() throws Exception {
        try (CapturedLog log = new CapturedLog("troupe.hostile-dropped");
                CapturedLog _ = new CapturedLog("troupe");
                Stage stage = new Stage("hostile-dropped bystander")) {
            stage.tell("hostile-dropped", 0, "unhandled");
            assertThat(log.await("violates the rules")).contains("(DROP_CHILD)");
            assertThat(stage.await("finished hostile-dropped[0]")).contains("ended with code");
            serves(stage, "bystander");
        }
    }

    @Test
    void who_is_tolerated_loses_its_message_but_not_when_the_stream_is_broken() throws Exception {
        try (CapturedLog log = new CapturedLog("troupe.hostile-tolerated");
                CapturedLog _ = new CapturedLog("troupe");
                Stage stage = new Stage("hostile-tolerated bystander")) {
            stage.tell("hostile-tolerated", 0, "unhandled");
            assertThat(log.await("violates the rules")).contains("(DROP_MESSAGE)");
            serves(stage, "hostile-tolerated");
            stage.tell("hostile-tolerated", 0, "raw 1 3 0 0");
            assertThat(log.await("violates the rules")).contains("no message");
            stage.await("finished hostile-tolerated[0]");
            serves(stage, "bystander");
        }
    }

    @Test
    void descriptors_nobody_asked_for_are_closed() throws Exception {
        try (Stage stage = new Stage("hostile bystander")) {
            stage.tell("hostile", 0, "flood 500");
            stage.await("hostile[0] flooded");
            serves(stage, "bystander");
            assertThat(stage.heard()).noneMatch(said -> said.startsWith("finished"));
        }
    }

    @Test
    void a_role_that_another_role_sends_nonsense_drops_it_and_goes_on() throws Exception {
        try (CapturedLog log = new CapturedLog("troupe.bystander");
                Stage stage = new Stage("hostile>bystander bystander")) {
            stage.awaitAll("hostile[0] connected bystander[0]");
            stage.tell("hostile", 0, "nonsense bystander");
            assertThat(log.await("dropped")).contains("nobody handles imsg type 6").contains("from hostile[0]");
            // An order is one if it comes from the parent.
            stage.tell("hostile", 0, "order bystander");
            assertThat(log.await("dropped")).contains("nobody handles imsg type 3").contains("from hostile[0]");
            serves(stage, "bystander");
        }
    }
}
