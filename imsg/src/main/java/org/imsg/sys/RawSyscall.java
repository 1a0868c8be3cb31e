package org.imsg.sys;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Linux's system calls past the C library: what the C library has no function for, and what shall bind the calling thread
 * only, where the C library would carry it to every thread (set*id). As {@link Posix} for errno and lifetimes.
 */
public final class RawSyscall {
    private RawSyscall() {}

    private static final CFunction SYSCALL = new CFunction("syscall", 1);

    /**
     * {@code long syscall(long, ...)}; arguments the call does not have are ignored by the kernel.
     *
     * @return its result cut to an int, or the negative errno
     */
    public static int call(MemorySegment errno, int number, long a, long b, long c, long d, long e, long f) {
        return SYSCALL.call(errno, number, a, b, c, d, e, f);
    }

    /** The same for a call of up to three arguments. */
    public static int call(MemorySegment errno, int number, long a, long b, long c) {
        return call(errno, number, a, b, c, 0, 0, 0);
    }

    /** The same with an errno segment of its own, for up to six arguments. */
    public static int call(int number, long... arguments) {
        long[] six = Arrays.copyOf(arguments, 6);
        return SYSCALL.call(number, six[0], six[1], six[2], six[3], six[4], six[5]);
    }
}
