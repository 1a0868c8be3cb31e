package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Credentials;
import org.imsg.unix.ErrnoException;

/** Users by name, and who this process is, as the C library knows it. */
final class UserDatabase {
    private static final int UID_AT = Abi.host().value("passwd.pw_uid:offset");
    private static final int GID_AT = Abi.host().value("passwd.pw_gid:offset");
    /** More than any system's struct passwd. */
    private static final int PASSWD_SIZE = 256;
    /** More than the line of any user; a longer one is ERANGE. */
    private static final int LINE_SIZE = 1 << 16;
    /** NGROUPS_MAX of Linux; the others have less. */
    private static final int MOST_GROUPS = 65536;

    private UserDatabase() {}

    static Ids find(String name) throws PrivilegeException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment user = arena.allocateFrom(name);
            MemorySegment passwd = arena.allocate(PASSWD_SIZE, 8);
            MemorySegment result = arena.allocate(8, 8);
            int error;
            do {
                error = Credentials.getpwnam_r(user.address(), passwd.address(),
                        arena.allocate(LINE_SIZE).address(), LINE_SIZE, result.address());
            } while (error == Constants.EINTR);
            if (error != 0)
                throw new PrivilegeException("getpwnam", name, Math.abs(error));
            if (result.get(JAVA_LONG, 0) == 0)
                throw new PrivilegeException("getpwnam", "there is no user " + name);
            long gid = Integer.toUnsignedLong(passwd.get(JAVA_INT, GID_AT));
            MemorySegment groups = arena.allocate(JAVA_INT, MOST_GROUPS);
            MemorySegment count = arena.allocateFrom(JAVA_INT, MOST_GROUPS);
            Credentials.getgrouplist(user.address(), gid, groups.address(), count.address());
            return new Ids(Integer.toUnsignedLong(passwd.get(JAVA_INT, UID_AT)), gid,
                    list(groups, Math.min(count.get(JAVA_INT, 0), MOST_GROUPS)));
        }
    }

    static Ids current() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment groups = arena.allocate(JAVA_INT, MOST_GROUPS);
            int count = ErrnoException.check("getgroups", Credentials.getgroups(MOST_GROUPS, groups.address()));
            return new Ids(Integer.toUnsignedLong(Credentials.getuid()),
                    Integer.toUnsignedLong(Credentials.getgid()), list(groups, count));
        }
    }

    private static List<Long> list(MemorySegment groups, int count) {
        List<Long> list = new ArrayList<>();
        for (int i = 0; i < count; i++)
            list.add(Integer.toUnsignedLong(groups.getAtIndex(JAVA_INT, i)));
        return list;
    }
}
