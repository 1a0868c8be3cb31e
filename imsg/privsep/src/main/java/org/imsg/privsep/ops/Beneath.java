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
 * Opens what lies beneath an open directory and never anything else, whoever renames and links meanwhile: no symbolic link is
 * followed, not even the last, and no magic link of /proc. By openat2(2) in one call, or where that is missing name by name,
 * each through the descriptor of the one before.
 */
enum Beneath {
    /** Linux 5.6 and newer. */
    OPENAT2 {
        @Override
        Fd open(Fd root, String relative, int flags, int mode) throws ErrnoException {
            // Anything but 0 is refused where nothing can be created.
            int modeIfCreated = (flags & Constants.O_CREAT) == 0 ? 0 : mode;
            return called("openat2", relative, path -> Openat2.beneath(root.intValue(), path,
                    flags | Constants.O_CLOEXEC, modeIfCreated));
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
        Fd open(Fd root, String relative, int flags, int mode) throws ErrnoException {
            String[] names = relative.split("/", -1);
            Fd directory = root;
            try {
                for (int i = 0; i < names.length - 1; i++) {
                    Fd next = passage(directory, names[i]);
                    if (directory != root)
                        directory.close();
                    directory = next;
                }
                return openat(directory, names[names.length - 1], flags, mode);
            } finally {
                if (directory != root)
                    directory.close();
            }
        }

        private Fd passage(Fd directory, String name) throws ErrnoException {
            try {
                return openat(directory, name, Trees.PASSAGE, 0);
            } catch (ErrnoException e) {
                // Linux says of a link only that it is no directory.
                if (e.number() == Errno.number("ENOTDIR") && Status.of(directory, Name.of(name)).isLink())
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
            Fd opened = Trees.open(directory, name, flags);
            try {
                if (Status.of(opened, name.toString()).device() != Status.of(directory, "directory").device())
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

    /** The better of the two that this system has. */
    static Beneath best() {
        return Probe.BEST;
    }

    /** Once a process, and not before it is needed. */
    private static final class Probe {
        static final Beneath BEST = Os.current() == Os.LINUX && openat2Works() ? OPENAT2 : WALK;

        private static boolean openat2Works() {
            try (Fd root = directory("/"); Fd _ = OPENAT2.open(root, ".", Trees.PASSAGE, 0)) {
                return true;
            } catch (IOException | UnsupportedOperationException _) {
                // ENOSYS of an old kernel, EPERM of an old container's filter, a machine whose numbers are not known
                return false;
            }
        }
    }

    /**
     * Opens a path that has no empty name, no {@code .} and no {@code ..} in it.
     *
     * @return the descriptor, the caller's
     * @throws ErrnoException ELOOP or ENOTDIR where there is a symbolic link on the way or at the end
     */
    abstract Fd open(Fd root, String relative, int flags, int mode) throws ErrnoException;

    /**
     * Opens a name in a directory, not following a link, and not entering what is mounted there; where openat2(2) is missing, a
     * mount of the same file system is not noticed.
     *
     * @return the descriptor, the caller's
     * @throws ErrnoException of openat, whatever was called; EXDEV where something is mounted
     */
    abstract Fd inside(Fd directory, Name name, int flags) throws ErrnoException;

    /** Opens a directory that a policy names: a trusted path, in which links are followed. */
    static Fd directory(String path) throws IOException {
        return called("open", path, name -> Posix.open(name,
                Constants.O_RDONLY | DIRECTORY | Constants.O_CLOEXEC, 0));
    }

    /** The directory that holds the last name of a target. */
    Fd parent(Target.Found found) throws IOException {
        int slash = found.relative().lastIndexOf('/');
        if (slash < 0)
            return directory(found.root());
        try (Fd root = directory(found.root())) {
            return open(root, found.relative().substring(0, slash), Constants.O_RDONLY | DIRECTORY, 0);
        }
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

    /** Whether an error means that there is a symbolic link where none may be, or that a path would have led outside. */
    static boolean isEscape(ErrnoException e) {
        return e.number() == Errno.number("ELOOP") || e.number() == Errno.number("EXDEV")
                || Os.current() == Os.FREEBSD && e.number() == Errno.number("EMLINK");
    }
}
