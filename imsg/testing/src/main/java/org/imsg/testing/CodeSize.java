package org.imsg.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Refuses classes with so much code that they may be two ideas. */
public final class CodeSize {
    /** Lines of code at which one asks. */
    private static final int LONG_CLASS = 450;

    private CodeSize() {}

    /**
     * Throws an AssertionError that names every file with more than 450 lines of code. Not counted: blank lines, Javadoc, and
     * comments that have their lines for themselves.
     *
     * @param sources a directory, usually src/main/java
     */
    public static void check(Path sources) {
        try (Stream<Path> files = Files.walk(sources)) {
            List<String> tooLong = files.filter(file -> file.toString().endsWith(".java"))
                    .filter(file -> linesOfCode(file) > LONG_CLASS).map(Path::toString).toList();
            if (!tooLong.isEmpty())
                throw new AssertionError("more than " + LONG_CLASS + " lines of code: " + String.join(", ", tooLong));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long linesOfCode(Path source) {
        try (Stream<String> lines = Files.lines(source)) {
            return lines.map(String::strip).filter(line -> !line.isEmpty() && !line.startsWith("*")
                    && !line.startsWith("/*") && !line.startsWith("//")).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
