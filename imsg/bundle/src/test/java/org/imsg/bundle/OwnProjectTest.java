package org.imsg.bundle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
