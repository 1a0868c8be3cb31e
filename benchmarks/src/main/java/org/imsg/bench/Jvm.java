package org.imsg.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How workers in Java are started: with this program's JVM and classes. */
final class Jvm {
    /**
     * The serial collector is what the JVM takes by itself on one processor. Netty, ours and others' and gRPC's, is faster with
     * Unsafe and without leak detection.
     */
    static final List<String> FLAGS = List.of("--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow", "-XX:+UseSerialGC", "-Xms128m", "-Xmx512m", "-XX:-UsePerfData",
            "-Dio.netty.leakDetection.level=disabled", "-Dio.grpc.netty.shaded.io.netty.leakDetection.level=disabled");

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
