package org.imsg.testing;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.Deflater;

/** Classes packed into one jar that every user can read and that runs by itself: where they were built may be private. */
public final class ProgramJar {
    private final JarOutputStream out;
    private final Set<String> there = new HashSet<>();

    private ProgramJar(JarOutputStream out) {
        this.out = out;
    }

    /**
     * Packs whole directories or jars.
     *
     * @param directory where the jar is made; other users get the right to enter it
     * @param main the main class, whose place is packed too
     * @param samples a class of each further place to pack
     */
    public static Path in(Path directory, Class<?> main, Class<?>... samples) throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, main.getName());
        manifest.getMainAttributes().putValue("Enable-Native-Access", "ALL-UNNAMED");
        Path jar = directory.resolve("program.jar");
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file, manifest)) {
            out.setLevel(Deflater.BEST_SPEED);
            ProgramJar program = new ProgramJar(out);
            program.add(ClassPlaces.of(main));
            for (Class<?> sample : samples)
                program.add(ClassPlaces.of(sample));
        }
        Files.setPosixFilePermissions(jar, PosixFilePermissions.fromString("rw-r--r--"));
        return jar;
    }

    private void add(Path place) throws IOException {
        if (Files.isDirectory(place)) {
            addTree(place);
            return;
        }
        try (FileSystem jar = FileSystems.newFileSystem(place)) {
            addTree(jar.getPath("/"));
        }
    }

    private void addTree(Path root) throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(root)) {
            files = walk.filter(Files::isRegularFile).toList();
        }
        for (Path file : files) {
            String name = root.relativize(file).toString();
            if (name.equals("module-info.class") || name.startsWith("META-INF") || !there.add(name))
                continue;
            out.putNextEntry(new JarEntry(name));
            Files.copy(file, out);
            out.closeEntry();
        }
    }
}
