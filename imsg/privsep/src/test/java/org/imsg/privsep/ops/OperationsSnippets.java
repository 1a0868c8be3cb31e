package org.imsg.privsep.ops;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import org.imsg.ImsgChannel;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/** The examples of the API's documentation, run by OperationsSnippetsTest; and of the README, which are compiled only. */
final class OperationsSnippets {
    private OperationsSnippets() {}

    // @start region="policy"
    static Policy policy(Path builds) {
        String tree = Policy.quoted(builds + "/");
        return Policy.of("bind tcp 127.0.0.1:*",
                "open read,write,create " + tree,
                "run users=64010-64019 under=" + tree + " /bin/sh -c *",
                "remove " + tree,
                "lookup user host",
                "clock within=60");
    }
    // @end

    // @start region="monitor"
    static void parent(Policy policy, ImsgChannel child) {
        Monitor monitor = Monitor.builder(policy).clock(SystemClock.recording(System.out::println)).build();
        Thread.ofVirtual().start(() -> {
            try {
                monitor.serve(child, "web"); // until the child has ended
            } catch (IOException e) {
                System.err.println("the web process is gone: " + e.getMessage());
            }
        });
    }
    // @end

    // @start region="privileged"
    static Child.ExitStatus child(ImsgChannel channel, Path builds) throws IOException {
        try (Privileged parent = Privileged.over(channel);
                Fd listener = parent.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 128, false);
                Fd log = parent.open(builds.resolve("log"), OpenFlag.WRITE, OpenFlag.CREATE);
                RunningProgram build = parent.run(Program.of(Path.of("/bin/sh"), "-c", "echo built; exit 3"))) {
            System.out.println(listener + " " + log + " " + build.stdout() + parent.lookups().user("root"));
            return build.waitFor();
        }
    }
    // @end

    // README
    static void serveBuilds(ImsgChannel channel) throws IOException { // in the parent, until the child ends
        Monitor.of(Policy.read(Path.of("/etc/builds.policy"))).serve(channel, "web");
    }

    static Child.ExitStatus build(Privileged parent, Path tree) throws IOException { // in the child
        try (Fd listener = parent.listen(new InetSocketAddress("127.0.0.1", 8080), 128, true);
                RunningProgram build = parent.run(Program.of(Path.of("/bin/sh"), "build.sh").directory(tree))) {
            answer(listener, build.stdout(), build.stderr());
            return build.waitFor();
        }
    }

    private static void answer(Fd listener, Fd output, Fd errors) {
        System.out.println(listener + " " + output + " " + errors);
    }
}
