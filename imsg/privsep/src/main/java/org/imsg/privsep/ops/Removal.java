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
 * A removal of a tree that is under way. However deep the tree is, few descriptors are open: a directory deeper than {@link #DEEPEST} moves to
 * the top first. Files that are added meanwhile are removed too, until the deadline.
 */
record Removal(Beneath beneath, Fd top, BooleanSupplier over) {
    private static final int DEEPEST = 3;
    /** An attacker cannot have made all the names that a directory may move to. */
    private static final SecureRandom NAMES = new SecureRandom();

    /** Removes a file or a tree of a directory, until its time is over. */
    static void of(Beneath beneath, Fd parent, Name name, BooleanSupplier over) throws IOException {
        if (!FileStatus.of(parent, name).isDirectory()) {
            ErrnoException.check("unlinkat", name, DirectoryEntries.unlink(parent, name, 0));
            return;
        }
        try (Fd top = beneath.inside(parent, name, DirectoryEntries.LISTING)) {
            Removal removal = new Removal(beneath, top, over);
            int result;
            do {
                requireTime(over, "unlinkat", name);
                removal.empty(top, 0);
                result = DirectoryEntries.unlink(parent, name, DirectoryEntries.REMOVEDIR);
            } while (result == -Errno.number("ENOTEMPTY"));
            ErrnoException.check("unlinkat", name, result);
        }
    }

    private void empty(Fd directory, int depth) throws IOException {
        List<Name> names;
        do {
            names = DirectoryEntries.first(directory);
            for (Name name : names)
                remove(directory, name, depth);
        } while (names.size() == DirectoryEntries.BATCH);
    }

    private void remove(Fd directory, Name name, int depth) throws IOException {
        requireTime(over, "unlinkat", name);
        int result = DirectoryEntries.unlink(directory, name, 0);
        if (isOfDirectory(result))
            emptyAndRemove(directory, name, depth);
        else if (result != -Constants.ENOENT)
            ErrnoException.check("unlinkat", name, result);
    }

    /** Linux answers EISDIR for a directory, and EPERM for a file that cannot be removed; others answer EPERM for both. */
    private static boolean isOfDirectory(int unlinked) {
        return unlinked == (Os.current() == Os.LINUX ? -Errno.number("EISDIR") : -Constants.EPERM);
    }

    private void emptyAndRemove(Fd directory, Name name, int depth) throws IOException {
        if (depth >= DEEPEST) {
            bringUp(directory, name);
            return;
        }
        try (Fd inside = beneath.inside(directory, name, DirectoryEntries.LISTING)) {
            empty(inside, depth + 1);
        } catch (ErrnoException e) {
            // Gone, or made something else, since it was listed: the next round will see.
            if (e.call().equals("openat") && (e.number() == Constants.ENOENT
                    || e.number() == Errno.number("ENOTDIR") || e.number() == Errno.number("ELOOP")))
                return;
            throw e;
        }
        int result = DirectoryEntries.unlink(directory, name, DirectoryEntries.REMOVEDIR);
        if (result != -Errno.number("ENOTEMPTY") && result != -Constants.ENOENT
                && result != -Errno.number("ENOTDIR"))
            ErrnoException.check("unlinkat", name, result);
    }

    private void bringUp(Fd directory, Name name) throws ErrnoException {
        int result = DirectoryEntries.rename(directory, name, top,
                Name.of(".deep-" + Long.toHexString(NAMES.nextLong())));
        if (result != -Constants.ENOENT)
            ErrnoException.check("renameat", name, result);
    }

    static void requireTime(BooleanSupplier over, String call, Object subject) throws ErrnoException {
        if (over.getAsBoolean())
            throw new ErrnoException(call, subject, Errno.number("ETIMEDOUT"));
    }
}
