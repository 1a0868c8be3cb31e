package org.imsg.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A project of a user is built from the bundle alone, as it is from Maven Central. */
class OwnProjectTest {
    private static final Path EXAMPLE = Bundle.ROOT.resolve("imsg/examples/own-project");

    @TempDir
    private Path directory;
    private Path project;

    @BeforeEach
    void copyTheProject() throws Exception {
        project = directory.resolve("project");
        try (Stream<Path> files = Files.walk(EXAMPLE)) {
            for (Path file : files.filter(file -> !file.startsWith(EXAMPLE.resolve("target"))).toList())
                Files.copy(file, project.resolve(EXAMPLE.relativize(file)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"class-path", "module-path"})
    void the_example_runs(String path) throws Exception {
        Program ended = build("package", "exec:exec@" + path);
        assertThat(ended.status()).as(ended.output()).isZero();
        assertThat(ended.output()).contains("hello, with a descriptor");
    }

    @Test
    void every_module_that_is_published_can_be_required() throws Exception {
        edit(project.resolve("pom.xml"), "</dependencies>\n  <build>", Bundle.modules().stream()
                .filter(module -> !module.equals("imsg"))
                .map(module -> "<dependency><groupId>org.imsg</groupId><artifactId>" + module
                        + "</artifactId></dependency>")
                .collect(Collectors.joining("\n", "", "</dependencies>\n  <build>")));
        edit(project.resolve("src/main/java/module-info.java"), "requires org.imsg;", """
                requires org.imsg;
                requires org.imsg.privsep;
                requires org.imsg.peers;
                requires org.imsg.netty;
                requires org.imsg.harness;
                """);
        Program ended = build("package", "exec:exec@module-path");
        assertThat(ended.status()).as(ended.output()).isZero();
        assertThat(ended.output()).contains("hello, with a descriptor");
    }

    /** The plugin of the manual of privsep, in a project whose jar names its dependencies. */
    @Test
    void the_caches_of_a_privilege_separated_program_are_made_as_the_manual_shows() throws Exception {
        Path pom = project.resolve("pom.xml");
        edit(pom, "<artifactId>imsg</artifactId>", "<artifactId>imsg-privsep</artifactId>");
        edit(pom, "<artifactId>maven-jar-plugin</artifactId>", """
                <artifactId>maven-jar-plugin</artifactId>
                <configuration><archive><manifest>
                  <mainClass>relayd.Relayd</mainClass>
                  <addClasspath>true</addClasspath>
                  <classpathLayoutType>repository</classpathLayoutType>
                  <classpathPrefix>%s/</classpathPrefix>
                </manifest></archive></configuration>
                """.formatted(directory.resolve("repository")));
        String plugin = "<plugin>\\s*<groupId>org.codehaus.mojo</groupId>.*?</plugin>";
        Matcher shown = Pattern.compile(plugin, Pattern.DOTALL)
                .matcher(Files.readString(Bundle.ROOT.resolve("imsg/privsep/README.md")));
        assertThat(shown.find()).isTrue();
        Files.writeString(pom, Pattern.compile(plugin, Pattern.DOTALL).matcher(Files.readString(pom))
                .replaceFirst(Matcher.quoteReplacement(shown.group())));
        Files.delete(project.resolve("src/main/java/module-info.java"));
        Files.writeString(Files.createDirectory(project.resolve("src/main/java/relayd")).resolve("Relayd.java"), """
                package relayd;
                import org.imsg.Imsg;
                import org.imsg.privsep.Privsep;
                public final class Relayd {
                    public static void main(String... arguments) throws Exception {
                        System.exit(Privsep.program("relayd")
                            .role("child", () -> child -> child.on(1, (from, hello) -> from.send(Imsg.of(2))))
                            .parent(() -> parent -> {
                                parent.on(2, (from, answer) -> {
                                    System.out.println("relayd runs");
                                    parent.stop();
                                });
                                parent.peer("child").send(Imsg.of(1));
                            }).run(arguments));
                    }
                }
                """);
        Program ended = build("package");
        assertThat(ended.status()).as(ended.output()).isZero();
        assertThat(ended.output()).contains("the AOT caches are made: ");

        Program without = relayd();
        Matcher own = Pattern.compile("it would take (-XX:AOTCache=\\S+)").matcher(without.output());
        assertThat(own.find()).as(without.output()).isTrue();
        Program with = relayd(own.group(1));
        assertThat(with.status()).as(with.output()).isZero();
        assertThat(with.output()).contains("relayd runs").doesNotContain("runs without its AOT cache",
                "start without the AOT cache", "[aot");
    }

    private Program relayd(String... more) throws Exception {
        List<String> words = new ArrayList<>(List.of(more));
        words.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED",
                "-Dimsg.privsep.aot=" + project.resolve("target/aot"), "-jar",
                project.resolve("target/hello-1.jar").toString()));
        return Program.java(Map.of(), words.toArray(String[]::new));
    }

    /** That of the Maven which runs this build may be older. */
    @Test
    void an_older_Java_is_told_which_is_needed() throws Exception {
        String older = System.getProperty("bundle.maven.java");
        assumeThat(older).as("the Java that runs Maven").matches(".*java-(17|18|19|2[0-4])-.*");
        Program ended = buildWith(older, "package");
        assertThat(ended.status()).isNotZero();
        assertThat(ended.output()).contains("imsg needs Java 25 or newer").doesNotContain("COMPILATION ERROR");
    }

    private Program build(String... arguments) throws Exception {
        return buildWith(System.getProperty("java.home"), arguments);
    }

    private Program buildWith(String java, String... arguments) throws Exception {
        return new Repositories(directory).maven(project, List.of(Bundle.DIRECTORY),
                Program.mavenEnvironment(java, ""), arguments);
    }

    private static void edit(Path file, String old, String now) throws Exception {
        String text = Files.readString(file);
        assertThat(text).containsOnlyOnce(old);
        Files.writeString(file, text.replace(old, now));
    }
}
