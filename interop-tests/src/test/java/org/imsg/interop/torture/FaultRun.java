package org.imsg.interop.torture;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.LogManager;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.imsg.unix.Errno;

/**
 * Runs scenarios while each of their calls fails in turn: {@code FaultRun TIMES SCENARIO...}, where TIMES is how many of the times
 * a call is made are tried, 0 for all. Prints a line for each combination that went wrong, and a summary; ends with 1 if there was
 * one.
 */
final class FaultRun {
    private static final int DEADLINE_SECONDS = 10, MOST_LINES = 40;
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(3);
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

    /** The ways to fail that Linux's manual has for a call, without those that only a wrong argument leads to. */
    private static final Map<String, String> WAYS = Map.ofEntries(
            Map.entry("accept", "EMFILE ENFILE ENOBUFS ENOMEM ECONNABORTED EINTR EAGAIN"),
            Map.entry("accept4", "EMFILE ENFILE ENOBUFS ENOMEM ECONNABORTED EINTR EAGAIN"),
            Map.entry("bind", "EADDRINUSE EACCES ENOMEM ENOSPC EROFS"), Map.entry("close", "EINTR EIO"),
            Map.entry("connect", "ECONNREFUSED EACCES EAGAIN EINTR ENOENT"), Map.entry("dup2", "EBUSY EINTR"),
            Map.entry("dup3", "EBUSY EINTR"), Map.entry("epoll_create1", "EMFILE ENFILE ENOMEM"),
            Map.entry("epoll_ctl", "ENOMEM ENOSPC"), Map.entry("epoll_wait", "EINTR"),
            Map.entry("eventfd", "EMFILE ENFILE ENOMEM"), Map.entry("fchmod", "EPERM EROFS EIO"),
            Map.entry("fcntl", "EMFILE"), Map.entry("flock", "EINTR ENOLCK EAGAIN"), Map.entry("fstat", "EIO ENOMEM"),
            Map.entry("fstatat", "EIO EACCES"), Map.entry("ftruncate", "EIO EINTR"),
            Map.entry("getsockname", "ENOBUFS"), Map.entry("getsockopt", "ENOPROTOOPT ENOMEM"),
            Map.entry("listen", "EADDRINUSE"), Map.entry("open", "EMFILE ENFILE EACCES EINTR ENOMEM ENOSPC"),
            Map.entry("openat", "EMFILE ENFILE EACCES EINTR ENOMEM ENOSPC"), Map.entry("pipe", "EMFILE ENFILE"),
            Map.entry("pipe2", "EMFILE ENFILE"), Map.entry("poll", "EINTR ENOMEM"),
            Map.entry("posix_spawn", "EAGAIN ENOMEM EACCES"), Map.entry("pread", "EINTR EIO"),
            Map.entry("pwrite", "EINTR EIO ENOSPC"), Map.entry("read", "EINTR EAGAIN EIO SHORT"),
            Map.entry("recv", "EINTR EAGAIN ENOMEM ECONNRESET SHORT"),
            Map.entry("recvmsg", "EINTR EAGAIN ENOMEM ENOBUFS ECONNRESET EMSGSIZE SHORT WITHOUT_ROOM"),
            Map.entry("renameat", "EACCES ENOSPC"),
            Map.entry("send", "EINTR EAGAIN ENOBUFS ENOMEM EPIPE ECONNRESET SHORT"),
            Map.entry("sendmsg", "EINTR EAGAIN ENOBUFS ENOMEM EPIPE ECONNRESET ETOOMANYREFS SHORT"),
            Map.entry("setsockopt", "ENOPROTOOPT ENOBUFS"), Map.entry("shutdown", "ENOTCONN ENOBUFS"),
            Map.entry("socket", "EMFILE ENFILE ENOBUFS ENOMEM"),
            Map.entry("socketpair", "EMFILE ENFILE ENOMEM"), Map.entry("syscall", "ENOSYS EPERM ENOMEM"),
            Map.entry("unlinkat", "EACCES EROFS EBUSY"), Map.entry("waitid", "EINTR"),
            Map.entry("waitpid", "EINTR"), Map.entry("write", "EINTR EAGAIN ENOSPC EIO SHORT"));

    /** The ways that a program does not notice: the call does its work all the same. */
    private static final Pattern OVERCOME = Pattern.compile(
            ".* (recv|recvmsg|send|sendmsg) (EINTR|EAGAIN|SHORT|WITHOUT_ROOM) \\d+"
                    + "|(pair|batch|daemon|virtual|descriptors) sendmsg ETOOMANYREFS \\d+"
                    + "|(pair|batch|daemon|virtual|descriptors|netty) recvmsg EMSGSIZE \\d+");

    private final Faults faults;
    private final int times;
    private final List<String> wrong = new ArrayList<>();
    private int runs;

    private FaultRun(Faults faults, int times) {
        this.faults = faults;
        this.times = times;
    }

    public static void main(String... arguments) throws Exception {
        LogManager.getLogManager().reset();
        FaultRun run = new FaultRun(Faults.ofThisProcess(), Integer.parseInt(arguments[0]));
        List<String> chosen = List.of(arguments).subList(1, arguments.length);
        Map<String, Scenario> all = new LinkedHashMap<>(CoreScenarios.all());
        all.putAll(NettyScenarios.all());
        // Descriptors that are opened once and kept are opened here; to wait for their end would be in vain.
        Path directory = Files.createTempDirectory("f");
        for (Scenario scenario : all.values())
            scenario.run(directory, new Told());
        Files.delete(directory);
        for (Map.Entry<String, Scenario> scenario : all.entrySet())
            if (chosen.isEmpty() || chosen.contains(scenario.getKey()))
                run.each(scenario.getKey(), scenario.getValue());
        run.wrong.stream().limit(MOST_LINES).forEach(System.out::println);
        System.out.println(run.runs + " faults, " + run.wrong.size() + " wrong");
        System.exit(run.wrong.isEmpty() ? 0 : 1);
    }

    private void each(String name, Scenario scenario) throws Exception {
        faults.disarm();
        once(name + " undisturbed", scenario);
        once(name + " undisturbed", scenario);
        faults.disarm();
        once(name + " undisturbed", scenario);
        int[] made = new int[Faults.CALLS.size()];
        StringBuilder calls = new StringBuilder(name + ":");
        for (int call = 0; call < made.length; call++) {
            made[call] = faults.made(call);
            if (made[call] > 0)
                calls.append(' ').append(Faults.CALLS.get(call)).append(' ').append(made[call]);
        }
        System.out.println(calls);
        for (int call = 0; call < made.length; call++) {
            String ways = WAYS.getOrDefault(Faults.CALLS.get(call), "");
            if (made[call] > 0 && ways.isEmpty())
                wrong.add("no way to fail is listed for " + Faults.CALLS.get(call));
            for (String way : ways.split(" "))
                if (made[call] > 0 && !way.isEmpty())
                    each(name, scenario, call, way);
        }
    }

    private void each(String name, Scenario scenario, int call, String way) throws Exception {
        int how = switch (way) {
            case "SHORT" -> Faults.SHORT;
            case "WITHOUT_ROOM" -> Faults.WITHOUT_ROOM;
            default -> Errno.number(way);
        };
        boolean reached = true;
        for (int time = 1; reached && (times == 0 || time <= times); time++) {
            faults.arm(call, time, how);
            once(String.format(Locale.ROOT, "%s %s %s %d", name, Faults.CALLS.get(call), way, time), scenario);
            reached = faults.happened();
            faults.disarm();
            runs++;
        }
    }

    private void once(String what, Scenario scenario) throws Exception {
        Path directory = Files.createTempDirectory("f");
        var before = descriptors();
        Told told = new Told();
        Callable<Void> body = () -> {
            scenario.run(directory, told);
            return null;
        };
        FutureTask<Void> task = new FutureTask<>(body);
        Thread thread = Thread.ofPlatform().daemon().start(task);
        try {
            task.get(DEADLINE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            told.add(e.getCause());
        } catch (TimeoutException _) {
            wrong.add(what + ": no end" + stacks(thread));
            System.out.println(wrong.getLast());
            faults.disarm();
            thread.interrupt();
            thread.join(1000);
            return;
        }
        judge(what, told);
        faultsEnd(what, directory, before);
    }

    private void judge(String what, Told told) {
        List<Throwable> others = told.failures().stream().filter(each -> !(each instanceof CoreScenarios.EarlyEnd))
                .toList();
        for (Throwable failure : others)
            if (!(failure instanceof IOException))
                wrong.add(what + ": " + failure + at(failure));
        if (others.isEmpty() && !told.failures().isEmpty())
            wrong.add(what + ": the stream ended early, and no one was told");
        if (!told.failures().isEmpty() && (what.endsWith("undisturbed") || OVERCOME.matcher(what).matches()))
            wrong.add(what + ": " + told.failures());
    }

    private static String at(Throwable failure) {
        StringBuilder frames = new StringBuilder();
        for (Throwable each = failure; each != null; each = each.getCause()) {
            frames.append(each == failure ? "" : " caused by " + each);
            Stream.of(each.getStackTrace()).filter(frame -> frame.getClassName().startsWith("org.imsg")).limit(6)
                    .forEach(frame -> frames.append("\n    ").append(frame));
        }
        return frames.toString();
    }

    private static String stacks(Thread thread) {
        StringBuilder frames = new StringBuilder();
        Thread.getAllStackTraces().forEach((each, trace) -> {
            if (each == thread || Stream.of(trace).anyMatch(frame -> frame.getClassName().startsWith("org.imsg")))
                frames.append("\n  ").append(each.getName()).append(": ").append(String.join(" < ", Stream.of(trace)
                        .filter(frame -> frame.getClassName().startsWith("org.imsg")).limit(7)
                        .map(frame -> frame.getClassName() + "." + frame.getMethodName() + ":" + frame.getLineNumber())
                        .toList()));
        });
        return frames.toString();
    }

    /** Nothing may be left open, and no file. */
    private void faultsEnd(String what, Path directory, TreeSet<String> before) throws IOException {
        long deadline = System.nanoTime() + PATIENCE;
        TreeSet<String> left = descriptors();
        left.removeAll(before);
        while (!left.isEmpty() && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(1_000_000);
            left = descriptors();
            left.removeAll(before);
        }
        if (!left.isEmpty())
            wrong.add(what + ": left open " + left);
        try (Stream<Path> files = Files.walk(directory)) {
            List<Path> all = files.sorted(Comparator.reverseOrder()).toList();
            if (all.size() > 1)
                wrong.add(what + ": left behind " + all.subList(0, all.size() - 1));
            for (Path file : all)
                Files.delete(file);
        }
    }

    private static TreeSet<String> descriptors() throws IOException {
        TreeSet<String> open = new TreeSet<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(DESCRIPTORS)) {
            for (Path each : all) {
                try {
                    String target = Files.readSymbolicLink(each).toString();
                    // Eventfds wake the threads that wait, and belong to the whole process.
                    if (!target.endsWith("/fd") && !target.endsWith(".jar") && !target.endsWith("[eventfd]"))
                        open.add(each.getFileName() + " -> " + target);
                } catch (IOException _) {
                    // closed meanwhile
                }
            }
        }
        return open;
    }
}
