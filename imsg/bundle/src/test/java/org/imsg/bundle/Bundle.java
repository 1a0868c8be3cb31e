package org.imsg.bundle;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The bundle that the build has just made, and the tree it was made from. */
final class Bundle {
    static final Path ROOT = Path.of(System.getProperty("bundle.root"));
    static final Path DIRECTORY = Path.of(System.getProperty("bundle.directory"));
    static final Path ZIP = Path.of(System.getProperty("bundle.zip"));
    static final boolean SIGNED = !System.getProperty("bundle.signed", "").isEmpty();
    /** The program, which is not published at Maven Central, but released with the rest. */
    static final Path PROGRAM = ROOT.resolve("interop-tests/harness/target/imsg.jar");

    private Bundle() {}

    static String version() {
        return pom("pom.xml").version();
    }

    static Pom pom(String name) {
        return read(ROOT.resolve(name));
    }

    static Pom read(Path pom) {
        try {
            return new Pom(pom);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The artifacts that are published, by their ids. */
    static List<String> artifacts() throws IOException {
        return CentralBundle.published(ROOT).stream().map(Pom::artifact).toList();
    }

    /** Those of them that have a jar. */
    static List<String> modules() throws IOException {
        return CentralBundle.published(ROOT).stream().filter(Pom::isJar).map(Pom::artifact).toList();
    }

    static Path file(String artifact, String end) {
        return DIRECTORY.resolve("org/imsg").resolve(artifact).resolve(version())
                .resolve(artifact + "-" + version() + end);
    }

    /** Every file beneath a directory, by its name there, with its checksum. */
    static Map<String, String> checksums(Path directory) throws IOException {
        Map<String, String> checksums = new TreeMap<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile).toList())
                checksums.put(directory.relativize(file).toString(), CentralBundle.checksum(file, "SHA-256"));
        }
        return checksums;
    }
}
