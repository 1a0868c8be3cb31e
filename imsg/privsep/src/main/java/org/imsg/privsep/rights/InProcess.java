package org.imsg.privsep.rights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.imsg.privsep.rights.Confinement.Parts;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Os;
import org.imsg.sys.Pledge;
import org.imsg.sys.RawSyscall;

/** A confinement applied to this process, to all its threads or not at all. */
final class InProcess {
    private InProcess() {}

    static void confine(Parts parts) throws PrivilegeException {
        try (Arena arena = Arena.ofConfined()) {
            switch (Os.current()) {
                case LINUX -> {
                    dumpable();
                    if (parts.promises() != null)
                        promise(arena, parts.promises());
                }
                case OPENBSD -> pledge(arena, parts);
                case FREEBSD, MACOS -> {
                    // whatever was asked for has been left out by now
                }
            }
        }
    }

    static void complete(Parts parts) throws PrivilegeException {
        if (Os.current() != Os.LINUX) {
            confine(parts);
            return;
        }
        // Before the filter, which might refuse for reasons of its own.
        if (parts.veils())
            tryVeiledRoot(parts.unveiled());
        try (Threads threads = Threads.open()) {
            threads.hold();
            confine(parts);
            threads.prove(status -> Status.differenceFrom(parts, status));
        }
    }

    /** The same up to the calls that bind or refuse. */
    static void rehearse(Parts parts) throws PrivilegeException {
        if (Os.current() != Os.LINUX)
            return;
        try (Threads threads = Threads.open(); Arena arena = Arena.ofConfined()) {
            threads.hold();
            Confining.prctl(Confining.PR_GET_DUMPABLE, 0);
            if (parts.promises() != null)
                filterProgram(arena, parts.promises());
            threads.prove(status -> {
                Status.differenceFrom(parts, status);
                return null;
            });
        }
    }

    /** What was described, but is not so in this process: its parent could not give it. */
    static Map<String, String> notGiven(Parts parts) {
        Map<String, String> missing = new LinkedHashMap<>();
        if (Os.current() != Os.LINUX)
            return missing;
        if (parts.ids() != null)
            tried(missing, Missing.IDS, status -> Status.differenceFrom(parts.ids(), parts.ambient(), status));
        if (parts.bounding() != null)
            tried(missing, Missing.BOUNDING, status -> Status.boundDifferently(parts.bounding(), status));
        if (parts.veils()) {
            try {
                tryVeiledRoot(parts.unveiled());
            } catch (PrivilegeException e) {
                missing.put(Missing.UNVEIL, Missing.UNVEIL + ": " + e.getMessage());
            }
        }
        return missing;
    }

    private static void tried(Map<String, String> missing, String part,
            Function<Map<String, String>, String> question) {
        try (Threads threads = Threads.open()) {
            threads.prove(question);
        } catch (PrivilegeException e) {
            missing.put(part, part + ": " + e.getMessage());
        }
    }

    /** One filter for all threads; that they have no_new_privs too is carried along with it. */
    private static void promise(Arena arena, Set<Promise> promises) throws PrivilegeException {
        MemorySegment program = filterProgram(arena, promises);
        check("no_new_privs", "", Confining.prctl(Confining.PR_SET_NO_NEW_PRIVS, 1));
        int result = RawSyscall.call(LinuxSyscalls.host().number("seccomp"), Confining.SECCOMP_SET_MODE_FILTER,
                Confining.SECCOMP_FILTER_FLAG_TSYNC, program.address());
        check("seccomp", promises, result);
        // TSYNC names the first thread that has a filter of its own in the way.
        if (result > 0)
            throw new PrivilegeException("seccomp", "thread " + result + " could not be given the filter");
    }

    private static MemorySegment filterProgram(Arena arena, Set<Promise> promises) {
        LinuxSyscalls calls = LinuxSyscalls.host();
        int pid = RawSyscall.call(calls.number("getpid"));
        return Confining.filterProgram(arena, SeccompFilter.of(calls, promises, false, pid));
    }

    private static void dumpable() throws PrivilegeException {
        check("dumpable", "0", Confining.prctl(Confining.PR_SET_DUMPABLE, 0));
    }

    private static void tryVeiledRoot(Map<Path, Set<Access>> unveiled) throws PrivilegeException {
        Path root = Path.of("/");
        if (unveiled.getOrDefault(root, Set.of()).contains(Access.READ))
            return;
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(root)) {
            throw new PrivilegeException("proof",
                    "the root directory, which is veiled, can be listed: this process was not"
                            + " started by spawn with this confinement " + entries);
        } catch (AccessDeniedException _) {
            // as it is to be
        } catch (IOException e) {
            throw e instanceof PrivilegeException known ? known : new PrivilegeException("proof", e);
        }
    }

    private static void pledge(Arena arena, Parts parts) throws PrivilegeException {
        Map<Path, Set<Access>> unveiled = new LinkedHashMap<>();
        if (parts.unveiledJava())
            unveiled.putAll(JavaPaths.unveiled());
        unveiled.putAll(parts.unveiled());
        for (Map.Entry<Path, Set<Access>> path : unveiled.entrySet()) {
            String letters = path.getValue().stream().sorted().map(access -> "" + access.letter())
                    .collect(Collectors.joining());
            check("unveil", path.getKey(), Pledge.unveil(arena.allocateFrom(path.getKey().toString()).address(),
                    arena.allocateFrom(letters).address()));
        }
        if (parts.veils())
            check("unveil", "no more", Pledge.unveil(0, 0));
        if (parts.promises() != null) {
            String words = words(parts.promises());
            check("pledge", words, Pledge.pledge(arena.allocateFrom(words).address(), 0));
        }
    }

    /** The first argument of pledge(2). */
    static String words(Set<Promise> promises) {
        return promises.stream().sorted().map(Promise::openBsd).collect(Collectors.joining(" "));
    }

    private static void check(String step, Object on, int result) throws PrivilegeException {
        if (result < 0)
            throw new PrivilegeException(step, on, -result);
    }
}
