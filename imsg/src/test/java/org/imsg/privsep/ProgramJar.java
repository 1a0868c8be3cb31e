package org.imsg.privsep;

import java.io.IOException;
import java.io.OutputStream;
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
import org.imsg.ChildJvm;

/** The classes of the module and its tests as one jar, which every user may read and which runs by itself. */
final class ProgramJar {
    private ProgramJar() {}

    static Path in(Path directory, Class<?> main) throws IOException {
        // Every directory above must let others pass; that of JUnit does not.
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, main.getName());
        manifest.getMainAttributes().putValue("Enable-Native-Access", "ALL-UNNAMED");
        Path jar = directory.resolve("program.jar");
        Set<String> there = new HashSet<>();
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file, manifest)) {
            out.setLevel(Deflater.BEST_SPEED);
            for (String place : ChildJvm.classPath().split(":"))
                add(out, Path.of(place), there);
        }
        Files.setPosixFilePermissions(jar, PosixFilePermissions.fromString("rw-r--r--"));
        return jar;
    }

    private static void add(JarOutputStream out, Path directory, Set<String> there) throws IOException {
        List<Path> classes;
        try (Stream<Path> files = Files.walk(directory)) {
            classes = files.filter(file -> file.toString().endsWith(".class")).toList();
        }
        for (Path file : classes) {
            String name = directory.relativize(file).toString();
            if (name.endsWith("module-info.class") || !there.add(name))
                continue;
            out.putNextEntry(new JarEntry(name));
            Files.copy(file, out);
            out.closeEntry();
        }
    }
}
