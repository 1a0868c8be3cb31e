package org.imsg.privsep.ops;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.imsg.unix.OpenFlag;

/** One line of a policy. */
sealed interface Rule {
    /** The file, the line and what stands there. */
    String origin();

    /** Whether it allows a request that is of its kind. */
    Verdict verdict(Request request);

    private static Verdict modeObjection(int allowed, int asked) {
        return Verdict.objection(String.format("allows a mode of 0%o, not of 0%o", allowed, asked));
    }

    record OpenRule(String origin, Target target, Set<Access> access, boolean links, boolean special,
            Optional<IdRange> owner, int mode) implements Rule {
        @Override
        public Verdict verdict(Request request) {
            if (!(request instanceof Request.Open open) || target.find(open.path()).isEmpty())
                return Verdict.NOT_CONCERNED;
            if (open.reads() && !access.contains(Access.READ))
                return Verdict.objection("does not allow to read");
            if (open.writes() && !access.contains(Access.WRITE) && !appendsOnly(open))
                return Verdict.objection("does not allow to write");
            if (open.creates() && !access.contains(Access.CREATE))
                return Verdict.objection("does not allow to create");
            if (open.creates() && (open.mode() & ~mode) != 0)
                return modeObjection(mode, open.mode());
            return Verdict.ALLOWED;
        }

        private boolean appendsOnly(Request.Open open) {
            return access.contains(Access.APPEND) && open.appends() && !open.truncates();
        }

        /** What of a file that was opened goes against the rule; its name may have meant another file before. */
        Optional<String> objection(Status file, Request.Open open) {
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

        boolean mayWrite(Request.Open open) {
            return open.flags().contains(OpenFlag.WRITE) || open.flags().contains(OpenFlag.READ_WRITE);
        }
    }

    record BindRule(String origin, SocketKind kind, Endpoint endpoint, boolean reuse, int backlog, int mode)
            implements
                Rule {
        @Override
        public Verdict verdict(Request request) {
            if (!(request instanceof Request.Bind bind) || bind.kind() != kind
                    || !endpoint.covers(bind.address(), bind.port()))
                return Verdict.NOT_CONCERNED;
            if (bind.reuse() && !reuse)
                return Verdict.objection("does not allow reuse");
            if (kind.isStream() && Integer.compareUnsigned(bind.backlog(), backlog) > 0)
                return Verdict.objection("allows a backlog of " + backlog + ", not of "
                        + Integer.toUnsignedString(bind.backlog()));
            if (kind.isUnix() && (bind.mode() & ~mode) != 0)
                return modeObjection(mode, bind.mode());
            return Verdict.ALLOWED;
        }
    }

    record ConnectRule(String origin, SocketKind kind, Endpoint endpoint) implements Rule {
        @Override
        public Verdict verdict(Request request) {
            return request instanceof Request.Connect connect && connect.kind() == kind
                    && endpoint.covers(connect.address(), connect.port()) ? Verdict.ALLOWED : Verdict.NOT_CONCERNED;
        }
    }

    /** Under one user, or where there are users each time under another of them that has no process. */
    record RunRule(String origin, IdRange users, boolean unique, Optional<Integer> group, Optional<Target> under,
            Optional<IdRange> own, String program, List<String> arguments, Map<String, String> fixedEnvironment,
            Set<String> environment,
            Optional<Duration> time) implements Rule {
        @Override
        public Verdict verdict(Request request) {
            if (!(request instanceof Request.Run run) || !run.program().equals(program))
                return Verdict.NOT_CONCERNED;
            if (!argumentsMatch(run.arguments()))
                return Verdict.objection("does not allow the arguments " + run.arguments());
            if (!run.directory().isEmpty() && under.flatMap(target -> target.find(run.directory())).isEmpty())
                return Verdict.objection("does not allow the directory " + run.directory());
            for (String variable : run.environment()) {
                String name = variable.substring(0, variable.indexOf('='));
                if (!environment.contains(name))
                    return Verdict.objection("does not allow the variable " + name);
            }
            return Verdict.ALLOWED;
        }

        private boolean argumentsMatch(List<String> asked) {
            boolean open = !arguments.isEmpty() && arguments.getLast().equals("...");
            int fixed = open ? arguments.size() - 1 : arguments.size();
            if (open ? asked.size() < fixed : asked.size() != fixed)
                return false;
            for (int i = 0; i < fixed; i++)
                if (!arguments.get(i).equals("*") && !arguments.get(i).equals(asked.get(i)))
                    return false;
            return true;
        }
    }

    record ChownRule(String origin, Target target, IdRange from, IdRange uids, IdRange gids) implements Rule {
        @Override
        public Verdict verdict(Request request) {
            if (!(request instanceof Request.Chown chown) || target.find(chown.path()).isEmpty())
                return Verdict.NOT_CONCERNED;
            if (!uids.contains(chown.uid()) || !gids.contains(chown.gid()))
                return Verdict.objection("allows owners " + uids + ":" + gids + ", not "
                        + Integer.toUnsignedString(chown.uid()) + ":" + Integer.toUnsignedString(chown.gid()));
            return Verdict.ALLOWED;
        }
    }

    record RemoveRule(String origin, Target target) implements Rule {
        @Override
        public Verdict verdict(Request request) {
            return request instanceof Request.Remove remove && target.find(remove.path()).isPresent()
                    ? Verdict.ALLOWED
                    : Verdict.NOT_CONCERNED;
        }
    }

    record LookupRule(String origin, Set<Lookup> kinds) implements Rule {
        @Override
        public Verdict verdict(Request request) {
            return request instanceof Request.Find find && kinds.contains(find.kind())
                    ? Verdict.ALLOWED
                    : Verdict.NOT_CONCERNED;
        }
    }

    record ClockRule(String origin, Optional<Duration> within) implements Rule {
        @Override
        public Verdict verdict(Request request) {
            return request instanceof Request.SetClock ? Verdict.ALLOWED : Verdict.NOT_CONCERNED;
        }
    }
}
