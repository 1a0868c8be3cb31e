package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.imsg.sys.Calls.call;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The system's clock; as {@link Posix}. */
public final class Clocks {
    private Clocks() {}

    /** {@code int clock_settime(clockid_t, const struct timespec *)} of CLOCK_REALTIME. */
    public static int clock_settime(MemorySegment errno, long seconds, long nanoseconds) {
        Abi abi = Abi.host();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(abi.value("timespec:size"), 8);
            time.set(JAVA_LONG, abi.value("timespec.tv_sec:offset"), seconds);
            time.set(JAVA_LONG, abi.value("timespec.tv_nsec:offset"), nanoseconds);
            return call(Settime.HANDLE, errno, abi.value("CLOCK_REALTIME"), time.address());
        }
    }

    private static final class Settime {
        static final MethodHandle HANDLE = Calls.bind("clock_settime");
    }
}
