package org.imsg.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs a main class of the tests in a JVM of its own: one with few descriptors, few carriers, another poller. */
public final class ChildJvm {
    private final List<String> options = new ArrayList<>(
            List.of("-XX:+UseSerialGC", "-Xshare:auto", "--enable-native-access=ALL-UNNAMED"));
    private final Map<String, String> environment = new HashMap<>();
    private Duration most = Duration.ofMinutes(4);
    private int mostDescriptors;
    private boolean exempt = true;
    /** Not what this JVM was started with: under nohup(1) it would be ignored. */
    private String hangUp = "--default-signal=HUP";
    private String childEnd = "--default-signal=CHLD";

    public ChildJvm() {
        // like this one, until something else is said
    }

    /** How long {@link #run(Class, String...)} waits for its end. Four minutes unless set. */
    public ChildJvm atMost(Duration time) {
        most = time;
        return this;
    }

    /** How many descriptors the child may have open: also where it would be free to raise its limit. */
    public ChildJvm mostDescriptors(int most) {
        mostDescriptors = most;
        return this;
    }

    /** Takes the capabilities from the child that exempt root from limits. */
    public ChildJvm unprivileged() {
        exempt = false;
        return this;
    }

    /** Ignores SIGHUP, as if nohup(1) had started it. */
    public ChildJvm ignoringHangUps() {
        hangUp = "--ignore-signal=HUP";
        return this;
    }

    /** Ignores SIGCHLD, as what starts it may leave it: the kernel then waits for children in place of their parent. */
    public ChildJvm ignoringEndsOfChildren() {
        childEnd = "--ignore-signal=CHLD";
        return this;
    }

    public ChildJvm option(String option) {
        options.add(option);
        return this;
    }

    /** Sets a variable of the child's environment. */
    public ChildJvm environment(String name, String value) {
        environment.put(name, value);
        return this;
    }

    /** What the child printed, errors too; fails if it did not end with 0, or is killed because it does not end. */
    public String run(Class<?> main, String... arguments) throws Exception {
        Process process = start(main, arguments);
        // A thread that reads is not interrupted by a test's timeout.
        CompletableFuture.delayedExecutor(most.toMillis(), TimeUnit.MILLISECONDS).execute(process::destroyForcibly);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        // Else the JDK closes them some time after the end, and a test that counts descriptors finds fewer.
        process.getOutputStream().close();
        process.getInputStream().close();
        process.getErrorStream().close();
        if (!process.waitFor(1, TimeUnit.MINUTES) || process.exitValue() != 0)
            throw new AssertionError(main.getSimpleName() + " failed, or was ended after " + most + ":\n" + output);
        return output;
    }

    /** Starts it, output and errors together, and does not wait. */
    public Process start(Class<?> main, String... arguments) throws IOException {
        String limit = mostDescriptors == 0 ? "" : "ulimit -n " + mostDescriptors + " && ";
        List<String> command = new ArrayList<>(
                List.of("/bin/sh", "-c", limit + "exec \"$@\"", "sh",
                        "/usr/bin/env", hangUp, childEnd,
                        Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        if (!exempt && Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0))
            command.addAll(0, List.of("/usr/bin/setpriv", "--inh-caps=-sys_resource,-sys_admin",
                    "--bounding-set=-sys_resource,-sys_admin"));
        command.addAll(options);
        command.add("-cp");
        command.add(ClassPlaces.ofThisJvmAnd(main));
        command.add(main.getName());
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        return builder.start();
    }
}
