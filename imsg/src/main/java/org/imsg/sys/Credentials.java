package org.imsg.sys;

/**
 * The C library's calls that change who a process is and what it sees, and those that look users up; as {@link Posix}. glibc
 * carries the set*id calls to every thread of the process; the kernel alone would not.
 */
public final class Credentials {
    private Credentials() {}

    private static final CFunction GETUID = new CFunction("getuid");

    /** {@code uid_t getuid(void)}. */
    public static int getuid() {
        return GETUID.call(0);
    }

    private static final CFunction GETEUID = new CFunction("geteuid");

    /** {@code uid_t geteuid(void)}. */
    public static int geteuid() {
        return GETEUID.call(0);
    }

    private static final CFunction GETGID = new CFunction("getgid");

    /** {@code gid_t getgid(void)}. */
    public static int getgid() {
        return GETGID.call(0);
    }

    private static final CFunction GETGROUPS = new CFunction("getgroups");

    /** {@code int getgroups(int, gid_t [])}. */
    public static int getgroups(int size, long groups) {
        return GETGROUPS.call(size, groups);
    }

    private static final CFunction SETGROUPS = new CFunction("setgroups");

    /** {@code int setgroups(size_t, const gid_t *)}. */
    public static int setgroups(int size, long groups) {
        return SETGROUPS.call(size, groups);
    }

    private static final CFunction SETRESGID = new CFunction("setresgid");

    /** {@code int setresgid(gid_t, gid_t, gid_t)}; Linux, OpenBSD, FreeBSD. */
    public static int setresgid(long real, long effective, long saved) {
        return SETRESGID.call(real, effective, saved);
    }

    private static final CFunction SETRESUID = new CFunction("setresuid");

    /** {@code int setresuid(uid_t, uid_t, uid_t)}; Linux, OpenBSD, FreeBSD. */
    public static int setresuid(long real, long effective, long saved) {
        return SETRESUID.call(real, effective, saved);
    }

    private static final CFunction CHROOT = new CFunction("chroot");

    /** {@code int chroot(const char *)}. */
    public static int chroot(long path) {
        return CHROOT.call(path);
    }

    private static final CFunction CHDIR = new CFunction("chdir");

    /** {@code int chdir(const char *)}. */
    public static int chdir(long path) {
        return CHDIR.call(path);
    }

    private static final CFunction GETRLIMIT = new CFunction("getrlimit");

    /** {@code int getrlimit(int, struct rlimit *)}. */
    public static int getrlimit(int resource, long limits) {
        return GETRLIMIT.call(resource, limits);
    }

    private static final CFunction SETRLIMIT = new CFunction("setrlimit");

    /** {@code int setrlimit(int, const struct rlimit *)}. */
    public static int setrlimit(int resource, long limits) {
        return SETRLIMIT.call(resource, limits);
    }

    private static final CFunction GETPWNAM_R = new CFunction("getpwnam_r");

    /**
     * {@code int getpwnam_r(const char *, struct passwd *, char *, size_t, struct passwd **)}; returns an error number itself.
     */
    public static int getpwnam_r(long name, long passwd, long buffer, long size, long result) {
        return GETPWNAM_R.call(name, passwd, buffer, size, result);
    }

    private static final CFunction GETGROUPLIST = new CFunction("getgrouplist");

    /** {@code int getgrouplist(const char *, gid_t, gid_t *, int *)}: -1 in C if there are more groups than room. */
    public static int getgrouplist(long name, long gid, long groups, long count) {
        return GETGROUPLIST.call(name, gid, groups, count);
    }
}
