package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.imsg.sys.Constants;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * The files that a user has left in the directories where every user may make some. They are removed before another run has its
 * uid. Directories elsewhere that the administrator made writable for every user are not looked at, nor what a directory holds that
 * not every user may write: a look at all that others have there would take as long as they like.
 */
final class UserFiles {
    private static final List<String> COMMON = List.of("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock");
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final int WRITABLE_BY_ALL = 0002;
    private static final int DEEPEST = 8;

    private final Set<Integer> uids;
    private final BooleanSupplier over;

    private UserFiles(Set<Integer> uids, BooleanSupplier over) {
        this.uids = uids;
        this.over = over;
    }

    /** Removes the files of users without processes. */
    interface Remover {
        void remove(Set<Integer> uids) throws IOException;
    }

    /** The time was over among the files of a user. */
    static final class TooManyException extends IOException {
        private static final long serialVersionUID = 1;

        final int uid;

        TooManyException(Object name, int uid) {
            super("the time was over at " + name + ", which is one of too many files of uid "
                    + Integer.toUnsignedString(uid));
            this.uid = uid;
        }
    }

    static void remove(Set<Integer> uids) throws IOException {
        remove(uids, COMMON, PATIENCE);
    }

    static void remove(Set<Integer> uids, List<String> directories, Duration patience) throws IOException {
        long deadline = System.nanoTime() + patience.toNanos();
        UserFiles files = new UserFiles(uids, () -> System.nanoTime() - deadline > 0);
        for (String path : directories) {
            try (Fd directory = Beneath.directory(path)) {
                files.remove(directory, 0);
            } catch (ErrnoException e) {
                if (e.number() != Constants.ENOENT && e.number() != Errno.number("ENOTDIR"))
                    throw e;
            }
        }
    }

    /** Removes the users' files here, and in the directories of others in which they could have made some. */
    private void remove(Fd directory, int depth) throws IOException {
        List<Name> own = new ArrayList<>();
        do {
            own.clear();
            DirectoryEntries.visit(directory, name -> {
                FileStatus status = status(directory, name);
                if (status == null)
                    Removal.requireTime(over, "fstatat", name);
                else if (over.getAsBoolean())
                    throw new TooManyException(name, status.uid());
                else if (uids.contains(status.uid()))
                    own.add(name);
                else if (status.isDirectory() && (status.mode() & WRITABLE_BY_ALL) != 0 && depth < DEEPEST)
                    descend(directory, name, depth);
                return own.size() < DirectoryEntries.BATCH;
            });
            for (Name name : own)
                Removal.of(Beneath.best(), directory, name, over);
        } while (own.size() == DirectoryEntries.BATCH);
    }

    private void descend(Fd directory, Name name, int depth) throws IOException {
        try (Fd inside = Beneath.best().inside(directory, name, DirectoryEntries.LISTING)) {
            remove(inside, depth + 1);
        } catch (ErrnoException e) {
            // Another file system, or the directory was changed by its owner meanwhile.
            if (!isGone(e) && e.number() != Errno.number("EXDEV"))
                throw e;
        }
    }

    private static @Nullable FileStatus status(Fd directory, Name name) throws ErrnoException {
        try {
            return FileStatus.of(directory, name);
        } catch (ErrnoException e) {
            if (isGone(e))
                return null;
            throw e;
        }
    }

    private static boolean isGone(ErrnoException e) {
        return e.number() == Constants.ENOENT || e.number() == Errno.number("ENOTDIR") || Beneath.isEscape(e);
    }
}
