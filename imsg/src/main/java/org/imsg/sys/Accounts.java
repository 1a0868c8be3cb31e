package org.imsg.sys;

/**
 * The calls that look up users and groups wherever the system keeps them (NSS), but for {@code getpwnam_r} of {@link Credentials}; as
 * {@link Posix}, but an error number is returned itself: 0 is success, and the last argument then points at the entry, or is null if there is none.
 */
public final class Accounts {
    private Accounts() {}

    private static final CFunction GETPWUID_R = new CFunction("getpwuid_r");

    /** {@code int getpwuid_r(uid_t, struct passwd *, char *, size_t, struct passwd **)}. */
    public static int getpwuid(int uid, long passwd, long buffer, long size, long found) {
        return GETPWUID_R.call(uid, passwd, buffer, size, found);
    }

    private static final CFunction GETGRNAM_R = new CFunction("getgrnam_r");

    /** {@code int getgrnam_r(const char *, struct group *, char *, size_t, struct group **)}. */
    public static int getgrnam(long name, long group, long buffer, long size, long found) {
        return GETGRNAM_R.call(name, group, buffer, size, found);
    }

    private static final CFunction GETGRGID_R = new CFunction("getgrgid_r");

    /** {@code int getgrgid_r(gid_t, struct group *, char *, size_t, struct group **)}. */
    public static int getgrgid(int gid, long group, long buffer, long size, long found) {
        return GETGRGID_R.call(gid, group, buffer, size, found);
    }
}
