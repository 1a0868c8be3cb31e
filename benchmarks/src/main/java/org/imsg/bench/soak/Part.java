package org.imsg.bench.soak;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import org.imsg.Imsg;
import org.imsg.ImsgChannel;
import org.imsg.unix.Child;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/** A part that is a JVM with a {@link Control} in it. */
final class Part implements Watched {
    /** All of the heap is resident at once, and the one compiler always has one thread. */
    private static final List<String> OPTIONS = List.of("--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow", "-XX:+UseSerialGC", "-Xms48m", "-Xmx48m", "-XX:+AlwaysPreTouch",
            "-XX:TieredStopAtLevel=1", "-XX:-UseDynamicNumberOfCompilerThreads", "-XX:-UsePerfData",
            "-Djdk.virtualThreadScheduler.parallelism=2", "-Djdk.virtualThreadScheduler.maxPoolSize=2",
            "-Dio.netty.leakDetection.level=paranoid", "-Dimsg.fd.trace=true");
    private static final Duration PATIENCE = Duration.ofMinutes(10);
    private static final Duration END = Duration.ofMinutes(1);
    private static final int KILL = 9;
    private static final Pattern COMPLAINT = Pattern.compile("was forgotten|LEAK:|OutOfMemoryError");

    private final String name;
    private final Path log;
    private final Child child;
    private final ImsgChannel control;

    private Part(String name, Path log, Child child, ImsgChannel control) {
        this.name = name;
        this.log = log;
        this.child = child;
        this.control = control;
    }

    /** Starts a main class and waits until it is ready. What it says as errors goes into a log beside the others' logs. */
    static Part start(String name, Path logs, String classPath, Class<?> main, Object... arguments)
            throws IOException {
        List<String> line = new ArrayList<>(OPTIONS);
        line.add("-D" + PlantedLeak.PROPERTY + "=" + System.getProperty(PlantedLeak.PROPERTY, "none"));
        line.addAll(List.of("-cp", classPath, main.getName()));
        for (Object argument : arguments)
            line.add(argument.toString());
        Path log = logs.resolve(name + ".log");
        try (Fd.Pair pair = Fd.socketpair();
                Fd errors = Fd.open(log, OpenFlag.WRITE, OpenFlag.CREATE, OpenFlag.TRUNCATE, OpenFlag.APPEND);
                Fd none = Fd.open(Path.of("/dev/null"), OpenFlag.READ_WRITE)) {
            Child child = Child.of(Path.of(System.getProperty("java.home"), "bin", "java"), line.toArray(String[]::new))
                    .descriptor(0, none).descriptor(1, none).descriptor(2, errors).descriptor(3, pair.second()).start();
            Part part = new Part(name, log, child, ImsgChannel.of(pair.first()));
            pair.second().close();
            try {
                part.receive(Control.READY);
                return part;
            } catch (IOException | RuntimeException e) {
                part.close();
                throw e;
            }
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<Long> pids() {
        return List.of((long) child.pid());
    }

    @Override
    public OptionalLong heap() throws IOException {
        control.send(Imsg.of(Control.HEAP));
        return OptionalLong.of(Long.parseLong(receive(Control.HEAP)));
    }

    String work(String request) throws IOException {
        control.send(Imsg.of(Control.WORK, request));
        return receive(Control.WORK);
    }

    private String receive(int type) throws IOException {
        try (Imsg answer = control.receive(PATIENCE)) {
            if (answer == null || answer.type() != type)
                throw new IOException(name + " answers " + answer + "; it said:\n" + Files.readString(log));
            return type == Control.READY ? "" : answer.getString(answer.length());
        }
    }

    /** Lines of its log about things that nothing closed or that there was no memory for. */
    List<String> complaints() throws IOException {
        return Files.readAllLines(log).stream().filter(COMPLAINT.asPredicate()).map(line -> name + ": " + line)
                .toList();
    }

    @Override
    public void close() throws IOException {
        control.close();
        try {
            if (child.waitFor(END).isPresent())
                return;
            child.kill(KILL);
            child.waitFor();
        } catch (InterruptedException _) {
            child.kill(KILL);
            Thread.currentThread().interrupt();
        }
        throw new IOException(name + " does not end");
    }
}
