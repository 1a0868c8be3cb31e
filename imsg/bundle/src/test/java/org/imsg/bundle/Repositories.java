package org.imsg.bundle;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Where Maven looks in a test: in repositories of the test, in what this build has already got, and then in Maven Central.
 * Everything it finds goes into a local repository of the test.
 */
record Repositories(Path local) {
    /** Runs Maven in a project. */
    Program maven(Path project, List<Path> repositories, Map<String, String> environment, String... arguments)
            throws Exception {
        Path settings = Files.writeString(local.resolve("settings.xml"), """
                <settings>
                  <profiles>
                    <profile>
                      <id>of-the-test</id>
                      <repositories>%s</repositories>
                      <pluginRepositories>%s</pluginRepositories>
                    </profile>
                  </profiles>
                  <activeProfiles><activeProfile>of-the-test</activeProfile></activeProfiles>
                </settings>
                """.formatted(
                repositories.stream()
                        .map(found -> named("repository", "of-the-test-" + repositories.indexOf(found), found, "fail",
                                true))
                        .collect(Collectors.joining()) + named("repository", "already-got", got(), "warn", false),
                named("pluginRepository", "already-got", got(), "warn", false)));
        List<String> all = new ArrayList<>(
                List.of("-q", "-s", settings.toString(), "-Dmaven.repo.local=" + local.resolve("repository")));
        all.addAll(List.of(arguments));
        return Program.run(project, environment, Program.maven(all.toArray(String[]::new)));
    }

    private static Path got() {
        return Path.of(System.getProperty("bundle.maven.repository"));
    }

    private static String named(String element, String id, Path directory, String checksums, boolean snapshots) {
        return """
                <%1$s>
                  <id>%2$s</id>
                  <url>%3$s</url>
                  <releases><checksumPolicy>%4$s</checksumPolicy></releases>
                  <snapshots><enabled>%5$s</enabled><checksumPolicy>%4$s</checksumPolicy></snapshots>
                </%1$s>
                """.formatted(element, id, directory.toUri(), checksums, snapshots);
    }
}
