package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.imsg.privsep.Instance.State;
import org.imsg.unix.Child.ExitStatus;
import org.junit.jupiter.api.Test;

/** What the parent decides about the roles of its table. */
class SupervisorTest extends SupervisedRoles {
    @Test
    void nobody_starts_before_everybody_is_ready_and_has_all_its_channels() {
        role("a", r -> r.instances(2).connect("b"));
        role("b", r -> r);
        role("c", r -> r);
        begin();
        assertThat(whatWasDone()).containsExactly("spawn a[0]", "spawn a[1]", "spawn b[0]", "spawn c[0]");
        supervisor.ready(instance("c[0]"), now);
        supervisor.ready(instance("a[1]"), now);
        supervisor.ready(instance("b[0]"), now);
        assertThat(whatWasDone()).isEmpty();
        supervisor.ready(instance("a[0]"), now);
        assertThat(whatWasDone()).containsExactly("connect a[0] b[0]", "connect a[1] b[0]", "start a[0]", "start a[1]",
                "start b[0]", "start c[0]", "start parent");
    }

    @Test
    void a_pair_that_has_lost_its_channel_gets_another_in_a_second_until_it_has_one_or_one_is_started_again() {
        role("a", r -> r.restart().connect("b"));
        role("b", r -> r);
        begin();
        everybodyIsReady();
        whatWasDone();
        supervisor.lost(instance("a[0]"), instance("b[0]"), now);
        supervisor.lost(instance("b[0]"), instance("a[0]"), now);
        connectFails = true;
        wake();
        connectFails = false;
        wake();
        assertThat(now).isEqualTo(2 * SECOND);
        assertThat(whatWasDone()).hasSize(2).allMatch(what -> what.startsWith("connect "));
        assertThat(supervisor.nextDeadline()).isEqualTo(Long.MAX_VALUE);
        supervisor.lost(instance("a[0]"), instance("b[0]"), now);
        ends("a[0]");
        wake();
        supervisor.ready(instance("a[0]"), now);
        assertThat(whatWasDone()).containsExactly("finished a[0]", "spawn a[0]", "connect a[0] b[0]", "start a[0]");
        assertThat(supervisor.nextDeadline()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void a_role_can_be_connected_to_itself() {
        role("a", r -> r.instances(3).connect("a"));
        begin();
        everybodyIsReady();
        assertThat(whatWasDone()).contains("connect a[0] a[1]", "connect a[0] a[2]", "connect a[1] a[2]");
    }

    @Test
    void a_child_that_ends_stops_the_program_unless_its_role_says_otherwise() {
        role("a", r -> r);
        role("b", r -> r);
        begin();
        everybodyIsReady();
        whatWasDone();
        ends("a[0]");
        assertThat(whatWasDone()).containsExactly("finished a[0]", "end channel b[0]");
        ends("b[0]");
        assertThat(supervisor.isDone()).isTrue();
        assertThat(supervisor.isFailed()).isTrue();
    }

    @Test
    void the_others_go_on_without_an_optional_child_which_the_barrier_does_not_wait_for_either() {
        role("a", r -> r.afterEnd(AfterEnd.GO_ON));
        role("b", r -> r.connect("a"));
        begin();
        supervisor.ready(instance("b[0]"), now);
        whatWasDone();
        ends("a[0]");
        assertThat(whatWasDone()).containsExactly("finished a[0]", "start b[0]", "start parent");
        assertThat(supervisor.isDone()).isFalse();
    }

    @Test
    void a_child_that_restarts_waits_for_the_finish_hook_and_is_connected_again_to_those_who_run() {
        role("a", r -> r.restart().connect("b", "c"));
        role("b", r -> r);
        role("c", RoleSettings::restart);
        begin();
        everybodyIsReady();
        supervisor.ended(instance("c[0]"), CRASH, now);
        supervisor.ended(instance("a[0]"), CRASH, now);
        whatWasDone();
        assertThat(supervisor.nextDeadline()).isEqualTo(now + Deadlines.USUAL.finish().toNanos());
        supervisor.hookReturned(instance("a[0]"), now);
        wake();
        assertThat(now).isEqualTo(SECOND);
        assertThat(whatWasDone()).containsExactly("spawn a[0]");
        supervisor.ready(instance("a[0]"), now);
        assertThat(whatWasDone()).containsExactly("connect a[0] b[0]", "start a[0]");
        supervisor.hookReturned(instance("c[0]"), now);
        wake();
        supervisor.ready(instance("c[0]"), now);
        assertThat(whatWasDone()).containsExactly("spawn c[0]", "connect c[0] a[0]", "start c[0]");
    }

    @Test
    void a_finish_hook_that_does_not_return_holds_nothing_up_for_longer_than_its_deadline() {
        role("a", RoleSettings::restart);
        begin();
        everybodyIsReady();
        now += 100 * SECOND;
        supervisor.ended(instance("a[0]"), CRASH, now);
        whatWasDone();
        wake();
        assertThat(now).isEqualTo(100 * SECOND + Deadlines.USUAL.finish().toNanos());
        supervisor.tick(now);
        assertThat(whatWasDone()).containsExactly("hook overdue a[0]", "spawn a[0]");
    }

    @Test
    void the_time_of_a_finish_hook_begins_when_what_its_process_left_behind_is_gone() {
        role("a", RoleSettings::restart);
        begin();
        everybodyIsReady();
        leftBehindTakes = 2 * Deadlines.USUAL.finish().toNanos();
        supervisor.ended(instance("a[0]"), CRASH, now);
        whatWasDone();
        now += leftBehindTakes;
        supervisor.tick(now);
        assertThat(whatWasDone()).isEmpty();
        assertThat(supervisor.nextDeadline()).isEqualTo(now + Deadlines.USUAL.finish().toNanos());
        supervisor.hookBegins(instance("a[0]"), now += SECOND);
        assertThat(supervisor.nextDeadline()).isEqualTo(now + Deadlines.USUAL.finish().toNanos());
    }

    @Test
    void stopping_ends_the_channel_then_sends_TERM_then_KILL() {
        role("a", r -> r);
        begin();
        everybodyIsReady();
        whatWasDone();
        supervisor.stop(now);
        assertThat(whatWasDone()).containsExactly("end channel a[0]");
        wake();
        assertThat(now).isEqualTo(Deadlines.USUAL.end().toNanos());
        wake();
        assertThat(now).isEqualTo(Deadlines.USUAL.end().plus(Deadlines.USUAL.term()).toNanos());
        assertThat(whatWasDone()).containsExactly("kill a[0] 15", "kill a[0] 9");
        assertThat(supervisor.nextDeadline()).isEqualTo(Long.MAX_VALUE);
        supervisor.ended(instance("a[0]"), new ExitStatus(-1, 9), now);
        assertThat(whatWasDone()).containsExactly("finished a[0] as told");
        assertThat(supervisor.isDone()).isFalse();
        supervisor.hookReturned(instance("a[0]"), now);
        assertThat(supervisor.isDone()).isTrue();
        assertThat(supervisor.isFailed()).isFalse();
    }

    @Test
    void stopping_during_a_pause_starts_nobody_any_more() {
        role("a", RoleSettings::restart);
        begin();
        everybodyIsReady();
        ends("a[0]");
        supervisor.stop(now);
        assertThat(supervisor.isDone()).isTrue();
        assertThat(done).filteredOn(what -> what.startsWith("spawn")).hasSize(1);
    }

    @Test
    void a_child_that_is_not_ready_in_time_is_killed() {
        role("a", RoleSettings::restart);
        begin();
        whatWasDone();
        wake();
        assertThat(now).isEqualTo(Deadlines.USUAL.ready().toNanos());
        assertThat(whatWasDone()).containsExactly("kill a[0] 9");
        ends("a[0]");
        assertThat(instance("a[0]").state).isEqualTo(State.WAITING);
    }

    @Test
    void a_child_that_cannot_be_started_is_tried_again_only_if_its_role_says_so() {
        role("a", RoleSettings::restart);
        role("b", r -> r);
        spawnFails = true;
        begin();
        assertThat(instance("a[0]").state).isEqualTo(State.GONE);
        assertThat(supervisor.isFailed()).isTrue();
        assertThat(supervisor.isDone()).isTrue();
    }

    @Test
    void a_child_that_cannot_be_connected_is_ended() {
        role("a", r -> r.restart().connect("b"));
        role("b", r -> r);
        connectFails = true;
        begin();
        everybodyIsReady();
        assertThat(whatWasDone()).containsSubsequence("connect a[0] b[0]", "kill a[0] 9", "start b[0]")
                .doesNotContain("start a[0]");
    }

    @Test
    void a_child_that_closes_its_channel_and_stays_is_ended_by_signals_and_its_end_counts_as_one_of_its_own() {
        role("a", RoleSettings::restart);
        begin();
        everybodyIsReady();
        supervisor.channelEnded(instance("a[0]"), now);
        wake();
        wake();
        assertThat(whatWasDone()).endsWith("kill a[0] 15", "kill a[0] 9");
        ends("a[0]");
        assertThat(whatWasDone()).containsExactly("finished a[0]");
        assertThat(instance("a[0]").state).isEqualTo(State.WAITING);
    }

    @Test
    void a_violation_is_dealt_with_as_the_role_says() {
        role("kill", r -> r.restart());
        role("drop", r -> r.restart().onViolation(OnViolation.DROP_CHILD));
        role("message", r -> r.restart().onViolation(OnViolation.DROP_MESSAGE));
        begin();
        everybodyIsReady();
        whatWasDone();
        supervisor.instances().forEach(i -> supervisor.violated(i, false, now));
        assertThat(whatWasDone()).containsExactly("kill kill[0] 9", "drop drop[0]");
        supervisor.violated(instance("message[0]"), true, now);
        assertThat(whatWasDone()).containsExactly("drop message[0]");
        wake();
        assertThat(whatWasDone()).containsExactly("kill drop[0] 15", "kill message[0] 15");
    }

    @Test
    void a_reload_reaches_everybody_and_ends_and_starts_those_who_want_that() {
        role("a", r -> r);
        role("b", r -> r.reexecuteOnReload());
        begin();
        everybodyIsReady();
        whatWasDone();
        now = 10 * SECOND;
        supervisor.reload(now);
        assertThat(whatWasDone()).containsExactly("reload parent");
        supervisor.parentReloaded(now);
        assertThat(whatWasDone()).containsExactly("reload a[0]", "end channel b[0]");
        ends("b[0]");
        wake();
        assertThat(now).isEqualTo(10 * SECOND);
        supervisor.ready(instance("b[0]"), now);
        assertThat(whatWasDone()).containsExactly("finished b[0] as told", "spawn b[0]", "start b[0]");
        assertThat(supervisor.isFailed()).isFalse();
    }

    @Test
    void a_reload_starts_a_role_anew_only_if_its_configuration_has_changed() {
        List<String> configuration = new ArrayList<>(List.of("one"));
        role("a", r -> r.reexecuteOnReload(() -> List.copyOf(configuration)));
        RoleSettings settings = table.get("a");
        settings.readConfiguration();
        begin();
        everybodyIsReady();
        whatWasDone();
        settings.readConfiguration();
        supervisor.parentReloaded(now);
        assertThat(whatWasDone()).isEmpty();
        configuration.add("two");
        settings.readConfiguration();
        supervisor.parentReloaded(now);
        assertThat(whatWasDone()).containsExactly("end channel a[0]");
    }

    @Test
    void a_reload_while_a_child_is_being_started_is_told_to_it_afterwards() {
        role("a", r -> r);
        begin();
        supervisor.reload(now);
        assertThat(whatWasDone()).containsExactly("spawn a[0]");
        supervisor.ready(instance("a[0]"), now);
        assertThat(whatWasDone()).containsExactly("start a[0]", "reload a[0]", "start parent");
    }

    @Test
    void whatever_happens_a_child_is_never_started_twice_within_a_second() {
        for (long seed = 0; seed < 200; seed++) {
            SupervisorTest program = new SupervisorTest();
            program.role("a", r -> r.instances(3).restart().reexecuteOnReload());
            program.happen(new Random(seed), "seed " + seed);
        }
    }

    private void happen(Random random, String seed) {
        long[] lastStart = new long[3];
        java.util.Arrays.fill(lastStart, -SECOND);
        begin();
        for (int step = 0; step < 300; step++) {
            for (String what : whatWasDone()) {
                if (what.startsWith("spawn a[")) {
                    int number = what.charAt(8) - '0';
                    assertThat(now - lastStart[number]).as(seed + " step " + step).isGreaterThanOrEqualTo(SECOND);
                    lastStart[number] = now;
                }
            }
            Instance any = supervisor.instances().get(random.nextInt(3));
            switch (random.nextInt(12)) {
                case 0 -> supervisor.ready(any, now);
                case 1 -> supervisor.ended(any, CRASH, now);
                case 2 -> supervisor.hookReturned(any, now);
                case 3 -> supervisor.reload(now);
                case 6 -> supervisor.parentReloaded(now);
                case 4 -> supervisor.violated(any, random.nextBoolean(), now);
                case 5 -> supervisor.channelEnded(any, now);
                case 7 -> supervisor.up("a", now);
                case 8 -> supervisor.down("a", now);
                case 9 -> supervisor.restart("a", now);
                default -> now += random.nextLong(SECOND);
            }
            supervisor.tick(now);
        }
    }

    @Test
    void a_role_that_is_taken_down_ends_and_stays_away_until_it_is_up_again_and_the_others_go_on() {
        role("a", r -> r.connect("b"));
        role("b", RoleSettings::restart);
        begin();
        everybodyIsReady();
        whatWasDone();
        now = 10 * SECOND;
        supervisor.down("a", now);
        assertThat(whatWasDone()).containsExactly("end channel a[0]");
        ends("a[0]");
        now = 1000 * SECOND;
        supervisor.tick(now);
        assertThat(whatWasDone()).containsExactly("finished a[0] as told");
        supervisor.up("a", now);
        supervisor.up("a", now);
        supervisor.tick(now);
        supervisor.ready(instance("a[0]"), now);
        assertThat(whatWasDone()).containsExactly("spawn a[0]", "connect a[0] b[0]", "start a[0]");
        assertThat(supervisor.isFailed()).isFalse();
    }

    @Test
    void a_role_that_is_up_again_before_its_process_has_ended_is_started_then() {
        role("a", r -> r);
        begin();
        everybodyIsReady();
        now = 10 * SECOND;
        supervisor.down("a", now);
        supervisor.up("a", now);
        ends("a[0]");
        whatWasDone();
        supervisor.tick(now);
        assertThat(whatWasDone()).containsExactly("spawn a[0]");
    }

    @Test
    void an_optional_role_that_is_wanted_up_while_its_process_ends_by_itself_has_a_successor() {
        role("a", r -> r.afterEnd(AfterEnd.GO_ON));
        role("b", r -> r);
        begin();
        everybodyIsReady();
        now = 10 * SECOND;
        supervisor.channelEnded(instance("a[0]"), now);
        supervisor.up("a", now);
        ends("a[0]");
        whatWasDone();
        supervisor.tick(now);
        assertThat(whatWasDone()).containsExactly("spawn a[0]");
    }

    @Test
    void a_role_that_is_down_to_begin_with_is_not_waited_for_and_starts_when_it_is_up() {
        role("a", RoleSettings::down);
        role("b", r -> r);
        begin();
        supervisor.ready(instance("b[0]"), now);
        assertThat(whatWasDone()).containsExactly("spawn b[0]", "start b[0]", "start parent");
        now = 10 * SECOND;
        supervisor.up("a", now);
        supervisor.tick(now);
        assertThat(whatWasDone()).containsExactly("spawn a[0]");
        supervisor.stop(now);
        ends("a[0]");
        ends("b[0]");
        assertThat(supervisor.isDone()).isTrue();
    }

    @Test
    void a_role_that_is_taken_down_while_it_waits_for_a_restart_is_not_started_and_holds_up_no_barrier() {
        role("a", RoleSettings::restart);
        role("b", r -> r);
        begin();
        supervisor.ready(instance("b[0]"), now);
        ends("a[0]");
        whatWasDone();
        supervisor.down("a", now);
        assertThat(whatWasDone()).containsExactly("start b[0]", "start parent");
        now += 1000 * SECOND;
        supervisor.tick(now);
        assertThat(whatWasDone()).isEmpty();
    }

    @Test
    void a_restart_ends_and_starts_whatever_the_role_does_at_an_end_and_shortens_a_pause() {
        role("a", r -> r);
        role("b", r -> r.restart(Duration.ofMinutes(1), Duration.ofMinutes(1)));
        begin();
        everybodyIsReady();
        now = 10 * SECOND;
        ends("b[0]");
        whatWasDone();
        supervisor.restart("b", now);
        supervisor.restart("a", now);
        ends("a[0]");
        supervisor.tick(now);
        assertThat(whatWasDone()).containsExactly("end channel a[0]", "finished a[0] as told", "spawn a[0]",
                "spawn b[0]");
        assertThat(supervisor.isFailed()).isFalse();
    }
}
