package org.imsg.bundle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What Maven may reach in a test: repositories of the test and, in place of Maven Central, what this build has already got.
 * Everything it gets goes into a local repository of the test.
 */
record Repositories(Path directory) {
    /** Runs Maven in a project. */
    Program maven(Path project, List<Path> repositories, String... arguments) throws Exception {
        Path settings = directory.resolve("settings.xml");
        Files.writeString(settings, settings(repositories));
        List<String> all = new ArrayList<>(List.of("-q", "-s", settings.toString(), "-Dmaven.repo.local="
                + directory.resolve("local")));
        all.addAll(List.of(arguments));
        return Program.run(project, Program.mavenEnvironment(""), Program.maven(all.toArray(String[]::new)));
    }

    private static String settings(List<Path> repositories) throws IOException {
        StringBuilder named = new StringBuilder();
        for (int i = 0; i < repositories.size(); i++)
            named.append("""
                    <repository>
                      <id>of-the-test-%d</id>
                      <url>%s</url>
                      <releases><checksumPolicy>fail</checksumPolicy></releases>
                      <snapshots><enabled>true</enabled><checksumPolicy>fail</checksumPolicy></snapshots>
                    </repository>
                    """.formatted(i, repositories.get(i).toUri()));
        return """
                <settings>
                  <mirrors>
                    <mirror><id>already-got</id><mirrorOf>central</mirrorOf><url>%s</url></mirror>
                  </mirrors>
                  <profiles>
                    <profile><id>of-the-test</id><repositories>%s</repositories></profile>
                  </profiles>
                  <activeProfiles><activeProfile>of-the-test</activeProfile></activeProfiles>
                </settings>
                """.formatted(Path.of(System.getProperty("bundle.maven.repository")).toUri(), named);
    }
}
