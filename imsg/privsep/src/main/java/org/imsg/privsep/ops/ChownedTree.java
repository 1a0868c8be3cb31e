package org.imsg.privsep.ops;

import static org.imsg.unix.ErrnoException.check;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.function.BooleanSupplier;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Directories;
import org.imsg.sys.Os;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/**
 * Changes the owner of a tree, of links themselves and not of what they lead to; what is mounted in it is an error. Each file is opened, looked at and changed
 * through one descriptor: it must belong to a user of the rule's {@code from}, so that a hard link to somebody else's file, put
 * there to have it given away, is an error.
 *
 * <p>Where a file cannot be opened without a right to it (systems other than Linux), symbolic links, sockets and files that do
 * not open for reading keep their owner.
 */
final class ChownedTree {
    /** Two descriptors are open a level. */
    private static final int DEEPEST = 512;
    private static final boolean LINUX = Os.current() == Os.LINUX;
    private static final int FLAGS = LINUX ? Abi.host().value("O_PATH", 0) : Constants.O_RDONLY | Constants.O_NONBLOCK;

    private final Beneath beneath;
    private final Rule.ChownRule rule;
    private final Request.Chown request;
    private final BooleanSupplier expired;

    private ChownedTree(Beneath beneath, Rule.ChownRule rule, Request.Chown request, BooleanSupplier expired) {
        this.beneath = beneath;
        this.rule = rule;
        this.request = request;
        this.expired = expired;
    }

    static void chown(Beneath beneath, Fd parent, Name name, Rule.ChownRule rule, Request.Chown request,
            BooleanSupplier expired) throws IOException {
        new ChownedTree(beneath, rule, request, expired).chown(parent, name, 0);
    }

    private void chown(Fd parent, Name name, int depth) throws IOException {
        if (expired.getAsBoolean())
            throw new ErrnoException("fchownat", name, Errno.number("ETIMEDOUT"));
        if (depth > DEEPEST)
            throw new IOException(request.path() + " is more than " + DEEPEST + " directories deep");
        if (!LINUX && !opens(Status.of(parent, name)))
            return;
        Status status;
        try (Fd file = beneath.inside(parent, name, FLAGS)) {
            status = Status.of(file, name.toString());
            requireOwned(status, name);
            if (!status.isDirectory()) {
                give(file, name);
                return;
            }
        }
        chownDirectory(parent, name, status, depth);
    }

    private static boolean opens(Status status) {
        return status.isRegular() || status.isDirectory();
    }

    private void requireOwned(Status status, Name name) throws RefusedException {
        if (!rule.from().contains(status.uid()))
            throw new RefusedException(rule.origin(), name + " belongs to " + Integer.toUnsignedString(status.uid())
                    + ", not to " + rule.from() + ", asked was to " + request);
        if (!status.isDirectory() && status.links() > 1)
            throw new RefusedException(rule.origin(), name + " has " + status.links()
                    + " hard links, asked was to " + request);
    }

    private void chownDirectory(Fd parent, Name name, Status status, int depth) throws IOException {
        try (Fd inside = beneath.inside(parent, name, Trees.LISTING)) {
            Status opened = Status.of(inside, name.toString());
            if (opened.device() != status.device() || opened.inode() != status.inode())
                throw new IOException(name + " was replaced by another directory meanwhile");
            Trees.visit(inside, each -> {
                chown(inside, each, depth + 1);
                return true;
            });
            give(inside, name);
        }
    }

    private void give(Fd file, Name name) throws ErrnoException {
        try (Arena arena = Arena.ofConfined()) {
            int result = LINUX
                    ? Directories.fchownat(file.intValue(), arena.allocateFrom("").address(), request.uid(),
                            request.gid(), Abi.host().value("AT_EMPTY_PATH", 0))
                    : Directories.fchown(file.intValue(), request.uid(), request.gid());
            check("fchownat", name, result);
        }
    }
}
