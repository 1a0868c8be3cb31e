package org.imsg.sys;

import static org.imsg.sys.Calls.call;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The calls that look up users and groups wherever the system keeps them (NSS), but for {@link Credentials#getpwnam_r}; as
 * {@link Posix}, but an error number is returned itself: 0 is success, and the last argument then points at the entry, or is null if there is none.
 */
public final class Accounts {
    private Accounts() {}

    /** {@code int getpwuid_r(uid_t, struct passwd *, char *, size_t, struct passwd **)}. */
    public static int getpwuid(MemorySegment errno, int uid, long passwd, long buffer, long size, long found) {
        return call(Getpwuid.HANDLE, errno, uid, passwd, buffer, size, found);
    }

    /** {@code int getgrnam_r(const char *, struct group *, char *, size_t, struct group **)}. */
    public static int getgrnam(MemorySegment errno, long name, long group, long buffer, long size, long found) {
        return call(Getgrnam.HANDLE, errno, name, group, buffer, size, found);
    }

    /** {@code int getgrgid_r(gid_t, struct group *, char *, size_t, struct group **)}. */
    public static int getgrgid(MemorySegment errno, int gid, long group, long buffer, long size, long found) {
        return call(Getgrgid.HANDLE, errno, gid, group, buffer, size, found);
    }

    private static final class Getpwuid {
        static final MethodHandle HANDLE = Calls.bind("getpwuid_r");
    }

    private static final class Getgrnam {
        static final MethodHandle HANDLE = Calls.bind("getgrnam_r");
    }

    private static final class Getgrgid {
        static final MethodHandle HANDLE = Calls.bind("getgrgid_r");
    }
}
