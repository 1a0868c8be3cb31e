package org.imsg.privsep;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a child's start cannot be under, for {@link SpawnFigures}: a JVM with the flags of a child and an AOT cache of its own that
 * does nothing, or makes one call of C.
 */
final class SpawnFloor {
    private static final List<String> FLAGS = List.of("-XX:+UseSerialGC", "-Xms8m", "-Xmx64m",
            "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "--enable-native-access=ALL-UNNAMED");

    private SpawnFloor() {}

    /** With the argument {@code call} makes one; then says so, and ends with standard input. */
    public static void main(String... arguments) throws Throwable {
        if (arguments[0].equals("call"))
            getpid();
        System.out.write('\n');
        System.out.flush();
        System.in.read();
    }

    @SuppressWarnings("restricted")
    private static void getpid() throws Throwable {
        Linker linker = Linker.nativeLinker();
        MethodHandle getpid = linker.downcallHandle(linker.defaultLookup().findOrThrow("getpid"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT));
        int pid = (int) getpid.invokeExact();
        if (pid <= 1)
            throw new AssertionError("getpid is " + pid);
    }

    /** Prints one line. */
    static void measure(String what, Path jar, Path cache, int runs) throws Exception {
        start(what, jar, "-XX:AOTCacheOutput=" + cache).end();
        List<Long> millis = new ArrayList<>();
        List<Long> resident = new ArrayList<>();
        for (int run = 0; run < runs; run++) {
            long begin = System.nanoTime();
            Jvm jvm = start(what, jar, "-XX:AOTCache=" + cache);
            millis.add((System.nanoTime() - begin) / 1_000_000);
            resident.add(SpawnFigures.kilobytes(jvm.process.pid(), "Rss:"));
            jvm.end();
        }
        System.out.printf("a JVM alone, %s, AOT cache: start to running %d ms, resident %d MB (medians of %d)%n",
                what.equals("call") ? "one call of C" : "an empty main", SpawnFigures.median(millis),
                SpawnFigures.median(resident) / 1024, runs);
        Files.delete(cache);
    }

    private record Jvm(Process process) {
        void end() throws Exception {
            process.getOutputStream().close();
            int code = process.waitFor();
            if (code != 0)
                throw new IllegalStateException("the JVM ended with " + code);
        }
    }

    private static Jvm start(String what, Path jar, String option) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(FLAGS);
        command.addAll(List.of(option, "-cp", jar.toString(), SpawnFloor.class.getName(), what));
        Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        if (process.getInputStream().read() != '\n')
            throw new IOException(command + " said nothing");
        return new Jvm(process);
    }
}
