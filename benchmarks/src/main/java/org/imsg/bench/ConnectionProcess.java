package org.imsg.bench;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.imsg.unix.FdChannel;
import org.imsg.unix.Sockets;
import org.imsg.unix.UnixAddress;

/**
 * A confined process for each connection: how long it takes from the accept until the first byte arrives at the client, and what is left
 * over after many connections. Takes root.
 *
 * @param programs the directory of the C programs
 * @param jar the Java programs, and all they need
 */
record ConnectionProcess(Path programs, Path jar) implements Measurement {
    static final String NAME = "connection-process";
    /** A process that waits for a connection; none, so that each connection waits for a JVM to start; C, which forks. */
    static final String SPARE = "privsep-spare", NO_SPARE = "privsep-no-spare", C = "c-fork";

    private static final long FIRST_UID = 64_700;
    private static final long SETTLING_MILLIS = 60_000;
    /** Descriptors that a JVM opens when it first needs them, and eight that idle threads are woken by. */
    private static final int OPENED_LATE = 12;
    /** On a busy machine the last of many at once waits for that many starts of a JVM. */
    private static final int PATIENCE_SECONDS = 600;
    private static final long REST_MILLIS = 1000;
    private static final long PAUSE_MILLIS = 20;

    /** Connections of a window, and of the count of what is left over. */
    private record Sizes(int forked, int spare, int noSpare, int counted, int atOnce) {
        static Sizes of(Effort effort) {
            return effort.equals(Effort.FULL) ? new Sizes(500, 50, 20, 10_000, 100) : new Sizes(100, 10, 4, 100, 100);
        }
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String sent() {
        return "8 B by a process of its own for each connection";
    }

    @Override
    public String where() {
        return "not pinned: processes come and go";
    }

    @Override
    public Map<String, Series> measure(Effort effort, Path scratch, Consumer<String> progress)
            throws IOException, InterruptedException {
        if (((Number) Files.getAttribute(Path.of("/proc/self"), "unix:uid")).longValue() != 0) {
            progress.accept("WITHOUT " + NAME + ": processes are given users of their own by root only");
            return Map.of();
        }
        return measure(effort.forks(), effort.windows(), Sizes.of(effort), true, scratch, progress);
    }

    /** As {@link #measure(Effort, Path, Consumer)}, but as short as it can be, and without an AOT cache. */
    Map<String, Series> tryOut(Path scratch, Consumer<String> progress) throws IOException, InterruptedException {
        return measure(1, 1, new Sizes(2, 1, 1, 1, 1), false, scratch, progress);
    }

    private Map<String, Series> measure(int forks, int windows, Sizes sizes, boolean trained, Path scratch,
            Consumer<String> progress)
            throws IOException, InterruptedException {
        Map<String, Series> series = new LinkedHashMap<>();
        Files.setPosixFilePermissions(scratch, PosixFilePermissions.fromString("rwxr-xr-x"));
        try {
            Files.createDirectory(scratch.resolve("empty"));
            Files.copy(jar, scratch.resolve("server.jar"), StandardCopyOption.REPLACE_EXISTING);
            progress.accept(NAME + ": making the AOT cache");
            if (trained)
                train(scratch);
            Map<String, Integer> connections = new LinkedHashMap<>();
            connections.put(C, sizes.forked);
            connections.put(NO_SPARE, sizes.noSpare);
            connections.put(SPARE, sizes.spare);
            connections.keySet().forEach(name -> series.put(name, new Series()));
            for (int fork = 1; fork <= forks; fork++) {
                progress.accept(NAME + ", processes " + fork + "/" + forks);
                measureOnce(windows, connections, scratch, series);
            }
            for (String name : List.of(C, SPARE))
                countLeft(name, sizes, scratch, progress);
            return series;
        } finally {
            try (Stream<Path> files = Files.list(scratch)) {
                for (Path file : files.toList())
                    Files.delete(file);
            }
        }
    }

    private static long uid(String name) {
        return FIRST_UID + List.of(C, NO_SPARE, SPARE).indexOf(name);
    }

    private static List<String> java(Path scratch, String option) {
        return new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xmx64m", "-XX:-UsePerfData",
                "-Dimsg.privsep.aot" + option + "=" + scratch.resolve("cache.aot"), "-cp",
                scratch.resolve("server.jar").toString(), "org.imsg.bench.worker.ConnectionServer"));
    }

    private static void train(Path scratch) throws IOException, InterruptedException {
        List<String> command = java(scratch, ".record");
        command.addAll(arguments(scratch, SPARE, 0));
        int code = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor();
        if (code != 0)
            throw new IOException(String.join(" ", command) + " ended with " + code);
    }

    private static Path socket(Path scratch, String name) {
        return scratch.resolve(name + ".socket");
    }

    private static List<String> arguments(Path scratch, String name, int patience) {
        List<String> all = new ArrayList<>(List.of(socket(scratch, name).toString(), Long.toString(uid(name)),
                scratch.resolve("empty").toString()));
        if (!name.equals(C))
            all.addAll(List.of(name.equals(SPARE) ? "1" : "0", Integer.toString(patience)));
        return all;
    }

    private WorkerProcess start(Path scratch, String name, int patience) throws IOException {
        Files.deleteIfExists(socket(scratch, name));
        List<String> command = name.equals(C)
                ? new ArrayList<>(List.of(programs.resolve("bench-fork").toString()))
                : java(scratch, "");
        command.addAll(arguments(scratch, name, patience));
        return new WorkerProcess(command, null);
    }

    /** Windows in turns. A connection that finds no spare is closed, and is made anew a little later. */
    private void measureOnce(int windows, Map<String, Integer> connections, Path scratch, Map<String, Series> series)
            throws IOException, InterruptedException {
        Map<String, WorkerProcess> servers = new LinkedHashMap<>();
        Map<String, Histogram> all = new LinkedHashMap<>();
        try {
            for (String name : connections.keySet()) {
                servers.put(name, start(scratch, name, name.equals(NO_SPARE) ? 60 : 0));
                all.put(name, Series.histogram());
            }
            for (int window = 1; window <= windows; window++)
                for (Map.Entry<String, Integer> entry : connections.entrySet()) {
                    String name = entry.getKey();
                    Histogram times = Series.histogram();
                    for (int i = 0; i < entry.getValue(); i++) {
                        long time = firstByte(socket(scratch, name));
                        if (window == 1 && i == 0)
                            series.get(name).add(new EnumMap<>(Map.of(Metric.FIRST, (double) time)));
                        times.recordValue(time);
                    }
                    awaitRest(name, name.equals(SPARE) ? 1 : 0);
                    all.get(name).add(times);
                    series.get(name).add(new EnumMap<>(Map.of(Metric.P50, (double) times.getValueAtPercentile(50))));
                    series.get(name).roundTrips().add(times);
                }
            all.forEach((name, times) -> series.get(name)
                    .add(new EnumMap<>(Map.of(Metric.P99, (double) times.getValueAtPercentile(99)))));
        } finally {
            for (Map.Entry<String, WorkerProcess> server : servers.entrySet())
                stop(server.getKey(), server.getValue());
        }
    }

    private static void stop(String name, WorkerProcess server) throws IOException, InterruptedException {
        server.close();
        awaitRest(name, 0);
    }

    /** Waits until there are as many processes of the contender's user as when nothing is served, and the same ones for a while. */
    private static void awaitRest(String name, int processes) throws IOException, InterruptedException {
        Set<Path> before = Set.of();
        for (long start = System.nanoTime(), since = start;; Thread.sleep(PAUSE_MILLIS)) {
            Set<Path> now = Census.processes(uid(name));
            long time = System.nanoTime();
            if (!now.equals(before) || now.size() != processes)
                since = time;
            before = now;
            if (now.size() == processes && (processes == 0 || time - since > REST_MILLIS * 1_000_000))
                return;
            if (time - start > SETTLING_MILLIS * 1_000_000)
                throw new IOException(name + " has the processes " + now + ", not " + processes);
        }
    }

    /** Nanoseconds from the accept to the arrival of the first byte. */
    private static long firstByte(Path socket) throws IOException, InterruptedException {
        for (long start = System.nanoTime();;) {
            try {
                return tryFirstByte(socket);
            } catch (EOFException e) {
                if (System.nanoTime() - start > SETTLING_MILLIS * 1_000_000)
                    throw e;
                Thread.sleep(PAUSE_MILLIS);
            }
        }
    }

    private static long tryFirstByte(Path socket) throws IOException {
        ByteBuffer accepted = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder());
        try (FdChannel connection = new FdChannel(Sockets.connect(UnixAddress.of(socket)))) {
            if (connection.read(accepted) != 8)
                throw new EOFException("no process served a connection to " + socket);
            return System.nanoTime() - accepted.getLong(0);
        }
    }

    /** The first tenth comes before the first count: what a program keeps for good is there then. */
    private void countLeft(String name, Sizes sizes, Path scratch, Consumer<String> progress)
            throws IOException, InterruptedException {
        WorkerProcess server = start(scratch, name, PATIENCE_SECONDS);
        try {
            int spares = name.equals(SPARE) ? 1 : 0;
            for (int i = 0; i < sizes.counted / 10; i++)
                firstByte(socket(scratch, name));
            atOnce(sizes.atOnce, socket(scratch, name));
            awaitRest(name, spares);
            Census before = Census.of(server.pid(), uid(name));
            progress.accept(NAME + ", " + name + ": " + sizes.counted
                    + " connections one after the other, then " + sizes.atOnce + " at once");
            for (int i = 0; i < sizes.counted; i++)
                firstByte(socket(scratch, name));
            atOnce(sizes.atOnce, socket(scratch, name));
            awaitRest(name, spares);
            Census after = Census.of(server.pid(), uid(name));
            progress.accept(NAME + ", " + name + ": " + before + " before, " + after + " after");
            if (after.descriptors() > before.descriptors() + OPENED_LATE
                    || after.memoryKib() > before.memoryKib() * 3 / 2)
                throw new IOException(name + " has something left over: " + before + ", then " + after);
        } finally {
            stop(name, server);
        }
    }

    private static void atOnce(int connections, Path socket) throws IOException, InterruptedException {
        try (ExecutorService clients = Executors.newFixedThreadPool(connections)) {
            List<Callable<Long>> all = new ArrayList<>();
            for (int i = 0; i < connections; i++)
                all.add(() -> firstByte(socket));
            for (Future<Long> served : clients.invokeAll(all))
                served.get();
        } catch (ExecutionException e) {
            throw new IOException("one of " + connections + " connections at once was not served", e);
        }
    }
}
