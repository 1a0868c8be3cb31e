package org.imsg.harness.conformance;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.imsg.harness.conformance.Report.Outcome;
import org.imsg.harness.conformance.Report.Status;

/**
 * A suite of cases for a daemon's socket: framing, lengths, descriptors, ends and load. Every case is over connections of its own;
 * after each, a new client must be answered. The daemon is sent its own request, and messages of a type it does not know. The first
 * answers show what every later one must be: types and lengths, peerid and pid, and the payload if the daemon sends it back. A
 * case that makes no sense for a daemon is left out; one that could not look at what it is about is "not tested", and those
 * after the one that ended the daemon are "not run".
 */
public final class Conformance {
    /** The case that is looked at before the others. */
    private static final String UNKNOWN_TYPE = "unknown-type";

    private final Target target;
    private final Predicate<String> wanted;

    /**
     * All cases for a target.
     *
     * @param target the daemon
     */
    public Conformance(Target target) {
        this(target, _ -> true);
    }

    /**
     * Some cases for a target.
     *
     * @param target the daemon
     * @param wanted decides by a case's name
     */
    public Conformance(Target target, Predicate<String> wanted) {
        this.target = target;
        this.wanted = wanted;
    }

    private static List<Case> cases() {
        List<Case> cases = new ArrayList<>(FramingCases.all());
        cases.addAll(DescriptorCases.all());
        cases.addAll(ConnectionCases.all());
        return cases;
    }

    /** {@return the names of all cases, in their order} */
    public static List<String> names() {
        return cases().stream().map(Case::name).toList();
    }

    /**
     * Runs the cases, one after the other.
     *
     * @param progress is told each outcome at once, but for cases that are not run
     * @return all outcomes
     * @throws IOException if the daemon cannot be connected to, or does not answer the request at all
     */
    public Report run(Consumer<Outcome> progress) throws IOException {
        List<Outcome> outcomes = new ArrayList<>();
        Consumer<Outcome> kept = outcomes::add;
        String gone = run(cases().stream().filter(one -> wanted.test(one.name())).toList(), kept,
                kept.andThen(progress));
        return new Report(target.socket().toString(), outcomes, gone);
    }

    /** Returns the case after which the daemon was gone; empty if it is still there. */
    private String run(List<Case> cases, Consumer<Outcome> kept, Consumer<Outcome> told) throws IOException {
        CaseContext context;
        try {
            context = CaseContext.explore(target);
        } catch (CaseClient.Failed e) {
            cases.forEach(one -> told.accept(new Outcome(one.group(), one.name(), one.inC(), Status.FAILED,
                    "a request is not answered with messages: " + e.getMessage(), Duration.ZERO)));
            return "";
        }
        String gone = isServed(context) ? "" : UNKNOWN_TYPE;
        for (Case one : cases) {
            if (gone.equals(UNKNOWN_TYPE) && gone.equals(one.name()))
                told.accept(run(one, context));
            else if (!gone.isEmpty())
                kept.accept(new Outcome(one.group(), one.name(), one.inC(), Status.NOT_RUN,
                        "the daemon is gone since " + gone, Duration.ZERO));
            else if (one.applies().test(context)) {
                Outcome outcome = run(one, context);
                told.accept(outcome);
                gone = outcome.status() != Status.FAILED || isServed(context) ? "" : one.name();
            }
        }
        return gone;
    }

    private static Outcome run(Case one, CaseContext context) {
        long start = System.nanoTime();
        Status status;
        String remark;
        try {
            remark = one.check().run(context);
            status = Status.PASSED;
        } catch (UntestedCase e) {
            remark = e.getMessage();
            status = Status.NOT_TESTED;
        } catch (CaseClient.Failed | IOException e) {
            remark = e.getMessage();
            status = Status.FAILED;
        }
        String after = aliveAfter(context);
        if (!after.isEmpty()) {
            remark = status == Status.FAILED ? remark + "; " + after : after;
            status = Status.FAILED;
        }
        return new Outcome(one.group(), one.name(), one.inC(), status, String.valueOf(remark),
                Duration.ofNanos(System.nanoTime() - start));
    }

    /** Whether a new client gets any answer. */
    private static boolean isServed(CaseContext context) {
        try (CaseClient client = context.connect()) {
            client.request();
            return !client.untilSilence().isEmpty();
        } catch (IOException _) {
            return false;
        } catch (CaseClient.Failed _) {
            return true;
        }
    }

    /** The fault of a new client's connection; empty if there is none. */
    private static String aliveAfter(CaseContext context) {
        try (CaseClient client = context.connect()) {
            client.request();
            context.awaitAnswer(client);
            return client.daemon() == context.daemon()
                    ? ""
                    : "the daemon died: process " + context.daemon() + " listened before, now process "
                            + client.daemon() + " does";
        } catch (IOException e) {
            return "afterwards no client can connect: " + e.getMessage();
        } catch (CaseClient.Failed e) {
            return "afterwards a new client is not served: " + e.getMessage();
        }
    }
}
