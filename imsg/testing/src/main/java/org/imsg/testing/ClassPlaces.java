package org.imsg.testing;

import java.io.File;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The directories and jars that classes were loaded from, for JVMs that run the same classes. */
public final class ClassPlaces {
    private ClassPlaces() {}

    /** Returns the directory or jar of a class, in a patched module too. */
    public static Path of(Class<?> sample) {
        String name = sample.getName().replace('.', '/') + ".class";
        String found = String.valueOf(sample.getResource('/' + name));
        String place = found.substring(0, found.length() - name.length());
        if (place.startsWith("jar:"))
            place = place.substring("jar:".length(), place.length() - "!/".length());
        try {
            return Path.of(new URI(place));
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }

    /** Returns a class path of the places of these classes. */
    public static String classPath(Class<?>... samples) {
        return Arrays.stream(samples).map(sample -> of(sample).toString()).distinct()
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** Returns a class path that has all modules and classes of this JVM, and the place of one more class. */
    public static String ofThisJvmAnd(Class<?> main) {
        return Stream
                .of(of(main).toString(), System.getProperty("jdk.module.path"), System.getProperty("java.class.path"))
                .filter(place -> place != null && !place.isEmpty()).collect(Collectors.joining(File.pathSeparator));
    }
}
