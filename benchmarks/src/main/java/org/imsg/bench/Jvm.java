package org.imsg.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How workers in Java are started: with this program's JVM and classes. */
final class Jvm {
    /** The serial collector is what the JVM takes by itself on one processor. */
    static final List<String> FLAGS = List.of("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xms128m",
            "-Xmx512m", "-XX:-UsePerfData");

    private static final String WORKER = "org.imsg.bench.worker.Worker";

    private Jvm() {}

    static List<String> worker() {
        List<String> line = new ArrayList<>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        line.addAll(FLAGS);
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), WORKER));
        return line;
    }
}
