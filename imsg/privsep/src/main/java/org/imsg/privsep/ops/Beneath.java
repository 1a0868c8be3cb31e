package org.imsg.privsep.ops;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Directories;
import org.imsg.sys.Openat2;
import org.imsg.sys.Os;
import org.imsg.sys.Posix;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/**
 * Opens files beneath an open directory and never outside, whatever is renamed and linked meanwhile. No symbolic link is
 * followed, not even the last, and no magic link of /proc. It takes one openat2(2), or without that call a walk name by name,
 * each through the descriptor of the one before.
 */
enum Beneath {
    /** Linux 5.6 and newer. */
    OPENAT2 {
        @Override
        Fd open(Fd root, String relative, int flags, int mode, boolean mounts) throws ErrnoException {
            // Anything but 0 is refused where nothing can be created.
            int modeIfCreated = (flags & Constants.O_CREAT) == 0 ? 0 : mode;
            return called("openat2", relative, path -> Openat2.beneath(root.intValue(), path,
                    flags | Constants.O_CLOEXEC, modeIfCreated, mounts));
        }

        @Override
        Fd inside(Fd directory, Name name, int flags) throws ErrnoException {
            return called("openat", name, path -> Openat2.withinMount(directory.intValue(), path,
                    flags | Constants.O_NOFOLLOW | Constants.O_CLOEXEC));
        }
    },
    /** Every system. */
    WALK {
        @Override
        Fd open(Fd root, String relative, int flags, int mode, boolean mounts) throws ErrnoException {
            String[] names = relative.split("/", -1);
            Fd directory = root;
            try {
                for (int i = 0; i < names.length - 1; i++) {
                    Fd next = passage(directory, names[i]);
                    if (directory != root)
                        directory.close();
                    directory = next;
                }
                Fd opened = openat(directory, names[names.length - 1], flags, mode);
                return mounts ? opened : onDeviceOf(root, opened, relative);
            } finally {
                if (directory != root)
                    directory.close();
            }
        }

        private Fd passage(Fd directory, String name) throws ErrnoException {
            try {
                return openat(directory, name, DirectoryEntries.PASSAGE, 0);
            } catch (ErrnoException e) {
                // Linux says of a link only that it is no directory.
                if (e.number() == Errno.number("ENOTDIR") && FileStatus.of(directory, Name.of(name)).isLink())
                    throw new ErrnoException("openat", name, Errno.number("ELOOP"));
                throw e;
            }
        }

        private Fd openat(Fd directory, String name, int flags, int mode) throws ErrnoException {
            return called("openat", name, path -> Directories.openat(directory.intValue(), path,
                    flags | Constants.O_NOFOLLOW | Constants.O_CLOEXEC, mode));
        }

        @Override
        Fd inside(Fd directory, Name name, int flags) throws ErrnoException {
            return onDeviceOf(directory, DirectoryEntries.open(directory, name, flags), name);
        }

        private Fd onDeviceOf(Fd directory, Fd opened, Object name) throws ErrnoException {
            try {
                if (FileStatus.of(opened, name.toString()).device() != FileStatus.of(directory, "directory").device())
                    throw new ErrnoException("openat", name, Errno.number("EXDEV"));
                return opened;
            } catch (ErrnoException e) {
                opened.close();
                throw e;
            }
        }
    };

    private static final int DIRECTORY = Abi.host().value("O_DIRECTORY");
    /** openat2 gives up when something moved on its way; an attacker can make it do so every time. */
    private static final int ATTEMPTS = 128;

    /** Makes the system call: a descriptor or the negative errno. */
    private interface Opening {
        int apply(long path);
    }

    /** Returns the better of the two that this system has. */
    static Beneath best() {
        return Probe.BEST;
    }

    /** Looks once a process, and not before the answer is needed. */
    private static final class Probe {
        static final Beneath BEST = Os.current() == Os.LINUX && openat2Works() ? OPENAT2 : WALK;

        private static boolean openat2Works() {
            try (Fd root = directory("/"); Fd _ = OPENAT2.open(root, ".", DirectoryEntries.PASSAGE, 0, true)) {
                return true;
            } catch (IOException | UnsupportedOperationException _) {
                // ENOSYS of an old kernel, EPERM of an old container's filter, a machine whose numbers are not known
                return false;
            }
        }
    }

    /**
     * Opens a path that has no empty name, no {@code .} and no {@code ..} in it. Without openat2(2), a mount of the same file
     * system is not noticed.
     *
     * @param mounts whether it may lead into another file system
     * @return the descriptor, the caller's
     * @throws ErrnoException ELOOP or ENOTDIR where there is a symbolic link on the way or at the end, EXDEV where a file system
     *     is mounted that it may not lead into
     */
    abstract Fd open(Fd root, String relative, int flags, int mode, boolean mounts) throws ErrnoException;

    /**
     * Opens a name in a directory; no link is followed and no mount entered. Without openat2(2), a mount of the same file system
     * is not noticed.
     *
     * @return the descriptor, the caller's
     * @throws ErrnoException of openat, whichever call it was; EXDEV where something is mounted
     */
    abstract Fd inside(Fd directory, Name name, int flags) throws ErrnoException;

    /** Opens a directory that a policy names: a trusted path, in which links are followed. */
    static Fd directory(String path) throws IOException {
        return called("open", path, name -> Posix.open(name,
                Constants.O_RDONLY | DIRECTORY | Constants.O_CLOEXEC, 0));
    }

    private static Fd called(String call, String path, Opening opening) throws ErrnoException {
        return called(call, Name.of(path), opening);
    }

    private static Fd called(String call, Name path, Opening opening) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = path.toNative(arena);
            int fd = -Constants.EAGAIN;
            for (int i = 0; i < ATTEMPTS && (fd == -Constants.EAGAIN || fd == -Constants.EINTR); i++)
                fd = opening.apply(name.address());
            if (fd < 0)
                throw new ErrnoException(call, path, -fd);
            return Fd.of(fd);
        }
    }

    /** Tells whether an error means a symbolic link on the way, or a path that would have led outside. */
    static boolean isEscape(ErrnoException e) {
        return e.number() == Errno.number("ELOOP") || e.number() == Errno.number("EXDEV")
                || Os.current() == Os.FREEBSD && e.number() == Errno.number("EMLINK");
    }
}
