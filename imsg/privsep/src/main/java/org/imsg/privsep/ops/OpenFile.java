package org.imsg.privsep.ops;

import static org.imsg.unix.ErrnoException.check;

import java.io.IOException;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.imsg.Ibuf;
import org.imsg.privsep.ops.Operation.Effect;
import org.imsg.privsep.ops.PolicyPath.Place;
import org.imsg.sys.Abi;
import org.imsg.sys.Constants;
import org.imsg.sys.Directories;
import org.imsg.sys.Posix;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.imsg.unix.OpenFlag;

/** Opens a file beneath what a rule names, and looks at the opened file before the child gets it. */
record OpenFile(String path, Set<OpenFlag> flags, int mode) implements Operation.Request {
    static final Operation<OpenFile, Rule> OPERATION = new Operation<>(Effect.CHANGE, 1, "open", OpenFile::read,
            Rule::of, OpenFile::perform);
    private static final OpenFlag[] FLAGS = OpenFlag.values();
    private static final int MODE_BITS = 0777;
    private static final int USUAL_MODE = 0666;
    /** How often a file may come and go between two looks. */
    private static final int ATTEMPTS = 16;

    /** The words of a line that say what the child may do with the file. */
    private enum Use {
        READ, WRITE, APPEND, CREATE
    }

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
        int bits = 0;
        for (OpenFlag flag : flags)
            bits |= 1 << flag.ordinal();
        Fields.addString(payload, path).addN32(bits).addN32(mode);
    }

    private static OpenFile read(Fields fields) throws MalformedRequestException {
        String path = fields.string("path");
        int bits = fields.n32("flags");
        if (bits >>> FLAGS.length != 0)
            throw new MalformedRequestException("there are " + FLAGS.length + " flags, not 0x"
                    + Integer.toHexString(bits));
        Set<OpenFlag> flags = EnumSet.noneOf(OpenFlag.class);
        for (OpenFlag flag : FLAGS)
            if ((bits >> flag.ordinal() & 1) != 0)
                flags.add(flag);
        if (Integer.bitCount(bits & 7) > 1)
            throw new MalformedRequestException("a file is opened READ, WRITE or READ_WRITE, not " + flags);
        return new OpenFile(path, flags, fields.n32("mode"));
    }

    private boolean has(OpenFlag flag) {
        return flags.contains(flag);
    }

    private boolean writes() {
        return has(OpenFlag.WRITE) || has(OpenFlag.READ_WRITE) || has(OpenFlag.TRUNCATE);
    }

    private boolean creates() {
        return has(OpenFlag.CREATE) || has(OpenFlag.CREATE_NEW);
    }

    @Override
    public String toString() {
        return "open " + path + " " + flags;
    }

    /** {@code open ACCESS[,ACCESS] [links] [special] [mounts] [owner=IDS] [group=GID] [mode=0666] PATH}. */
    record Rule(PolicyPath path, Set<Use> uses, boolean links, boolean special,
            Optional<IdRange> owner, Optional<IdRange> group, int mode) implements Operation.Rule<OpenFile> {
        static Rule of(PolicyLine line) {
            Set<Use> uses = PolicyLine.set(Use.class,
                    List.of(line.next("read, write, append or create").split(",", -1)));
            line.options("links", "special", "mounts", "owner=", "group=", "mode=");
            Optional<IdRange> owner = line.users("owner=");
            Optional<IdRange> group = line.groups("group=");
            group.ifPresent(IdRange::one);
            if (uses.contains(Use.CREATE))
                owner.ifPresent(IdRange::one);
            if (group.isPresent() && (owner.isEmpty() || !uses.contains(Use.CREATE)))
                throw new IllegalArgumentException("expected create and owner= beside group=");
            return new Rule(line.path(), uses, line.has("links"), line.has("special"), owner, group,
                    line.mode("mode=", USUAL_MODE));
        }

        @Override
        public Verdict verdict(OpenFile open) {
            if (path.find(open.path).isEmpty())
                return Verdict.NOT_CONCERNED;
            if (!open.has(OpenFlag.WRITE) && !uses.contains(Use.READ))
                return Verdict.objection("does not allow to read");
            if (open.writes() && !uses.contains(Use.WRITE) && !appendsOnly(open))
                return Verdict.objection("does not allow to write");
            if (open.creates() && !uses.contains(Use.CREATE))
                return Verdict.objection("does not allow to create");
            if (open.creates() && (open.mode & ~mode) != 0)
                return Verdict.modeObjection(mode, open.mode);
            return Verdict.ALLOWED;
        }

        private boolean appendsOnly(OpenFile open) {
            return uses.contains(Use.APPEND) && open.has(OpenFlag.APPEND) && !open.has(OpenFlag.TRUNCATE);
        }

        /** Looks at an opened file, for its name may have meant another file before. */
        private Optional<String> objection(FileStatus file) {
            if (!special && !file.isRegular())
                return Optional.of("not a regular file");
            if (special && file.isDirectory())
                return Optional.of("a directory");
            if (!links && file.links() > 1)
                return Optional.of("the file has " + file.links() + " hard links");
            if (owner.isPresent() && !owner.get().contains(file.uid()))
                return Optional.of("the file's owner is " + Integer.toUnsignedString(file.uid()) + ", not "
                        + owner.get());
            return Optional.empty();
        }
    }

    private static Answer perform(Permit<OpenFile, Rule> permit) throws IOException {
        OpenFile request = permit.request();
        Fd file = opened(permit);
        try {
            Optional<String> objection = permit.rule().objection(FileStatus.of(file, request.path));
            if (objection.isPresent())
                throw permit.refusal(objection.get());
            request.settle(file);
            return Answer.descriptor(file);
        } catch (IOException | RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private static Fd opened(Permit<OpenFile, Rule> permit) throws IOException {
        OpenFile request = permit.request();
        if (!request.creates() || permit.rule().owner.isEmpty())
            return opened(permit, request.systemFlags());
        int existing = request.systemFlags() & ~(Constants.O_CREAT | Constants.O_EXCL);
        for (int i = 0; i < ATTEMPTS; i++) {
            try {
                return created(permit);
            } catch (ErrnoException e) {
                if (e.number() != Errno.number("EEXIST") || request.has(OpenFlag.CREATE_NEW))
                    throw e;
            }
            try {
                return opened(permit, existing);
            } catch (ErrnoException e) {
                if (e.number() != Constants.ENOENT)
                    throw e;
            }
        }
        throw new ErrnoException("open", request.path, Constants.EAGAIN);
    }

    /** A file that was not there before, given to the rule's owner. */
    private static Fd created(Permit<OpenFile, Rule> permit) throws IOException {
        Fd file = opened(permit, permit.request().systemFlags() | Constants.O_EXCL);
        try {
            int uid = (int) permit.rule().owner.orElseThrow().first();
            int gid = permit.rule().group.map(group -> (int) group.first()).orElse(-1);
            check("fchown", permit.request().path, Directories.fchown(file.intValue(), uid, gid));
            return file;
        } catch (IOException | RuntimeException | Error e) {
            removeAgain(permit, file);
            file.close();
            throw e;
        }
    }

    /** With another owner it would be in the way of the next request. */
    private static void removeAgain(Permit<OpenFile, Rule> permit, Fd file) {
        Place place = permit.rule().path.find(permit.request().path).orElseThrow();
        try (Fd parent = permit.parent(place)) {
            Name name = Name.of(place.name());
            if (FileStatus.of(parent, name).isSameFile(FileStatus.of(file, permit.request().path)))
                DirectoryEntries.unlink(parent, name, 0);
        } catch (IOException _) {
            // The child is told of the first failure.
        }
    }

    private static Fd opened(Permit<OpenFile, Rule> permit, int flags) throws IOException {
        OpenFile request = permit.request();
        Rule rule = permit.rule();
        Place place = rule.path.find(request.path).orElseThrow();
        try {
            if (!rule.special && (flags & Constants.O_EXCL) == 0)
                refuseSpecial(permit, place);
            return permit.open(place, flags, request.mode & MODE_BITS);
        } catch (ErrnoException e) {
            // A socket's file, or a pipe without a reader.
            if (e.number() == Errno.number("ENXIO"))
                throw permit.refusal("not a regular file");
            throw new ErrnoException("open", request.path, e.number());
        }
    }

    /** Before it is opened: that alone does something to a device, or to who waits at the other end of a pipe. */
    private static void refuseSpecial(Permit<OpenFile, Rule> permit, Place place) throws IOException {
        try (Fd parent = permit.parent(place)) {
            FileStatus there = FileStatus.of(parent, Name.of(place.name()));
            if (!there.isRegular() && !there.isDirectory() && !there.isLink())
                throw permit.refusal("not a regular file");
        } catch (ErrnoException _) {
            // open(2) says what is wrong, or makes the file.
        }
    }

    /** Leaves O_TRUNC out, for the file is looked at first; O_NONBLOCK keeps a pipe from waiting for its other end. */
    private int systemFlags() {
        int bits = Constants.O_NONBLOCK | Abi.host().value("O_NOCTTY");
        if (has(OpenFlag.READ_WRITE))
            bits |= Constants.O_RDWR;
        else if (has(OpenFlag.WRITE))
            bits |= Constants.O_WRONLY;
        if (has(OpenFlag.APPEND))
            bits |= Constants.O_APPEND;
        if (creates())
            bits |= Constants.O_CREAT;
        if (has(OpenFlag.CREATE_NEW))
            bits |= Constants.O_EXCL;
        return bits;
    }

    private void settle(Fd file) throws ErrnoException {
        if (has(OpenFlag.TRUNCATE) && !has(OpenFlag.CREATE_NEW))
            check("ftruncate", path, Directories.ftruncate(file.intValue(), 0));
        if (!has(OpenFlag.NONBLOCK)) {
            int bits = check("fcntl", path, Posix.fcntl(file.intValue(), Constants.F_GETFL, 0));
            check("fcntl", path, Posix.fcntl(file.intValue(), Constants.F_SETFL, bits & ~Constants.O_NONBLOCK));
        }
    }
}
