package org.imsg.netty;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.FdChannel;

/** Runs a main class of the tests in a JVM of its own, with the options of this one. */
final class ChildJvm {
    private ChildJvm() {}

    private static List<String> command(Class<?> main, String... arguments) {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElseThrow());
        command.add("-Xmx512m");
        for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments())
            if (option.startsWith("--") || option.startsWith("-Dio.netty") || option.startsWith("-Djava.io.tmpdir"))
                command.add(option);
        command.add("--class-path");
        command.add(System.getProperty("java.class.path"));
        if (main.getModule().isNamed()) {
            command.add("--module-path");
            command.add(System.getProperty("jdk.module.path"));
            command.add("--module");
            command.add(main.getModule().getName() + "/" + main.getName());
        } else {
            command.add(main.getName());
        }
        command.addAll(List.of(arguments));
        return command;
    }

    /** With a socket as its descriptor 3. */
    static Child start(Class<?> main, Fd descriptor3, String... arguments) throws IOException {
        List<String> command = command(main, arguments);
        try (Fd errors = errors()) {
            return Child.of(Path.of(command.getFirst()), command.subList(1, command.size()).toArray(String[]::new))
                    .descriptor(2, errors).descriptor(3, descriptor3).start();
        }
    }

    /** To its end, with so many descriptors; what it printed. */
    static String run(Class<?> main, int descriptors, String... arguments) throws Exception {
        return run(main, limited(main, descriptors, arguments));
    }

    /** The same without the capabilities that exempt root from limits. */
    static String runUnprivileged(Class<?> main, int descriptors, String... arguments) throws Exception {
        List<String> command = limited(main, descriptors, arguments);
        if (Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0))
            command.addAll(0, List.of("/usr/bin/setpriv", "--inh-caps=-sys_resource,-sys_admin",
                    "--bounding-set=-sys_resource,-sys_admin"));
        return run(main, command);
    }

    /** The same with a locale. */
    static String runIn(String locale, Class<?> main, String... arguments) throws Exception {
        List<String> command = command(main, arguments);
        command.addAll(0, List.of("/usr/bin/env", "LC_ALL=" + locale));
        return run(main, command);
    }

    private static List<String> limited(Class<?> main, int descriptors, String... arguments) {
        List<String> command = command(main, arguments);
        command.addAll(0, List.of("/usr/bin/prlimit", "--nofile=" + descriptors + ":" + descriptors));
        return command;
    }

    private static String run(Class<?> main, List<String> command) throws Exception {
        try (Fd.Pair pipe = Fd.pipe(); Fd errors = errors()) {
            Child child = Child
                    .of(Path.of(command.getFirst()), command.subList(1, command.size()).toArray(String[]::new))
                    .descriptor(1, pipe.second()).descriptor(2, errors).start();
            pipe.second().close();
            String printed = readAll(pipe.first());
            Child.ExitStatus status = child.waitFor();
            if (!status.success())
                throw new AssertionError(main.getSimpleName() + " ended with " + status + " and printed: " + printed);
            return printed;
        }
    }

    private static Fd errors() throws IOException {
        Fd borrowed = Fd.of(2);
        try {
            return borrowed.dup();
        } finally {
            borrowed.release();
        }
    }

    /** What a main class does: a thread that still runs must not keep its JVM, and so the test, from ending. */
    interface Task {
        void run() throws Exception;
    }

    static void exitAfter(Task task) {
        try {
            task.run();
            System.exit(0);
        } catch (Exception | Error e) {
            e.printStackTrace();
            System.exit(1);
        }
    }

    private static String readAll(Fd fd) throws IOException {
        StringBuilder text = new StringBuilder();
        try (FdChannel in = new FdChannel(fd)) {
            ByteBuffer buffer = ByteBuffer.allocate(4096);
            while (in.read(buffer) > 0) {
                text.append(new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8));
                buffer.clear();
            }
        }
        return text.toString();
    }
}
