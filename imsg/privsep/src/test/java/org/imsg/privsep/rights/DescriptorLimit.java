package org.imsg.privsep.rights;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.Callable;
import org.imsg.sys.Credentials;

/** How many descriptors this process may have: RLIMIT_NOFILE, the soft one. */
public final class DescriptorLimit {
    private static final int RLIMIT_NOFILE = 7;

    private DescriptorLimit() {}

    public static long get() {
        try (Arena arena = Arena.ofConfined()) {
            return limits(arena).get(ValueLayout.JAVA_LONG, 0);
        }
    }

    public static void set(long soft) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment limits = limits(arena);
            limits.set(ValueLayout.JAVA_LONG, 0, soft);
            Credentials.setrlimit(RLIMIT_NOFILE, limits.address());
        }
    }

    /** Calls a task while this process cannot open a file; the caller loads the classes of the task before. */
    public static <T> T whileNoneIsFree(Callable<T> what) throws Exception {
        long before = get();
        // Not 0, of which fcntl(2) says EINVAL.
        set(1);
        try {
            return what.call();
        } finally {
            set(before);
        }
    }

    private static MemorySegment limits(Arena arena) {
        MemorySegment limits = arena.allocate(16, 8);
        Credentials.getrlimit(RLIMIT_NOFILE, limits.address());
        return limits;
    }
}
