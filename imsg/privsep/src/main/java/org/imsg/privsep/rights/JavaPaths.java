package org.imsg.privsep.rights;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** The paths a JVM like this one reads when it starts. */
final class JavaPaths {
    private static final Set<String> SYSTEM = Set.of("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache",
            "/etc/ld.so.conf", "/etc/ld.so.preload", "/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo");

    /** Files it looks at besides: those of itself, of the limits it is under, of random numbers and of names. */
    private static final List<String> STATE = List.of("/proc", "/sys/fs/cgroup", "/sys/devices/system/cpu", "/dev/zero",
            "/dev/random",
            "/dev/urandom", "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf");

    private JavaPaths() {}

    /** The JDK, the class path and module path, and the system's libraries and time zone, as far as they exist. */
    static Set<Path> readOnly() {
        Set<Path> paths = new LinkedHashSet<>();
        SYSTEM.stream().sorted().map(Path::of).forEach(paths::add);
        Path home = Path.of(System.getProperty("java.home"));
        paths.add(home);
        paths.addAll(Outside.PATHS);
        for (String property : new String[]{"java.class.path", "jdk.module.path"})
            Stream.of(System.getProperty(property, "").split(File.pathSeparator)).filter(entry -> !entry.isEmpty())
                    .map(entry -> Path.of(entry).toAbsolutePath()).forEach(paths::add);
        paths.removeIf(path -> !Files.exists(path));
        return paths;
    }

    /** Files out of the JDK that its symbolic links lead to: Debian has conf/ and the trust store elsewhere, Temurin's packages the latter. */
    private static final class Outside {
        /** Neither is read by a JVM, and one has a link for each module. */
        private static final Set<String> UNUSED = Set.of("legal", "man", "include", "jmods", "demo");
        static final Set<Path> PATHS = new LinkedHashSet<>();

        static {
            Path home = Path.of(System.getProperty("java.home"));
            try (DirectoryStream<Path> entries = Files.newDirectoryStream(home,
                    entry -> !UNUSED.contains(entry.getFileName().toString()))) {
                for (Path entry : entries)
                    follow(home.toRealPath(), entry);
            } catch (IOException e) {
                throw new UncheckedIOException("what the JDK consists of cannot be found out", e);
            }
        }

        /** Links in what a link leads to are followed in their turn. */
        private static void follow(Path home, Path tree) throws IOException {
            try (Stream<Path> all = Files.walk(tree)) {
                for (Path link : all.filter(Files::isSymbolicLink).toList()) {
                    Path target = link.resolveSibling(Files.readSymbolicLink(link)).normalize();
                    if (!Files.exists(target) || target.toRealPath().startsWith(home) || !PATHS.add(target))
                        continue;
                    follow(home, target.toRealPath());
                }
            }
        }
    }

    /** All of them, and what may be done there. */
    static Map<Path, Set<Access>> unveiled() {
        Map<Path, Set<Access>> unveiled = new LinkedHashMap<>();
        for (Path path : readOnly())
            unveiled.put(path, Set.of(Access.READ, Access.EXEC));
        for (String path : STATE)
            unveiled.put(Path.of(path), Set.of(Access.READ));
        unveiled.put(Path.of("/dev/null"), Set.of(Access.READ, Access.WRITE));
        return unveiled;
    }
}
