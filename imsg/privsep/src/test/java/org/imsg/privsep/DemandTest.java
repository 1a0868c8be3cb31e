package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.imsg.Imsg;
import org.imsg.privsep.rights.Ids;
import org.junit.jupiter.api.Test;

/** What the parent decides about roles on demand: who serves, who waits, who is refused. */
class DemandTest extends SupervisedRoles {
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
}
