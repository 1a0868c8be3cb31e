package org.imsg.harness.debian;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.imsg.testing.ClassPlaces;

/** A main class of these tests, run in a JVM of its own, to be killed or to compete with others. */
final class JavaProgram {
    private JavaProgram() {}

    /** Starts {@code main}; its standard output can be read from the process, its errors appear among ours. */
    static Process start(Class<?> main, String... arguments) throws IOException {
        List<String> line = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp",
                ClassPlaces.classPath(main, Libfrr.class, org.imsg.ImsgChannel.class),
                main.getName()));
        line.addAll(List.of(arguments));
        return new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }
}
