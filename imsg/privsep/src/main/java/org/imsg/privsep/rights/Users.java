package org.imsg.privsep.rights;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Credentials;
import org.imsg.sys.LinuxSyscalls;
import org.imsg.sys.Os;
import org.imsg.sys.RawSyscall;
import org.imsg.unix.ErrnoException;

/** Users by name, and those of this process, as numbers: a uid, a gid, and groups. */
final class Users {
    private static final int UID_AT = Abi.host().value("passwd.pw_uid:offset");
    private static final int GID_AT = Abi.host().value("passwd.pw_gid:offset");
    /** More than any system's struct passwd. */
    private static final int PASSWD_SIZE = 256;
    /** More than the line of any user; a longer one is ERANGE. */
    private static final int LINE_SIZE = 1 << 16;
    /** NGROUPS_MAX of Linux; the others have less. */
    private static final int MOST_GROUPS = 65536;

    private Users() {}

    static List<Long> find(String name) throws PrivilegeException {
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
            return list(Integer.toUnsignedLong(passwd.get(JAVA_INT, UID_AT)), gid, groups,
                    Math.min(count.get(JAVA_INT, 0), MOST_GROUPS));
        }
    }

    /** The real ids of this process. */
    static List<Long> current() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment groups = arena.allocate(JAVA_INT, MOST_GROUPS);
            int count = ErrnoException.check("getgroups", Credentials.getgroups(MOST_GROUPS, groups.address()));
            return list(Integer.toUnsignedLong(Credentials.getuid()), Integer.toUnsignedLong(Credentials.getgid()),
                    groups, count);
        }
    }

    /** The uids and gids this process has, which are one each unless a set-id program was started: real, effective and saved. */
    static Set<List<Long>> distinct() {
        if (Os.current() != Os.LINUX)
            return Set.of(List.of(Integer.toUnsignedLong(Credentials.getuid()), gid()),
                    List.of(Integer.toUnsignedLong(Credentials.geteuid()), gid()));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment three = arena.allocate(JAVA_INT, 6);
            for (String call : new String[]{"getresuid", "getresgid"}) {
                long at = three.address() + (call.endsWith("gid") ? 12 : 0);
                RawSyscall.call(LinuxSyscalls.host().number(call), at, at + 4, at + 8);
            }
            Set<List<Long>> distinct = new HashSet<>();
            for (int i = 0; i < 3; i++)
                distinct.add(List.of(Integer.toUnsignedLong(three.getAtIndex(JAVA_INT, i)),
                        Integer.toUnsignedLong(three.getAtIndex(JAVA_INT, 3 + i))));
            return distinct;
        }
    }

    private static long gid() {
        return Integer.toUnsignedLong(Credentials.getgid());
    }

    private static List<Long> list(long uid, long gid, MemorySegment groups, int count) {
        List<Long> list = new ArrayList<>(List.of(uid, gid));
        for (int i = 0; i < count; i++)
            list.add(Integer.toUnsignedLong(groups.getAtIndex(JAVA_INT, i)));
        return list;
    }
}
