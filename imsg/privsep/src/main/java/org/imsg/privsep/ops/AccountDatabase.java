package org.imsg.privsep.ops;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.imsg.sys.Abi;
import org.imsg.sys.Accounts;
import org.imsg.sys.Constants;
import org.imsg.sys.Credentials;
import org.imsg.sys.Memory;
import org.imsg.unix.ErrnoException;

/** Users and groups, wherever the system keeps them: getpwnam_r(3) and its like. */
final class AccountDatabase {
    private static final Abi ABI = Abi.host();
    private static final int PASSWD = ABI.value("passwd:size");
    private static final int GROUP = ABI.value("group:size");
    private static final int FIRST_SIZE = 4096;
    private static final int LAST_SIZE = 1 << 20;
    private static final int LONGEST = 1 << 16;

    private AccountDatabase() {}

    /** A call with an entry, a buffer and its size, and where the entry's address goes. */
    private interface Query {
        int apply(long key, long entry, long buffer, long size, long found);
    }

    private interface Reader<T> {
        T read(MemorySegment entry);
    }

    static Optional<User> user(String name) throws ErrnoException {
        return find("getpwnam", PASSWD, name, Credentials::getpwnam_r, AccountDatabase::readUser);
    }

    static Optional<User> user(int uid) throws ErrnoException {
        return find("getpwuid", PASSWD, Integer.toUnsignedString(uid),
                (_, entry, buffer, size, found) -> Accounts.getpwuid(uid, entry, buffer, size, found),
                AccountDatabase::readUser);
    }

    static Optional<Group> group(String name) throws ErrnoException {
        return find("getgrnam", GROUP, name, Accounts::getgrnam, AccountDatabase::readGroup);
    }

    static Optional<Group> group(int gid) throws ErrnoException {
        return find("getgrgid", GROUP, Integer.toUnsignedString(gid),
                (_, entry, buffer, size, found) -> Accounts.getgrgid(gid, entry, buffer, size, found),
                AccountDatabase::readGroup);
    }

    private static <T> Optional<T> find(String call, int entrySize, String key, Query query, Reader<T> reader)
            throws ErrnoException {
        for (int size = FIRST_SIZE;; size *= 4) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment entry = arena.allocate(entrySize, 8);
                MemorySegment buffer = arena.allocate(size);
                MemorySegment found = arena.allocate(8, 8);
                int error = query.apply(arena.allocateFrom(key).address(), entry.address(),
                        buffer.address(), size, found.address());
                if (error == 0)
                    return found.get(JAVA_LONG, 0) == 0 ? Optional.empty() : Optional.of(reader.read(entry));
                // Some systems say so of a name that is not there.
                if (error == Constants.ENOENT)
                    return Optional.empty();
                if (error != ABI.value("ERANGE") || size >= LAST_SIZE)
                    throw new ErrnoException(call, key, Math.abs(error));
            }
        }
    }

    private static User readUser(MemorySegment passwd) {
        return new User(string(passwd, ABI.value("passwd.pw_name:offset")),
                id(passwd, ABI.value("passwd.pw_uid:offset")), id(passwd, ABI.value("passwd.pw_gid:offset")),
                string(passwd, ABI.value("passwd.pw_gecos:offset")), string(passwd, ABI.value("passwd.pw_dir:offset")),
                string(passwd, ABI.value("passwd.pw_shell:offset")));
    }

    private static Group readGroup(MemorySegment group) {
        List<String> members = new ArrayList<>();
        long next = group.get(JAVA_LONG, ABI.value("group.gr_mem:offset"));
        for (; next != 0; next += 8) {
            long member = at(next, 8).get(JAVA_LONG, 0);
            if (member == 0)
                break;
            members.add(at(member, LONGEST).getString(0));
        }
        return new Group(string(group, ABI.value("group.gr_name:offset")), id(group, ABI.value("group.gr_gid:offset")),
                List.copyOf(members));
    }

    private static long id(MemorySegment entry, int at) {
        return Integer.toUnsignedLong(entry.get(JAVA_INT, at));
    }

    private static String string(MemorySegment entry, int at) {
        long address = entry.get(JAVA_LONG, at);
        return address == 0 ? "" : at(address, LONGEST).getString(0);
    }

    /** Memory that the C library has filled: it lies in the buffer, and its strings end there. */
    private static MemorySegment at(long address, long size) {
        return Memory.ALL.asSlice(address, size);
    }
}
