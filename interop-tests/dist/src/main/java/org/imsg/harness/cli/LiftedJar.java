package org.imsg.harness.cli;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * The program's jar as it is installed. No cache takes class files that are verified by inference, as those of picocli, made
 * for Java 5, are: they get the stack maps that such a file lacks, and the version of the others.
 */
final class LiftedJar {
    private static final int LIFTED = ClassFile.JAVA_25_VERSION;
    private static final String MANIFEST = "META-INF/MANIFEST.MF";

    private final Map<String, byte[]> entries = new TreeMap<>();

    private LiftedJar() {}

    /**
     * Writes the jar; the same input gives the same bytes.
     *
     * @param jar the program's jar
     * @param added a class to add
     * @param time what every entry is dated
     * @param out where to write it
     */
    static void write(Path jar, Class<?> added, Instant time, Path out) throws IOException {
        LiftedJar lifted = new LiftedJar();
        lifted.read(jar);
        lifted.lift();
        lifted.add(added);
        lifted.write(time, out);
    }

    private void read(Path jar) throws IOException {
        try (ZipFile file = new ZipFile(jar.toFile())) {
            for (ZipEntry entry : file.stream().filter(one -> !one.isDirectory()).toList())
                try (InputStream in = file.getInputStream(entry)) {
                    entries.put(entry.getName(), in.readAllBytes());
                }
        }
    }

    private void lift() {
        Map<String, byte[]> originals = new TreeMap<>(entries);
        ClassHierarchyResolver here = ClassHierarchyResolver.ofResourceParsing(type -> {
            String descriptor = type.descriptorString();
            byte[] bytes = originals.get(descriptor.substring(1, descriptor.length() - 1) + ".class");
            return bytes == null ? null : new ByteArrayInputStream(bytes);
        });
        ClassFile classes = ClassFile.of(StackMapsOption.GENERATE_STACK_MAPS,
                ClassHierarchyResolverOption.of(here.orElse(ClassHierarchyResolver.defaultResolver()).cached()));
        entries.replaceAll((name, bytes) -> name.endsWith(".class") ? lifted(classes, bytes) : bytes);
    }

    private static byte[] lifted(ClassFile classes, byte[] bytes) {
        ClassModel original = classes.parse(bytes);
        if (original.majorVersion() >= ClassFile.JAVA_7_VERSION)
            return bytes;
        return classes.transformClass(original, (builder, element) -> {
            switch (element) {
                case ClassFileVersion _ -> builder.withVersion(LIFTED, 0);
                case MethodModel method -> builder.transformMethod(method,
                        MethodTransform.transformingCode(CodeTransform.ACCEPT_ALL));
                default -> builder.with(element);
            }
        });
    }

    private void add(Class<?> added) throws IOException {
        String name = added.getName().replace('.', '/') + ".class";
        try (InputStream in = added.getClassLoader().getResourceAsStream(name)) {
            entries.put(name, in.readAllBytes());
        }
    }

    private void write(Instant time, Path out) throws IOException {
        try (OutputStream file = Files.newOutputStream(out); ZipOutputStream zip = new ZipOutputStream(file)) {
            write(zip, MANIFEST, entries.remove(MANIFEST), time); // first, as a jar has it
            for (Map.Entry<String, byte[]> entry : entries.entrySet())
                write(zip, entry.getKey(), entry.getValue(), time);
        }
    }

    private static void write(ZipOutputStream zip, String name, byte[] bytes, Instant time) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        entry.setTimeLocal(time.atOffset(ZoneOffset.UTC).toLocalDateTime());
        zip.putNextEntry(entry);
        zip.write(bytes);
        zip.closeEntry();
    }
}
