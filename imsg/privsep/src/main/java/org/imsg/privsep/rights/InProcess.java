package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.imsg.sys.NativeString;
import org.imsg.sys.Credentials;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Os;
import org.imsg.sys.Pledge;
import org.imsg.sys.RawSyscall;
import org.jspecify.annotations.Nullable;

/** A confinement applied to this process, to all its threads or not at all. */
final class InProcess {
    private InProcess() {}

    static void confine(Restrictions restrictions) throws PrivilegeException {
        try (Arena arena = Arena.ofConfined()) {
            limit(arena, restrictions.limits);
            // On other systems all that was asked for has been left out by now.
            if (Os.current() == Os.OPENBSD)
                pledge(arena, restrictions);
            else if (restrictions.promises != null) {
                dumpable();
                promise(arena, restrictions.promises);
            }
        }
    }

    static void complete(Restrictions restrictions) throws PrivilegeException {
        if (Os.current() != Os.LINUX) {
            confine(restrictions);
            return;
        }
        // Before the filter, which might refuse for reasons of its own.
        if (restrictions.veil())
            tryVeiledRoot(restrictions.unveiled);
        try (Threads threads = Threads.open()) {
            threads.hold();
            dumpable();
            confine(restrictions);
            threads.prove(asDescribed(restrictions));
        }
    }

    private static Function<Map<String, String>, String> asDescribed(Restrictions restrictions) {
        return status -> Status.differenceFrom(restrictions, status);
    }

    /** The same up to the calls that bind or refuse. */
    static void rehearse(Restrictions restrictions) throws PrivilegeException {
        if (Os.current() != Os.LINUX)
            return;
        try (Threads threads = Threads.open(); Arena arena = Arena.ofConfined()) {
            threads.hold();
            Confining.prctl(Confining.PR_GET_DUMPABLE, 0);
            if (restrictions.promises != null)
                filterProgram(arena, restrictions.promises);
            Map<Resource, Long> none = new EnumMap<>(Resource.class);
            restrictions.limits.keySet().forEach(resource -> none.put(resource, -1L));
            limit(arena, none);
            Function<Map<String, String>, String> question = asDescribed(restrictions);
            threads.prove(_ -> question.apply(Status.of(restrictions)));
        }
    }

    /** The parts of the description that this process was not given: its parent could not. */
    static @Nullable Map<String, String> notGiven(Restrictions restrictions) {
        Map<String, String> missing = new LinkedHashMap<>();
        if (Os.current() != Os.LINUX)
            return missing;
        if (restrictions.ids != null)
            tried(missing, Unenforceable.IDS,
                    status -> Status.differenceFrom(restrictions.ids, restrictions.ambient, status));
        if (restrictions.bounding != null)
            tried(missing, Unenforceable.BOUNDING, status -> Status.boundDifferently(restrictions.bounding, status));
        if (restrictions.veil()) {
            try {
                tryVeiledRoot(restrictions.unveiled);
            } catch (PrivilegeException e) {
                missing.put(Unenforceable.UNVEIL, Unenforceable.UNVEIL + ": " + e.getMessage());
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

    static void limit(Arena arena, Map<Resource, Long> limits) throws PrivilegeException {
        for (Map.Entry<Resource, Long> limit : limits.entrySet()) {
            long bounded = limit.getKey().bounded(limit.getValue());
            MemorySegment value = arena.allocateFrom(JAVA_LONG, bounded, bounded);
            check("setrlimit", limit.getKey() + " " + limit.getValue(),
                    Credentials.setrlimit(limit.getKey().number(), value.address()));
        }
    }

    /**
     * Makes the effective user the real and saved one too, if the parent left that to this process, and sees to no_new_privs if
     * it left that as well. The C library carries the user to every thread, a filter that allows everything the flag.
     */
    static void becomeUser(Ids ids) throws PrivilegeException {
        if (Os.current() != Os.LINUX || Integer.toUnsignedLong(Credentials.getuid()) == ids.uid()
                || Integer.toUnsignedLong(Credentials.geteuid()) != ids.uid())
            return;
        check("setresuid", ids.uid(), Credentials.setresuid(ids.uid(), ids.uid(), ids.uid()));
        if (Confining.prctl(Confining.PR_GET_NO_NEW_PRIVS, 0) == 1)
            return;
        try (Arena arena = Arena.ofConfined()) {
            filter("everything", Confining.filterProgram(arena, SeccompFilter.OPEN));
        }
    }

    /** One filter for all threads; that they have no_new_privs too is carried along with it. */
    private static void promise(Arena arena, Set<Promise> promises) throws PrivilegeException {
        filter(promises, filterProgram(arena, promises));
    }

    private static void filter(Object promises, MemorySegment program) throws PrivilegeException {
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
            // as described
        } catch (IOException e) {
            throw e instanceof PrivilegeException known ? known : new PrivilegeException("proof", e);
        }
    }

    private static void pledge(Arena arena, Restrictions restrictions) throws PrivilegeException {
        Map<Path, Set<Access>> unveiled = new LinkedHashMap<>();
        if (restrictions.unveiledJava)
            unveiled.putAll(JavaPaths.unveiled());
        unveiled.putAll(restrictions.unveiled);
        for (Map.Entry<Path, Set<Access>> path : unveiled.entrySet()) {
            String letters = path.getValue().stream().sorted().map(access -> "" + access.letter())
                    .collect(Collectors.joining());
            check("unveil", path.getKey(), Pledge.unveil(NativeString.of(path.getKey(), arena).address(),
                    arena.allocateFrom(letters).address()));
        }
        if (restrictions.veil())
            check("unveil", "no more", Pledge.unveil(0, 0));
        if (restrictions.promises != null) {
            String words = words(restrictions.promises);
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
