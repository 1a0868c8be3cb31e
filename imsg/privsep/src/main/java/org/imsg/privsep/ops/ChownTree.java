package org.imsg.privsep.ops;

import static org.imsg.unix.ErrnoException.check;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.imsg.Ibuf;
import org.imsg.privsep.ops.Operation.Effect;
import org.imsg.privsep.ops.PolicyPath.Place;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Directories;
import org.imsg.sys.Os;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/**
 * Changes the owner of a file or a tree beneath what a rule names; of links themselves, and not of what they lead to. A mount in
 * the tree is an error. Each file is opened, looked at and changed through one descriptor. It must belong to a user of the rule's
 * {@code from}, and have one name: a hard link to a file of another user, put there to have it given away, is refused.
 *
 * <p>Where a file cannot be opened without a right to it (systems other than Linux), symbolic links, sockets and files that do
 * not open for reading keep their owner.
 */
record ChownTree(String path, int uid, int gid) implements Operation.Request {
    static final Operation<ChownTree, Rule> OPERATION = new Operation<>(Effect.CHANGE, 6, "chown",
            fields -> new ChownTree(fields.string("path"), fields.n32("uid"), fields.n32("gid")), Rule::of,
            ChownTree::perform);

    @Override
    public int number() {
        return OPERATION.number();
    }

    @Override
    public List<String> paths() {
        return List.of(path);
    }

    @Override
    public void addTo(Ibuf payload) {
        Fields.addString(payload, path).addN32(Integer.toUnsignedLong(uid)).addN32(Integer.toUnsignedLong(gid));
    }

    @Override
    public String toString() {
        return "chown " + path + " to " + Integer.toUnsignedString(uid) + ":" + Integer.toUnsignedString(gid);
    }

    /** {@code chown from=IDS to=UIDS:GIDS PATH}. */
    record Rule(PolicyPath path, IdRange from, IdRange uids, IdRange gids) implements Operation.Rule<ChownTree> {
        private static Rule of(PolicyLine line) {
            line.options("from=", "to=");
            String to = line.option("to=").orElse("");
            if (line.option("from=").isEmpty() || to.indexOf(':') < 0)
                throw new IllegalArgumentException("expected from=UIDS and to=UIDS:GIDS");
            return new Rule(line.path(), line.users("from=").orElseThrow(),
                    PolicyLine.readUsers(to.substring(0, to.indexOf(':'))),
                    PolicyLine.readGroups(to.substring(to.indexOf(':') + 1)));
        }

        @Override
        public Verdict verdict(ChownTree chown) {
            if (path.find(chown.path).isEmpty())
                return Verdict.NOT_CONCERNED;
            if (!uids.contains(chown.uid) || !gids.contains(chown.gid))
                return Verdict.objection("allows owners " + uids + ":" + gids + ", not "
                        + Integer.toUnsignedString(chown.uid) + ":" + Integer.toUnsignedString(chown.gid));
            return Verdict.ALLOWED;
        }
    }

    static Answer perform(Permit<ChownTree, Rule> permit) throws IOException {
        Place place = permit.rule().path.find(permit.request().path).orElseThrow();
        try (Fd parent = permit.parent(place); Walk walk = new Walk(permit)) {
            walk.chown(parent, Name.of(place.name()));
        }
        return Answer.done(List.of());
    }

    /**
     * A walk through a tree. Only the directory it is in is open, whatever the depth; the way up is the directory's {@code ..},
     * which must be the one the walk came from.
     */
    private static final class Walk implements AutoCloseable {
        private static final int DEEPEST = 1024;
        /** The names of directories that wait are bounded for the whole walk, but for a few that each level may have. */
        private static final int MOST_NAMES = 8192;
        private static final int FEWEST_A_LEVEL = 16;
        private static final boolean LINUX = Os.current() == Os.LINUX;
        private static final int FLAGS = LINUX
                ? Abi.host().value("O_PATH", 0)
                : Constants.O_RDONLY | Constants.O_NONBLOCK;
        private static final Name PARENT = Name.of("..");

        private final Permit<ChownTree, Rule> permit;
        private final Deque<Level> levels = new ArrayDeque<>();
        private @Nullable Fd here;
        private int names;

        /** A directory that the walk is in or has to come back to. */
        private static final class Level {
            private final Name name;
            private final FileStatus status;
            private final Deque<Name> directories = new ArrayDeque<>();
            private int seen;
            private boolean complete;

            private Level(Name name, FileStatus status) {
                this.name = name;
                this.status = status;
            }
        }

        private Walk(Permit<ChownTree, Rule> permit) {
            this.permit = permit;
        }

        private void chown(Fd parent, Name name) throws IOException {
            enter(parent, name);
            while (!levels.isEmpty()) {
                Level level = levels.peek();
                if (level.directories.isEmpty() && !level.complete)
                    list(level);
                if (level.directories.isEmpty()) {
                    leave(level);
                } else {
                    names--;
                    enter(here, level.directories.poll());
                }
            }
        }

        /** Changes a file; a directory is opened, and changed when all in it is. */
        private void enter(Fd parent, Name name) throws IOException {
            FileStatus status = changedUnlessDirectory(parent, name);
            if (!status.isDirectory())
                return;
            if (levels.size() > DEEPEST)
                throw new IOException(permit.request().path + " is more than " + DEEPEST + " directories deep");
            Fd inside = permit.host().beneath().inside(parent, name, DirectoryEntries.LISTING);
            try {
                if (!FileStatus.of(inside, name.toString()).isSameFile(status))
                    throw new IOException(name + " was replaced by another directory meanwhile");
            } catch (IOException | RuntimeException | Error e) {
                inside.close();
                throw e;
            }
            levels.push(new Level(name, status));
            move(inside);
        }

        private void leave(Level level) throws IOException {
            give(here, level.name);
            levels.pop();
            if (levels.isEmpty())
                return;
            Level above = levels.peek();
            move(DirectoryEntries.open(here, PARENT, DirectoryEntries.LISTING));
            if (!FileStatus.of(here, above.name.toString()).isSameFile(above.status))
                throw new IOException(level.name + " was moved to another directory meanwhile");
        }

        private void move(Fd directory) {
            close();
            here = directory;
        }

        /** Changes the files from where the last listing ended, until there are as many directories as may wait. */
        private void list(Level level) throws IOException {
            int most = Math.max(FEWEST_A_LEVEL, (MOST_NAMES - names) / 4);
            int[] at = {0};
            level.complete = DirectoryEntries.visit(here, name -> {
                if (at[0]++ < level.seen)
                    return true;
                level.seen++;
                if (changedUnlessDirectory(here, name).isDirectory())
                    level.directories.add(name);
                return level.directories.size() < most;
            });
            names += level.directories.size();
        }

        private FileStatus changedUnlessDirectory(Fd parent, Name name) throws IOException {
            permit.requireTime("fchownat", name);
            if (!LINUX) {
                FileStatus status = FileStatus.of(parent, name);
                if (!status.isRegular() && !status.isDirectory())
                    return status;
            }
            try (Fd file = permit.host().beneath().inside(parent, name, FLAGS)) {
                FileStatus status = FileStatus.of(file, name.toString());
                requireOwned(status, name);
                if (!status.isDirectory())
                    give(file, name);
                return status;
            }
        }

        private void requireOwned(FileStatus status, Name name) throws RefusedException {
            if (!permit.rule().from.contains(status.uid()))
                throw permit.refusal(name + " belongs to " + Integer.toUnsignedString(status.uid()) + ", not to "
                        + permit.rule().from);
            if (!status.isDirectory() && status.links() > 1)
                throw permit.refusal(name + " has " + status.links() + " hard links");
        }

        private void give(Fd file, Name name) throws ErrnoException {
            int uid = permit.request().uid;
            int gid = permit.request().gid;
            try (Arena arena = Arena.ofConfined()) {
                check("fchownat", name, LINUX
                        ? Directories.fchownat(file.intValue(), arena.allocateFrom("").address(), uid, gid,
                                Abi.host().value("AT_EMPTY_PATH", 0))
                        : Directories.fchown(file.intValue(), uid, gid));
            }
        }

        @Override
        public void close() {
            if (here != null)
                here.close();
            here = null;
        }
    }
}
