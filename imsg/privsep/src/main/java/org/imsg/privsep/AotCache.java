package org.imsg.privsep;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import org.imsg.privsep.rights.Ids;
import org.jspecify.annotations.Nullable;

/**
 * The AOT caches of a program, each in a file whose name has a hash of all that it was made of: the Java, the options of the JVM and the
 * jars. A JVM takes a cache for jars that have changed since at the same paths, and then runs the old classes (so 25.0.3 does,
 * {@code -XX:AOTMode=on} included): after an upgrade no file has the right name, and the program starts without.
 *
 * <p>The hash is the SHA-256 of what {@code { cat JAVA_HOME/release; printf '%s\n' WORDS; sha256sum JARS; }} prints, so that a shell
 * finds the cache of the parent.
 */
final class AotCache {
    private static final int WRITABLE_BY_OTHERS = 022;
    private static final int STICKY = 01000;

    private final Path base;
    private final Path java;
    private final List<Path> places;
    private Object seen = List.of();
    private String sums = "";

    /**
     * Names the caches.
     *
     * @param base the path that a dash and the hash are added to
     * @param java the java that uses them
     * @param places the entries of the class path and the module path
     */
    AotCache(Path base, Path java, List<Path> places) {
        this.base = base.toAbsolutePath();
        this.java = java;
        this.places = places;
    }

    /** Where the cache of a JVM with these words of a command line belongs, for the jars as they are now. */
    Path of(List<String> words) throws IOException {
        MessageDigest digest = sha256();
        Path release = java.toRealPath().resolveSibling("../release");
        if (Files.exists(release))
            digest.update(Files.readAllBytes(release));
        digest.update((String.join("\n", words) + "\n" + sums()).getBytes(StandardCharsets.UTF_8));
        return base.resolveSibling(base.getFileName() + "-" + HexFormat.of().formatHex(digest.digest()));
    }

    /**
     * That cache, if it is there.
     *
     * @throws IOException if others could have written it, too: there is code in it
     */
    @Nullable
    Path find(List<String> words) throws IOException {
        Path path = of(words);
        if (!Files.isReadable(path))
            return null;
        for (Path each : List.of(path.toRealPath(), path.toRealPath().getParent())) {
            Map<String, Object> found = Files.readAttributes(each, "unix:uid,mode");
            long owner = Integer.toUnsignedLong((int) found.get("uid"));
            int mode = (int) found.get("mode");
            boolean sticky = Files.isDirectory(each) && (mode & STICKY) != 0;
            if (owner != 0 && owner != Ids.current().uid() || (mode & WRITABLE_BY_OTHERS) != 0 && !sticky)
                throw new IOException(each + " can be written by others than root and the user of the parent");
        }
        return path;
    }

    /** All caches of the program, those of earlier jars and other options included. */
    List<Path> all() throws IOException {
        List<Path> all = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(base.getParent(),
                file -> file.getFileName().toString().matches("\\Q" + base.getFileName() + "\\E-\\p{XDigit}{64}"))) {
            files.forEach(all::add);
        }
        return all;
    }

    /** A line for each jar. The jars are read again only if one of them has changed. */
    private synchronized String sums() throws IOException {
        Set<Path> jars = new LinkedHashSet<>();
        for (Path place : places)
            addJars(place, jars);
        CodeSource own = AotCache.class.getProtectionDomain().getCodeSource();
        if (jars.isEmpty() || own != null && own.getLocation().getProtocol().equals("jrt"))
            throw new IOException("the program is not in jars");
        List<Object> now = new ArrayList<>();
        for (Path jar : jars)
            // The time of the change is the system's own: nothing sets it back.
            now.addAll(List.of(jar, Files.readAttributes(jar, "unix:dev,ino,size,ctime")));
        if (!now.equals(seen)) {
            StringBuilder lines = new StringBuilder();
            for (Path jar : jars)
                lines.append(sum(jar)).append("  ").append(jar).append('\n');
            sums = lines.toString();
            seen = now;
        }
        return sums;
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

    private static String sum(Path jar) throws IOException {
        MessageDigest digest = sha256();
        try (InputStream bytes = new DigestInputStream(Files.newInputStream(jar), digest)) {
            bytes.transferTo(OutputStream.nullOutputStream());
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    @Override
    public String toString() {
        return base + "-*";
    }
}
