package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Os;
import org.imsg.sys.RawSyscall;

/**
 * The things this machine enforces, and those this process may ask of it: {@link Confinement#query()}.
 *
 * @param system such as {@code LINUX} or {@code OPENBSD}
 * @param machine as the property {@code os.arch} names it
 * @param pledge whether there are pledge(2) and unveil(2)
 * @param seccomp whether promises can be enforced by seccomp(2): the kernel has it, and the machine's numbers are known
 *     here
 * @param landlock the version of Landlock, or 0 if it is not there or not switched on
 * @param userNamespaces whether an ordinary user may make namespaces, by way of a user namespace. No thread of a JVM
 *     can, but a program such as unshare(1) could before it starts one
 * @param namespaces the kinds of namespaces the kernel has
 * @param capabilities what this process may do of root's rights
 * @param execKeepsUser whether an exec under no_new_privs keeps an effective user that is not the real one: Linux 6.16
 */
public record Platform(String system, String machine, boolean pledge, boolean seccomp, int landlock,
        boolean userNamespaces, Set<Namespace> namespaces, Set<Capability> capabilities, boolean execKeepsUser) {
    private static final int RET_ERRNO = 0x00050000;

    /** Copies the sets. */
    public Platform {
        namespaces = Set.copyOf(namespaces);
        capabilities = Set.copyOf(capabilities);
    }

    static Platform here() {
        Platform within = within();
        if (Os.current() != Os.LINUX)
            return within;
        return new Platform(within.system, within.machine, within.pledge, within.seccomp, within.landlock,
                userNamespacesAllowed(), namespacesThere(), effective(within.machine),
                isAtLeast(System.getProperty("os.version"), 6, 16));
    }

    /** As {@link #here()}, but for what is only of use to a process that starts others: no namespaces and no capabilities. */
    static Platform within() {
        Os os = Os.current();
        String machine = System.getProperty("os.arch");
        if (os != Os.LINUX || !isKnown(machine))
            return new Platform(os.name(), machine, os == Os.OPENBSD, false, 0, false, Set.of(), Set.of(), false);
        try (Arena arena = Arena.ofConfined()) {
            return new Platform(os.name(), machine, false, hasSeccomp(arena), Landlock.version(), false,
                    Set.of(), Set.of(), false);
        }
    }

    /** Whether a release such as {@code 6.1.0-18-amd64} is not older. */
    static boolean isAtLeast(String release, int major, int minor) {
        Matcher numbers = Pattern.compile("(\\d+)\\.(\\d+).*").matcher(release);
        return numbers.matches() && (Integer.parseInt(numbers.group(1)) > major
                || Integer.parseInt(numbers.group(1)) == major && Integer.parseInt(numbers.group(2)) >= minor);
    }

    /**
     * Names, in words, each thing that {@link Confinement} can do on the newest kernel and not with this one's Landlock.
     *
     * @return an immutable list, empty from Linux 6.12 on
     */
    public List<String> landlockLacks() {
        Map<Integer, String> parts = new TreeMap<>(Map.of(1, "paths", Landlock.TRUNCATES,
                "truncation, which a seccomp filter refuses instead wherever a path is unveiled", Landlock.PORTS,
                "TCP ports",
                Landlock.IOCTLS, "ioctl(2) on devices", Landlock.SCOPED,
                "signals to, and abstract sockets of, processes outside"));
        return parts.entrySet().stream().filter(part -> part.getKey() > landlock).map(Map.Entry::getValue).toList();
    }

    private static boolean isKnown(String machine) {
        try {
            LinuxSyscalls.of(machine);
            return true;
        } catch (UnsupportedOperationException _) {
            return false;
        }
    }

    private static boolean hasSeccomp(Arena arena) {
        MemorySegment action = arena.allocateFrom(JAVA_INT, RET_ERRNO);
        return RawSyscall.call(LinuxSyscalls.host().number("seccomp"), Confining.SECCOMP_GET_ACTION_AVAIL, 0,
                action.address()) == 0;
    }

    private static boolean userNamespacesAllowed() {
        return Files.exists(Path.of("/proc/self/ns/user"))
                && !read("/proc/sys/user/max_user_namespaces").equals("0")
                && !read("/proc/sys/kernel/unprivileged_userns_clone").equals("0")
                && !read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").equals("1");
    }

    private static Set<Namespace> namespacesThere() {
        Set<Namespace> there = EnumSet.noneOf(Namespace.class);
        for (Namespace namespace : Namespace.values())
            if (Files.exists(Path.of("/proc/self/ns", namespace.file())))
                there.add(namespace);
        return there;
    }

    /** Asks the kernel: a file cannot be opened while the descriptor table is full, and a process without capabilities would do without measures. */
    private static Set<Capability> effective(String machine) {
        Set<Capability> capabilities = EnumSet.noneOf(Capability.class);
        if (isKnown(machine))
            try (Arena arena = Arena.ofConfined()) {
                // int capget(cap_user_header_t header, cap_user_data_t data);
                MemorySegment data = Confining.capabilityData(arena, 0);
                RawSyscall.call(LinuxSyscalls.host().number("capget"), Confining.capabilityHeader(arena).address(),
                        data.address());
                capabilities.addAll(Capability.of(Confining.effective(data)));
                return capabilities;
            }
        for (String line : read("/proc/self/status").split("\n"))
            if (line.startsWith("CapEff:"))
                capabilities.addAll(Capability.of(Long.parseUnsignedLong(line.substring(7).strip(), 16)));
        return capabilities;
    }

    /** The file's text, or nothing where it is not there or not to be read. */
    private static String read(String file) {
        try {
            return Files.readString(Path.of(file)).strip();
        } catch (IOException _) {
            return "";
        }
    }
}
