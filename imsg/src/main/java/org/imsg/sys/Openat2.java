package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** openat2(2) of Linux 5.6 and newer, which glibc has no function for. */
public final class Openat2 {
    private Openat2() {}

    /**
     * {@code long openat2(int, const char *, struct open_how *, size_t)} with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and
     * RESOLVE_NO_MAGICLINKS, and RESOLVE_NO_XDEV unless mounts may be entered.
     */
    public static int beneath(int directory, long path, int flags, int mode, boolean mounts) {
        Abi abi = Abi.host();
        return openat2(directory, path, flags, mode, abi.value("RESOLVE_BENEATH")
                | abi.value("RESOLVE_NO_SYMLINKS") | abi.value("RESOLVE_NO_MAGICLINKS")
                | (mounts ? 0 : abi.value("RESOLVE_NO_XDEV")));
    }

    /** The same with RESOLVE_BENEATH and RESOLVE_NO_XDEV: no mount is entered, not even one of the same file system. */
    public static int withinMount(int directory, long path, int flags) {
        Abi abi = Abi.host();
        return openat2(directory, path, flags, 0, abi.value("RESOLVE_BENEATH") | abi.value("RESOLVE_NO_XDEV"));
    }

    private static int openat2(int directory, long path, int flags, int mode, int resolve) {
        Abi abi = Abi.host();
        int size = abi.value("open_how:size");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment how = arena.allocate(size, 8);
            how.set(JAVA_LONG, abi.value("open_how.flags:offset"), flags);
            how.set(JAVA_LONG, abi.value("open_how.mode:offset"), mode);
            how.set(JAVA_LONG, abi.value("open_how.resolve:offset"), resolve);
            return RawSyscall.call(LinuxSyscalls.host().number("openat2"), directory, path, how.address(), size);
        }
    }
}
