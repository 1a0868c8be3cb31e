package org.imsg.privsep.ops;

import java.io.IOException;
import java.security.SecureRandom;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.imsg.sys.Constants;
import org.imsg.sys.Os;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/**
 * Removes a tree, whoever changes it meanwhile: links are removed, not followed, and what is mounted in it is an error. However
 * deep it is, few descriptors are open at once: what lies deeper than {@link #DEEPEST} is moved to the top first. Who goes on
 * making files in it is outlasted until the time is over.
 */
final class RemovedTree {
    private static final int DEEPEST = 32;
    /** Nobody can have made all the names that something might be moved to. */
    private static final SecureRandom NAMES = new SecureRandom();

    private final Beneath beneath;
    private final Fd top;
    private final BooleanSupplier expired;

    private RemovedTree(Beneath beneath, Fd top, BooleanSupplier expired) {
        this.beneath = beneath;
        this.top = top;
        this.expired = expired;
    }

    static void remove(Beneath beneath, Fd parent, Name name, BooleanSupplier expired) throws IOException {
        if (!Status.of(parent, name).isDirectory()) {
            ErrnoException.check("unlinkat", name, Trees.unlink(parent, name, 0));
            return;
        }
        try (Fd top = beneath.inside(parent, name, Trees.LISTING)) {
            RemovedTree tree = new RemovedTree(beneath, top, expired);
            int result;
            do {
                tree.requireTime(name);
                tree.empty(top, 0);
                result = Trees.unlink(parent, name, Trees.REMOVEDIR);
            } while (result == -Errno.number("ENOTEMPTY"));
            ErrnoException.check("unlinkat", name, result);
        }
    }

    private void requireTime(Name name) throws ErrnoException {
        if (expired.getAsBoolean())
            throw new ErrnoException("unlinkat", name, Errno.number("ETIMEDOUT"));
    }

    private void empty(Fd directory, int depth) throws IOException {
        List<Name> names;
        do {
            names = Trees.list(directory);
            for (Name name : names)
                remove(directory, name, depth);
        } while (names.size() == Trees.BATCH);
    }

    private void remove(Fd directory, Name name, int depth) throws IOException {
        requireTime(name);
        int result = Trees.unlink(directory, name, 0);
        if (isOfDirectory(result))
            emptyAndRemove(directory, name, depth);
        else if (result != -Constants.ENOENT)
            ErrnoException.check("unlinkat", name, result);
    }

    /** EISDIR says Linux of a directory, where EPERM means a file that nobody may remove; EPERM the others. */
    private static boolean isOfDirectory(int unlinked) {
        return unlinked == (Os.current() == Os.LINUX ? -Errno.number("EISDIR") : -Constants.EPERM);
    }

    private void emptyAndRemove(Fd directory, Name name, int depth) throws IOException {
        if (depth >= DEEPEST) {
            bringUp(directory, name);
            return;
        }
        try (Fd inside = beneath.inside(directory, name, Trees.LISTING)) {
            empty(inside, depth + 1);
        } catch (ErrnoException e) {
            // Gone, or made something else, since it was listed: the next round will see.
            if (e.call().equals("openat") && (e.number() == Constants.ENOENT || e.number() == Errno.number("ENOTDIR")
                    || e.number() == Errno.number("ELOOP")))
                return;
            throw e;
        }
        int result = Trees.unlink(directory, name, Trees.REMOVEDIR);
        if (result != -Errno.number("ENOTEMPTY") && result != -Constants.ENOENT && result != -Errno.number("ENOTDIR"))
            ErrnoException.check("unlinkat", name, result);
    }

    private void bringUp(Fd directory, Name name) throws ErrnoException {
        int result = Trees.rename(directory, name, top, Name.of(".deep-" + Long.toHexString(NAMES.nextLong())));
        if (result != -Constants.ENOENT)
            ErrnoException.check("renameat", name, result);
    }
}
