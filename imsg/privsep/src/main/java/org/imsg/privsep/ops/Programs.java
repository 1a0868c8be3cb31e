package org.imsg.privsep.ops;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.imsg.unix.Child;
import org.imsg.unix.Errno;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/** Starts programs under other users, for all children of a monitor. */
final class Programs {
    private static final int SIGKILL = 9;

    private final Beneath beneath;
    private final Launcher launcher;
    private final UserPool users = new UserPool();

    Programs(Beneath beneath, Launcher launcher) {
        this.beneath = beneath;
        this.launcher = launcher;
    }

    /** Starts a child process with nothing but the rights of a user and a group. */
    @FunctionalInterface
    interface Launcher {
        Child start(Child.Builder program, int uid, int gid) throws IOException;
    }

    /** A program that runs, and our ends of its pipes until they are passed on. */
    final class Running implements AutoCloseable {
        private final Rule.RunRule rule;
        private final int uid;
        private final Child child;
        final Fd.Pair stdin;
        final Fd.Pair stdout;
        final Fd.Pair stderr;

        private Running(Rule.RunRule rule, int uid, Child child, Fd.Pair stdin, Fd.Pair stdout, Fd.Pair stderr) {
            this.rule = rule;
            this.uid = uid;
            this.child = child;
            this.stdin = stdin;
            this.stdout = stdout;
            this.stderr = stderr;
        }

        int pid() {
            return child.pid();
        }

        int uid() {
            return uid;
        }

        void kill(int signal) {
            child.kill(signal);
        }

        /** Waits for the end, at most so long, and for the end of everything else of a user that was its own. */
        Child.ExitStatus await(Optional<Duration> limit) throws InterruptedException {
            if (limit.isEmpty())
                return child.waitFor();
            Optional<Child.ExitStatus> status = child.waitFor(limit.get());
            if (status.isPresent())
                return status.get();
            child.kill(SIGKILL);
            return child.waitFor();
        }

        /** Ends it if it has not ended, and gives the user back. */
        @Override
        public void close() {
            try (stdin; stdout; stderr) {
                child.kill(SIGKILL);
                awaitUninterrupted();
            } finally {
                if (rule.unique())
                    users.give(uid);
            }
        }

        private void awaitUninterrupted() {
            boolean interrupted = false;
            for (;;) {
                try {
                    child.waitFor();
                    break;
                } catch (InterruptedException _) {
                    interrupted = true;
                }
            }
            if (interrupted)
                Thread.currentThread().interrupt();
        }
    }

    /** Starts one, unless the time is over before it has the directory that is to be its own. */
    Running start(Rule.RunRule rule, Request.Run request, BooleanSupplier expired) throws IOException {
        int uid = rule.unique()
                ? users.take(rule.users()).orElseThrow(() -> new ErrnoException("setresuid",
                        "every uid of " + rule.users() + " is taken", Errno.number("EAGAIN")))
                : (int) rule.users().first();
        Fd.Pair[] pipes = new Fd.Pair[3];
        try {
            for (int i = 0; i < pipes.length; i++)
                pipes[i] = Fd.pipe();
            Child child = start(rule, request, uid, pipes, expired);
            pipes[0].first().close();
            pipes[1].second().close();
            pipes[2].second().close();
            return new Running(rule, uid, child, pipes[0], pipes[1], pipes[2]);
        } catch (IOException | RuntimeException | Error e) {
            for (Fd.Pair pipe : pipes)
                if (pipe != null)
                    pipe.close();
            if (rule.unique())
                users.give(uid);
            throw e;
        }
    }

    private Child start(Rule.RunRule rule, Request.Run request, int uid, Fd.Pair[] pipes, BooleanSupplier expired)
            throws IOException {
        if (rule.own().isPresent() && !request.directory().isEmpty())
            giveDirectory(rule, request, uid, expired);
        try (Fd directory = directory(rule, request)) {
            Child.Builder builder = Child.of(Path.of(rule.program()), request.arguments().toArray(String[]::new))
                    .descriptor(0, pipes[0].first()).descriptor(1, pipes[1].second())
                    .descriptor(2, pipes[2].second()).directory(directory);
            environment(rule, request).forEach(builder::environment);
            return launcher.start(builder, uid, rule.group().orElse(uid));
        }
    }

    private Fd directory(Rule.RunRule rule, Request.Run request) throws IOException {
        if (request.directory().isEmpty())
            return Beneath.directory("/");
        Target.Found found = rule.under().orElseThrow().find(request.directory()).orElseThrow();
        try (Fd root = Beneath.directory(found.root())) {
            return beneath.open(root, found.relative(), Trees.PASSAGE, 0);
        } catch (ErrnoException e) {
            if (Beneath.isEscape(e))
                throw new RefusedException(rule.origin(), "there is a symbolic link in the way, asked was to "
                        + request);
            throw e;
        }
    }

    /** As if the child had asked for it, which cannot know the uid. */
    private void giveDirectory(Rule.RunRule rule, Request.Run request, int uid, BooleanSupplier expired)
            throws IOException {
        Target.Found found = rule.under().orElseThrow().find(request.directory()).orElseThrow();
        int gid = rule.group().orElse(uid);
        Rule.ChownRule chown = new Rule.ChownRule(rule.origin(), rule.under().get(), rule.own().get(),
                IdRange.of(uid), IdRange.of(gid));
        try (Fd parent = beneath.parent(found)) {
            ChownedTree.chown(beneath, parent, Name.of(found.name()), chown,
                    new Request.Chown(request.directory(), uid, gid), expired);
        }
    }

    private static Map<String, String> environment(Rule.RunRule rule, Request.Run request) {
        Map<String, String> variables = new LinkedHashMap<>(rule.fixedEnvironment());
        for (String variable : request.environment()) {
            int equals = variable.indexOf('=');
            variables.put(variable.substring(0, equals), variable.substring(equals + 1));
        }
        return variables;
    }
}
