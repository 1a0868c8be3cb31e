package org.imsg.bundle;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Puts what is published into the folders of a Maven repository, with checksums and signatures, and all of it into one zip,
 * as Maven Central takes it.
 */
final class CentralBundle {
    /** What a module with a jar publishes beside its pom: the ends of the files' names. */
    static final List<String> FILES_OF_A_JAR = List.of(".jar", "-sources.jar", "-javadoc.jar", "-cyclonedx.json",
            "-cyclonedx.xml");

    /** The checksums of every file, as {@link MessageDigest} names them; a file's name ends with the name without the dash. */
    static final List<String> CHECKSUMS = List.of("MD5", "SHA-1", "SHA-256", "SHA-512");

    private final Path root;
    private final Path directory;
    private final Instant time;

    private CentralBundle(Path root, Path directory) throws IOException {
        this.root = root;
        this.directory = directory;
        time = Instant
                .parse(new Pom(root.resolve("pom.xml")).text("/project/properties/project.build.outputTimestamp"));
    }

    /**
     * Makes the bundle. The system property {@code gpg.keyname} names the key that signs; without it nothing is signed.
     *
     * @param arguments the root of the sources, the directory for the files, and the name of the zip
     * @throws IOException if a file is missing or cannot be written, or gpg fails
     * @throws InterruptedException if interrupted while gpg signs
     */
    public static void main(String... arguments) throws IOException, InterruptedException {
        CentralBundle bundle = new CentralBundle(Path.of(arguments[0]), Path.of(arguments[1]));
        bundle.collect();
        String key = System.getProperty("gpg.keyname", "");
        for (Path file : bundle.files()) {
            if (!key.isEmpty())
                sign(file, key);
            writeChecksums(file);
        }
        bundle.zip(Path.of(arguments[2]));
    }

    /** The poms of the modules that are published: all that do not say they never are, but the parent. */
    static List<Pom> published(Path root) throws IOException {
        List<Pom> published = new ArrayList<>();
        for (String module : new Pom(root.resolve("pom.xml")).texts("/project/modules/module")) {
            Pom pom = new Pom(root.resolve(module).resolve("pom.xml"));
            if (!pom.isNeverShipped())
                published.add(pom);
        }
        return published;
    }

    private void collect() throws IOException {
        for (Path old : files().reversed())
            Files.delete(old);
        for (Pom pom : published(root)) {
            String name = pom.artifact() + "-" + pom.version();
            Path target = pom.directory().resolve("target");
            Path home = Files.createDirectories(
                    directory.resolve("org/imsg").resolve(pom.artifact()).resolve(pom.version()));
            copy(target.resolve("published-pom.xml"), home.resolve(name + ".pom"));
            if (pom.isJar())
                for (String end : FILES_OF_A_JAR)
                    copy(target.resolve(name + end), home.resolve(name + end));
        }
    }

    private void copy(Path from, Path to) throws IOException {
        if (!Files.exists(from))
            throw new NoSuchFileException(from.toString(), null, "the bundle needs it: mvn -Prelease verify makes it");
        // Maven's archiver keeps the modes that the umask gave to folders, but for a jar with a module, which it writes twice.
        if (to.toString().matches(".*-(sources|javadoc)\\.jar"))
            repack(from, to);
        else
            Files.copy(from, to);
    }

    /** The same entries in the same order, without modes. */
    private void repack(Path from, Path to) throws IOException {
        try (ZipFile jar = new ZipFile(from.toFile()); ZipOutputStream out = create(to)) {
            for (ZipEntry old : jar.stream().toList()) {
                begin(out, old.getName());
                jar.getInputStream(old).transferTo(out);
            }
        }
    }

    /** All files there are now, sorted by their names. */
    private List<Path> files() throws IOException {
        if (!Files.exists(directory))
            return List.of();
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile).sorted(Comparator.comparing(this::nameInBundle)).toList();
        }
    }

    private String nameInBundle(Path file) {
        return directory.relativize(file).toString();
    }

    private static void sign(Path file, String key) throws IOException, InterruptedException {
        Process gpg = new ProcessBuilder("gpg", "--batch", "--yes", "--armor", "--local-user", key, "--output",
                file + ".asc", "--detach-sign", file.toString()).inheritIO().start();
        int status = gpg.waitFor();
        if (status != 0)
            throw new IOException("gpg did not sign " + file + " with the key " + key + ", status " + status);
    }

    private static void writeChecksums(Path file) throws IOException {
        for (String algorithm : CHECKSUMS)
            Files.writeString(Path.of(file + checksumEnd(algorithm)), checksum(file, algorithm));
    }

    static String checksumEnd(String algorithm) {
        return "." + algorithm.replace("-", "").toLowerCase(Locale.ROOT);
    }

    static String checksum(Path file, String algorithm) throws IOException {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(Files.readAllBytes(file)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has " + algorithm, e);
        }
    }

    /** The same files give the same bytes: sorted, and with one time. */
    private void zip(Path zip) throws IOException {
        try (ZipOutputStream out = create(zip)) {
            for (Path part : files()) {
                begin(out, nameInBundle(part));
                Files.copy(part, out);
            }
        }
    }

    private static ZipOutputStream create(Path zip) throws IOException {
        return new ZipOutputStream(Files.newOutputStream(zip));
    }

    private void begin(ZipOutputStream out, String name) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        entry.setTimeLocal(LocalDateTime.ofInstant(time, ZoneOffset.UTC));
        out.putNextEntry(entry);
    }
}
