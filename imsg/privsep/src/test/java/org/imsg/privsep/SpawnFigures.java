package org.imsg.privsep;

import org.imsg.testing.ProgramJar;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.imsg.Imsg;

/**
 * Prints how long a child takes from its start until it runs, and how much memory it then has: with and without confinement, with
 * and without an AOT cache, which it makes first by a training run; before that, what a JVM alone takes; and the processor time of parent
 * and child together. As root, from the classes of the tests:
 *
 * <pre>
 * java --enable-native-access=ALL-UNNAMED -cp imsg/privsep/target/test-classes:imsg/privsep/target/classes:imsg/testing/target/classes:imsg/target/classes org.imsg.privsep.SpawnFigures [RUNS]
 * </pre>
 */
public final class SpawnFigures {
    private static final int HERE = 1;
    private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");
    private static final List<String> CLIENT = List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");
    private static final String CACHE = "imsg.privsep.aot";
    private static final String RECORD = "imsg.privsep.aot.record";
    private static final String MEASURE = "measure";
    /** For children, one behind the other; in parents only. */
    private static final String[] CHILD_OPTIONS = Stream.of(System.getProperty("imsg.figures.options", "").split(" "))
            .filter(option -> !option.isEmpty()).toArray(String[]::new);

    private SpawnFigures() {}

    /** Prints the table; with the arguments {@code measure RUNS confined|free}, one line of it. */
    public static void main(String... arguments) throws Exception {
        if (arguments.length > 0 && arguments[0].equals(MEASURE))
            measure(Integer.parseInt(arguments[1]), arguments[2].equals("confined"), arguments);
        else
            measureAll(arguments.length == 0 ? "20" : arguments[0]);
    }

    private static void measureAll(String runs) throws Exception {
        Path directory = Files.createTempDirectory("imsg-figures");
        try {
            // A cache takes no directories of classes.
            Path jar = ProgramJar.in(directory, SpawnFigures.class, Privsep.class, Imsg.class);
            System.out.println("load before: " + load());
            for (String what : List.of("nothing", "call"))
                SpawnFloor.measure(what, jar, directory.resolve(what + ".aot"), Integer.parseInt(runs));
            for (String how : List.of("free", "confined")) {
                Path cache = directory.resolve(how + ".aot");
                java(List.of("-D" + RECORD + "=" + cache), jar, "1", how);
                java(List.of(), jar, runs, how);
                java(List.of("-D" + CACHE + "=" + cache), jar, runs, how);
            }
            measureBoth(directory, Integer.parseInt(runs));
            System.out.println("load after: " + load());
        } finally {
            delete(directory);
        }
    }

    /** What parent and child take together: a program that greets its child, has an answer, and ends. */
    private static void measureBoth(Path directory, int runs) throws Exception {
        Path jar = ProgramJar.in(directory, Greeting.class, Privsep.class, Imsg.class);
        Path base = directory.resolve("both.aot");
        for (List<String> flags : List.of(List.<String>of(), CLIENT)) {
            List<String> words = new ArrayList<>(List.of(JAVA.toString()));
            words.addAll(flags);
            Path own = new AotCache(base, JAVA, List.of(jar)).of(words);
            List<String> use = List.of("-D" + CACHE + "=" + base);
            processorTime(flags, List.of("-D" + RECORD + "=" + base), jar);
            for (List<String> caches : List.of(List.<String>of(), use,
                    Stream.concat(Stream.of("-XX:AOTCache=" + own), use.stream()).toList())) {
                List<Long> millis = new ArrayList<>();
                for (int run = 0; run < runs; run++)
                    millis.add(processorTime(flags, caches, jar));
                System.out.printf("parent and child, %s, %s: processor time %d ms (median of %d)%n",
                        flags.isEmpty() ? "no flags" : String.join(" ", flags),
                        List.of("no cache", "the child's cache", "both caches").get(caches.size()), median(millis),
                        runs);
            }
        }
    }

    /** In milliseconds, of a program and all its children. */
    private static long processorTime(List<String> flags, List<String> caches, Path jar) throws Exception {
        List<String> command = new ArrayList<>(List.of("bash", "-c",
                "TIMEFORMAT='%3U %3S'; time \"$@\" >/dev/null 2>&1", "bash", JAVA.toString()));
        caches.stream().filter(option -> option.startsWith("-XX")).forEach(command::add);
        command.addAll(flags);
        caches.stream().filter(option -> option.startsWith("-D")).forEach(command::add);
        command.addAll(List.of("-jar", jar.toString()));
        Process process = new ProcessBuilder(command).start();
        String[] seconds = new String(process.getErrorStream().readAllBytes(), StandardCharsets.US_ASCII).strip()
                .split(" ");
        if (process.waitFor() != 0)
            throw new IllegalStateException(command + " failed");
        return Math.round(1000 * (Double.parseDouble(seconds[0]) + Double.parseDouble(seconds[1])));
    }

    /** The arguments of java for one line, or for the training run. */
    static List<String> command(List<String> options, Path jar, String runs, String how) {
        List<String> command = new ArrayList<>(CLIENT);
        command.addAll(options);
        command.addAll(List.of("-jar", jar.toString(), MEASURE, runs, how));
        return command;
    }

    private static void java(List<String> options, Path jar, String runs, String how) throws Exception {
        List<String> command = new ArrayList<>(List.of(JAVA.toString()));
        command.addAll(command(options, jar, runs, how));
        int code = new ProcessBuilder(command).inheritIO().start().waitFor();
        if (code != 0)
            throw new IllegalStateException(command + " ended with " + code);
    }

    private static void measure(int runs, boolean confined, String... arguments) throws Exception {
        List<Long> millis = new ArrayList<>();
        List<Long> resident = new ArrayList<>();
        List<Long> proportional = new ArrayList<>();
        for (int run = 0; run < runs; run++) {
            long start = System.nanoTime();
            int code = Privsep.program("figures").role("child", () -> self -> self.parent().send(Imsg.of(HERE)),
                    r -> confined ? r.user("nobody").pledge() : r).jvm(j -> j.options(CHILD_OPTIONS))
                    .parent(() -> self -> self.on(HERE, (_, _) -> {
                        millis.add((System.nanoTime() - start) / 1_000_000);
                        try {
                            long child = ProcessHandle.current().children().findFirst().orElseThrow().pid();
                            checkCache(child);
                            resident.add(kilobytes(child, "Rss:"));
                            proportional.add(kilobytes(child, "Pss:"));
                        } finally {
                            self.stop();
                        }
                    })).run(arguments);
            if (code != 0)
                throw new IllegalStateException("the program ended with " + code);
        }
        if (System.getProperty(RECORD) != null)
            return;
        if (proportional.size() != runs)
            throw new IllegalStateException("only " + proportional.size() + " of " + runs + " children were measured");
        // The first runs load the parent's own classes.
        System.out.printf("%s, %s: start to running %d ms, resident %d MB, its share %d MB (medians of %d)%n",
                confined ? "confined" : "not confined", System.getProperty(CACHE) == null ? "no cache" : "AOT cache",
                median(millis), median(resident) / 1024, median(proportional) / 1024, runs);
    }

    /** A JVM goes on without a cache that does not fit it. */
    private static void checkCache(long child) throws IOException {
        String cache = System.getProperty(CACHE);
        if (cache == null)
            return;
        try (Stream<String> maps = Files.lines(Path.of("/proc/" + child + "/maps"))) {
            if (maps.noneMatch(line -> line.contains(" " + cache + "-")))
                throw new IllegalStateException("the child does not use " + cache);
        }
    }

    private static String load() throws IOException {
        return Files.readString(Path.of("/proc/loadavg")).strip();
    }

    static long kilobytes(long pid, String field) throws IOException {
        String line = Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup")).stream()
                .filter(text -> text.startsWith(field)).collect(Collectors.joining());
        return Long.parseLong(line.replaceAll("\\D+", ""));
    }

    static long median(List<Long> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList())
                Files.delete(file);
        }
        Files.delete(directory);
    }
}
