package org.imsg.privsep;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import org.jspecify.annotations.Nullable;

/**
 * The AOT cache of a program's children, in a file whose name tells of what jars it was made. A JVM takes a cache for jars that have
 * changed since at the same paths, and then runs the old classes (so 25.0.3 does, {@code -XX:AOTMode=on} included): after an upgrade no
 * file has the right name, and the children start without.
 */
final class AotCache {
    private static final int DIGITS = 16;

    private final Path base;
    private final List<Path> places;
    private final String start;
    private List<Stamp> seen = List.of();
    private String digits = "";

    /** The marks by which a changed file is known without reading it. */
    private record Stamp(Path file, long size, Object time, @Nullable Object key) {
        private static Stamp of(Path file) throws IOException {
            BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
            return new Stamp(file, found.size(), found.lastModifiedTime(), found.fileKey());
        }
    }

    /**
     * Names a cache.
     *
     * @param base the path that the digits are added to
     * @param places the entries of the class path and the module path
     * @param start how the JVM is started otherwise
     */
    AotCache(Path base, List<Path> places, String start) {
        this.base = base.toAbsolutePath();
        this.places = places;
        this.start = start;
    }

    /** The cache of the program as it is now, if there is one. */
    @Nullable
    Path find() throws IOException {
        Path path = path();
        return Files.isReadable(path) ? path : null;
    }

    /** Where the cache of the program as it is now belongs; those of earlier ones are removed. */
    Path renew() throws IOException {
        Path path = path();
        List<Path> old = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path.getParent(),
                file -> file.getFileName().toString().matches("\\Q" + base.getFileName() + "\\E-\\p{XDigit}{" + DIGITS
                        + "}"))) {
            files.forEach(old::add);
        }
        for (Path each : old)
            Files.delete(each);
        return path;
    }

    /** Where it belongs. The jars are read again only if one of them has another size, time or number. */
    private synchronized Path path() throws IOException {
        Set<Path> jars = new LinkedHashSet<>();
        for (Path place : places)
            addJars(place, jars);
        List<Stamp> now = new ArrayList<>();
        for (Path jar : jars)
            now.add(Stamp.of(jar));
        if (!now.equals(seen)) {
            digits = digest(jars);
            seen = now;
        }
        return base.resolveSibling(base.getFileName() + "-" + digits);
    }

    /** A jar and those that its manifest names, or the jars of a directory. */
    private static void addJars(Path place, Set<Path> jars) throws IOException {
        if (Files.isDirectory(place)) {
            List<Path> inside = new ArrayList<>();
            try (DirectoryStream<Path> files = Files.newDirectoryStream(place, "*.jar")) {
                files.forEach(inside::add);
            }
            inside.stream().sorted().forEach(jars::add);
        } else if (Files.isRegularFile(place) && jars.add(place)) {
            for (Path named : namedBy(place))
                addJars(named, jars);
        }
    }

    private static List<Path> namedBy(Path jar) throws IOException {
        List<Path> named = new ArrayList<>();
        try (JarFile file = new JarFile(jar.toFile())) {
            Manifest manifest = file.getManifest();
            String line = manifest == null ? null : manifest.getMainAttributes().getValue(Attributes.Name.CLASS_PATH);
            for (String word : line == null ? new String[0] : line.strip().split(" +"))
                named.add(Path.of(jar.toUri().resolve(URI.create(word))));
        } catch (IllegalArgumentException e) {
            throw new IOException("the Class-Path in the manifest of " + jar + " is no list of files", e);
        }
        return named;
    }

    private String digest(Set<Path> jars) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((Runtime.version() + " " + start).getBytes(StandardCharsets.UTF_8));
            for (Path jar : jars) {
                digest.update((jar + "\0" + Files.size(jar) + "\0").getBytes(StandardCharsets.UTF_8));
                try (InputStream bytes = new DigestInputStream(Files.newInputStream(jar), digest)) {
                    bytes.transferTo(OutputStream.nullOutputStream());
                }
            }
            return HexFormat.of().formatHex(digest.digest()).substring(0, DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public String toString() {
        return base + "-*";
    }
}
