package org.imsg.bundle;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same sources give the same bytes, wherever they are built. */
class ReproducibleTest {
    @Test
    void a_bundle_is_the_same_from_another_directory_umask_time_zone_and_locale(@TempDir Path directory)
            throws Exception {
        Path elsewhere = directory.resolve("elsewhere");
        copySources(elsewhere);
        Map<String, String> environment = new HashMap<>(
                Program.mavenEnvironment("-Duser.language=tr -Duser.country=TR"));
        environment.put("TZ", "Pacific/Chatham");
        environment.put("LC_ALL", "C");
        // For javac and javadoc too.
        environment.put("JAVA_TOOL_OPTIONS", "-Duser.language=de -Duser.country=DE");
        List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", "umask 077; exec \"$@\"", "sh"));
        command.addAll(Program.maven("-q", "-Prelease", "-Dbundle.skipTests=true", "-pl", "imsg/bundle", "-am",
                "-Dmaven.repo.local=" + System.getProperty("bundle.maven.repository"), "verify"));
        Program build = Program.run(elsewhere, environment, command);
        assertThat(build.status()).as(build.output()).isZero();
        Map<String, String> here = Bundle.checksums(Bundle.DIRECTORY);
        here.keySet().removeIf(name -> name.endsWith(".asc"));
        Map<String, String> there = Bundle.checksums(elsewhere.resolve("imsg/bundle/target/central"));
        assertThat(there).containsOnlyKeys(here.keySet());
        assertThat(here.keySet()).as("differs").allMatch(name -> here.get(name).equals(there.get(name)));
        assertThat(elsewhere.resolve(Bundle.ROOT.relativize(Bundle.PROGRAM)))
                .hasSameBinaryContentAs(Bundle.PROGRAM);
        if (!Bundle.SIGNED)
            assertThat(elsewhere.resolve(Bundle.ROOT.relativize(Bundle.ZIP))).hasSameBinaryContentAs(Bundle.ZIP);
    }

    /** All of the tree but what was built or belongs to git. */
    private static void copySources(Path target) throws IOException {
        Files.walkFileTree(Bundle.ROOT, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                    throws IOException {
                String name = directory.getFileName().toString();
                if (name.equals("target") || name.equals(".git"))
                    return FileVisitResult.SKIP_SUBTREE;
                Files.createDirectories(target.resolve(Bundle.ROOT.relativize(directory)));
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.copy(file, target.resolve(Bundle.ROOT.relativize(file)), LinkOption.NOFOLLOW_LINKS);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
