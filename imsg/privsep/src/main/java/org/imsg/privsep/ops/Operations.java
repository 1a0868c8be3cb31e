package org.imsg.privsep.ops;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.imsg.unix.ErrnoException;
import org.imsg.unix.Fd;

/** Does what a rule has allowed; what does not wait for a program's end. */
final class Operations {
    private final Beneath beneath;
    private final OpenedFiles files;
    private final BoundSockets sockets;
    private final Lookups lookups;
    private final SystemClock clock;

    Operations(Beneath beneath, NameFiles names, SystemClock clock) {
        this.beneath = beneath;
        this.files = new OpenedFiles(beneath);
        this.sockets = new BoundSockets(beneath);
        this.lookups = new Lookups(names);
        this.clock = clock;
    }

    /**
     * Asks the policy, and then does it; where it takes long, until the deadline, in terms of {@link System#nanoTime}, or until
     * it is said to have expired, which may be before.
     */
    Answer perform(Policy policy, Request request, long deadline, BooleanSupplier expired) throws IOException {
        return switch (request) {
            case Request.Open open -> passed(files.open((Rule.OpenRule) policy.allowing(open), open));
            case Request.Bind bind -> passed(sockets.bind((Rule.BindRule) policy.allowing(bind), bind));
            case Request.Connect connect ->
                passed(sockets.connect((Rule.ConnectRule) policy.allowing(connect), connect, deadline));
            case Request.Chown chown -> chown((Rule.ChownRule) policy.allowing(chown), chown, expired);
            case Request.Remove remove -> remove((Rule.RemoveRule) policy.allowing(remove), remove, expired);
            case Request.Find find -> {
                policy.allowing(find);
                yield lookups.find(find).map(Answer::done).orElseGet(Answer::absent);
            }
            case Request.SetClock set -> setClock((Rule.ClockRule) policy.allowing(set), set);
            case Request.Run run -> throw new IllegalStateException(run + " is not done here");
            case Request.Kill kill -> throw new IllegalStateException(kill + " is not done here");
        };
    }

    private static Answer passed(Fd fd) {
        return Answer.descriptor(fd);
    }

    private Answer chown(Rule.ChownRule rule, Request.Chown request, BooleanSupplier expired) throws IOException {
        Target.Found found = rule.target().find(request.path()).orElseThrow();
        try (Fd parent = parent(found, rule, request)) {
            ChownedTree.chown(beneath, parent, Name.of(found.name()), rule, request, expired);
        }
        return Answer.done(List.of());
    }

    private Answer remove(Rule.RemoveRule rule, Request.Remove request, BooleanSupplier expired) throws IOException {
        Target.Found found = rule.target().find(request.path()).orElseThrow();
        try (Fd parent = parent(found, rule, request)) {
            RemovedTree.remove(beneath, parent, Name.of(found.name()), expired);
        }
        return Answer.done(List.of());
    }

    private Fd parent(Target.Found found, Rule rule, Request request) throws IOException {
        try {
            return beneath.parent(found);
        } catch (ErrnoException e) {
            if (Beneath.isEscape(e))
                throw new RefusedException(rule.origin(), "there is a symbolic link in the way, asked was to "
                        + request);
            throw e;
        }
    }

    private Answer setClock(Rule.ClockRule rule, Request.SetClock request) throws IOException {
        Instant now = clock.now();
        Duration given = Duration.ofSeconds(request.seconds(), request.nanoseconds());
        Duration change = request.relative() ? given : Duration.between(now, Instant.EPOCH.plus(given));
        Optional<Duration> within = rule.within();
        if (within.isPresent() && change.abs().compareTo(within.get()) > 0)
            throw new RefusedException(rule.origin(), "the clock may be changed by " + within.get().toSeconds()
                    + " s, not by " + change.toSeconds() + " s");
        clock.set(now.plus(change));
        return Answer.done(List.of());
    }
}
