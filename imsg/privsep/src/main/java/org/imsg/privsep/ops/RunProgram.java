package org.imsg.privsep.ops;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import org.imsg.Ibuf;
import org.imsg.privsep.ops.Operation.Effect;
import org.imsg.privsep.ops.PolicyPath.Place;
import org.imsg.privsep.rights.Access;
import org.imsg.privsep.rights.Confinement;
import org.imsg.privsep.rights.ControlGroup;
import org.imsg.privsep.rights.GroupLimits;
import org.imsg.privsep.rights.Ids;
import org.imsg.privsep.rights.Namespace;
import org.imsg.privsep.rights.PrivilegeException;
import org.imsg.privsep.rights.Promise;
import org.imsg.unix.Child;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;
import org.jspecify.annotations.Nullable;

/** Runs a program under another user, tells the child of its end, and leaves nothing of it behind. */
record RunProgram(String program, List<String> arguments, List<String> environment, String directory, String user,
        List<Integer> descriptors) implements Operation.Request {
    static final Operation<RunProgram, Rule> OPERATION = new Operation<>(Effect.GOES_ON, 4, "run", RunProgram::read,
            Rule::of, RunProgram::perform);

    /** A program under a user whom its line says. */
    RunProgram(String program, List<String> arguments, List<String> environment, String directory,
            List<Integer> descriptors) {
        this(program, arguments, environment, directory, "", descriptors);
    }

    @Override
    public int number() {
        return OPERATION.number();
    }

    @Override
    public List<String> paths() {
        return directory.isEmpty() ? List.of() : List.of(directory);
    }

    @Override
    public void addTo(Ibuf payload) {
        Fields.addString(payload, program);
        Fields.addList(payload, arguments);
        Fields.addList(payload, environment);
        Fields.addString(payload, directory);
        Fields.addString(payload, user);
        payload.addN8(descriptors.size());
        descriptors.forEach(payload::addN8);
    }

    private static RunProgram read(Fields fields) throws MalformedRequestException {
        RunProgram run = new RunProgram(fields.string("program"), fields.list("arguments"),
                fields.list("environment"), fields.string("directory"), fields.string("user"), new ArrayList<>());
        for (String variable : run.environment)
            if (variable.indexOf('=') < 1)
                throw new MalformedRequestException("a variable is NAME=value, not " + variable);
        for (int left = fields.n8("descriptors"); left > 0; left--)
            run.descriptors.add(Handed.number(fields));
        return run;
    }

    @Override
    public String toString() {
        return "run " + program + " " + arguments + (user.isEmpty() ? "" : " as " + LogText.shortened(user));
    }

    /**
     * {@code run user=UID|users=FIRST-LAST|as=WHO [OPTION...] PROGRAM [ARGUMENT...]}. {@link Privileged#run(Program)} explains the
     * options.
     */
    record Rule(RunAs as, Optional<PolicyPath> under,
            Optional<IdRange> own, Map<String, String> fixedEnvironment, Set<String> environment,
            Optional<Duration> time, Optional<IdRange> descriptors, ProgramLimits limits, Confinement confinement,
            boolean rooted, String program,
            List<PolicyLine.Word> arguments) implements Operation.Rule<RunProgram> {
        private static final Map<Integer, Access> UNVEIL = Map.of((int) 'r', Access.READ, (int) 'w', Access.WRITE,
                (int) 'c', Access.CREATE, (int) 'x', Access.EXEC);

        private static Rule of(PolicyLine line) {
            List<String> options = new ArrayList<>(List.of(RunAs.OPTIONS));
            options.addAll(
                    List.of("under=", "mounts", "own=", "environment=", "time=", "descriptors=", "promises=", "unveil=",
                            "namespaces=", "chroot=", "nice="));
            options.addAll(ProgramLimits.options());
            line.options(options.toArray(String[]::new));
            RunAs as = RunAs.of(line);
            Map<String, String> fixed = new LinkedHashMap<>();
            Set<String> free = new LinkedHashSet<>();
            for (String variable : line.option("environment=").orElse("").split(",")) {
                int equals = variable.indexOf('=');
                if (equals > 0)
                    fixed.put(variable.substring(0, equals), variable.substring(equals + 1));
                else if (!variable.isEmpty())
                    free.add(variable);
            }
            return new Rule(as, line.option("under=").map(line::path), line.users("own="), fixed, free,
                    line.seconds("time="), line.option("descriptors=").map(Rule::descriptors), ProgramLimits.of(line),
                    confinement(line),
                    line.has("chroot="), line.file("a program").toString(),
                    List.copyOf(line.rest()));
        }

        private static IdRange descriptors(String text) {
            IdRange range = text.matches("[0-9-]+") ? IdRange.parse(text, Long::parseLong) : IdRange.of(0);
            if (range.first() < Handed.FIRST || range.last() > Handed.LAST)
                throw new IllegalArgumentException("expected " + Handed.FIRST + " to " + Handed.LAST
                        + " for descriptors, not " + text);
            return range;
        }

        /** Reads the further confinement of the program; System V IPC and message queues end with each run of its own user. */
        private static Confinement confinement(PolicyLine line) {
            Confinement confinement = Confinement.none().boundingSet();
            Set<Namespace> namespaces = EnumSet.noneOf(Namespace.class);
            if (line.has("namespaces="))
                namespaces.addAll(PolicyLine.set(Namespace.class, words(line, "namespaces=")));
            if (line.has("users="))
                namespaces.add(Namespace.IPC);
            if (!namespaces.isEmpty())
                confinement = confinement.namespaces(namespaces.toArray(Namespace[]::new));
            if (line.has("promises="))
                // prlimit(1) needs the last of them.
                confinement = confinement.promise(PolicyLine.set(Promise.class, words(line, "promises="))
                        .toArray(Promise[]::new)).promise(Promise.ID);
            if (line.has("chroot=") && line.has("under="))
                throw new IllegalArgumentException("expected either chroot= or under=");
            if (line.has("chroot="))
                confinement = confinement.chroot(PolicyPath.single(line.option("chroot=").orElseThrow()));
            if (line.has("nice="))
                confinement = confinement.nice(niceness(line.option("nice=").orElseThrow()));
            if (line.has("unveil="))
                for (String word : words(line, "unveil="))
                    confinement = unveil(confinement, word);
            return confinement;
        }

        private static int niceness(String text) {
            if (!text.matches("1?[0-9]"))
                throw new IllegalArgumentException("expected 0 to 19 for nice, not " + text);
            return Integer.parseInt(text);
        }

        private static List<String> words(PolicyLine line, String option) {
            return List.of(line.option(option).orElseThrow().split(",", -1));
        }

        /** Reads {@code PATH:LETTERS} with the letters of unveil(2). */
        private static Confinement unveil(Confinement confinement, String word) {
            int colon = word.lastIndexOf(':');
            String letters = word.substring(colon + 1);
            if (colon < 0 || !letters.matches("[rwcx]+"))
                throw new IllegalArgumentException("expected PATH:rwcx for unveil, not " + word);
            return confinement.unveil(PolicyPath.single(word.substring(0, colon)),
                    letters.chars().mapToObj(UNVEIL::get).toArray(Access[]::new));
        }

        @Override
        public Verdict verdict(RunProgram run) {
            if (!run.program.equals(program))
                return Verdict.NOT_CONCERNED;
            if (as.wantsName() == run.user.isEmpty())
                return Verdict
                        .objection(as.wantsName() ? "wants the name of a user" : "does not let the child say the user");
            if (!argumentsMatch(run.arguments))
                return Verdict.objection("does not allow the arguments " + run.arguments);
            if (!run.directory.isEmpty() && under.flatMap(path -> path.find(run.directory)).isEmpty())
                return Verdict.objection("does not allow the directory " + run.directory);
            for (String variable : run.environment) {
                String name = variable.substring(0, variable.indexOf('='));
                if (!environment.contains(name))
                    return Verdict.objection("does not allow the variable " + name);
            }
            for (int number : run.descriptors)
                if (descriptors.filter(range -> range.contains(number)).isEmpty())
                    return Verdict.objection("does not allow the descriptor " + number);
            return Verdict.ALLOWED;
        }

        private boolean argumentsMatch(List<String> asked) {
            boolean open = !arguments.isEmpty() && arguments.getLast().isRest();
            int fixed = open ? arguments.size() - 1 : arguments.size();
            if (open ? asked.size() < fixed : asked.size() != fixed)
                return false;
            for (int i = 0; i < fixed; i++)
                if (!arguments.get(i).isAny() && !arguments.get(i).text().equals(asked.get(i)))
                    return false;
            return true;
        }

        private Optional<Duration> limit(Duration asked) {
            return asked.isZero() ? time : time.filter(own -> own.compareTo(asked) < 0).or(() -> Optional.of(asked));
        }
    }

    /** Runs it from start to end, in a thread that is never interrupted. */
    static Answer perform(Permit<RunProgram, Rule> permit) throws IOException {
        RunAs as = permit.rule().as;
        Ids ids = as.take(permit, permit.request().user());
        try {
            return new Run(permit, ids).perform();
        } finally {
            as.give(permit, ids);
        }
    }

    /** A run under a user. */
    private record Run(Permit<RunProgram, Rule> permit, Ids ids) {
        private Answer perform() throws IOException {
            try (ControlGroup group = group();
                    Fd.Pair stdin = Fd.pipe();
                    Fd.Pair stdout = Fd.pipe();
                    Fd.Pair stderr = Fd.pipe()) {
                Child child = start(group, stdin, stdout, stderr);
                Child.ExitStatus status;
                try {
                    permit.asker().closeHanded();
                    stdin.first().close();
                    stdout.second().close();
                    stderr.second().close();
                    permit.asker().note("runs a program as uid " + ids.uid() + ", pid "
                            + child.pid());
                    permit.asker().signals(child::kill);
                    permit.asker().send(Answer.started(child.pid(), (int) ids.uid()));
                    permit.asker().send(Answer.stream(0, stdin.second()));
                    permit.asker().send(Answer.stream(1, stdout.first()));
                    permit.asker().send(Answer.stream(2, stderr.first()));
                    status = awaited(child, permit.rule().limit(permit.time()));
                } catch (IOException | RuntimeException | Error e) {
                    child.kill(Signal.KILL);
                    awaited(child, Optional.empty());
                    throw e;
                }
                return Answer.exited(status.code(), status.signal());
            }
        }

        /** The group that ends with the run; null where the monitor makes none. */
        private @Nullable ControlGroup group() throws PrivilegeException {
            GroupLimits limits = permit.rule().limits.together();
            if (permit.host().groups().isPresent())
                return permit.host().groups().get().make("run", limits);
            if (limits.isEmpty())
                return null;
            throw new PrivilegeException("control groups", "the line limits a run by " + limits
                    + ", and its monitor was given no directory for control groups");
        }

        private static Child.ExitStatus awaited(Child child, Optional<Duration> limit) {
            try {
                Optional<Child.ExitStatus> status = limit.isPresent()
                        ? child.waitFor(limit.get())
                        : Optional.of(child.waitFor());
                if (status.isPresent())
                    return status.get();
                child.kill(Signal.KILL);
                return child.waitFor();
            } catch (InterruptedException e) {
                throw new IllegalStateException("the thread that watches over " + child + " was interrupted", e);
            }
        }

        private Child start(@Nullable ControlGroup group, Fd.Pair stdin, Fd.Pair stdout, Fd.Pair stderr)
                throws IOException {
            RunProgram request = permit.request();
            if (permit.rule().own.isPresent() && !request.directory.isEmpty())
                giveDirectory();
            Child.Builder builder = Child.of(Path.of(request.program), request.arguments.toArray(String[]::new))
                    .descriptor(0, stdin.first()).descriptor(1, stdout.second()).descriptor(2, stderr.second());
            for (int number : request.descriptors)
                builder.descriptor(number, handed(number));
            environment().forEach(builder::environment);
            if (permit.rule().rooted)
                return started(builder, group);
            try (Fd directory = directory()) {
                return started(builder.directory(directory), group);
            }
        }

        private Child started(Child.Builder builder, @Nullable ControlGroup group) throws IOException {
            Confinement confinement = confinement(group);
            Lock starting = permit.asker().starting();
            starting.lock();
            try {
                return permit.host().launcher().start(builder, confinement);
            } finally {
                starting.unlock();
            }
        }

        private Fd handed(int number) throws IOException {
            Fd fd = permit.asker().handed().get(number);
            if (fd == null)
                throw new ErrnoException("run", "descriptor " + number + ", which was not handed over",
                        Errno.number("EBADF"));
            if (FileStatus.of(fd, "descriptor " + number).isDirectory())
                throw permit.refusal("descriptor " + number + " is a directory");
            return fd;
        }

        /** Another user for good: no program it starts gets rights back. */
        private Confinement confinement(@Nullable ControlGroup group) throws IOException {
            Confinement confinement = permit.rule().limits.in(permit.rule().confinement.to(ids));
            return group == null ? confinement : confinement.controlGroup(group);
        }

        private Place place() {
            return permit.rule().under.orElseThrow().find(permit.request().directory).orElseThrow();
        }

        private Fd directory() throws IOException {
            return permit.request().directory.isEmpty()
                    ? Beneath.directory("/")
                    : permit.open(place(), DirectoryEntries.PASSAGE, 0);
        }

        /** Does what the child would have asked for had it known the uid. */
        private void giveDirectory() throws IOException {
            Rule rule = permit.rule();
            int uid = (int) ids.uid();
            int gid = (int) ids.gid();
            ChownTree.perform(permit.as(new ChownTree(permit.request().directory, uid, gid), new ChownTree.Rule(
                    rule.under.orElseThrow(), rule.own.orElseThrow(), IdRange.of(uid), IdRange.of(gid))));
        }

        private Map<String, String> environment() throws IOException {
            Map<String, String> variables = permit.rule().as.environment(permit.request().user);
            variables.putAll(permit.rule().fixedEnvironment);
            for (String variable : permit.request().environment) {
                int equals = variable.indexOf('=');
                variables.put(variable.substring(0, equals), variable.substring(equals + 1));
            }
            return variables;
        }
    }
}
