package org.imsg.privsep;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.Charset;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Makes the AOT caches: the program is run once more, and that run and its children record what they load, each in a file of a
 * directory that is the training's own. A file that a JVM accepts goes to its place in one step; nothing else ever does, whatever ends
 * the training.
 */
final class AotTraining {
    private static final String RECORD = "imsg.privsep.aot.record";
    private static final String WORK = "imsg.privsep.aot.work";
    private static final String COMMAND = ".command";
    private static final Duration LONGEST = Duration.ofMinutes(10);

    private AotTraining() {}

    /** Whether caches are asked for. */
    static boolean isAsked() {
        return System.getProperty(RECORD) != null;
    }

    /** Whether this is the run that records. */
    static boolean isHere() {
        return System.getProperty(WORK) != null;
    }

    /** Where the caches are asked for. */
    static Path base() {
        return Path.of(System.getProperty(RECORD));
    }

    /** Says how to make them. */
    static String advice(Path base) {
        return "make it with -D" + RECORD + "=" + base;
    }

    /** The command line of this process. */
    static List<String> commandLine() throws IOException {
        String line = new String(Files.readAllBytes(Path.of("/proc/self/cmdline")),
                Charset.forName(System.getProperty("sun.jnu.encoding")));
        return List.of(line.substring(0, line.length() - 1).split("\0", -1));
    }

    /** The words of it that the cache of the parent is named by: those before the property that names the caches. */
    static List<String> words(List<String> commandLine) {
        return commandLine.stream().takeWhile(word -> !word.startsWith("-Dimsg.privsep.aot"))
                .filter(word -> !word.startsWith("-XX:AOT")).toList();
    }

    /** In the run that records: has a child write the cache that belongs there, unless another one does so already. */
    static void record(Path cache, List<String> command) throws IOException {
        Path file = Path.of(System.getProperty(WORK)).resolve(cache.getFileName());
        Path used = Path.of(file + COMMAND);
        if (Files.exists(used))
            return;
        Files.writeString(used, String.join("\0", command));
        command.add(1, "-XX:AOTCacheOutput=" + file);
    }

    /** Makes all caches, in place of those that were there; the log says of what use they are, or that there are none. */
    static boolean make(System.Logger log, AotCache cache, Path java) throws InterruptedException {
        Path work = null;
        try {
            Path directory = base().toAbsolutePath().getParent();
            String prefix = base().getFileName() + ".new-";
            work = Files.createTempDirectory(directory, prefix);
            removeForgotten(directory, prefix, Files.getLastModifiedTime(work).toInstant().minus(LONGEST));
            List<String> commandLine = commandLine();
            List<String> command = new ArrayList<>(commandLine);
            command.set(0, java.toString());
            Path parent = cache.of(words(commandLine));
            Files.writeString(work.resolve(parent.getFileName() + COMMAND), String.join("\0", command));
            command.addAll(1, List.of("-XX:AOTCacheOutput=" + work.resolve(parent.getFileName()),
                    "-D" + WORK + "=" + work));
            int code = run(command);
            if (code != 0)
                throw new IOException("the training run ended with " + code);
            install(work, cache);
            log.log(System.Logger.Level.INFO,
                    "the AOT caches are made: " + cache + "; that of the parent is " + parent);
            return true;
        } catch (IOException e) {
            log.log(System.Logger.Level.ERROR, "no AOT cache is made: " + e);
            return false;
        } finally {
            remove(work);
        }
    }

    private static int run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).inheritIO().start();
        try {
            return process.waitFor();
        } finally {
            process.destroy();
        }
    }

    private static void install(Path work, AotCache cache) throws IOException, InterruptedException {
        List<Path> made = new ArrayList<>();
        for (Path used : list(work, "*" + COMMAND)) {
            Path file = Path.of(used.toString().substring(0, used.toString().length() - COMMAND.length()));
            List<String> command = new ArrayList<>(List.of(Files.readString(used).split("\0", -1)));
            command.addAll(1, List.of("-XX:AOTMode=on", "-XX:AOTCache=" + file, "--dry-run"));
            if (!Files.exists(file) || run(command) != 0)
                throw new IOException("no cache that a JVM takes was written for " + String.join(" ", command));
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
            try (FileChannel bytes = FileChannel.open(file, StandardOpenOption.READ)) {
                bytes.force(true);
            }
            made.add(file);
        }
        List<Path> old = new ArrayList<>(cache.all());
        for (Path file : made) {
            Path place = base().toAbsolutePath().resolveSibling(file.getFileName());
            Files.move(file, place, StandardCopyOption.ATOMIC_MOVE);
            old.remove(place);
        }
        for (Path file : old)
            Files.deleteIfExists(file);
    }

    private static List<Path> list(Path directory, String glob) throws IOException {
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, glob)) {
            files.forEach(found::add);
        }
        return found;
    }

    /** Removes what a training left that was killed; another one may be at work. */
    private static void removeForgotten(Path directory, String prefix, Instant before) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path each : files.filter(file -> file.getFileName().toString().startsWith(prefix)).toList())
                if (Files.getLastModifiedTime(each).toInstant().isBefore(before))
                    remove(each);
        }
    }

    private static void remove(Path work) {
        if (work == null)
            return;
        try {
            for (Path file : list(work, "*"))
                Files.delete(file);
            Files.delete(work);
        } catch (IOException _) {
            // The next training tries again.
        }
    }
}
