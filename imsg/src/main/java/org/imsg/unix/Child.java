package org.imsg.unix;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.IntSupplier;
import java.util.stream.Collectors;
import org.imsg.sys.NativeString;
import org.imsg.sys.Constants;
import org.imsg.sys.Memory;
import org.imsg.sys.Processes;
import org.jspecify.annotations.Nullable;

/**
 * A program started with chosen descriptors, which ProcessBuilder cannot do: a privilege-separated program gives each child
 * its channel that way, by custom as descriptor 3.
 *
 * <p>The child inherits standard input, output and error, the descriptors it is given, and no other; its signal mask is empty,
 * and signals do what they do by default. In this process SIGCHLD is ignored no more, if it was. A thread of its own waits for this child only, so children of others are never
 * taken. Thread-safe once started.
 */
public final class Child {
    private static final int FIRST_FREE = 3;

    private static final int SIGKILL = 9;
    /** The memory of a waiting thread: errno, the status, and a siginfo_t. */
    private static final int STATUS_AT = 8;
    private static final int SIGINFO_AT = 16;
    private static final int WAIT_SIZE = SIGINFO_AT + Processes.OPAQUE_SIZE;
    private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(10);
    /** Without it, reaping eight such children again and again took 7 % of two processors; with a millisecond 6 %, with this none. */
    private static final long GIVING_WAY = TimeUnit.MILLISECONDS.toNanos(30);

    private static final Set<Child> AWAITED = ConcurrentHashMap.newKeySet();
    /** A start takes one; a thread that waits for the starts takes all, in the order of asking. */
    private static final Semaphore STARTS = new Semaphore(Integer.MAX_VALUE, true);

    private final CompletableFuture<ExitStatus> exit = new CompletableFuture<>();
    private final Thread waiting;
    private final long memory = Memory.resize(0, WAIT_SIZE);
    private final MemorySegment errno;
    private final @Nullable Consumer<ExitStatus> atExit;
    private volatile int pid;
    /** Whether the program has been started, or will not be. */
    private volatile boolean decided;
    /** Whether the process id may be another's soon. */
    private boolean reaped;
    /** The result of waitpid(2); 0 before. */
    private int waited;

    /**
     * Its thread and the thread's memory are there before it is: a program that uses up all threads is waited for, too, and one
     * that is started while this process has no memory.
     */
    private Child(String name, @Nullable Consumer<ExitStatus> atExit) {
        this.atExit = atExit;
        try {
            errno = Memory.segment(memory, STATUS_AT, Arena.global());
            waiting = Thread.ofPlatform().daemon().name("imsg-wait-" + name).unstarted(this::awaitEnd);
            AWAITED.add(this);
            waiting.start();
        } catch (RuntimeException | Error e) {
            AWAITED.remove(this);
            Memory.free(memory);
            throw e;
        }
    }

    /** Goes on until the child is waited for, with pauses while there is no memory. */
    private void awaitEnd() {
        for (boolean over = false; !over;) {
            try {
                while (!decided)
                    LockSupport.park(this);
                if (pid > 0)
                    reap();
                AWAITED.remove(this);
                Memory.free(memory);
                over = true;
            } catch (OutOfMemoryError _) {
                LockSupport.parkNanos(PAUSE);
            }
        }
        if (pid > 0 && atExit != null)
            atExit.accept(exit.isCompletedExceptionally() ? new ExitStatus(-1, 0) : exit.join());
    }

    private void decided() {
        decided = true;
        LockSupport.unpark(waiting);
    }

    /**
     * The way a process ended.
     *
     * @param code its exit code, 0 to 255, or -1 if a signal ended it
     * @param signal the signal's number, or 0
     */
    public record ExitStatus(int code, int signal) {
        static ExitStatus of(int status) {
            int signal = status & 0x7F;
            return signal == 0 ? new ExitStatus(status >> 8 & 0xFF, 0) : new ExitStatus(-1, signal);
        }

        /**
         * Tells whether it ended by itself, with code 0.
         *
         * @return true for success
         */
        public boolean success() {
            return code == 0;
        }
    }

    /**
     * Begins the description of a child.
     *
     * @param program the program's path; no search
     * @param arguments its arguments, without its name
     * @return what to set the rest on
     */
    public static Builder of(Path program, String... arguments) {
        return new Builder(program, List.of(arguments));
    }

    /** Decides from which thread a program is started; the child inherits that thread's rights, namespaces and root. */
    @FunctionalInterface
    public interface Launch {
        /**
         * Starts the program by calling {@code spawn}.
         *
         * @param spawn posix_spawn(3), all prepared: to be called once, by any platform thread. It returns 0 or the
         *     error number, throws nothing, and needs no class, file or path that has not been there before.
         * @return what {@code spawn} returned
         * @throws IOException if it was not called
         */
        int from(IntSupplier spawn) throws IOException;
    }

    /** The way to start a child; not safe for two threads at once. */
    public static final class Builder {
        private final Path program;
        private final List<String> arguments;
        private final Map<Integer, Fd> descriptors = new LinkedHashMap<>();
        private final Map<String, String> environment = new LinkedHashMap<>();
        private List<String> starter = List.of();
        private boolean ownSession;
        private @Nullable Fd directory;
        private @Nullable Consumer<ExitStatus> atExit;

        private Builder(Path program, List<String> arguments) {
            this.program = program;
            this.arguments = arguments;
        }

        /**
         * Gives the child a descriptor.
         *
         * @param number its number in the child, 0 or more; other numbers from 3 on are closed there
         * @param fd the descriptor; duplicated, it stays the caller's
         * @return this
         * @throws IllegalArgumentException if the number is negative
         */
        public Builder descriptor(int number, Fd fd) {
            if (number < 0)
                throw new IllegalArgumentException("a descriptor is 0 or more, not " + number);
            descriptors.put(number, fd);
            return this;
        }

        /**
         * Sets a variable of the child's environment, which is empty unless set.
         *
         * @param name its name
         * @param value its value
         * @return this
         * @throws IllegalArgumentException if the name is empty or has a {@code =} in it, which would make it another variable's
         */
        public Builder environment(String name, String value) {
            if (name.isEmpty() || name.indexOf('=') >= 0)
                throw new IllegalArgumentException(
                        "a variable's name is not empty and has no =, unlike \"" + name + '"');
            environment.put(name, value);
            return this;
        }

        /**
         * Makes the child the leader of a session of its own, as setsid(2) does: no terminal's signals reach it. FreeBSD and
         * OpenBSD cannot do that in posix_spawn(3); there it leads a process group, which is enough for a Ctrl-C.
         *
         * @return this
         */
        public Builder ownSession() {
            ownSession = true;
            return this;
        }

        /**
         * Sets the child's working directory, which is this process's unless set.
         *
         * @param fd an open directory; it stays the caller's, open until the child is started
         * @return this
         */
        public Builder directory(Fd fd) {
            directory = fd;
            return this;
        }

        /**
         * Has something done at the child's end, after {@link Child#onExit()}, always by the thread that waited for it: however soon
         * the end comes, the thread that starts the child is not held up, and however few threads there are, this one is there.
         *
         * @param task is given how the child ended; code -1 and signal 0 if it could not be waited for. Also called for a
         *     child that began although {@code start} throws
         * @return this
         */
        public Builder atExit(Consumer<ExitStatus> task) {
            atExit = task;
            return this;
        }

        /** {@return whether the child gets a working directory of its own} */
        public boolean hasDirectory() {
            return directory != null;
        }

        /**
         * Tells whether the child gets a descriptor under a number.
         *
         * @param number its number in the child
         * @return whether it was given one
         */
        public boolean hasDescriptor(int number) {
            return descriptors.containsKey(number);
        }

        /** {@return the program's path} */
        public Path program() {
            return program;
        }

        /** {@return the variables set so far, by name} */
        public Map<String, String> environment() {
            return Collections.unmodifiableMap(environment);
        }

        /**
         * Has another program execute this one: setpriv(1), nice(1), env(1) and their like, which take a program and its arguments
         * for their last arguments.
         *
         * @param command its path and its own arguments; empty for none
         * @return this
         */
        public Builder through(List<String> command) {
            starter = List.copyOf(command);
            return this;
        }

        /**
         * Starts the program: posix_spawn(3).
         *
         * @return the running child
         * @throws IllegalArgumentException if there is a NUL or half of a surrogate pair in an argument or a variable
         * @throws IOException if it cannot be started, an {@link ErrnoException}, or a descriptor is closed
         * @throws UnsupportedOperationException if the C library has no posix_spawn_file_actions_addclosefrom_np(3): it is in
         *     glibc 2.34, but not in musl
         */
        public Child start() throws IOException {
            return start(IntSupplier::getAsInt);
        }

        /**
         * Starts the program from a thread of the caller's choosing.
         *
         * @param launch who is given the prepared call
         * @return the running child
         * @throws IllegalArgumentException if there is a NUL or half of a surrogate pair in an argument or a variable
         * @throws IOException if it cannot be started, an {@link ErrnoException}, or a descriptor is closed, or what
         *     {@code launch} throws
         * @throws UnsupportedOperationException as {@link #start()}
         */
        public Child start(Launch launch) throws IOException {
            List<Fd> copies = new ArrayList<>();
            try (Arena arena = Arena.ofConfined()) {
                int above = descriptors.keySet().stream().mapToInt(number -> number + 1).max().orElse(0);
                int from = Math.max(FIRST_FREE, above);
                Map<Integer, Integer> numbers = new LinkedHashMap<>();
                for (Map.Entry<Integer, Fd> entry : descriptors.entrySet()) {
                    // Out of the way of the numbers that are about to be given.
                    Fd copy = entry.getValue().dup(from);
                    copies.add(copy);
                    numbers.put(entry.getKey(), copy.intValue());
                }
                Fd entered = directory == null ? null : directory.dup(from);
                if (entered != null)
                    copies.add(entered);
                Child child = new Child(String.valueOf(program.getFileName()), atExit);
                try {
                    spawn(child, arena, numbers, from, entered, launch);
                    return child;
                } catch (Throwable e) {
                    // It may have begun before that, and has no owner.
                    if (child.pid > 0)
                        child.kill(SIGKILL);
                    throw e;
                } finally {
                    child.decided();
                }
            } finally {
                copies.forEach(Fd::close);
            }
        }

        private void spawn(Child child, Arena arena, Map<Integer, Integer> numbers, int closeFrom,
                @Nullable Fd entered, Launch launch) throws IOException {
            long actions = arena.allocate(Processes.OPAQUE_SIZE, 16).address();
            long attributes = arena.allocate(Processes.OPAQUE_SIZE, 16).address();
            MemorySegment pid = arena.allocate(4, 4);
            AtomicBoolean begun = new AtomicBoolean();
            check(Processes.file_actions_init(actions));
            check(Processes.attributes_init(attributes));
            try {
                if (entered != null)
                    check(Processes.file_actions_addfchdir(actions, entered.intValue()));
                for (Map.Entry<Integer, Integer> entry : numbers.entrySet())
                    check(Processes.file_actions_adddup2(actions, entry.getValue(), entry.getKey()));
                // A JVM's own descriptors are not all close-on-exec.
                for (int unused = FIRST_FREE; unused < closeFrom; unused++)
                    if (!numbers.containsKey(unused))
                        check(Processes.file_actions_addclose(actions, unused));
                check(Processes.file_actions_addclosefrom(actions, closeFrom));
                resetSignals(arena, attributes);
                List<MemorySegment> argv = argv(arena);
                IntSupplier call = call(pid.address(), argv.getFirst().address(), actions, attributes,
                        array(argv, arena), array(variables(arena), arena));
                check(launch.from(() -> {
                    // Not before: a thread that waits for the starts would wait for all that wait for their turn.
                    STARTS.acquireUninterruptibly();
                    begun.set(true);
                    return call.getAsInt();
                }));
            } finally {
                child.pid = pid.get(JAVA_INT, 0);
                if (begun.get())
                    STARTS.release();
                Processes.file_actions_destroy(actions);
                Processes.attributes_destroy(attributes);
            }
        }

        /** Looks everything up now, for the thread that calls it may no longer be able to load a class. */
        private static IntSupplier call(long pid, long path, long actions, long attributes, long argv, long envp) {
            Processes.prepareSpawn();
            return () -> Processes.posix_spawn(pid, path, actions, attributes, argv, envp);
        }

        private void resetSignals(Arena arena, long attributes) throws ErrnoException {
            long set = arena.allocate(Processes.OPAQUE_SIZE, 16).address();
            Processes.sigemptyset(set);
            check(Processes.attributes_setsigmask(attributes, set));
            Processes.sigfillset(set);
            check(Processes.attributes_setsigdefault(attributes, set));
            check(Processes.attributes_setflags(attributes,
                    Constants.POSIX_SPAWN_SETSIGDEF | Constants.POSIX_SPAWN_SETSIGMASK | session()));
        }

        /** The process group's number is 0 in fresh attributes: the child's own pid. */
        private int session() {
            if (!ownSession)
                return 0;
            return Constants.POSIX_SPAWN_SETSID != 0 ? Constants.POSIX_SPAWN_SETSID : Constants.POSIX_SPAWN_SETPGROUP;
        }

        private List<MemorySegment> argv(Arena arena) {
            List<MemorySegment> argv = new ArrayList<>();
            starter.forEach(word -> argv.add(NativeString.of(word, arena)));
            argv.add(NativeString.of(program, arena));
            arguments.forEach(argument -> argv.add(NativeString.of(argument, arena)));
            return argv;
        }

        private List<MemorySegment> variables(Arena arena) {
            return environment.entrySet().stream()
                    .map(entry -> NativeString.of(entry.getKey() + "=" + entry.getValue(), arena)).toList();
        }

        private static long array(List<MemorySegment> strings, Arena arena) {
            MemorySegment array = arena.allocate(ADDRESS, strings.size() + 1L);
            for (int i = 0; i < strings.size(); i++)
                array.setAtIndex(ADDRESS, i, strings.get(i));
            return array.address();
        }

        private void check(int errorNumber) throws ErrnoException {
            if (errorNumber != 0)
                throw new ErrnoException("posix_spawn", program, Math.abs(errorNumber));
        }
    }

    /**
     * Waits until each child that is being started at this moment has its process id, so that {@link #awaited()} has it. Starts that
     * come later wait meanwhile, so that many of them make it no longer.
     *
     * @param patience how long to wait at most, 0 or more
     * @return false if the time was over, or if the thread was interrupted, which it stays
     */
    public static boolean awaitStarts(Duration patience) {
        boolean none = STARTS.tryAcquire(Integer.MAX_VALUE);
        try {
            none = none || STARTS.tryAcquire(Integer.MAX_VALUE, patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        if (none)
            STARTS.release(Integer.MAX_VALUE);
        return none;
    }

    /** {@return the process ids of all children that have not been waited for yet; a copy} */
    public static Set<Integer> awaited() {
        return AWAITED.stream().map(Child::pid).filter(pid -> pid > 0).collect(Collectors.toUnmodifiableSet());
    }

    /**
     * Returns the child's process id; another process may have it once the child has ended.
     *
     * @return 1 or more
     */
    public int pid() {
        return pid;
    }

    /**
     * Returns a stage that completes when the child ends, for callers that do not wait. A step added once the child has ended
     * runs at once, in the thread that adds it; see {@link Builder#atExit(Consumer)}.
     *
     * @return completed with how it ended, by the thread that waits for this child
     */
    public CompletionStage<ExitStatus> onExit() {
        return exit.minimalCompletionStage();
    }

    /**
     * Waits for the end.
     *
     * @return how it ended
     * @throws InterruptedException if the thread is interrupted
     */
    public ExitStatus waitFor() throws InterruptedException {
        try {
            return exit.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /**
     * Waits for the end, but not forever.
     *
     * @param timeout how long; not at all if it is negative
     * @return how it ended, or empty if it has not
     * @throws InterruptedException if the thread is interrupted
     */
    public Optional<ExitStatus> waitFor(Duration timeout) throws InterruptedException {
        try {
            return Optional.of(exit.get(TimeUnit.NANOSECONDS.convert(timeout), TimeUnit.NANOSECONDS));
        } catch (TimeoutException _) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /**
     * Sends a signal, unless the child has ended.
     *
     * @param signal its number, such as 15
     */
    public void kill(int signal) {
        kill(1, signal);
    }

    /**
     * Sends a signal to the process group that the child leads, if it has a session {@linkplain Builder#ownSession() of its own}: to what it
     * has started, too, but for processes that left the group. Does nothing if the child has ended.
     *
     * @param signal its number, such as 15
     */
    public void killGroup(int signal) {
        kill(-1, signal);
    }

    private void kill(int sign, int signal) {
        try {
            whileThere(number -> Processes.kill(sign * number, signal));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Is given the process id of a child that is there. */
    @FunctionalInterface
    public interface PidTask {
        /**
         * Does something with it, and does not wait.
         *
         * @param number the process id
         * @throws IOException if it fails
         */
        void accept(int number) throws IOException;
    }

    /**
     * Does something with the process id, unless the child has ended and is being waited for: until the task returns it is this
     * child's, though the child may end.
     *
     * @param task the task
     * @return whether it was done
     * @throws IOException what the task throws
     */
    public synchronized boolean whileThere(PidTask task) throws IOException {
        if (reaped)
            return false;
        task.accept(pid);
        return true;
    }

    /** Takes no memory but for what it tells at the end, and may be called again where that is missing. */
    private void reap() {
        if (!reaped) {
            // Waits without reaping, so that kill cannot reach a process that took over the number.
            while (Processes.waitid(errno, pid, memory + SIGINFO_AT) == -Constants.EINTR)
                Thread.onSpinWait();
            synchronized (this) {
                reaped = true;
            }
        }
        // Linux waits here for what the child's threads do last, going round without rest, which keeps those of low priority from it.
        if (waited == 0 && Processes.getpriority(errno, pid) > Processes.getpriority(errno, 0))
            LockSupport.parkNanos(GIVING_WAY);
        while (waited == 0 || waited == -Constants.EINTR)
            waited = Processes.waitpid(errno, pid, memory + STATUS_AT, 0);
        AWAITED.remove(this);
        if (waited < 0)
            exit.completeExceptionally(new ErrnoException("waitpid", pid, -waited));
        else
            exit.complete(ExitStatus.of(Memory.ALL.get(JAVA_INT, memory + STATUS_AT)));
    }

    @Override
    public String toString() {
        return "child process " + pid;
    }
}
