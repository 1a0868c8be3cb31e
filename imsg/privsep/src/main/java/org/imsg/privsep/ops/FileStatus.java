package org.imsg.privsep.ops;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Directories;
import org.imsg.sys.Posix;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/** The part of {@code struct stat} that policies look at. */
record FileStatus(long device, long inode, int mode, long links, int uid, int gid) {
    /** The status of an open file. */
    static FileStatus of(Fd fd, String path) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = memory(arena);
            ErrnoException.check("fstat", path, Posix.fstat(fd.intValue(), stat.address()));
            return read(stat);
        }
    }

    /** The status of a name in a directory; of a symbolic link itself. */
    static FileStatus of(Fd directory, Name name) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = memory(arena);
            ErrnoException.check("fstatat", name, Directories.fstatat(directory.intValue(),
                    name.toNative(arena).address(), stat.address(), Abi.host().value("AT_SYMLINK_NOFOLLOW")));
            return read(stat);
        }
    }

    private static MemorySegment memory(Arena arena) {
        return arena.allocate(Abi.host().value("stat:size"), 8);
    }

    private static FileStatus read(MemorySegment stat) {
        Abi abi = Abi.host();
        return new FileStatus(number(stat, abi.value("stat.st_dev:offset"), abi.value("stat.st_dev:width")),
                stat.get(JAVA_LONG, abi.value("stat.st_ino:offset")),
                (int) number(stat, abi.value("stat.st_mode:offset"), abi.value("stat.st_mode:width")),
                number(stat, abi.value("stat.st_nlink:offset"), abi.value("stat.st_nlink:width")),
                stat.get(JAVA_INT, abi.value("stat.st_uid:offset")),
                stat.get(JAVA_INT, abi.value("stat.st_gid:offset")));
    }

    private static long number(MemorySegment stat, int at, int width) {
        return switch (width) {
            case 8 -> stat.get(JAVA_LONG, at);
            case 4 -> Integer.toUnsignedLong(stat.get(JAVA_INT, at));
            default -> stat.get(JAVA_SHORT, at) & 0xFFFF;
        };
    }

    boolean isSameFile(FileStatus other) {
        return device == other.device && inode == other.inode;
    }

    boolean isRegular() {
        return (mode & Constants.S_IFMT) == Constants.S_IFREG;
    }

    boolean isDirectory() {
        return (mode & Constants.S_IFMT) == Constants.S_IFDIR;
    }

    boolean isLink() {
        return (mode & Constants.S_IFMT) == Abi.host().value("S_IFLNK");
    }

    boolean isSocket() {
        return (mode & Constants.S_IFMT) == Constants.S_IFSOCK;
    }
}
