package org.imsg.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayDeque;
import java.util.Deque;

/** What the samples of {@link LeakExtensionTest} leave behind, so that the test can put it away after all. */
@SuppressWarnings("restricted") // posix_spawn and waitpid: Java has no other way to leave a zombie
final class Leftovers {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final Deque<AutoCloseable> OPEN = new ArrayDeque<>();

    private Leftovers() {}

    static void keep(AutoCloseable leftover) {
        OPEN.push(leftover);
    }

    static void close() throws Exception {
        while (!OPEN.isEmpty()) {
            OPEN.pop().close();
        }
    }

    /** Starts /bin/true behind the JDK's back, so that nobody waits for it. */
    static void keepZombie() throws Throwable {
        // int posix_spawn(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
        //     char *const argv[], char *const envp[]);
        MethodHandle spawn = LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("posix_spawn"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS,
                        ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pid = arena.allocate(ValueLayout.JAVA_INT);
            MemorySegment path = arena.allocateFrom("/bin/true");
            MemorySegment argv = arena.allocate(ValueLayout.ADDRESS, 2);
            argv.setAtIndex(ValueLayout.ADDRESS, 0, path);
            MemorySegment envp = arena.allocate(ValueLayout.ADDRESS);
            int result = (int) spawn.invokeExact(pid, path, MemorySegment.NULL, MemorySegment.NULL, argv, envp);
            if (result != 0) {
                throw new IllegalStateException("posix_spawn: " + result);
            }
            int child = pid.get(ValueLayout.JAVA_INT, 0);
            keep(() -> reap(child));
        }
    }

    private static void reap(int child) {
        // pid_t waitpid(pid_t, int *, int);
        MethodHandle waitpid = LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("waitpid"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS,
                        ValueLayout.JAVA_INT));
        try {
            int reaped = (int) waitpid.invokeExact(child, MemorySegment.NULL, 0);
            if (reaped != child) {
                throw new IllegalStateException("waitpid: " + reaped);
            }
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
