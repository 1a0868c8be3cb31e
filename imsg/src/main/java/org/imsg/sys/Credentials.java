package org.imsg.sys;

import static org.imsg.sys.Calls.call;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The C library's calls that change who a process is and what it sees, and those that look users up; as {@link Posix}. glibc
 * carries the set*id calls to every thread of the process; the kernel alone would not.
 */
public final class Credentials {
    private Credentials() {}

    /** {@code uid_t getuid(void)}. */
    public static int getuid(MemorySegment errno) {
        return call(Getuid.HANDLE, errno, 0);
    }

    /** {@code uid_t geteuid(void)}. */
    public static int geteuid(MemorySegment errno) {
        return call(Geteuid.HANDLE, errno, 0);
    }

    /** {@code gid_t getgid(void)}. */
    public static int getgid(MemorySegment errno) {
        return call(Getgid.HANDLE, errno, 0);
    }

    /** {@code int getgroups(int, gid_t [])}. */
    public static int getgroups(MemorySegment errno, int size, long groups) {
        return call(Getgroups.HANDLE, errno, size, groups);
    }

    /** {@code int setgroups(size_t, const gid_t *)}. */
    public static int setgroups(MemorySegment errno, int size, long groups) {
        return call(Setgroups.HANDLE, errno, size, groups);
    }

    /** {@code int setresgid(gid_t, gid_t, gid_t)}; Linux, OpenBSD, FreeBSD. */
    public static int setresgid(MemorySegment errno, long real, long effective, long saved) {
        return call(Setresgid.HANDLE, errno, real, effective, saved);
    }

    /** {@code int setresuid(uid_t, uid_t, uid_t)}; Linux, OpenBSD, FreeBSD. */
    public static int setresuid(MemorySegment errno, long real, long effective, long saved) {
        return call(Setresuid.HANDLE, errno, real, effective, saved);
    }

    /** {@code int chroot(const char *)}. */
    public static int chroot(MemorySegment errno, long path) {
        return call(Chroot.HANDLE, errno, path);
    }

    /** {@code int chdir(const char *)}. */
    public static int chdir(MemorySegment errno, long path) {
        return call(Chdir.HANDLE, errno, path);
    }

    /** {@code int getrlimit(int, struct rlimit *)}. */
    public static int getrlimit(MemorySegment errno, int resource, long limits) {
        return call(Getrlimit.HANDLE, errno, resource, limits);
    }

    /** {@code int setrlimit(int, const struct rlimit *)}. */
    public static int setrlimit(MemorySegment errno, int resource, long limits) {
        return call(Setrlimit.HANDLE, errno, resource, limits);
    }

    /**
     * {@code int getpwnam_r(const char *, struct passwd *, char *, size_t, struct passwd **)}; returns an error number itself.
     */
    public static int getpwnam_r(MemorySegment errno, long name, long passwd, long buffer, long size, long result) {
        return call(GetpwnamR.HANDLE, errno, name, passwd, buffer, size, result);
    }

    /** {@code int getgrouplist(const char *, gid_t, gid_t *, int *)}: -1 in C if there are more groups than room. */
    public static int getgrouplist(MemorySegment errno, long name, long gid, long groups, long count) {
        return call(Getgrouplist.HANDLE, errno, name, gid, groups, count);
    }

    private static final class Getuid {
        static final MethodHandle HANDLE = Calls.bind("getuid");
    }

    private static final class Geteuid {
        static final MethodHandle HANDLE = Calls.bind("geteuid");
    }

    private static final class Getgid {
        static final MethodHandle HANDLE = Calls.bind("getgid");
    }

    private static final class Getgroups {
        static final MethodHandle HANDLE = Calls.bind("getgroups");
    }

    private static final class Setgroups {
        static final MethodHandle HANDLE = Calls.bind("setgroups");
    }

    private static final class Setresgid {
        static final MethodHandle HANDLE = Calls.bind("setresgid");
    }

    private static final class Setresuid {
        static final MethodHandle HANDLE = Calls.bind("setresuid");
    }

    private static final class Chroot {
        static final MethodHandle HANDLE = Calls.bind("chroot");
    }

    private static final class Chdir {
        static final MethodHandle HANDLE = Calls.bind("chdir");
    }

    private static final class Getrlimit {
        static final MethodHandle HANDLE = Calls.bind("getrlimit");
    }

    private static final class Setrlimit {
        static final MethodHandle HANDLE = Calls.bind("setrlimit");
    }

    private static final class GetpwnamR {
        static final MethodHandle HANDLE = Calls.bind("getpwnam_r");
    }

    private static final class Getgrouplist {
        static final MethodHandle HANDLE = Calls.bind("getgrouplist");
    }
}
