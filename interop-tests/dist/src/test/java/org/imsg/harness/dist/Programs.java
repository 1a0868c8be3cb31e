package org.imsg.harness.dist;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.opentest4j.TestAbortedException;

/** Runs programs, and names those that this machine lacks. */
final class Programs {
    /** The directory that the build makes all in. */
    static final Path MADE = Path.of(System.getProperty("imsg.dist", "target")).toAbsolutePath();
    private static final int LIMIT_SECONDS = 800;

    private Programs() {}

    /**
     * How a program ended.
     *
     * @param code its exit code
     * @param out its standard output
     * @param err its standard error
     */
    record Ended(int code, String out, String err) {}

    /** Skips a test, with the reason; fails it where IMSG_PEERS=required is in the environment. */
    static void need(String... programs) {
        for (String program : programs)
            if (Stream.of(System.getenv("PATH").split(File.pathSeparator))
                    .noneMatch(directory -> Files.isExecutable(Path.of(directory, program))))
                lack("the program " + program + " is not installed");
    }

    static void needRoot() {
        if (!"root".equals(System.getProperty("user.name")))
            lack("only root may do this");
    }

    static void lack(String reason) {
        if ("required".equals(System.getenv("IMSG_PEERS")))
            throw new IllegalStateException("IMSG_PEERS=required, but " + reason);
        throw new TestAbortedException(reason);
    }

    /** The one file of the build that is called so. */
    static Path made(String end) throws IOException {
        try (Stream<Path> files = Files.list(MADE)) {
            return files.filter(file -> file.toString().endsWith(end)).findFirst().orElseThrow();
        }
    }

    static Ended run(Object... words) throws Exception {
        return run(Map.of(), words);
    }

    /** Runs a program in a plain environment, to its end. */
    static Ended run(Map<String, String> environment, Object... words) throws Exception {
        Path out = Files.createTempFile("imsg-", ".out");
        Path err = Files.createTempFile("imsg-", ".err");
        try {
            ProcessBuilder settings = new ProcessBuilder(Stream.of(words).map(Object::toString).toList())
                    .redirectInput(new File("/dev/null")).redirectOutput(out.toFile()).redirectError(err.toFile());
            settings.environment().keySet()
                    .removeAll(List.of("HOME", "XDG_CACHE_HOME", "JAVA_TOOL_OPTIONS", "NO_COLOR"));
            settings.environment().put("LC_ALL", "C.UTF-8");
            settings.environment().putAll(environment);
            Process process = settings.start();
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
                throw new AssertionError(List.of(words) + " has not ended: " + Files.readString(err));
            }
            return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
        } finally {
            Files.delete(out);
            Files.delete(err);
        }
    }

    /** Unpacks the archive into a directory, and returns the tree of the program. */
    static Path unpack(Path directory) throws Exception {
        Files.createDirectories(directory);
        Path archive = made(".tar.xz");
        Ended tar = run("tar", "-xJf", archive, "-C", directory);
        if (tar.code() != 0)
            throw new IOException(tar.err());
        return directory.resolve(archive.getFileName().toString().replace(".tar.xz", ""));
    }

    /** The least processor time that a program took in some runs, its children's included. */
    static double processorSeconds(Object... words) throws Exception {
        double least = Double.MAX_VALUE;
        Object[] line = Stream.concat(Stream.of("bash", "-c",
                "TIMEFORMAT='%U %S'; time \"$@\" >/dev/null 2>&1", "bash"), Stream.of(words)).toArray();
        for (int i = 0; i < 7; i++) {
            String[] times = run(line).err().strip().split(" ");
            least = Math.min(least, Double.parseDouble(times[0]) + Double.parseDouble(times[1]));
        }
        return least;
    }
}
