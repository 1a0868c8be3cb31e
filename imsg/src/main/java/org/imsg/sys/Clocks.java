package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The system's clock; as {@link Posix}. */
public final class Clocks {
    private Clocks() {}

    private static final CFunction CLOCK_SETTIME = new CFunction("clock_settime");

    /** {@code int clock_settime(clockid_t, const struct timespec *)} of CLOCK_REALTIME. */
    public static int clock_settime(long seconds, long nanoseconds) {
        Abi abi = Abi.host();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(abi.value("timespec:size"), 8);
            time.set(JAVA_LONG, abi.value("timespec.tv_sec:offset"), seconds);
            time.set(JAVA_LONG, abi.value("timespec.tv_nsec:offset"), nanoseconds);
            return CLOCK_SETTIME.call(abi.value("CLOCK_REALTIME"), time.address());
        }
    }
}
