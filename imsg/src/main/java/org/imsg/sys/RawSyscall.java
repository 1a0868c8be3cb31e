package org.imsg.sys;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Linux's system calls past the C library: what the C library has no function for, and what shall bind the calling thread
 * only, where the C library would carry it to every thread (set*id). As {@link Posix} for errno and lifetimes.
 */
public final class RawSyscall {
    private RawSyscall() {}

    /**
     * {@code long syscall(long, ...)}; arguments the call does not have are ignored by the kernel.
     *
     * @return its result cut to an int, or the negative errno
     */
    public static int call(MemorySegment errno, int number, long a, long b, long c, long d, long e, long f) {
        return Calls.call(Syscall.HANDLE, errno, number, a, b, c, d, e, f);
    }

    /** As {@link #call(MemorySegment, int, long, long, long, long, long, long)}, for a call of up to three arguments. */
    public static int call(MemorySegment errno, int number, long a, long b, long c) {
        return call(errno, number, a, b, c, 0, 0, 0);
    }

    private static final class Syscall {
        static final MethodHandle HANDLE = Calls.bindVariadic("syscall", 1);
    }
}
