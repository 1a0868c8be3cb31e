package org.imsg.bundle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A program that is run to its end, and what it said. */
record Program(int status, String output) {
    private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

    static Program run(Path directory, Map<String, String> environment, List<String> command)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile("program", ".log");
        try {
            ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile())
                    .redirectErrorStream(true).redirectInput(Path.of("/dev/null").toFile())
                    .redirectOutput(output.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            try {
                if (!process.waitFor(30, TimeUnit.MINUTES))
                    throw new IOException(command + " did not end: " + Files.readString(output));
            } finally {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
            return new Program(process.exitValue(), Files.readString(output));
        } finally {
            Files.delete(output);
        }
    }

    static Program java(Map<String, String> environment, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(JAVA.toString()));
        command.addAll(List.of(arguments));
        return run(Path.of("."), environment, command);
    }

    /** The Maven that runs this build. */
    static List<String> maven(String... arguments) {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("bundle.maven"), "bin", "mvn").toString(), "-B",
                        "-Dstyle.color=never"));
        command.addAll(List.of(arguments));
        return command;
    }

    /** For Maven on the Java that runs this build. */
    static Map<String, String> mavenEnvironment(String options) {
        return mavenEnvironment(System.getProperty("bundle.maven.java"), options);
    }

    /**
     * For Maven on some Java.
     *
     * @param options for that Java, beside those that make a short build quick
     */
    static Map<String, String> mavenEnvironment(String home, String options) {
        return Map.of("JAVA_HOME", home, "MAVEN_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC " + options);
    }
}
