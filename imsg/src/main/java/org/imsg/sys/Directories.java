package org.imsg.sys;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The calls that take a name beneath an open directory, and those that change a file through its descriptor; as
 * {@link Posix}. On OpenBSD, FreeBSD and macOS they are bound by the same names.
 */
public final class Directories {
    private static final int NAME_AT = Abi.host().value("dirent.d_name:offset");
    /** NAME_MAX and its NUL; macOS allows 1023. */
    private static final int LONGEST_NAME = 1024;

    private Directories() {}

    private static final CFunction OPENAT = new CFunction("openat", 3);

    /** {@code int openat(int, const char *, int, ...)}. */
    public static int openat(int directory, long path, int flags, int mode) {
        return OPENAT.call(directory, path, flags, mode);
    }

    private static final CFunction FSTATAT = CFunction.withInode64("fstatat");

    /** {@code int fstatat(int, const char *, struct stat *, int)}. */
    public static int fstatat(int directory, long path, long stat, int flags) {
        return FSTATAT.call(directory, path, stat, flags);
    }

    private static final CFunction UNLINKAT = new CFunction("unlinkat");

    /** {@code int unlinkat(int, const char *, int)}. */
    public static int unlinkat(int directory, long path, int flags) {
        return UNLINKAT.call(directory, path, flags);
    }

    private static final CFunction RENAMEAT = new CFunction("renameat");

    /** {@code int renameat(int, const char *, int, const char *)}. */
    public static int renameat(int from, long path, int to, long newPath) {
        return RENAMEAT.call(from, path, to, newPath);
    }

    private static final CFunction FCHOWNAT = new CFunction("fchownat");

    /** {@code int fchownat(int, const char *, uid_t, gid_t, int)}. */
    public static int fchownat(int directory, long path, int uid, int gid, int flags) {
        return FCHOWNAT.call(directory, path, uid, gid, flags);
    }

    private static final CFunction FCHMODAT = new CFunction("fchmodat");

    /** {@code int fchmodat(int, const char *, mode_t, int)}. */
    public static int fchmodat(int directory, long path, int mode, int flags) {
        return FCHMODAT.call(directory, path, mode, flags);
    }

    private static final CFunction FCHOWN = new CFunction("fchown");

    /** {@code int fchown(int, uid_t, gid_t)}. */
    public static int fchown(int fd, int uid, int gid) {
        return FCHOWN.call(fd, uid, gid);
    }

    private static final CFunction FTRUNCATE = new CFunction("ftruncate");

    /** {@code int ftruncate(int, off_t)}. */
    public static int ftruncate(int fd, long length) {
        return FTRUNCATE.call(fd, length);
    }

    private static final CFunction FDOPENDIR = CFunction.withInode64("fdopendir");

    /** {@code DIR *fdopendir(int)}: the stream, which owns the descriptor then, or the negative errno. */
    public static long fdopendir(int fd) {
        return FDOPENDIR.pointer(fd);
    }

    private static final CFunction READDIR = CFunction.withInode64("readdir");

    /**
     * {@code struct dirent *readdir(DIR *)}: the next name as it is, be it UTF-8 or not, or null behind the last. For one
     * thread at a time a stream.
     */
    @SuppressWarnings("restricted")
    public static byte @Nullable [] readdir(long stream) {
        long entry = READDIR.pointer(stream);
        // At the end of the directory errno is 0 or what an earlier call left there.
        if (entry <= 0)
            return null;
        MemorySegment name = MemorySegment.ofAddress(entry + NAME_AT).reinterpret(LONGEST_NAME);
        int length = 0;
        while (name.get(JAVA_BYTE, length) != 0)
            length++;
        return name.asSlice(0, length).toArray(JAVA_BYTE);
    }

    private static final CFunction CLOSEDIR = new CFunction("closedir");

    /** {@code int closedir(DIR *)}. */
    public static int closedir(long stream) {
        return CLOSEDIR.call(stream);
    }
}
