package org.imsg.privsep.rights;

import java.io.File;
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

    /** What it looks at besides: itself, the limits it is under, random numbers, names. */
    private static final List<String> STATE = List.of("/proc", "/sys/fs/cgroup", "/sys/devices/system/cpu", "/dev/zero",
            "/dev/random",
            "/dev/urandom", "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
            "/etc/passwd");

    private JavaPaths() {}

    /** The JDK, the class path and module path, and the system's libraries and time zone, as far as they exist. */
    static Set<Path> readOnly() {
        Set<Path> paths = new LinkedHashSet<>();
        SYSTEM.stream().sorted().map(Path::of).forEach(paths::add);
        paths.add(Path.of(System.getProperty("java.home")));
        for (String property : new String[]{"java.class.path", "jdk.module.path"})
            Stream.of(System.getProperty(property, "").split(File.pathSeparator)).filter(entry -> !entry.isEmpty())
                    .map(entry -> Path.of(entry).toAbsolutePath()).forEach(paths::add);
        paths.removeIf(path -> !Files.exists(path));
        return paths;
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
