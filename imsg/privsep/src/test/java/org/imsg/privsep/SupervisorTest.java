package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.imsg.Imsg;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.Instance.State;
import org.imsg.unix.Child.ExitStatus;
import org.junit.jupiter.api.Test;

/** What the parent decides, without a process and without a clock: times are nanoseconds since the beginning. */
class SupervisorTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();
    private static final ExitStatus CRASH = new ExitStatus(-1, 11);

    private final List<String> done = new ArrayList<>();
    private final RoleTable table = new RoleTable();
    private boolean spawnFails;
    private boolean connectFails;
    private long leftBehindTakes;
    private Supervisor supervisor;
    private long now;

    private void role(String name, UnaryOperator<RoleSettings> settings) {
        table.add(settings.apply(new RoleSettings(name, () -> _ -> {})));
    }

    private void begin() {
        table.check();
        supervisor = new Supervisor(table, Deadlines.USUAL, new Recorder());
        supervisor.tick(now);
    }

    private Instance instance(String name) {
        return supervisor.instances().stream().filter(i -> i.toString().equals(name)).findFirst().orElseThrow();
    }

    private void everybodyIsReady() {
        supervisor.instances().forEach(i -> supervisor.ready(i, now));
    }

    private void ends(String name) {
        supervisor.ended(instance(name), CRASH, now);
        supervisor.hookReturned(instance(name), now);
    }

    /** Lets time pass to the next deadline. */
    private void wake() {
        now = supervisor.nextDeadline();
        supervisor.tick(now);
    }

    private List<String> whatWasDone() {
        List<String> since = List.copyOf(done);
        done.clear();
        return since;
    }

    private final class Recorder implements Supervisor.Actions {
        @Override
        public boolean spawn(Instance instance) {
            done.add("spawn " + instance);
            return !spawnFails;
        }

        @Override
        public boolean connect(Instance one, Instance other) {
            done.add("connect " + one + " " + other);
            return !connectFails;
        }

        @Override
        public void start(Instance instance) {
            done.add("start " + instance);
        }

        @Override
        public void startParent() {
            done.add("start parent");
        }

        @Override
        public void reloadParent() {
            done.add("reload parent");
        }

        @Override
        public void reload(Instance instance) {
            done.add("reload " + instance);
        }

        @Override
        public void endChannel(Instance instance) {
            done.add("end channel " + instance);
        }

        @Override
        public void drop(Instance instance) {
            done.add("drop " + instance);
        }

        @Override
        public void kill(Instance instance, int signal) {
            done.add("kill " + instance + " " + signal);
        }

        @Override
        public long finished(Instance instance, ExitStatus how, boolean toldToEnd) {
            done.add("finished " + instance + (toldToEnd ? " as told" : ""));
            return now + leftBehindTakes;
        }

        @Override
        public void hookOverdue(Instance instance) {
            done.add("hook overdue " + instance);
        }

        @Override
        public void rehearse(Instance instance) {
            done.add("rehearse " + instance);
        }

        @Override
        public void give(Instance instance, Request request) {
            done.add("give " + instance + " " + request.message().id());
        }

        @Override
        public void log(System.Logger.Level level, String text) {
            // for people
        }
    }

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

    @Test
    void a_role_on_demand_that_is_down_refuses_requests_and_has_no_spares() {
        onDemand(d -> d.limit(3).spares(1));
        startAll();
        supervisor.down("s", now);
        request(1, SECOND);
        assertThat(refused).containsExactly(1);
        ends("s[0]");
        whatWasDone();
        now += 100 * SECOND;
        supervisor.tick(now);
        assertThat(whatWasDone()).isEmpty();
        supervisor.up("s", now);
        startAll();
        request(2, SECOND);
        assertThat(whatWasDone()).contains("spawn s[0]", "give s[0] 2");
    }

    /** Ids of requests that were refused. */
    private final List<Integer> refused = new ArrayList<>();

    private Request request(int id, long patience) {
        return request(id, null, patience);
    }

    private Request request(int id, Ids ids, long patience) {
        return request(id, ids, null, patience);
    }

    private Request request(int id, Ids ids, Instance from, long patience) {
        Request request = new Request(Imsg.of(0, id, 0, new byte[0]), ids, from, patience, new Request.Asker() {
            @Override
            public void given(Peer to) {
                throw new AssertionError("the recorder gives no peer");
            }

            @Override
            public void refused(String why) {
                refused.add(id);
            }
        });
        supervisor.request("s", request, now);
        return request;
    }

    private void onDemand(UnaryOperator<OnDemand> settings) {
        role("s", r -> r.onDemand(settings));
        begin();
    }

    /** Starts what waits for its start, and has it rehearse. */
    private void startAll() {
        supervisor.tick(now);
        everybodyIsReady();
        supervisor.instances().stream().filter(i -> i.busy && i.uses == 0).forEach(i -> supervisor.done(i, now));
    }

    @Test
    void a_spare_rehearses_and_is_replaced_when_it_is_given_a_request() {
        onDemand(d -> d.limit(3).spares(1));
        everybodyIsReady();
        assertThat(whatWasDone()).containsExactly("spawn s[0]", "start s[0]", "rehearse s[0]", "start parent");
        request(1, SECOND);
        assertThat(whatWasDone()).isEmpty();
        supervisor.done(instance("s[0]"), now);
        assertThat(whatWasDone()).containsExactly("give s[0] 1");
        supervisor.tick(now);
        assertThat(whatWasDone()).containsExactly("spawn s[1]");
        supervisor.done(instance("s[0]"), now);
        assertThat(whatWasDone()).containsExactly("end channel s[0]");
        ends("s[0]");
        assertThat(whatWasDone()).containsExactly("finished s[0] as told");
        assertThat(refused).isEmpty();
    }

    @Test
    void a_request_that_a_spare_serves_has_the_processors_before_the_next_spare_starts() {
        onDemand(d -> d.limit(3));
        startAll();
        whatWasDone();
        request(1, SECOND);
        supervisor.tick(now);
        assertThat(whatWasDone()).containsExactly("give s[0] 1");
        assertThat(supervisor.nextDeadline() - now).isEqualTo(Duration.ofMillis(10).toNanos());
        request(2, SECOND);
        supervisor.tick(now);
        assertThat(whatWasDone()).as("it waits for the start").containsExactly("spawn s[2]");
        wake();
        assertThat(whatWasDone()).containsExactly("spawn s[1]");
    }

    @Test
    void a_spare_rehearses_as_often_as_its_role_says_in_each_of_its_lives() {
        onDemand(d -> d.limit(1).rehearsal(3, new byte[8], new byte[0]));
        for (int life = 0; life < 2; life++) {
            everybodyIsReady();
            whatWasDone();
            request(life, SECOND);
            supervisor.done(instance("s[0]"), now);
            supervisor.done(instance("s[0]"), now);
            assertThat(whatWasDone()).containsExactly("rehearse s[0]", "rehearse s[0]");
            supervisor.done(instance("s[0]"), now);
            assertThat(whatWasDone()).containsExactly("give s[0] " + life);
            supervisor.done(instance("s[0]"), now);
            ends("s[0]");
            supervisor.tick(now);
        }
    }

    @Test
    void one_of_several_askers_has_half_of_the_processes_and_of_the_queue_at_most() {
        role("a", r -> r);
        role("b", r -> r);
        role("s", r -> r.onDemand(d -> d.limit(4).spares(4).waiting(4).askedBy("a", "b")));
        begin();
        startAll();
        startAll();
        startAll();
        whatWasDone();
        Instance greedy = instance("a[0]");
        for (int id = 1; id <= 5; id++)
            request(id, null, greedy, SECOND);
        assertThat(whatWasDone()).containsExactly("give s[0] 1", "give s[1] 2");
        assertThat(refused).as("two wait").containsExactly(5);
        request(6, null, instance("b[0]"), 0);
        request(7, 0);
        assertThat(whatWasDone()).containsExactly("give s[2] 6", "give s[3] 7");
        supervisor.done(instance("s[0]"), now);
        assertThat(whatWasDone()).containsExactly("end channel s[0]");
        ends("s[0]");
        startAll();
        assertThat(whatWasDone()).as("in the place of its own that has ended").contains("give s[0] 3");
        assertThat(refused).containsExactly(5);
    }

    @Test
    void several_askers_share_a_queue_of_one() {
        role("a", r -> r.instances(2));
        role("s", r -> r.onDemand(d -> d.limit(1).spares(0).waiting(1).askedBy("a")));
        begin();
        everybodyIsReady();
        request(1, null, instance("a[0]"), SECOND);
        startAll();
        startAll();
        assertThat(whatWasDone()).contains("spawn s[0]", "give s[0] 1");
        assertThat(refused).isEmpty();
    }

    @Test
    void a_user_who_kills_what_is_started_for_him_keeps_no_other_user_waiting() {
        onDemand(d -> d.limit(2).startAs(_ -> true));
        Ids killer = Ids.of(64001, 64001);
        request(1, killer, 100 * SECOND);
        for (int i = 0; i < 3; i++) {
            wake();
            ends(supervisor.instances().stream().filter(Instance::isAlive).findFirst().orElseThrow().toString());
        }
        whatWasDone();
        request(2, Ids.of(64002, 64002), SECOND);
        request(3, Ids.of(64003, 64003), SECOND);
        startAll();
        assertThat(whatWasDone()).contains("give s[0] 2", "give s[1] 3").hasSize(8);
        ends("s[0]");
        ends("s[1]");
        whatWasDone();
        long before = now;
        wake();
        startAll();
        assertThat(now - before).as("his own pause").isPositive().isLessThan(10 * SECOND);
        assertThat(whatWasDone()).contains("give s[0] 1");
    }

    @Test
    void a_request_may_wait_for_longer_than_the_clock_goes() {
        now = SECOND;
        onDemand(d -> d.limit(1));
        request(1, Long.MAX_VALUE);
        startAll();
        assertThat(whatWasDone()).contains("give s[0] 1");
        assertThat(refused).isEmpty();
    }

    @Test
    void a_program_whose_processes_are_all_on_demand_starts_without_any() {
        onDemand(d -> d.spares(0));
        assertThat(whatWasDone()).containsExactly("start parent");
        request(1, SECOND);
        startAll();
        assertThat(whatWasDone()).containsExactly("spawn s[0]", "start s[0]", "rehearse s[0]", "give s[0] 1");
    }

    @Test
    void a_request_past_the_limit_waits_its_time_and_is_then_refused() {
        onDemand(d -> d.limit(1).waiting(2));
        startAll();
        request(1, SECOND);
        request(2, 0);
        assertThat(refused).containsExactly(2);
        request(3, SECOND);
        request(4, 2 * SECOND);
        request(5, SECOND);
        assertThat(refused).as("no more than two wait").containsExactly(2, 5);
        wake();
        assertThat(now).isEqualTo(SECOND);
        assertThat(refused).containsExactly(2, 5, 3);
        whatWasDone();
        supervisor.done(instance("s[0]"), now);
        ends("s[0]");
        startAll();
        assertThat(whatWasDone()).contains("give s[0] 4");
        assertThat(refused).containsExactly(2, 5, 3);
    }

    @Test
    void a_request_that_was_withdrawn_is_given_to_no_process_and_keeps_no_place() {
        onDemand(d -> d.limit(1).waiting(1));
        startAll();
        request(1, SECOND);
        request(2, SECOND).withdraw();
        request(3, SECOND);
        assertThat(refused).isEmpty();
        whatWasDone();
        supervisor.done(instance("s[0]"), now);
        ends("s[0]");
        startAll();
        assertThat(whatWasDone()).contains("give s[0] 3").doesNotContain("give s[0] 2");
    }

    @Test
    void processes_that_die_before_their_first_request_are_started_ever_later() {
        onDemand(d -> d.spares(1));
        List<Long> starts = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            starts.add(now / SECOND);
            ends("s[0]");
            whatWasDone();
            wake();
            assertThat(whatWasDone()).containsExactly("spawn s[0]");
        }
        assertThat(starts).containsExactly(0L, 1L, 3L, 7L, 15L, 31L, 63L, 123L);
    }

    @Test
    void processes_that_die_together_put_the_next_start_off_once() {
        onDemand(d -> d.limit(2).spares(2));
        List<Long> starts = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            starts.add(now / SECOND);
            ends("s[0]");
            ends("s[1]");
            whatWasDone();
            wake();
            assertThat(whatWasDone()).containsExactly("spawn s[0]", "spawn s[1]");
        }
        assertThat(starts).containsExactly(0L, 1L, 3L, 7L);
    }

    @Test
    void a_storm_of_requests_starts_a_few_processes_at_a_time() {
        onDemand(d -> d.limit(100).spares(0));
        for (int id = 1; id <= 50; id++)
            request(id, SECOND);
        supervisor.tick(now);
        assertThat(whatWasDone().stream().filter(what -> what.startsWith("spawn"))).hasSize(Demand.STARTS_AT_ONCE);
    }

    @Test
    void a_process_serves_as_many_requests_as_it_may_and_is_kept_no_longer_than_it_may_be_idle() {
        onDemand(d -> d.uses(3).spares(0).idle(Duration.ofSeconds(5)));
        request(1, SECOND);
        startAll();
        supervisor.done(instance("s[0]"), now);
        request(2, SECOND);
        whatWasDone();
        supervisor.done(instance("s[0]"), now);
        wake();
        assertThat(now).isEqualTo(5 * SECOND);
        assertThat(whatWasDone()).containsExactly("end channel s[0]");
    }

    @Test
    void an_idle_spare_stays() {
        onDemand(d -> d.spares(1).idle(Duration.ofSeconds(5)));
        startAll();
        whatWasDone();
        wake();
        wake();
        assertThat(whatWasDone()).isEmpty();
    }

    @Test
    void a_process_that_does_not_finish_its_request_or_its_rehearsal_is_killed() {
        onDemand(d -> d.limit(2).time(Duration.ofSeconds(3)));
        everybodyIsReady();
        whatWasDone();
        wake();
        assertThat(whatWasDone()).containsExactly("kill s[0] 9");
        ends("s[0]");
        wake();
        startAll();
        long given = now;
        request(1, SECOND);
        wake();
        startAll();
        whatWasDone();
        wake();
        assertThat(now - given).isEqualTo(3 * SECOND);
        assertThat(whatWasDone()).containsExactly("kill s[0] 9");
    }

    @Test
    void a_stop_refuses_what_waits_and_starts_nothing_more() {
        onDemand(d -> d.limit(1));
        startAll();
        request(1, SECOND);
        request(2, SECOND);
        whatWasDone();
        supervisor.stop(now);
        request(3, SECOND);
        assertThat(refused).containsExactly(2, 3);
        assertThat(whatWasDone()).containsExactly("end channel s[0]");
        ends("s[0]");
        assertThat(supervisor.isDone()).isTrue();
        assertThat(supervisor.isFailed()).isFalse();
    }

    @Test
    void a_reload_by_reexecution_lets_requests_be_served_and_replaces_the_idle() {
        role("s", r -> r.reexecuteOnReload().onDemand(d -> d.uses(9).limit(3)));
        begin();
        startAll();
        request(1, SECOND);
        wake();
        startAll();
        whatWasDone();
        supervisor.parentReloaded(now);
        assertThat(whatWasDone()).containsExactly("end channel s[1]");
        supervisor.done(instance("s[0]"), now);
        assertThat(whatWasDone()).containsExactly("end channel s[0]");
    }

    @Test
    void a_process_of_a_user_serves_that_user_only_and_makes_room_for_another_when_idle() {
        Ids one = Ids.of(1001, 1001);
        Ids two = Ids.of(1002, 1002);
        onDemand(d -> d.uses(9).limit(1).startAs(_ -> true));
        assertThat(whatWasDone()).as("no spares").containsExactly("start parent");
        request(1, one, SECOND);
        startAll();
        assertThat(instance("s[0]").ids).isEqualTo(one);
        supervisor.done(instance("s[0]"), now);
        request(2, one, SECOND);
        whatWasDone();
        request(3, two, SECOND);
        assertThat(whatWasDone()).isEmpty();
        supervisor.done(instance("s[0]"), now);
        assertThat(whatWasDone()).containsExactly("end channel s[0]");
        ends("s[0]");
        startAll();
        assertThat(whatWasDone()).contains("give s[0] 3");
        assertThat(instance("s[0]").ids).isEqualTo(two);
    }

    @Test
    void root_is_no_user_to_start_as_unless_that_is_said() {
        OnDemand settings = new OnDemand().startAs(_ -> true);
        assertThat(List.of(Ids.of(0, 5), Ids.of(5, 0), Ids.of(5, 5, 0)).stream().map(settings::permits))
                .containsOnly(false);
        assertThat(settings.permits(Ids.of(5, 5, 6))).isTrue();
        assertThat(settings.rootToo().permits(Ids.of(0, 0))).isTrue();
    }
}
