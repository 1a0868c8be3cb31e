package org.imsg.privsep.ops;

import java.io.IOException;
import java.util.function.BooleanSupplier;
import org.imsg.sys.Constants;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/**
 * Removes a tree, whoever changes it meanwhile: links are removed, not followed. However deep it is, few descriptors are open
 * at once: what lies deeper than {@link #DEEPEST} is moved to the top first.
 */
final class RemovedTree {
    private static final int DEEPEST = 32;
    /** Somebody may still be making files; then the tree stays, with ENOTEMPTY. */
    private static final int ROUNDS = 64;

    private final Fd top;
    private final BooleanSupplier expired;
    private long moved;

    private RemovedTree(Fd top, BooleanSupplier expired) {
        this.top = top;
        this.expired = expired;
    }

    static void remove(Fd parent, Name name, BooleanSupplier expired) throws IOException {
        if (!Status.of(parent, name).isDirectory()) {
            Trees.check("unlinkat", name, Trees.unlink(parent, name, 0));
            return;
        }
        try (Fd top = Trees.directory(parent, name)) {
            RemovedTree tree = new RemovedTree(top, expired);
            int rounds = 0;
            long before;
            do {
                before = tree.moved;
                tree.empty(top, 0);
                // Rounds that brought something up do not count: each takes levels away.
            } while (!Trees.list(top).isEmpty() && (tree.moved > before || ++rounds < ROUNDS));
        }
        Trees.check("unlinkat", name, Trees.unlink(parent, name, Trees.REMOVEDIR));
    }

    private void empty(Fd directory, int depth) throws IOException {
        for (Name name : Trees.list(directory)) {
            if (expired.getAsBoolean())
                throw new ErrnoException("unlinkat", name, Errno.number("ETIMEDOUT"));
            int result = Trees.unlink(directory, name, 0);
            // EISDIR says Linux, EPERM the others of a directory.
            if (result == -Errno.number("EISDIR") || result == -Constants.EPERM)
                emptyAndRemove(directory, name, depth);
            else if (result != -Constants.ENOENT)
                Trees.check("unlinkat", name, result);
        }
    }

    private void emptyAndRemove(Fd directory, Name name, int depth) throws IOException {
        if (depth >= DEEPEST) {
            bringUp(directory, name);
            return;
        }
        try (Fd inside = Trees.directory(directory, name)) {
            empty(inside, depth + 1);
        } catch (ErrnoException e) {
            // Gone, or made something else, since it was listed: the next round will see.
            if (e.call().equals("openat") && (e.number() == Constants.ENOENT || e.number() == Errno.number("ENOTDIR")
                    || Beneath.isEscape(e)))
                return;
            throw e;
        }
        int result = Trees.unlink(directory, name, Trees.REMOVEDIR);
        if (result != -Errno.number("ENOTEMPTY") && result != -Constants.ENOENT && result != -Errno.number("ENOTDIR"))
            Trees.check("unlinkat", name, result);
    }

    private void bringUp(Fd directory, Name name) throws ErrnoException {
        int result;
        int attempts = 0;
        do {
            result = Trees.rename(directory, name, top, Name.of(".deep-" + moved++));
        } while (attempts++ < ROUNDS && result < 0 && result != -Constants.ENOENT);
        if (result != -Constants.ENOENT)
            Trees.check("renameat", name, result);
    }
}
