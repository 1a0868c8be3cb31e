package org.imsg.privsep;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.imsg.unix.Child;

/**
 * The flight recorder's events of children, in the parent. To be touched only after a look at
 * {@link org.imsg.sys.Recorder#started()}. They have no duration but tell a time that has passed, for the recorder may have been
 * started after the child. An event that cannot be made is not recorded, and what it tells of goes on.
 */
final class ChildEvents {
    private ChildEvents() {}

    @Category({"imsg", "privsep"})
    @Enabled(false)
    @StackTrace(false)
    private abstract static class OfChild extends Event {
        @Label("Child")
        String child;
        @Label("Process Id")
        int pid;
        @Label("Age")
        @Description("The time since the parent began to start it")
        @Timespan
        long age;

        void tell(Instance instance, int process, long nanos) {
            child = instance.toString();
            pid = process;
            age = nanos;
            commit();
        }
    }

    @Name("imsg.privsep.ChildStart")
    @Label("Child Start")
    @Description("A child's process is there, confined as far as that is done before its program runs")
    private static final class ChildStart extends OfChild {
        @Label("Starts")
        @Description("How many processes it has had, with this one")
        private long starts;
    }

    @Name("imsg.privsep.ChildReady")
    @Label("Child Ready")
    @Description("A child's JVM runs, and has given up its rights")
    private static final class ChildReady extends OfChild {}

    @Name("imsg.privsep.ChildRun")
    @Label("Child Run")
    @Description("A child is told to begin: all that it waits for are ready")
    private static final class ChildRun extends OfChild {}

    @Name("imsg.privsep.ChildEnd")
    @Label("Child End")
    @Description("A child's process has ended")
    private static final class ChildEnd extends OfChild {
        @Label("Exit Code")
        private int code;
        @Label("Signal")
        @Description("The signal that ended it, or 0")
        private int signal;
        @Label("Told to End")
        private boolean told;
        @Label("Restart")
        @Description("Whether it will be started again")
        private boolean restart;
    }

    static void started(Instance instance, int pid, long age) {
        try {
            ChildStart event = new ChildStart();
            event.starts = instance.starts;
            event.tell(instance, pid, age);
        } catch (Throwable _) {
            // not recorded
        }
    }

    static void ready(Instance instance, int pid, long age) {
        try {
            new ChildReady().tell(instance, pid, age);
        } catch (Throwable _) {
            // not recorded
        }
    }

    static void runs(Instance instance, int pid, long age) {
        try {
            new ChildRun().tell(instance, pid, age);
        } catch (Throwable _) {
            // not recorded
        }
    }

    static void ended(Instance instance, int pid, long age, Child.ExitStatus how, boolean restart) {
        try {
            ChildEnd event = new ChildEnd();
            event.code = how.code();
            event.signal = how.signal();
            event.told = instance.toldToEnd;
            event.restart = restart;
            event.tell(instance, pid, age);
        } catch (Throwable _) {
            // not recorded
        }
    }
}
