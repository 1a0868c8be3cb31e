package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.imsg.Imsg;
import org.imsg.privsep.rights.Ids;
import org.imsg.testing.ProgramJar;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A cache is used for what it was made of, and for nothing else: started by the script that the manual shows. */
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class AotCacheTest {
    private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");
    private static final String MAKE = "--make-cache";
    private static final String NATIVE = "--enable-native-access=ALL-UNNAMED";

    @TempDir
    private Path directory;
    private Path jar;
    private Path caches;
    private Path script;

    /** What a program printed, and how it ended. */
    private record Ended(int code, String output) {}

    @BeforeEach
    void install() throws Exception {
        jar = ProgramJar.in(directory, Greeting.class, Privsep.class, Imsg.class);
        caches = Files.createDirectory(directory.resolve("caches"));
        Matcher shown = Pattern.compile("^```sh\n(#!/bin/sh\n.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE)
                .matcher(Files.readString(Path.of("README.md")));
        assertThat(shown.find()).isTrue();
        script = Files.writeString(directory.resolve("relayd"),
                shown.group(1).replaceFirst("(?m)^java=.*", "java=" + JAVA).replaceFirst("(?m)^jar=.*", "jar=" + jar)
                        .replaceFirst("(?m)^aot=.*", "aot=" + caches.resolve("aot")));
        version("old");
    }

    /** A program in the jar whose processes say what version they are and what cache they have mapped; its arguments are for the children's JVM. */
    private void version(String version) throws Exception {
        Path source = Files.writeString(Files.createDirectories(directory.resolve("source")).resolve("Versions.java"),
                """
                        import java.io.IOException;
                        import java.nio.file.*;
                        import org.imsg.Imsg;
                        import org.imsg.privsep.*;
                        public final class Versions {
                            public static void main(String... arguments) throws Exception {
                                System.exit(Privsep.program("versions").jvm(j -> j.options(arguments))
                                    .role("child", () -> child -> child.on(1, (from, hello) -> from.send(Imsg.of(2, version()))))
                                    .parent(() -> parent -> {
                                        if (System.getenv("HALT") != null)
                                            Runtime.getRuntime().halt(9);
                                        System.out.println("parent runs " + version());
                                        parent.on(2, (from, answer) -> {
                                            System.out.println("child runs " + answer.getString(answer.length()));
                                            parent.stop();
                                        });
                                        parent.peer("child").send(Imsg.of(1));
                                    }).run(arguments));
                            }
                            private static String version() throws IOException {
                                try (var lines = Files.lines(Path.of("/proc/self/maps"))) {
                                    return "VERSION with " + lines.filter(line -> line.contains("/aot-"))
                                        .map(line -> "a cache").findFirst().orElse("no cache");
                                }
                            }
                        }
                        """
                        .replace("VERSION", version));
        String classes = directory.resolve("classes").toString();
        assertThat(ToolProvider.findFirst("javac").orElseThrow().run(System.out, System.err, "-d", classes, "-cp",
                jar.toString(), source.toString())).isZero();
        assertThat(ToolProvider.findFirst("jar").orElseThrow().run(System.out, System.err, "--update", "--file",
                jar.toString(), "--main-class", "Versions", "-C", classes, ".")).isZero();
    }

    private Ended relayd(String... arguments) throws Exception {
        return end(start(arguments));
    }

    private Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("sh", script.toString()));
        command.addAll(List.of(arguments));
        return process(command).start();
    }

    private static ProcessBuilder process(List<String> command) {
        return new ProcessBuilder(command).redirectErrorStream(true).redirectInput(Path.of("/dev/null").toFile());
    }

    private static Ended end(Process process) throws Exception {
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), output);
    }

    private void make() throws Exception {
        Ended made = relayd(MAKE);
        assertThat(made.code()).as(made.output()).isZero();
        assertThat(made.output()).contains("a training run: no process is confined",
                "the AOT caches are made: " + caches.resolve("aot") + "-*");
        assertThat(files()).as("the parent's and the children's").hasSize(2)
                .allMatch(file -> file.getFileName().toString().matches("aot-[0-9a-f]{64}"));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(caches)) {
            return files.sorted().toList();
        }
    }

    private void assertRuns(String parent, String child, String... arguments) throws Exception {
        Ended ended = relayd(arguments);
        assertThat(ended.code()).as(ended.output()).isZero();
        assertThat(ended.output()).contains("parent runs " + parent, "child runs " + child);
    }

    @Test
    void no_cache_outlives_its_jar() throws Exception {
        make();
        assertRuns("old with a cache", "old with a cache");
        List<Path> old = files();

        version("new");
        assertRuns("new with no cache", "new with no cache");
        make();
        assertThat(files()).as("the old ones are gone").doesNotContainAnyElementsOf(old);
        assertRuns("new with a cache", "new with a cache");
    }

    @Test
    @Tag("torture")
    void a_jar_of_the_same_size_and_time_is_another_jar_all_the_same() throws Exception {
        make();
        FileTime time = Files.getLastModifiedTime(jar);
        long size = Files.size(jar);
        version("new");
        assertThat(Files.size(jar)).as("both words have one length").isEqualTo(size);
        Files.setLastModifiedTime(jar, time);
        assertRuns("new with no cache", "new with no cache");
    }

    @Test
    void a_parent_that_was_started_by_hand_with_the_cache_of_another_jar_does_not_run() throws Exception {
        make();
        String starts = relayd().output();
        assertThat(starts).contains("old with a cache").doesNotContain("start without the AOT cache",
                "runs without its AOT cache");
        List<Path> made = files();
        version("new");
        for (Path cache : made) {
            Ended ended = end(process(List.of(JAVA.toString(), "-XX:AOTCache=" + cache, "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1", NATIVE, "-Dimsg.privsep.aot=" + caches.resolve("aot"), "-jar",
                    jar.toString())).start());
            assertThat(ended.code()).as(ended.output()).isNotZero();
            assertThat(ended.output()).contains("was started with the AOT cache " + cache, "old classes may run",
                    "make it with -Dimsg.privsep.aot.record=").doesNotContain("parent runs", "child runs");
        }
    }

    @Test
    void a_cache_of_other_options_is_not_taken() throws Exception {
        make();
        assertRuns("old with a cache", "old with no cache", "--enable-native-access=java.logging");
        assertRuns("old with a cache", "old with no cache", "-XX:+UseParallelGC");
        String text = Files.readString(script);
        Files.writeString(script, text.replace(NATIVE, NATIVE + " --enable-native-access=java.logging"));
        assertRuns("old with no cache", "old with a cache");
        Files.writeString(script, text.replace("TieredStopAtLevel=1", "TieredStopAtLevel=3"));
        assertRuns("old with no cache", "old with a cache");
        Path other = Files.createDirectories(directory.resolve("other/bin"));
        Files.copy(JAVA.resolveSibling("../release"), other.resolveSibling("release"));
        Files.writeString(other.resolveSibling("release"), "BUILD=2\n", StandardOpenOption.APPEND);
        Path java = Files.writeString(other.resolve("java"), "#!/bin/sh\nexec " + JAVA + " \"$@\"\n");
        Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.writeString(script, text.replace("java=" + JAVA, "java=" + java));
        assertRuns("old with no cache", "old with a cache");
        Files.writeString(script, text);
        assertRuns("old with a cache", "old with a cache");
    }

    @Test
    void a_cache_that_others_could_write_is_not_taken() throws Exception {
        make();
        Files.setPosixFilePermissions(caches, PosixFilePermissions.fromString("rwxrwxr-x"));
        Ended ended = relayd();
        assertThat(ended.output()).contains("parent runs old with no cache", "child runs old with no cache",
                caches.toRealPath() + " can be written by others than root and the user of the parent");
        Files.setPosixFilePermissions(caches, PosixFilePermissions.fromString("rwxr-xr-x"));
        for (Path file : files())
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
        assertRuns("old with no cache", "old with no cache");
        for (Path file : files())
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
        assertRuns("old with a cache", "old with a cache");
        assumeThat(Ids.current().isRoot()).isTrue();
        for (Path file : files())
            Files.setAttribute(file, "unix:uid", 64321);
        assertRuns("old with no cache", "old with no cache");
    }

    @Test
    @Tag("torture")
    void a_cache_that_is_cut_is_no_harm() throws Exception {
        make();
        for (Path file : files())
            try (FileChannel bytes = FileChannel.open(file, StandardOpenOption.WRITE)) {
                bytes.truncate(bytes.size() / 2);
            }
        assertRuns("old with no cache", "old with no cache");
    }

    @Test
    @Tag("torture")
    void what_is_killed_or_fails_leaves_the_old_caches_and_a_line() throws Exception {
        make();
        List<Path> made = files();
        ProcessBuilder halted = process(List.of("sh", script.toString(), MAKE));
        halted.environment().put("HALT", "1");
        Ended ended = end(halted.start());
        assertThat(ended.code()).isEqualTo(1);
        assertThat(ended.output()).contains("no AOT cache is made: ", "the training run ended with 9");
        assertThat(files()).isEqualTo(made);
        assertRuns("old with a cache", "old with a cache");

        Path forgotten = Files.createDirectory(caches.resolve("aot.new-1"));
        Files.writeString(forgotten.resolve("half"), "half");
        Files.setLastModifiedTime(forgotten, FileTime.from(Instant.now().minus(Duration.ofMinutes(11))));
        make();
    }

    @Test
    @Tag("torture")
    void trainings_at_the_same_time_do_not_disturb_each_other() throws Exception {
        Process one = start(MAKE);
        Process other = start(MAKE);
        for (Process each : List.of(one, other)) {
            Ended ended = end(each);
            assertThat(ended.code()).as(ended.output()).isZero();
        }
        assertThat(files()).hasSize(2);
        assertRuns("old with a cache", "old with a cache");
    }

    @Test
    @Tag("torture")
    void where_no_cache_can_be_written_a_line_says_so_and_the_program_starts_without() throws Exception {
        String text = Files.readString(script);
        Path file = Files.createFile(directory.resolve("file"));
        Files.writeString(script, text.replace(caches.toString(), file.toString()));
        Ended ended = relayd(MAKE);
        assertThat(ended.code()).isEqualTo(1);
        assertThat(ended.output()).containsOnlyOnce("no AOT cache is made: ");
        assertRuns("old with no cache", "old with no cache");

        Files.writeString(script, text);
        assumeThat(Ids.current().isRoot()).isTrue();
        for (String size : List.of("60k", "6m", "30m")) {
            ended = end(process(List.of("unshare", "--mount", "sh", "-c",
                    "mount -t tmpfs -o mode=755,size=" + size + " none \"$1\" && { sh \"$0\" " + MAKE
                            + "; echo ended with $?; ls -A \"$1\" | wc -l; sh \"$0\"; }",
                    script.toString(), caches.toString())).start());
            assertThat(ended.code()).as(ended.output()).isZero();
            assertThat(ended.output()).contains("no AOT cache is made: ", "ended with 1\n0\n",
                    "parent runs old with no cache", "child runs old with no cache");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"confined", "free"})
    void a_training_makes_a_cache_of_all_that_a_child_loads_of_this_library(String how) throws Exception {
        Path program = ProgramJar.in(Files.createDirectory(directory.resolve("figures")), SpawnFigures.class,
                Privsep.class, Imsg.class);
        Path logs = Files.createDirectory(directory.resolve("logs"));
        // The child's user writes there.
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Files.setPosixFilePermissions(logs, PosixFilePermissions.fromString("rwxrwxrwx"));
        Path log = logs.resolve("classes");
        for (String option : List.of("-Dimsg.privsep.aot.record=", "-Dimsg.privsep.aot=")) {
            Files.deleteIfExists(log);
            List<String> command = SpawnFigures.command(List.of(option + caches.resolve("figures"),
                    "-Dimsg.figures.options=-Xlog:class+load=info:file=" + log), program, "1", how);
            command.addFirst(JAVA.toString());
            // Without root it is confined as far as can be.
            Ended ended = end(process(command).start());
            assertThat(ended.code()).as(ended.output()).isZero();
            assertThat(ended.output()).contains(option.endsWith("record=")
                    ? "the AOT caches are made"
                    : "confined, AOT cache: start to running").doesNotContain("start without the AOT cache");
        }
        List<String> ours = Files.readAllLines(log).stream().filter(line -> line.contains("] org.imsg.")).toList();
        assertThat(ours).anyMatch(line -> line.contains(" org.imsg.Imsg source: "));
        assertThat(ours.stream().filter(line -> !line.endsWith(" source: shared objects file"))).isEmpty();
    }
}
