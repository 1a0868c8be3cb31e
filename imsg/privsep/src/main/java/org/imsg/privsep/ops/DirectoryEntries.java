package org.imsg.privsep.ops;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Directories;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/** Lists, opens, removes and renames the entries of an open directory; no link is followed. */
final class DirectoryEntries {
    private static final int DIRECTORY = Abi.host().value("O_DIRECTORY");
    /** Opens a directory to pass through it; on Linux that needs no right to read it. */
    static final int PASSAGE = Abi.host().value("O_PATH", 0) | DIRECTORY;
    static final int REMOVEDIR = Abi.host().value("AT_REMOVEDIR");

    /** Opens a directory to list it, and fails for anything else. */
    static final int LISTING = Constants.O_RDONLY | DIRECTORY | Constants.O_NONBLOCK;
    /** The most names of one directory that are in memory at once: whoever made the directory chose their number. */
    static final int BATCH = 1024;

    private DirectoryEntries() {}

    /** Takes the names one by one. */
    interface Visitor {
        /** Returns whether it takes another. */
        boolean visit(Name name) throws IOException;
    }

    static Fd open(Fd parent, Name name, int flags) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            int fd;
            do {
                fd = Directories.openat(parent.intValue(),
                        name.toNative(arena).address(), flags | Constants.O_NOFOLLOW | Constants.O_CLOEXEC, 0);
            } while (fd == -Constants.EINTR);
            return Fd.of(ErrnoException.check("openat", name, fd));
        }
    }

    /** The first names in an open directory, {@link #BATCH} of them if there are so many. */
    static List<Name> first(Fd directory) throws IOException {
        List<Name> names = new ArrayList<>();
        visit(directory, name -> {
            names.add(name);
            return names.size() < BATCH;
        });
        return names;
    }

    /** Goes through the names in an open directory as they are now, from the first; returns whether it came to the end. */
    static boolean visit(Fd directory, Visitor visitor) throws IOException {
        // An open file of its own: the position in it is shared by duplicates.
        try (Fd listing = open(directory, Name.of("."), LISTING)) {
            long stream = Directories.fdopendir(listing.intValue());
            if (stream < 0)
                throw new ErrnoException("fdopendir", (int) -stream);
            listing.release();
            try {
                boolean goesOn = true;
                for (byte[] next; goesOn && (next = Directories.readdir(stream)) != null;) {
                    Name name = new Name(next);
                    goesOn = name.isSelfOrParent() || visitor.visit(name);
                }
                return goesOn;
            } finally {
                Directories.closedir(stream);
            }
        }
    }

    static int unlink(Fd parent, Name name, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            return Directories.unlinkat(parent.intValue(),
                    name.toNative(arena).address(), flags);
        }
    }

    static int rename(Fd from, Name name, Fd to, Name newName) {
        try (Arena arena = Arena.ofConfined()) {
            return Directories.renameat(from.intValue(), name.toNative(arena).address(),
                    to.intValue(), newName.toNative(arena).address());
        }
    }
}
