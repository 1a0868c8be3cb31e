package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.imsg.sys.Constants;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.NativeString;
import org.imsg.sys.Os;
import org.imsg.sys.Posix;
import org.imsg.sys.RawSyscall;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.jspecify.annotations.Nullable;

/**
 * Replaces this process by another program that has fewer rights: the chain-loading of setuidgid(8), chpst(8) and s6-setuidgid. The
 * process keeps its number, its parent and its standard streams. A description: immutable, each method gives a new one. Linux only.
 *
 * <pre>{@code
 * Exec.of(Path.of("httpd"), "-f").confined(Confinement.none().to(Ids.ofUser("www-data")).nice(5)).perform();
 * }</pre>
 *
 * <p>The program begins with an empty signal mask, with the default action for every signal, in a new session keyring, and with no_new_privs set,
 * so that set-user-id programs give it nothing. Descriptors from 3 on are closed, but for those that are {@linkplain #keep(int...) kept}.
 *
 * <p>A JVM raises its soft limit of descriptors to the hard one as it starts, and the program inherits that. Start java with
 * {@code -XX:-MaxFDLimit}, or set {@link Resource#NOFILE}, where the program should have another.
 *
 * <p>{@link ExecMain} is the same as a command.
 */
public final class Exec {
    private static final int CLOSE_ON_EXEC = 4;
    private static final int SIG_SETMASK = 2;
    private static final int SIGNALS = 64;
    private static final int SIGNAL_SET_SIZE = 8;
    private static final int SIG_IGN = 1;
    private static final Path ENVIRONMENT = Path.of("/proc/self/environ");

    private final Path program;
    private final List<byte[]> arguments;
    private Confinement confinement = Confinement.none();
    private List<Integer> kept = List.of();
    private @Nullable Path lock;
    private boolean waits;
    private @Nullable Map<String, String> variables;

    private Exec(Path program, List<byte[]> arguments) {
        this.program = program;
        this.arguments = arguments;
    }

    private Exec with(Consumer<Exec> change) {
        Exec copy = new Exec(program, arguments);
        copy.confinement = confinement;
        copy.kept = kept;
        copy.lock = lock;
        copy.waits = waits;
        copy.variables = variables;
        change.accept(copy);
        return copy;
    }

    /**
     * Names the program.
     *
     * @param program its path as the program's root has it; a name without a slash is searched for in the directories of PATH
     * @param arguments its arguments, without its name
     * @return a description that leaves it all rights but new ones
     * @throws IllegalArgumentException if there is a NUL in an argument
     */
    public static Exec of(Path program, String... arguments) {
        return of(program, Stream.of(arguments).map(NativeString::bytes).toList());
    }

    /** With arguments that need not be text. */
    static Exec of(Path program, List<byte[]> arguments) {
        return new Exec(program, arguments);
    }

    /**
     * Sets the rights that the program is left.
     *
     * @param rights its promises, unveiled paths, namespaces, root, ids, limits and capabilities, all before its first instruction
     * @return a description with them instead of those from before
     * @throws IllegalArgumentException if the ids are root's, whether by uid, gid or a group, or there is a PID namespace, which only a
     *     child can enter
     */
    public Exec confined(Confinement rights) {
        Ids ids = rights.restrictions().ids;
        if (ids != null && (ids.uid() == 0 || ids.gid() == 0 || ids.groups().contains(0L)))
            throw new IllegalArgumentException("becoming " + ids + " gives up nothing: 0 is root");
        if (rights.restrictions().namespaces.contains(Namespace.PID))
            throw new IllegalArgumentException("a PID namespace is entered by a child, not by the process itself");
        return with(copy -> copy.confinement = rights);
    }

    /**
     * Locks a file with flock(2) while this process has its rights still. The lock lasts until the program and all that inherited its
     * descriptor have ended. The file is made if it is missing, with mode 0600; a symbolic link in its place is an error.
     *
     * @param file the file, in a directory that only the administrator can write to
     * @param wait whether to wait for a lock that another process holds, rather than to fail with EAGAIN
     * @return a description with that
     */
    public Exec lock(Path file, boolean wait) {
        return with(copy -> {
            copy.lock = file;
            copy.waits = wait;
        });
    }

    /**
     * Leaves descriptors open for the program.
     *
     * @param descriptors their numbers, 3 or more
     * @return a description with them too
     * @throws IllegalArgumentException if a number is less than 3
     */
    public Exec keep(int... descriptors) {
        for (int each : descriptors)
            if (each < 3)
                throw new IllegalArgumentException("a descriptor to keep is 3 or more, not " + each);
        return with(copy -> copy.kept = IntStream.concat(kept.stream().mapToInt(Integer::intValue),
                IntStream.of(descriptors)).boxed().toList());
    }

    /**
     * Sets the environment of the program; unless set it is the one that this process was started with, byte by byte.
     *
     * @param environment all of its variables
     * @return a description with them
     */
    public Exec environment(Map<String, String> environment) {
        Map<String, String> copied = Map.copyOf(environment);
        return with(copy -> copy.variables = copied);
    }

    /**
     * Becomes the program. This never returns: the process goes on as the program, and no shutdown hook runs. Call it when no other
     * thread opens descriptors, which it would leak. When it throws, limits, the lock and niceness may be set already, and the
     * process should end.
     *
     * @throws IOException an {@link ErrnoException} of {@code execve} if the program cannot be executed; a {@link PrivilegeException} if a
     *     step before that fails; or if the environment cannot be read
     * @throws UnsupportedOperationException on another system than Linux
     */
    public void perform() throws IOException {
        if (Os.current() != Os.LINUX)
            throw new UnsupportedOperationException("a program is executed with fewer rights on Linux only");
        Platform platform = Confinement.query();
        Restrictions wanted = confinement.possibleInPlace(platform);
        if (wanted.group != null)
            wanted.group.add(ProcessHandle.current().pid());
        try (Arena arena = Arena.ofShared()) {
            List<Integer> open = new ArrayList<>(kept);
            locked(arena).ifPresent(open::add);
            try (SpawnSteps steps = new SpawnSteps(wanted, platform, Optional.empty(), last(arena, open, wanted), -1)) {
                List<byte[]> environment = environment();
                Call call = new Call(arena, candidates(arena, environment), array(arena, argv()),
                        array(arena, environment));
                System.out.flush();
                System.err.flush();
                throw new ErrnoException("execve", program, ConfinedSpawn.run(steps.list(), call::perform));
            }
        }
    }

    /** The steps that are taken just before a filter could forbid them. */
    private static List<Step> last(Arena arena, List<Integer> open, Restrictions wanted) {
        List<Step> steps = new ArrayList<>();
        steps.add(Step.Call.of("close_range", "from 3 on", 3, 0xFFFF_FFFFL, CLOSE_ON_EXEC));
        for (int each : open)
            steps.add(Step.Call.of("fcntl", "descriptor " + each, each, Constants.F_SETFD, 0));
        long zeros = arena.allocate(64, 8).address();
        MemorySegment current = arena.allocate(64, 8);
        int sigaction = LinuxSyscalls.host().number("rt_sigaction");
        for (int signal = 1; signal <= SIGNALS; signal++) {
            // An exec resets those that have a handler, which the JVM needs until then.
            int result = RawSyscall.call(sigaction, signal, 0, current.address(), SIGNAL_SET_SIZE);
            if (result == 0 && current.get(JAVA_LONG, 0) == SIG_IGN)
                steps.add(Step.Call.of("rt_sigaction", "signal " + signal, signal, zeros, 0, SIGNAL_SET_SIZE));
        }
        steps.add(Step.Call.of("rt_sigprocmask", "no signal", SIG_SETMASK, zeros, 0, SIGNAL_SET_SIZE));
        wanted.limits.forEach((resource, limit) -> {
            long bounded = resource.bounded(limit);
            steps.add(Step.Call.of("prlimit64", resource + " " + limit, 0, resource.number(),
                    arena.allocateFrom(JAVA_LONG, bounded, bounded).address(), 0));
        });
        return steps;
    }

    private OptionalInt locked(Arena arena) throws PrivilegeException {
        if (lock == null)
            return OptionalInt.empty();
        int fd = Posix.open(NativeString.of(lock, arena).address(),
                Constants.O_RDONLY | Constants.O_CREAT | Constants.O_NOFOLLOW | Constants.O_NONBLOCK
                        | Constants.O_CLOEXEC,
                0600);
        int result = fd;
        if (fd >= 0)
            do {
                result = RawSyscall.call(LinuxSyscalls.host().number("flock"), fd,
                        Constants.LOCK_EX | (waits ? 0 : Constants.LOCK_NB));
            } while (result == -Constants.EINTR);
        if (result >= 0)
            return OptionalInt.of(fd);
        if (fd >= 0)
            Posix.close(fd);
        throw new PrivilegeException("lock", lock, -result);
    }

    private List<MemorySegment> candidates(Arena arena, List<byte[]> environment) {
        if (program.toString().contains("/"))
            return List.of(NativeString.of(program, arena));
        List<MemorySegment> candidates = new ArrayList<>();
        for (String directory : path(environment).split(":", -1))
            candidates.add(NativeString.of(NativeString.path(bytes(directory.isEmpty() ? "." : directory))
                    .resolve(program), arena));
        return candidates;
    }

    /** A byte of it is a character. */
    private static String path(List<byte[]> environment) {
        return environment.stream().map(each -> new String(each, ISO_8859_1)).filter(each -> each.startsWith("PATH="))
                .findFirst().orElse("PATH=/usr/bin:/bin").substring("PATH=".length());
    }

    private static byte[] bytes(String text) {
        return text.getBytes(ISO_8859_1);
    }

    private List<byte[]> argv() {
        return Stream.concat(Stream.of(NativeString.bytes(program)), arguments.stream()).toList();
    }

    private List<byte[]> environment() throws IOException {
        if (variables == null)
            return words(ENVIRONMENT);
        return variables.entrySet().stream().map(each -> NativeString.bytes(each.getKey() + "=" + each.getValue()))
                .toList();
    }

    /** What a file of /proc has, without the NUL behind each. */
    static List<byte[]> words(Path file) throws IOException {
        String all = new String(Files.readAllBytes(file), ISO_8859_1);
        List<String> words = List.of(all.split("\0", -1));
        return words.subList(0, words.size() - 1).stream().map(Exec::bytes).toList();
    }

    private static long array(Arena arena, List<byte[]> strings) {
        MemorySegment array = arena.allocate(JAVA_LONG, strings.size() + 1L);
        for (int i = 0; i < strings.size(); i++)
            array.setAtIndex(JAVA_LONG, i, NativeString.of(strings.get(i), arena).address());
        return array.address();
    }

    /** execve(2) of one path after the other, prepared for a thread that can load no class any more. */
    private static final class Call {
        private static final int ENOTDIR = Errno.number("ENOTDIR");

        private final MemorySegment errno;
        private final long[] paths;
        private final long argv;
        private final long environment;
        private final int execve = LinuxSyscalls.host().number("execve");

        private Call(Arena arena, List<MemorySegment> candidates, long argv, long environment) {
            errno = Posix.errnoSegment(arena);
            paths = candidates.stream().mapToLong(MemorySegment::address).toArray();
            this.argv = argv;
            this.environment = environment;
        }

        /** Returns the error that says most, as execvp(3) has it. */
        private int perform() {
            int worst = Constants.ENOENT;
            for (long path : paths) {
                int failure = -RawSyscall.call(errno, execve, path, argv, environment);
                if (failure == Constants.EACCES)
                    worst = failure;
                else if (failure != Constants.ENOENT && failure != ENOTDIR)
                    return failure;
            }
            return worst;
        }
    }

    @Override
    public String toString() {
        return "execution of " + program + " with " + confinement;
    }
}
