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

/** What is done to whole trees shares how they are gone through: by descriptor, and no link followed. */
final class Trees {
    private static final int DIRECTORY = Abi.host().value("O_DIRECTORY");
    /** How a directory is opened that is only gone through: needs no right to read it on Linux. */
    static final int PASSAGE = Abi.host().value("O_PATH", 0) | DIRECTORY;
    static final int REMOVEDIR = Abi.host().value("AT_REMOVEDIR");

    /** How a directory is opened to be listed, and nothing else is. */
    static final int LISTING = Constants.O_RDONLY | DIRECTORY | Constants.O_NONBLOCK;
    /** How many names are in memory at once of one directory: who made it decides how many there are. */
    static final int BATCH = 1024;

    private Trees() {}

    /** What is done with a name. */
    interface Visitor {
        /** Returns whether there are to be more. */
        boolean visit(Name name) throws IOException;
    }

    /** Opens a directory to list it, and fails for anything else. */
    static Fd directory(Fd parent, Name name) throws ErrnoException {
        return open(parent, name, LISTING);
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
    static List<Name> list(Fd directory) throws IOException {
        List<Name> names = new ArrayList<>();
        visit(directory, name -> {
            names.add(name);
            return names.size() < BATCH;
        });
        return names;
    }

    /** Goes through the names in an open directory as they are now, from the first. */
    static void visit(Fd directory, Visitor visitor) throws IOException {
        // An open file of its own: the position in it is shared by duplicates.
        try (Fd listing = directory(directory, Name.of("."))) {
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
