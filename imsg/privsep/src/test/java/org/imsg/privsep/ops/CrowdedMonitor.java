package org.imsg.privsep.ops;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A monitor whose control group has room for few more processes and threads than it has itself, which a program that it runs uses
 * up. The argument is the control group, which this process enters. Prints how the program ended, and whether the next could run.
 */
final class CrowdedMonitor {
    /** Each process that ends is followed by others at once, as long as one of them is left. */
    private static final String BOMB = "exec /usr/bin/perl -e 'fork while 1'";

    public static void main(String... arguments) throws Exception {
        Path group = Path.of(arguments[0]);
        Files.writeString(group.resolve("cgroup.procs"), "" + ProcessHandle.current().pid());
        Monitor monitor = Monitor.of(Policy.of("run users=64010-64010 nproc=4000 time=2 /bin/sh -c *"));
        try (Served served = Served.by(monitor, "child"); Privileged privileged = served.privileged()) {
            try (RunningProgram first = privileged.run(Program.of(Path.of("/bin/sh"), "-c", "exit 3"))) {
                System.out.println("first " + first.waitFor().code());
            }
            String now = Files.readString(group.resolve("pids.current")).strip();
            Files.writeString(group.resolve("pids.max"), "" + (Integer.parseInt(now) + 40));
            try (RunningProgram bomb = privileged.run(Program.of(Path.of("/bin/sh"), "-c", BOMB))) {
                System.out.println("bomb " + bomb.waitFor(Duration.ofSeconds(30)).map(status -> "" + status.signal())
                        .orElse("runs on"));
                System.out.println("left " + UserProcesses.exist(64010));
            }
            // The ended wait for the init of this machine, which this program has not got.
            while (Integer.parseInt(Files.readString(group.resolve("pids.current")).strip()) > Integer.parseInt(now)
                    + 10)
                Thread.onSpinWait();
            try (RunningProgram next = privileged.run(Program.of(Path.of("/bin/sh"), "-c", "exit 3"))) {
                System.out.println("next " + next.waitFor().code());
            }
            List<String> refused = Files.readAllLines(group.resolve("pids.events"));
            System.out.println(refused);
        }
    }
}
