package org.imsg.examples.buildrunner;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import org.imsg.examples.Usage;
import org.imsg.ImsgChannel;
import org.imsg.privsep.ops.Monitor;
import org.imsg.privsep.ops.Policy;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;

/**
 * The half that is root. It starts the other, {@link WebFront}, without any right, and does for it what the policy allows: bind
 * one port, start builds under uids that run nothing else, take what they made back, and clean up.
 */
public final class BuildRunner implements AutoCloseable {
    /** A build may take half of it: see the policy. */
    private static final int SECONDS = 120;

    private final ImsgChannel channel;
    private final Child web;

    /** Starts the half that faces the web, in which a connection may last so many seconds. */
    BuildRunner(Path builds, int port, int patience) throws IOException {
        try (Fd.Pair sockets = Fd.socketpair()) {
            Child.Builder program = Child.of(Path.of(System.getProperty("java.home"), "bin", "java"),
                    "-XX:+UseSerialGC", "-Xshare:auto", "--enable-native-access=ALL-UNNAMED", "-cp", classPath(),
                    WebFront.class.getName(), builds.toString(), Integer.toString(port),
                    Integer.toString(patience));
            web = WebFront.confinement().spawn(program.descriptor(3, sockets.second()));
            channel = ImsgChannel.of(sockets.first());
        }
    }

    static Policy policy(Path builds, int port) {
        return Policy.of("""
                bind  tcp reuse 127.0.0.1:%2$s
                run   users=64010-64019 under=%1$s/ own=64002 environment=PATH=/usr/bin:/bin time=60 /bin/sh build.sh
                chown from=64010-64019 to=64002:64002 %1$s/
                remove %1$s/
                """.formatted(builds, port));
    }

    /** Does what the web's half asks for until it ends, or this is closed. */
    Child.ExitStatus serve(Policy policy) throws IOException, InterruptedException {
        try {
            Monitor.of(policy).serve(channel, "web");
        } catch (ClosedChannelException _) {
            // closed here
        }
        return web.waitFor();
    }

    int pidOfWeb() {
        return web.pid();
    }

    /** The web's half ends with its channel, its builds with it. */
    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** The directory of builds, which must belong to uid 64002, and the port. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Usage.of(BuildRunner.class, "DIRECTORY PORT", arguments);
        Path builds = Path.of(arguments[0]).toRealPath();
        int port = Integer.parseInt(arguments[1]);
        try (BuildRunner runner = new BuildRunner(builds, port, SECONDS)) {
            System.out.println("builds what is posted to http://127.0.0.1:" + port + "/");
            System.out.println("the web's half has ended: " + runner.serve(policy(builds, port)));
        }
    }

    /** Where these classes and the library's are, on a class path or on a module path. */
    private static String classPath() {
        return System.getProperty("java.class.path") + ":" + System.getProperty("jdk.module.path", "");
    }
}
