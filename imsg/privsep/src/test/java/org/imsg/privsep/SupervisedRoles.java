package org.imsg.privsep;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.imsg.unix.Child.ExitStatus;

/** A supervisor without a process and without a clock: times are nanoseconds since the beginning. */
abstract class SupervisedRoles {
    static final long SECOND = Duration.ofSeconds(1).toNanos();
    static final ExitStatus CRASH = new ExitStatus(-1, 11);

    final List<String> done = new ArrayList<>();
    final RoleTable table = new RoleTable();
    boolean spawnFails;
    boolean connectFails;
    long leftBehindTakes;
    Supervisor supervisor;
    long now;

    void role(String name, UnaryOperator<RoleSettings> settings) {
        table.add(settings.apply(new RoleSettings(name, () -> _ -> {})));
    }

    void begin() {
        table.check();
        supervisor = new Supervisor(table, Deadlines.USUAL, new Recorder());
        supervisor.tick(now);
    }

    Instance instance(String name) {
        return supervisor.instances().stream().filter(i -> i.toString().equals(name)).findFirst().orElseThrow();
    }

    void everybodyIsReady() {
        supervisor.instances().forEach(i -> supervisor.ready(i, now));
    }

    void ends(String name) {
        supervisor.ended(instance(name), CRASH, now);
        supervisor.hookReturned(instance(name), now);
    }

    /** Lets time pass to the next deadline. */
    void wake() {
        now = supervisor.nextDeadline();
        supervisor.tick(now);
    }

    List<String> whatWasDone() {
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
}
