package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.imsg.sys.Calls.call;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The calls that take a name beneath an open directory, and those that change a file through its descriptor; as
 * {@link Posix}. On OpenBSD, FreeBSD and macOS they are bound by the same names.
 */
public final class Directories {
    private static final int NAME_AT = Abi.host().value("dirent.d_name:offset");
    /** NAME_MAX and its NUL; macOS allows 1023. */
    private static final int LONGEST_NAME = 1024;

    private Directories() {}

    /** {@code int openat(int, const char *, int, ...)}. */
    public static int openat(MemorySegment errno, int directory, long path, int flags, int mode) {
        return call(Openat.HANDLE, errno, directory, path, flags, mode);
    }

    /** {@code int fstatat(int, const char *, struct stat *, int)}. */
    public static int fstatat(MemorySegment errno, int directory, long path, long stat, int flags) {
        return call(Fstatat.HANDLE, errno, directory, path, stat, flags);
    }

    /** {@code int unlinkat(int, const char *, int)}. */
    public static int unlinkat(MemorySegment errno, int directory, long path, int flags) {
        return call(Unlinkat.HANDLE, errno, directory, path, flags);
    }

    /** {@code int renameat(int, const char *, int, const char *)}. */
    public static int renameat(MemorySegment errno, int from, long path, int to, long newPath) {
        return call(Renameat.HANDLE, errno, from, path, to, newPath);
    }

    /** {@code int fchownat(int, const char *, uid_t, gid_t, int)}. */
    public static int fchownat(MemorySegment errno, int directory, long path, int uid, int gid, int flags) {
        return call(Fchownat.HANDLE, errno, directory, path, uid, gid, flags);
    }

    /** {@code int fchown(int, uid_t, gid_t)}. */
    public static int fchown(MemorySegment errno, int fd, int uid, int gid) {
        return call(Fchown.HANDLE, errno, fd, uid, gid);
    }

    /** {@code int ftruncate(int, off_t)}. */
    public static int ftruncate(MemorySegment errno, int fd, long length) {
        return call(Ftruncate.HANDLE, errno, fd, length);
    }

    /** {@code DIR *fdopendir(int)}: the stream, which owns the descriptor then, or the negative errno. */
    public static long fdopendir(MemorySegment errno, int fd) {
        long stream = Calls.pointer(Fdopendir.HANDLE, errno, fd);
        return stream == 0 ? -Calls.errno(errno) : stream;
    }

    /**
     * {@code struct dirent *readdir(DIR *)}: the next name as it is, be it UTF-8 or not, or null behind the last. For one
     * thread at a time a stream.
     */
    @SuppressWarnings("restricted")
    public static byte[] readdir(MemorySegment errno, long stream) {
        long entry = Calls.pointer(Readdir.HANDLE, errno, stream);
        if (entry == 0)
            return null;
        MemorySegment name = MemorySegment.ofAddress(entry + NAME_AT).reinterpret(LONGEST_NAME);
        int length = 0;
        while (name.get(JAVA_BYTE, length) != 0)
            length++;
        return name.asSlice(0, length).toArray(JAVA_BYTE);
    }

    /** {@code int closedir(DIR *)}. */
    public static int closedir(MemorySegment errno, long stream) {
        return call(Closedir.HANDLE, errno, stream);
    }

    /** On x86_64, macOS keeps the plain names for older structs with 32-bit inodes. */
    private static String modern(String name) {
        boolean twoOfThem = Os.current() == Os.MACOS && !System.getProperty("os.arch").equals("aarch64");
        return twoOfThem ? name + "$INODE64" : name;
    }

    private static final class Openat {
        static final MethodHandle HANDLE = Calls.bindVariadic("openat", 3);
    }

    private static final class Fstatat {
        static final MethodHandle HANDLE = Calls.bind(modern("fstatat"));
    }

    private static final class Unlinkat {
        static final MethodHandle HANDLE = Calls.bind("unlinkat");
    }

    private static final class Renameat {
        static final MethodHandle HANDLE = Calls.bind("renameat");
    }

    private static final class Fchownat {
        static final MethodHandle HANDLE = Calls.bind("fchownat");
    }

    private static final class Fchown {
        static final MethodHandle HANDLE = Calls.bind("fchown");
    }

    private static final class Ftruncate {
        static final MethodHandle HANDLE = Calls.bind("ftruncate");
    }

    private static final class Fdopendir {
        static final MethodHandle HANDLE = Calls.bind(modern("fdopendir"));
    }

    private static final class Readdir {
        static final MethodHandle HANDLE = Calls.bind(modern("readdir"));
    }

    private static final class Closedir {
        static final MethodHandle HANDLE = Calls.bind("closedir");
    }
}
