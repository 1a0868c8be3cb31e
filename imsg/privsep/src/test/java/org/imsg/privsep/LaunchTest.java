package org.imsg.privsep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.imsg.Imsg;
import org.imsg.testing.ClassPlaces;
import org.imsg.testing.ProgramJar;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.spi.ToolProvider;
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
    void a_program_that_is_started_from_source_is_told_so_and_runs_if_it_names_its_classes(@TempDir Path directory)
            throws Exception {
        String program = """
                import org.imsg.Imsg;
                import org.imsg.privsep.Privsep;
                public final class Hello {
                    public static void main(String... arguments) throws Exception {
                        System.exit(Privsep.program("hello")SETTINGS
                            .role("child", () -> child -> child.on(1, (from, hello) -> from.send(Imsg.of(2))))
                            .parent(() -> parent -> {
                                parent.on(2, (from, answer) -> {
                                    System.out.println("the child has answered");
                                    parent.stop();
                                });
                                parent.peer("child").send(Imsg.of(1));
                            }).run(arguments));
                    }
                }
                """;
        String imsg = ClassPlaces.classPath(Privsep.class, Imsg.class);
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED", "-cp", imsg,
                Files.writeString(directory.resolve("Hello.java"), program.replace("SETTINGS", "")).toString()));
        Process refused = new ProcessBuilder(command).redirectErrorStream(true).start();
        refused.getOutputStream().close();
        assertThat(new String(refused.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .contains("started from source, as in java Hello.java").doesNotContain("child[0]");
        assertThat(refused.waitFor()).isEqualTo(1);

        String classes = directory.resolve("classes").toString();
        Files.writeString(directory.resolve("Hello.java"), program.replace("SETTINGS",
                ".jvm(j -> j.classPath(\"" + classes + ":" + imsg + "\", Hello.class))"));
        assertThat(ToolProvider.findFirst("javac").orElseThrow().run(System.out, System.err, "-d", classes, "-cp", imsg,
                directory.resolve("Hello.java").toString())).isZero();
        assertThat(run(command.subList(2, command.size()))).contains("the child has answered");
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

    /** A limit of memory that follows a smaller heap would end a child that has a larger one. */
    @Test
    void the_heap_of_a_child_is_what_the_last_option_of_either_name_says() {
        JvmSettings jvm = new JvmSettings();
        assertThat(jvm.mostHeap(List.of())).hasValue(64 << 20);
        assertThat(jvm.mostHeap(List.of("-Xmx2g", "-Xmx99M"))).hasValue(99 << 20);
        assertThat(jvm.mostHeap(List.of("-XX:MaxHeapSize=1g"))).hasValue(1 << 30);
        assertThat(jvm.mostHeap(List.of("-XX:MaxHeapSize=1T", "-Xmx65536k"))).hasValue(64 << 20);
        assertThat(jvm.withoutPresets().mostHeap(List.of("-XX:MaxHeapSize=1T"))).hasValue(1L << 40);
        assertThat(jvm.mostHeap(List.of("-Xmx12345678"))).hasValue(12_345_678);
        assertThat(jvm.mostHeap(List.of())).isEmpty();
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
