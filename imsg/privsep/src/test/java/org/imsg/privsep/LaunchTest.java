package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.imsg.Imsg;
import org.imsg.testing.ClassPlaces;
import org.imsg.testing.ProgramJar;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The same main again, however the program was started. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LaunchTest {
    /** What a program printed that ended with 0. */
    private static String run(List<String> options) throws Exception {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC"));
        command.addAll(options);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    @Test
    void a_program_in_a_jar_starts_its_children_from_the_jar(@TempDir Path directory) throws Exception {
        Path jar = ProgramJar.in(directory, Greeting.class, Privsep.class, Imsg.class);
        assertThat(run(List.of("-jar", jar.toString()))).contains("child[0] is greeted");
    }

    @Test
    void a_program_on_the_module_path_starts_its_children_from_the_module_path(@TempDir Path directory)
            throws Exception {
        Path sources = Files.createDirectories(directory.resolve("sources/greeting/hello"));
        Files.writeString(sources.resolveSibling("module-info.java"),
                "module greeting { requires org.imsg.privsep; exports greeting.hello; }");
        Files.writeString(sources.resolve("Main.java"),
                """
                        package greeting.hello;
                        import org.imsg.Imsg;
                        import org.imsg.privsep.*;
                        public final class Main {
                            public static void main(String... arguments) throws Exception {
                                System.exit(Privsep.program("greeting").role("child", () -> child -> child.on(1, (from, hello) ->
                                        from.send(Imsg.of(2, Main.class.getModule() + " " + Privsep.class.getModule()))))
                                    .parent(() -> parent -> {
                                        parent.on(2, (from, answer) -> {
                                            System.out.println("child is in " + answer.getString(answer.length()));
                                            parent.stop();
                                        });
                                        parent.peer("child").send(Imsg.of(1));
                                    }).run(arguments));
                            }
                        }
                        """);
        String imsg = ClassPlaces.classPath(Privsep.class, Imsg.class);
        String classes = directory.resolve("classes").toString();
        int compiled = ToolProvider.findFirst("javac").orElseThrow().run(System.out, System.err, "-d", classes, "-p",
                imsg, sources.resolveSibling("module-info.java").toString(), sources.resolve("Main.java").toString());
        assertThat(compiled).isZero();
        assertThat(run(List.of("--enable-native-access=org.imsg", "-p", imsg + ":" + classes, "-m",
                "greeting/greeting.hello.Main"))).contains("child is in module greeting module org.imsg.privsep")
                .contains("SIGHUP is no reload here");
    }

    @Test
    void a_main_class_that_cannot_be_seen_is_asked_for() throws Exception {
        FutureTask<Integer> run = new FutureTask<>(() -> Privsep.program("p").role("a", () -> _ -> {}).run());
        Thread.ofPlatform().start(run);
        assertThatExceptionOfType(java.util.concurrent.ExecutionException.class).isThrownBy(run::get)
                .havingCause().isInstanceOf(IllegalStateException.class).withMessageContaining("call run from main");
    }

    @Test
    void another_collector_replaces_the_preset_one_and_later_options_count_more() throws Exception {
        try (TestParent parent = new TestParent("a", p -> p.jvm(j -> j.options("-XX:+UseParallelGC", "-Xmx99m")
                .environment("COLOUR", "blue")))) {
            parent.awaitAll("a[0] started");
            ProcessHandle child = ProcessHandle.current().children().findFirst().orElseThrow();
            String[] arguments = child.info().arguments().orElseThrow();
            assertThat(arguments).contains("-XX:+UseParallelGC", "-XX:-UsePerfData").doesNotContain("-XX:+UseSerialGC")
                    .containsSubsequence("-Xmx64m", "-Xmx99m");
            parent.tell("a", 0, "look");
            assertThat(parent.await("a[0] pid")).contains("COLOUR");
        }
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> Privsep.program("p").jvm(j -> j.environment("IMSG_ROLE", "x")));
    }

    @Test
    @Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_training_run_makes_a_cache_that_confined_children_use(@TempDir Path directory) throws Exception {
        Path jar = ProgramJar.in(directory, SpawnFigures.class, Privsep.class, Imsg.class);
        Path cache = directory.resolve("figures.aot");
        assertThat(run(SpawnFigures.command(List.of("-Dimsg.privsep.aot.record=" + cache), jar, "1", "confined")))
                .contains("a training run: no process is confined");
        assertThat(caches(cache)).singleElement().satisfies(file -> assertThat(file).isNotEmptyFile());
        // Without root it is confined as far as can be.
        assertThat(run(SpawnFigures.command(List.of("-Dimsg.privsep.aot=" + cache), jar, "1", "confined")))
                .contains("confined, AOT cache: start to running").doesNotContain("start without");
    }

    @Test
    @Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void a_cache_does_not_outlive_the_jars_it_was_made_of(@TempDir Path directory) throws Exception {
        Path library = ProgramJar.in(directory, Greeting.class, Privsep.class, Imsg.class);
        Path cache = directory.resolve("versions.aot");
        List<String> program = List.of("--enable-native-access=ALL-UNNAMED", "-cp",
                directory.resolve("versions.jar") + ":" + library, "Versions");
        List<String> training = with("-Dimsg.privsep.aot.record=" + cache, program);
        List<String> using = with("-Dimsg.privsep.aot=" + cache, program);

        install(directory, library, "the old one");
        run(training);
        List<Path> old = caches(cache);
        assertThat(run(using)).contains("child runs the old one with " + old.getFirst())
                .doesNotContain("start without");

        install(directory, library, "the new one");
        assertThat(run(using)).contains("child runs the new one with no cache",
                "children start without the AOT cache " + cache + "-*");
        run(training);
        assertThat(caches(cache)).hasSize(1).doesNotContainAnyElementsOf(old);
        assertThat(run(using)).contains("child runs the new one with " + caches(cache).getFirst())
                .doesNotContain("start without");
    }

    private static List<String> with(String option, List<String> program) {
        List<String> all = new ArrayList<>(program);
        all.addFirst(option);
        return all;
    }

    private static List<Path> caches(Path base) throws IOException {
        try (Stream<Path> files = Files.list(base.getParent())) {
            return files.filter(file -> file.toString().startsWith(base + "-")).toList();
        }
    }

    /** A program in a jar whose child says what version it is, and what cache it was started with. */
    private static void install(Path directory, Path library, String version) throws Exception {
        Path source = Files.writeString(Files.createDirectories(directory.resolve("source")).resolve("Versions.java"),
                """
                        import java.lang.management.ManagementFactory;
                        import org.imsg.Imsg;
                        import org.imsg.privsep.*;
                        public final class Versions {
                            public static void main(String... arguments) throws Exception {
                                System.exit(Privsep.program("versions").role("child", () -> child -> child.on(1, (from, hello) ->
                                        from.send(Imsg.of(2, "VERSION" + cache()))))
                                    .parent(() -> parent -> {
                                        parent.on(2, (from, answer) -> {
                                            System.out.println("child runs " + answer.getString(answer.length()));
                                            parent.stop();
                                        });
                                        parent.peer("child").send(Imsg.of(1));
                                    }).run(arguments));
                            }
                            static String cache() {
                                return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                                    .filter(option -> option.startsWith("-XX:AOTCache=")).findFirst()
                                    .map(option -> " with " + option.substring("-XX:AOTCache=".length())).orElse(" with no cache");
                            }
                        }
                        """
                        .replace("VERSION", version));
        String classes = directory.resolve("classes").toString();
        assertThat(ToolProvider.findFirst("javac").orElseThrow().run(System.out, System.err, "-d", classes, "-cp",
                library.toString(), source.toString())).isZero();
        assertThat(ToolProvider.findFirst("jar").orElseThrow().run(System.out, System.err, "--create", "--file",
                directory.resolve("versions.jar").toString(), "-C", classes, ".")).isZero();
    }

    @Test
    void a_child_without_its_channel_says_what_is_wrong(@TempDir Path directory) throws Exception {
        Path jar = ProgramJar.in(directory, Greeting.class, Privsep.class, Imsg.class);
        ProcessBuilder builder = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar", jar.toString()).redirectErrorStream(true);
        builder.environment().put(ChildEnvironment.PROGRAM, "greeting");
        builder.environment().put(ChildEnvironment.ROLE, "child");
        builder.environment().put(ChildEnvironment.INSTANCE, "0");
        Process process = builder.start();
        process.getOutputStream().close();
        assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("child of greeting cannot start: descriptor 3 is not the channel to its parent");
        assertThat(process.waitFor()).isEqualTo(1);
    }
}
