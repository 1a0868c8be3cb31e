package org.imsg.privsep.ops;

import java.io.IOException;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Directories;
import org.imsg.sys.Posix;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/** Opens files for a child, beneath what a rule names, and looks at what was opened before it gives it away. */
final class OpenedFiles {
    private static final int MODE_BITS = 0777;

    private final Beneath beneath;

    OpenedFiles(Beneath beneath) {
        this.beneath = beneath;
    }

    Fd open(Rule.OpenRule rule, Request.Open request) throws IOException {
        Target.Found found = rule.target().find(request.path()).orElseThrow();
        try (Fd root = Beneath.directory(found.root())) {
            Fd file = open(root, found.relative(), rule, request);
            try {
                var objection = rule.objection(Status.of(file, request.path()), request);
                if (objection.isPresent())
                    throw new RefusedException(rule.origin(), objection.get() + ", asked was to " + request);
                settle(file, request);
                return file;
            } catch (IOException | RuntimeException | Error e) {
                file.close();
                throw e;
            }
        }
    }

    private Fd open(Fd root, String relative, Rule.OpenRule rule, Request.Open request) throws IOException {
        try {
            return beneath.open(root, relative, flags(request), request.mode() & MODE_BITS);
        } catch (ErrnoException e) {
            if (Beneath.isEscape(e))
                throw new RefusedException(rule.origin(), "there is a symbolic link in the way, asked was to "
                        + request);
            // What nobody reads from, or a socket's file.
            if (e.number() == Errno.number("ENXIO"))
                throw new RefusedException(rule.origin(), "not a regular file, asked was to " + request);
            throw new ErrnoException("open", request.path(), e.number());
        }
    }

    /** Never O_TRUNC, for nobody has looked at the file yet; and nothing waits for the other end of a pipe. */
    private static int flags(Request.Open request) {
        int flags = Constants.O_NONBLOCK | Abi.host().value("O_NOCTTY");
        if (request.flags().contains(OpenFlag.READ_WRITE))
            flags |= Constants.O_RDWR;
        else if (request.flags().contains(OpenFlag.WRITE))
            flags |= Constants.O_WRONLY;
        if (request.appends())
            flags |= Constants.O_APPEND;
        if (request.creates())
            flags |= Constants.O_CREAT;
        if (request.flags().contains(OpenFlag.CREATE_NEW))
            flags |= Constants.O_EXCL;
        return flags;
    }

    private static void settle(Fd file, Request.Open request) throws ErrnoException {
        if (request.truncates() && !request.flags().contains(OpenFlag.CREATE_NEW))
            ErrnoException.check("ftruncate", request.path(), Directories.ftruncate(file.intValue(), 0));
        if (!request.flags().contains(OpenFlag.NONBLOCK)) {
            int flags = ErrnoException.check("fcntl", request.path(),
                    Posix.fcntl(file.intValue(), Constants.F_GETFL, 0));
            ErrnoException.check("fcntl", request.path(), Posix.fcntl(file.intValue(), Constants.F_SETFL,
                    flags & ~Constants.O_NONBLOCK));
        }
    }
}
