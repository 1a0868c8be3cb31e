package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.imsg.Imsg;
import org.imsg.privsep.rights.Ids;
import org.imsg.unix.Child.ExitStatus;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Programs in which everything happens at random: children end, refuse to start, stay silent or break the rules, requests come,
 * the clock jumps, and the order to stop comes at some time. {@code -Dimsg.simulation.runs=N -Dimsg.simulation.seed=N} sets how
 * many and from which seed on.
 */
class SupervisorSimulationTest {
    private static final int RUNS = Integer.getInteger("imsg.simulation.runs", 2000);
    private static final long SEED = Long.getLong("imsg.simulation.seed", 13);
    private static final int MOST_STEPS = 100, MOST_TO_END = 400;
    private static final long SECOND = Duration.ofSeconds(1).toNanos();

    @Test
    void whatever_happens_only_processes_are_ordered_requests_are_answered_once_and_a_stop_is_complete() {
        for (long seed = SEED; seed < SEED + RUNS; seed++) {
            try {
                new Simulation(new Random(seed)).run();
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("-Dimsg.simulation.runs=1 -Dimsg.simulation.seed=" + seed, e);
            }
        }
    }

    private static final class Simulation implements Supervisor.Actions {
        private final Random random;
        private final Supervisor supervisor;
        private final Set<Instance> processes = new HashSet<>();
        private final Set<Instance> killed = new HashSet<>();
        /** Children that end when they are killed, and not before; and hooks that return when it is too late. */
        private final Set<Instance> stubborn = new HashSet<>();
        private final Set<Instance> hooks = new HashSet<>();
        private final Map<Integer, Integer> answers = new HashMap<>();
        private final List<Request> requests = new ArrayList<>();
        private long now;
        private boolean stopped;

        Simulation(Random random) {
            this.random = random;
            RoleTable table = new RoleTable();
            for (String name : List.of("a", "b", "c"))
                table.add(role(new RoleSettings(name, () -> _ -> {}), name));
            table.add(new RoleSettings("s", () -> _ -> {})
                    .onDemand(d -> d.limit(1 + random.nextInt(3)).spares(0).uses(1 + random.nextInt(2))));
            table.check();
            supervisor = new Supervisor(table, Deadlines.USUAL, this);
        }

        private RoleSettings role(RoleSettings role, String name) {
            RoleSettings chosen = switch (random.nextInt(4)) {
                case 0 -> role;
                case 1 -> role.restart().reexecuteOnReload();
                default -> role.restart();
            };
            return name.equals("a") ? chosen.instances(1 + random.nextInt(2)).connect("b") : chosen;
        }

        void run() {
            supervisor.tick(now);
            for (int step = random.nextInt(MOST_STEPS); step > 0; step--) {
                step();
                supervisor.tick(now);
            }
            stopped = true;
            supervisor.stop(now);
            for (int step = 0; !supervisor.isDone(); step++) {
                if (step == MOST_TO_END)
                    fail("not over: %s", supervisor.instances().stream().map(i -> i + " " + i.state).toList());
                // Events that were on their way come all the same, and so do requests made now.
                if (random.nextBoolean())
                    step();
                if (random.nextInt(20) == 0)
                    supervisor.stop(now);
                end();
            }
            assertThat(processes).isEmpty();
            assertThat(requests).allMatch(Request::isOver);
        }

        private void step() {
            Instance any = supervisor.instances().get(random.nextInt(supervisor.instances().size()));
            switch (random.nextInt(16)) {
                case 0, 1, 2 -> ifAlive(any, () -> supervisor.ready(any, now));
                case 3 -> ifAlive(any, () -> ended(any));
                case 4 -> {
                    if (hooks.remove(any))
                        supervisor.hookReturned(any, now);
                }
                case 5 -> supervisor.reload(now);
                case 6 -> supervisor.parentReloaded(now);
                case 7 -> ifAlive(any, () -> supervisor.violated(any, random.nextBoolean(), now));
                case 8 -> ifAlive(any, () -> supervisor.channelEnded(any, now));
                case 9 -> request();
                case 10 -> {
                    if (any.isOnDemand())
                        ifAlive(any, () -> supervisor.done(any, now));
                }
                case 11 -> supervisor.up(any.role.name(), now);
                case 12 -> supervisor.down(any.role.name(), now);
                case 13 -> supervisor.restart(any.role.name(), now);
                case 14 -> ifAlive(any, () -> lost(any));
                default -> now += random.nextInt(20) == 0 ? 3600 * SECOND : random.nextLong(2 * SECOND);
            }
        }

        /** Time goes on, and ends what can end. */
        private void end() {
            for (Instance each : List.copyOf(processes))
                if (killed.contains(each) || !stubborn.contains(each) && random.nextInt(4) == 0)
                    ended(each);
            for (Instance each : List.copyOf(hooks))
                if (!stubborn.contains(each) && random.nextBoolean()) {
                    hooks.remove(each);
                    supervisor.hookReturned(each, now);
                }
            long deadline = supervisor.nextDeadline();
            now = deadline == Long.MAX_VALUE ? now + SECOND : Math.max(now, deadline);
            supervisor.tick(now);
        }

        private void ifAlive(Instance instance, Runnable what) {
            if (processes.contains(instance))
                what.run();
        }

        private void lost(Instance instance) {
            Instance other = supervisor.instances().get(random.nextInt(supervisor.instances().size()));
            if (other != instance)
                supervisor.lost(instance, other, now);
        }

        private void ended(Instance instance) {
            processes.remove(instance);
            killed.remove(instance);
            supervisor.ended(instance, new ExitStatus(random.nextInt(2), 0), now);
        }

        /** The role's own, or one of two users'. */
        private Ids ids() {
            int which = random.nextInt(4);
            return which < 2 ? null : Ids.of(64000 + which, 64000 + which);
        }

        /** The parent, or another process. */
        private @Nullable Instance asker() {
            return random.nextBoolean()
                    ? null
                    : supervisor.instances().get(random.nextInt(supervisor.instances().size()));
        }

        private void request() {
            int id = requests.size();
            Request request = new Request(Imsg.of(0, id, 0, new byte[0]), ids(), asker(),
                    random.nextLong(3) * SECOND,
                    new Request.Asker() {
                        @Override
                        public void given(Peer to) {
                            answers.merge(id, 1, Integer::sum);
                        }

                        @Override
                        public void refused(String why) {
                            if (answers.merge(id, 1, Integer::sum) > 1)
                                fail("request %s is answered twice", id);
                        }
                    });
            requests.add(request);
            supervisor.request("s", request, now);
        }

        private void ordered(Instance instance) {
            if (!processes.contains(instance))
                fail("%s is %s and has no process", instance, instance.state);
        }

        @Override
        public boolean spawn(Instance instance) {
            if (stopped || processes.contains(instance) || hooks.contains(instance))
                fail("%s is started, %s", instance, stopped ? "after the order to stop" : "and there is one");
            if (random.nextInt(5) == 0)
                return false;
            if (random.nextInt(3) > 0)
                stubborn.remove(instance);
            else
                stubborn.add(instance);
            return processes.add(instance);
        }

        @Override
        public boolean connect(Instance one, Instance other) {
            ordered(one);
            ordered(other);
            return random.nextInt(10) > 0;
        }

        @Override
        public void start(Instance instance) {
            ordered(instance);
        }

        @Override
        public void startParent() {
            // Nothing here depends on it.
        }

        @Override
        public void reloadParent() {
            // Answered at random.
        }

        @Override
        public void reload(Instance instance) {
            ordered(instance);
        }

        @Override
        public void endChannel(Instance instance) {
            ordered(instance);
        }

        @Override
        public void drop(Instance instance) {
            ordered(instance);
        }

        @Override
        public void kill(Instance instance, int signal) {
            ordered(instance);
            if (signal == Instance.SIGKILL)
                killed.add(instance);
        }

        @Override
        public long finished(Instance instance, ExitStatus how, boolean toldToEnd) {
            hooks.add(instance);
            return now;
        }

        @Override
        public void hookOverdue(Instance instance) {
            if (!hooks.remove(instance))
                fail("the hook of %s is overdue and does not run", instance);
        }

        @Override
        public void rehearse(Instance instance) {
            ordered(instance);
        }

        @Override
        public void give(Instance instance, Request request) {
            ordered(instance);
            if (answers.merge(request.message().id(), 1, Integer::sum) > 1)
                fail("request %s is given twice", request.message().id());
            request.message().close();
        }

        @Override
        public void log(System.Logger.Level level, String text) {
            // for people
        }
    }
}
