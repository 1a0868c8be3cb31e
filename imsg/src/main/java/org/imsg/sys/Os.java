package org.imsg.sys;

import java.util.Locale;

/** The operating systems whose constants and layouts are known here; all of them on 64-bit machines (LP64). */
public enum Os {
    /**
     * Linux: x86_64 and aarch64, each with a table of its own, and machines with the generic constants of Linux, such as
     * riscv64, s390x, ppc64le and loongarch64. The tables are held against the C compilers of x86_64, aarch64, riscv64 and
     * s390x, and of musl. Machines with constants of their own (mips, sparc, alpha, parisc) and those of 32 bits are refused by
     * name. Under musl nothing was run, and no child can be started: of the functions that are called on Linux it lacks
     * posix_spawn_file_actions_addclosefrom_np, which the exception names.
     */
    LINUX,
    /** OpenBSD. */
    OPENBSD,
    /** FreeBSD 12 and newer. */
    FREEBSD,
    /** macOS. */
    MACOS;

    /**
     * The system this JVM runs on.
     *
     * @return the system
     * @throws UnsupportedOperationException if it is none of these; the message names it
     */
    public static Os current() {
        return of(System.getProperty("os.name"));
    }

    /**
     * The system of a name in the manner of the property {@code os.name}.
     *
     * @param name such as {@code Linux} or {@code Mac OS X}
     * @return the system
     * @throws UnsupportedOperationException if the name is none of the known ones
     */
    public static Os of(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        if (lower.startsWith("linux"))
            return LINUX;
        if (lower.startsWith("openbsd"))
            return OPENBSD;
        if (lower.startsWith("freebsd"))
            return FREEBSD;
        if (lower.startsWith("mac"))
            return MACOS;
        throw new UnsupportedOperationException(
                "imsg knows the system calls of Linux, OpenBSD, FreeBSD and macOS, not of " + name);
    }
}
